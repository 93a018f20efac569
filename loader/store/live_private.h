/* What the parts of the live store share; used by live*.c only. */
#ifndef LOADER_STORE_LIVE_PRIVATE_H
#define LOADER_STORE_LIVE_PRIVATE_H

#include "loader/store/live.h"
#include "loader/store/live_addresses.h"
#include "loader/zone/node_writer.h"
#include "loader/zone/render.h"

struct live_signing;

struct live {
	char *dir;
	struct generation gen;
	bool has_gen;
	bool is_snapshot;
	struct overlay *overlay;	/* NULL: a snapshot without one */
	struct store_walk *walk;	/* the generation's tree; opened when it is walked */
	struct renderer *renderer;	/* made when something is rendered */
	struct node_writer writer;
	struct live_signing *signing;	/* owned; NULL: nothing can be signed */
	struct watch *watch;		/* borrowed; NULL: nobody keeps a list */
	live_lead_fn *find_lead;	/* NULL: nobody knows where names lead to */
	live_led_fn *put_led;		/* NULL: nobody wants to know of them */
	void *lead_context;		/* borrowed */
	bool has_totals;		/* both are kept */
	struct live_totals totals;	/* as committed */
	struct live_totals pending;	/* what the transaction adds; modulo 2^64 */
};

void live_signing_free(struct live *live);

/* What an edit begins with, whatever the zone's signatures. */
__attribute__((nonnull, warn_unused_result))
int live_edit_open(struct live *live, const uint8_t *origin, size_t origin_len,
		   struct live_edit *edit, struct node *apex);

/* The apex stands in live->writer, what stood there was counted out: the edit ends with it.
 * returns as live_edit_end. */
__attribute__((nonnull, warn_unused_result))
int live_edit_end_written(struct live_edit *edit);

/* What was resolved for `present` (bytes NULL: nothing stands there) stays in `node`, if that
 * leads on, be it to another name, until it is known where to: then it is written into
 * live->writer, and `node` is opened there. */
__attribute__((nonnull, warn_unused_result))
int live_keep_addresses(struct live *live, const struct node *present, struct node *node);

/* The names that the edit has put, before its apex is written: what they lead to now, where that
 * is known, takes the place of what was kept. */
__attribute__((nonnull, warn_unused_result))
int live_lead_names(struct live_edit *edit);

/* The same of the apex as it will be: written into live->writer.  `apex` may stand there. */
__attribute__((nonnull, warn_unused_result))
int live_lead_apex(struct live_edit *edit, const struct node *apex);

/* live_cursor_open before the first name at `name` or behind it. */
__attribute__((nonnull, warn_unused_result))
int live_cursor_open_at(struct live *live, uint32_t zone_id, const uint8_t *name,
			struct store_cursor **out);

/* The id of the zone that a node belongs to; 0: of none. */
__attribute__((nonnull))
uint32_t live_zone_of(const struct node *node);

/* The node of a name, or of an apex, is put: the watch list follows. */
__attribute__((nonnull))
void live_watch_put(struct live *live, const struct node *node);

/* The zone of that name is dropped, or about to be put under another id; `after` NULL: it
 * is dropped.  Before it is written.  returns 0 or an error code. */
__attribute__((nonnull(1, 2), warn_unused_result))
int live_watch_apex(struct live *live, const uint8_t *origin, size_t origin_len,
		    const struct node *after);

/* A node enters the zone that is edited, or leaves it: keep its figures. */
__attribute__((nonnull))
void live_count_in(struct live_edit *edit, const struct node *node);
__attribute__((nonnull))
void live_count_out(struct live_edit *edit, const struct node *node);

/* The zone's apex is put or dropped: count it in, as `after` (NULL: none), instead of what is
 * there.  Before it is written.  returns 0 or an error code. */
__attribute__((nonnull(1, 2), warn_unused_result))
int live_count_apex(struct live *live, const uint8_t *origin, size_t origin_len,
		    const struct node *after);

/* The transaction is over. */
__attribute__((nonnull))
void live_count_end(struct live *live, bool is_committed);

/* returns 0, or the error of render_new. */
__attribute__((nonnull, warn_unused_result))
int live_renderer(struct live *live, struct renderer **out);

/* Render one name, the owner of `first`, as it stands in `place`, with what `present` (bytes
 * NULL: nothing) has for RRsets that are bad now.
 * out      borrowed until the renderer is used again
 * returns  0 or the error of render_new or render_alone; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int live_render(struct live *live, const struct zone_records *records,
		const struct zone_record *first, const struct render_place *place,
		struct node *present, struct node *out);

/* Put the node in live->writer, which was ended.  */
__attribute__((nonnull, warn_unused_result))
int live_put_writer(struct live *live);

/* Is there nothing that keeps this name but the names below it? */
static inline bool
live_is_non_terminal(const struct node *node)
{
	struct block block;

	return (node->head.flags & NODE_EMPTY) &&
	       !node_find_block(node, BLOCK_PROVENANCE, 0, &block);
}

/* Begin live->writer with a copy of `node`, to be changed and put. */
__attribute__((nonnull))
void live_copy_node(struct live *live, const struct node *node);

/* Store the facts in the apex node in live->writer, and what is known of Redis if the
 * node tells it. */
__attribute__((nonnull))
void live_set_facts(struct live *live, const struct zone_facts *facts,
		    const struct redis_facts *redis);

#endif
