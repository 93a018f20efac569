/* What is served, as the signer reads it: one generation with its overlay, of a moment. */
#ifndef LOADER_STEERED_STEERED_VIEW_H
#define LOADER_STEERED_STEERED_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/generation.h"
#include "shm/node.h"

struct overlay;

/* All zero but state_dir, which is borrowed, at first. */
struct steered_view {
	const char *state_dir;
	uint64_t id;			/* of `gen`, 0: none is open */
	struct generation gen;
	struct overlay *overlay;	/* between begin and end; NULL: there is none */
};

/* See what is served now, until steered_view_end, which should be soon.
 * id       of the generation that is published
 * returns  0, or an error code: nothing is seen. */
__attribute__((nonnull, warn_unused_result))
int steered_view_begin(struct steered_view *view, uint64_t id);

__attribute__((nonnull))
void steered_view_end(struct steered_view *view);

/* The node of a key, borrowed until steered_view_end.
 * returns 0, ERR_NOTFOUND or ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int steered_view_find(const struct steered_view *view, uint32_t zone_id,
		      const uint8_t *owner, size_t owner_len, struct node *out);

#endif
