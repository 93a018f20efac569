/* Carrying live changes from one overlay to another. */
#ifndef LOADER_STORE_OVERLAY_COPY_H
#define LOADER_STORE_OVERLAY_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/store/live.h"
#include "loader/store/overlay.h"

/* Copy what was committed after number *since, in one transaction; *since is then the
 * last one that was copied.  Counting goes on where `from` stands.
 * with_notes  the notes too: the last time, since no note is ever taken back by it
 * returns     0, or an error code and nothing is copied. */
__attribute__((nonnull, warn_unused_result))
int overlay_copy_since(struct overlay *from, struct overlay *to, uint64_t *since,
		       bool with_notes);

/* The generation that `from` belongs to is lost, and `to` is the one that it was made
 * from, with its overlay: put all of `from` on top of that, in one transaction.
 *
 * A zone that only the lost generation had as it stands there stays as it is in `to`: what
 * changed in it cannot be put onto anything.  The notes are copied only when there is no
 * such zone; else its source goes on from the earlier place, which brings all again.
 * lost    how many zones stay as they are
 * returns 0, or an error code and nothing is copied. */
__attribute__((nonnull, warn_unused_result))
int overlay_copy_onto_base(struct overlay *from, struct live *to, uint64_t *lost);

#endif
