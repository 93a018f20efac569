/* What marks tell of a name: RRsets that are steered; in a zone from Redis also older data
 * for those whose present value is bad, the reasons, and the name's provenance. */
#ifndef LOADER_ZONE_RENDER_MARKS_H
#define LOADER_ZONE_RENDER_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/zone/node_writer.h"
#include "loader/zone/owner_group.h"
#include "shm/node.h"

/* Append to the open node, for each ZONE_MARK_BAD of `group`, the RRset of `last` if it can
 * stand beside the good ones, then the reason.
 *
 * last     the node that served this name before; NULL: there was none
 * returns  the flags (enum node_flag) that follow from what was appended */
__attribute__((nonnull(1, 2)))
uint16_t render_marks_put_bad(struct node_writer *writer, const struct owner_group *group,
			      const struct node *last);

/* The next RRset of `last` that stays for a bad one of `type`, or of any (BAD_RRSET_ALL): not
 * NSEC, which is no data, nor what else the signer of a zone makes.  As node_next_block. */
__attribute__((nonnull, warn_unused_result))
bool render_marks_next_kept(const struct owner_group *group, const struct node *last,
			    uint16_t type, uint32_t *at, struct block *out);

/* Is the RRset of this type steered? */
__attribute__((nonnull, pure))
bool render_marks_steer(const struct owner_group *group, uint16_t type);

/* Append what is looked up for each query: the steered RRsets, which are not to be written as
 * plain ones, and the ANAME; and what tells resolved RRsets.  returns as above. */
__attribute__((nonnull))
uint16_t render_marks_put_chosen(struct node_writer *writer, const struct owner_group *group);

/* Append the notes. */
__attribute__((nonnull))
void render_marks_put_notes(struct node_writer *writer, const struct owner_group *group);

/* What of `last` would be appended so. */
struct marks_kept {
	uint64_t records;		/* RRs and signatures */
	uint16_t flags;			/* enum node_flag */
};
__attribute__((nonnull))
struct marks_kept render_marks_kept(const struct owner_group *group, const struct node *last);

/* Append BLOCK_PROVENANCE, if there is such a mark. */
__attribute__((nonnull))
void render_marks_put_provenance(struct node_writer *writer, const struct owner_group *group);

/* BLOCK_HASHED_NAME the same. */
__attribute__((nonnull))
void render_marks_put_hashed_name(struct node_writer *writer, const struct owner_group *group);

#endif
