/* The owners of a zone that have something to sign: those that its cuts and DNAMEs occlude
 * are passed over. */
#ifndef LOADER_SIGN_SIGN_OWNERS_H
#define LOADER_SIGN_SIGN_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"

struct sign_owner {
	const uint8_t *name;
	size_t len;
	size_t first, end;		/* of zone->records */
	bool is_cut, has_ds;
};

/* A walk over [0, count) of a sorted zone's records, which may move meanwhile. */
struct sign_owners {
	const struct zone_records *zone;
	size_t at, count;
	const uint8_t *above;		/* the last cut or DNAME; NULL: none */
	size_t above_len;
};

__attribute__((nonnull))
void sign_owners_start(struct sign_owners *owners, const struct zone_records *zone,
		       size_t count);

/* The next one.  returns false behind the last. */
__attribute__((nonnull, warn_unused_result))
bool sign_owners_next(struct sign_owners *owners, struct sign_owner *out);

/* Is an RRset of this type signed at the owner?  At a cut only DS is. */
static inline bool
sign_owner_signs(const struct sign_owner *owner, uint16_t type)
{
	enum { DS = 43 };

	return type != ZONE_MARK_TYPE && (!owner->is_cut || type == DS);
}

#endif
