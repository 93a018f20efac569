/* Assembling a new generation: zones kept from an earlier one, zones read anew, and
 * zones that cannot be read.  Which is which, the caller decides zone by zone; a zone
 * of the earlier generation that is never named is left out.
 *
 *	builder_new(base_dir)           nothing is kept yet
 *	builder_keep(...)               unchanged: copied as it stands, under its zone id
 *	builder_add(...)                read anew: rendered, under a fresh zone id
 *	builder_keep_with_error(...)    its source is bad now: goes on being served as it was
 *	builder_break(...)              its source is bad, and nothing good is known
 *	builder_seal(dir)               written, sealed
 *	builder_free()
 *
 * The calls between builder_new and builder_seal may come from any number of threads
 * at once; builder_add renders in the calling thread.  Each origin may be named once: a
 * second time makes builder_seal fail with ERR_EXISTS.
 *
 * What is written depends only on base and zones, not on threads or order: fresh ids
 * are given in canonical order of the origins, from the base's next_zone_id on (from
 * ZONE_ID_FIRST, and anew to all zones, when they would run out). */
#ifndef LOADER_STORE_BUILDER_H
#define LOADER_STORE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/apex_node.h"
#include "loader/zone/zone_records.h"
#include "shm/generation.h"

struct builder;
struct live;

/* What the data of a zone made us leave out, see render_warn_fn; called by the thread
 * that adds the zone, or by that of builder_seal. */
typedef void builder_warn_fn(void *context, const struct zone_records *zone,
			     const struct zone_record *record, const char *text);

struct builder_seal_options {
	uint64_t id;			/* of the new generation, 1.. */
	uint64_t reserve_bytes;		/* to be left free in the file system, see seal.h */
	bool durable;			/* return only when all is on the device */
	uint64_t flags;			/* as in generation_manifest */
	bool show_progress;		/* a log line every 2 s */
	/* Gives out `count` zone ids that nobody has, from *first on: for when live changes
	 * need some meanwhile.  returns 0 or an error code.  NULL: the base's next ones. */
	int (*take_ids)(void *context, uint32_t count, uint32_t *first);
	void *context;
};

/* base_dir   the directory of the earlier generation, which must stay until
 *            builder_free, and is trusted to be undamaged; NULL for none.  What its
 *            overlay has at this moment belongs to it: the overlay's writer must be
 *            another process
 * warn       NULL: warnings are logged
 * returns 0, or what generation_open says of base_dir. */
__attribute__((nonnull(4), warn_unused_result))
int builder_new(const char *base_dir, builder_warn_fn *warn, void *context,
		struct builder **out);

/* NULL is allowed. */
void builder_free(struct builder *builder);

/* The earlier generation with its overlay; NULL without.  Borrowed until builder_free, as
 * are the nodes that it gives; for one thread, while no other calls the builder. */
__attribute__((nonnull))
struct live *builder_base(const struct builder *builder);

/* The apex node of a zone of the base; from any thread.
 * returns 0; ERR_NOTFOUND, also without a base; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int builder_find(struct builder *builder, const uint8_t *origin, size_t origin_len,
		 struct node *apex);

/* The node of a name of the base, by the zone id of its zone; NSEC3 owners have theirs |
 * NSEC3_SPACE.  Errors as above. */
__attribute__((nonnull, warn_unused_result))
int builder_find_name(struct builder *builder, uint32_t zone_id, const uint8_t *owner,
		      size_t owner_len, struct node *out);

/* Take over a zone of the base (also a broken one) with all that it has.
 * returns 0; ERR_NOTFOUND when the base has no such zone; ERR_DAMAGED; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int builder_keep(struct builder *builder, const uint8_t *origin, size_t origin_len);

/* The same of a zone whose apex node the base has just given, as from a walk. */
__attribute__((nonnull, warn_unused_result))
int builder_keep_apex(struct builder *builder, const struct node *apex);

/* The same, but say from now on why its present source is not served.
 * source   stands for the old one from now on
 * error    text for people; NULL: the zone has no error any more (say, its source is
 *          again what is served), an earlier one is taken back
 * returns as builder_keep. */
__attribute__((nonnull(1, 2, 4), warn_unused_result))
int builder_keep_with_error(struct builder *builder, const uint8_t *origin, size_t origin_len,
			    const struct zone_source *source, const char *error);

/* Render a zone.  `zone` stays the caller's and may be freed after the call.  For what a
 * ZONE_MARK_BAD of it stands for, the RRsets of the base are served on.
 * may_defer  what a big zone holds may be moved out of *zone (left empty): it is
 *            rendered while it is written then, and never stands in memory twice
 * returns    0; ERR_NOMEM; ERR_RANGE when a node would pass 4 GiB; ERR_FORMAT when the
 *            records are not as zone_records.h says. */
__attribute__((nonnull, warn_unused_result))
int builder_add(struct builder *builder, struct zone_records *zone, bool may_defer);

/* A zone of which nothing good is known: its names answer SERVFAIL.
 * returns 0; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int builder_break(struct builder *builder, const uint8_t *origin, size_t origin_len,
		  const struct zone_source *source, const char *error);

/* Write it all into the new directory `dir` (its parent exists), which is complete
 * when 0 is returned, and gone otherwise.  Called once; only builder_free may follow.
 * A builder without zones makes a valid generation that has none.
 *
 * reason   on failure, a sentence that names the file and the remedy
 * returns  0; ERR_EXISTS when there is a `dir` (left alone) or an origin was named
 *          twice; ERR_NOSPACE, before anything is written when reserve_bytes would not
 *          stay free; ERR_RIGHTS, ERR_NOMEM, ERR_IO; ERR_DAMAGED when the base is. */
__attribute__((nonnull, warn_unused_result))
int builder_seal(struct builder *builder, const char *dir,
		 const struct builder_seal_options *options,
		 struct generation_manifest *manifest, char reason[512]);

#endif
