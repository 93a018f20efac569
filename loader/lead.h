/* Where an ANAME, or a CNAME of a flattened zone, leads to: the same way that workers go for
 * each query of an unsigned zone (worker/aname.h), in the live store. */
#ifndef LOADER_LEAD_H
#define LOADER_LEAD_H

#include "loader/resolve/resolved_store.h"
#include "loader/store/live_addresses.h"
#include "shm/region_resolver.h"

/* What is known of names outside of our zones. */
struct lead_source {
	struct resolved_store *resolved; /* NULL: nothing */
	struct resolver_wishes *wishes;	/* for names that the watch list does not have; or NULL */
};

/* Follow the lead of a node.
 * origin    of its zone
 * node      live_leads_on; may be borrowed from `live`, and need not stand there
 * out       its buffers are used again
 * returns   0; ERR_NOMEM, ERR_DAMAGED */
__attribute__((nonnull, warn_unused_result))
int lead_follow(struct live *live, const struct lead_source *source, const uint8_t *origin,
		size_t origin_len, const struct node *node, enum live_address_type type,
		struct live_addresses *out);

#endif
