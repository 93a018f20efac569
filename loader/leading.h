/* What sync knows of where names of signed zones lead to: edits put it in the transaction of the
 * change itself; a name outside of our zones that nobody has been asked for is asked for at
 * once, and the names that lead there are awaited. */
#ifndef LOADER_LEADING_H
#define LOADER_LEADING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/lead.h"
#include "shm/heritage.h"

enum { LEADING_AWAITED_MAX = 64 }; /* the last ones; rounds find the others */

struct leading_place {
	uint32_t zone_id;
	uint8_t owner[DNAME_MAX + NAME_PAD];
	size_t len;
};

struct leading;

/* heritage  borrowed; returns NULL without memory. */
__attribute__((nonnull, warn_unused_result))
struct leading *leading_new(const struct heritage *heritage);

/* NULL is allowed. */
void leading_free(struct leading *leading);

/* What is known now, up to leading_rest. */
__attribute__((nonnull, returns_nonnull))
const struct lead_source *leading_source(struct leading *leading);

/* live_lead_fn, its context a struct leading. */
__attribute__((nonnull, warn_unused_result))
int leading_find(void *context, const struct live_edit *edit, const struct node *node,
		 struct live_leader *out);

/* live_led_fn: the name is awaited, and may be known already. */
void leading_note(void *context, uint32_t zone_id, const uint8_t *owner, size_t len);

/* No more is looked up for now: give back what the resolver's store is kept from using again,
 * and wake the resolver for what was wished for meanwhile. */
__attribute__((nonnull))
void leading_rest(struct leading *leading);

/* A name is awaited. */
__attribute__((nonnull))
void leading_await(struct leading *leading, uint32_t zone_id, const uint8_t *owner,
		   size_t len);

/* May names that are awaited be known by now? */
__attribute__((nonnull, warn_unused_result))
bool leading_has_news(const struct leading *leading);

/* Those that were awaited, and are no more.  returns how many. */
__attribute__((nonnull, warn_unused_result))
size_t leading_take_awaited(struct leading *leading,
			    struct leading_place out[LEADING_AWAITED_MAX]);

#endif
