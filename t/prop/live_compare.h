/* Is the live store what the model says?  Every node, found and walked, is octet for octet
 * what a renderer makes of the zone. */
#ifndef T_PROP_LIVE_COMPARE_H
#define T_PROP_LIVE_COMPARE_H

#include "loader/store/live.h"
#include "loader/zone/render.h"
#include "shm/errcode.h"
#include "t/prop/live_model.h"

enum { PROBES = 30 };

static struct model_zone model[MODEL_ZONES];
static struct renderer *renderer;
static const char *wrong; /* the first difference, NULL: none so far */

static inline void
differ(const char *what, const uint8_t *name)
{
	static char text[DNAME_TEXT_MAX + 100];
	char owner[DNAME_TEXT_MAX];

	if (wrong)
		return;
	dname_to_text(name, owner);
	snprintf(text, sizeof text, "%s: %s", owner, what);
	wrong = text;
}

/* render_last_fn: what was served of an owner when its values went bad. */
static inline bool
model_last(void *context, const struct zone_records *zone, const struct zone_record *record,
	   struct node *out)
{
	uint8_t name[DNAME_MAX];

	(void)context;
	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		if (!model[i].exists || dname_from_text(model[i].origin, name) != zone->origin_len ||
		    memcmp(name, zone->origin, zone->origin_len) != 0)
			continue;
		for (unsigned k = 0; k < MODEL_OWNERS; k++) {
			const struct model_owner *owner = &model[i].owners[k];

			if (owner->name[0] && owner->last_len > 0 &&
			    dname_from_text(owner->name, name) == record->owner_len &&
			    memcmp(name, record->owner, record->owner_len) == 0)
				return node_open(owner->last, owner->last_len, out);
		}
	}
	return false;
}

static inline bool
same_node(const struct node *a, const struct node *b)
{
	return a->head.node_len == b->head.node_len &&
	       memcmp(a->bytes, b->bytes, a->head.node_len) == 0;
}

/* Depths are only ever added. */
static inline void
compare_facts(const struct node *got, const struct node *want)
{
	struct zone_facts a, b;

	if (!node_zone_facts(got, &a) || !node_zone_facts(want, &b)) {
		differ("the apex has no facts", node_owner(want));
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if ((b.cut_depths[i] & ~a.cut_depths[i]) ||
		    (b.dname_depths[i] & ~a.dname_depths[i]))
			differ("a depth is missing", node_owner(want));
	memcpy(a.cut_depths, b.cut_depths, sizeof a.cut_depths);
	memcpy(a.dname_depths, b.dname_depths, sizeof a.dname_depths);
	a.zone_id = b.zone_id;
	if (a.record_count != b.record_count)
		differ("another number of records", node_owner(want));
	else if (a.name_count != b.name_count)
		differ("another number of names", node_owner(want));
	else if (memcmp(&a, &b, sizeof a) != 0)
		differ("other facts", node_owner(want));
}

/* All but the facts, whose depths and zone id may differ. */
static inline void
compare_apex(const struct node *got, const struct node *want)
{
	struct block a, b;
	uint32_t at = 0, bt = 0;

	compare_facts(got, want);
	if (memcmp(&got->head, &want->head, sizeof got->head) != 0)
		differ("another head", node_owner(want));
	if (node_check(got))
		differ(node_check(got), node_owner(got));
	while (node_next_block(want, &bt, &b)) {
		if (!node_next_block(got, &at, &a) ||
		    memcmp(&a.head, &b.head, sizeof a.head) != 0 ||
		    (b.head.kind != BLOCK_ZONE &&
		     memcmp(a.payload, b.payload, a.head.len) != 0)) {
			differ("an apex block differs", node_owner(want));
			return;
		}
	}
	if (node_next_block(got, &at, &a))
		differ("the apex has a block too many", node_owner(want));
}

static inline void
compare_found(struct live *live, const struct node *want)
{
	struct node got;

	if (live_find(live, want->head.zone_id, node_owner(want), want->head.owner_len,
		      &got) != 0)
		differ("not found", node_owner(want));
	else if (!same_node(&got, want))
		differ("another node", node_owner(want));
}

static inline bool
next_wanted(struct node *out)
{
	const uint8_t *bytes;

	if (render_next(renderer, &bytes) != 0)
		bail_out("cannot render");
	return bytes && node_open(bytes, UINT32_MAX, out);
}

/* Walk the names beside the renderer. */
static inline void
compare_names(struct live *live, uint32_t zone_id)
{
	struct store_cursor *cursor;
	struct node got, want;
	int rc = live_cursor_open(live, zone_id, &cursor);

	if (rc != 0)
		bail_out("no cursor");
	while (next_wanted(&want)) {
		rc = store_cursor_next(cursor, &got);
		if (rc != 0) {
			differ("not walked", node_owner(&want));
			break;
		}
		if (!same_node(&got, &want)) {
			differ("walked as another", node_owner(&want));
			break;
		}
	}
	if (rc == 0 && store_cursor_next(cursor, &got) != ERR_NOTFOUND)
		differ("walked, but should be gone", node_owner(&got));
	store_cursor_close(cursor);
}

static inline void
compare_zone(struct live *live, const struct model_zone *zone)
{
	struct zone_records *records = model_records(zone);
	struct zone_facts facts;
	struct node apex, want;
	const uint8_t *bytes;

	if (live_zone(live, records->origin, records->origin_len, &apex) != 0 ||
	    !node_zone_facts(&apex, &facts)) {
		differ("no zone", records->origin);
	} else if (render_start(renderer, records, facts.zone_id, NULL, NULL) != 0 ||
		   render_apex(renderer, &bytes) != 0 ||
		   !node_open(bytes, UINT32_MAX, &want)) {
		bail_out("cannot render");
	} else {
		compare_apex(&apex, &want);
		while (next_wanted(&want))
			compare_found(live, &want);
		if (render_start(renderer, records, facts.zone_id, NULL, NULL) != 0 ||
		    render_apex(renderer, &bytes) != 0)
			bail_out("cannot render");
		compare_names(live, facts.zone_id);
	}
	zone_records_free(records);
}

static inline bool
is_needed(const struct model_zone *zone, const uint8_t *name, size_t len)
{
	for (unsigned i = 0; i < MODEL_OWNERS; i++) {
		uint8_t owner[DNAME_MAX];
		size_t owner_len;

		if (!zone->owners[i].name[0])
			continue;
		owner_len = dname_from_text(zone->owners[i].name, owner);
		if (dname_is_subdomain(owner, owner_len, name, len))
			return true;
	}
	return false;
}

/* Names drawn at random are there only when the model has them or needs them. */
static inline void
probe(struct live *live, const struct model_zone *zone)
{
	uint8_t origin[DNAME_MAX + NAME_PAD] = { 0 }, name[DNAME_MAX + NAME_PAD] = { 0 };
	size_t origin_len = dname_from_text(zone->origin, origin), len;
	struct zone_facts facts;
	char text[MODEL_NAME];
	struct node node;

	if (live_zone(live, origin, origin_len, &node) != 0 ||
	    !node_zone_facts(&node, &facts))
		return;
	for (unsigned i = 0; i < PROBES; i++) {
		model_draw_name(zone->origin, text);
		len = dname_from_text(text, name);
		if ((live_find(live, facts.zone_id, name, len, &node) == 0) !=
		    is_needed(zone, name, len))
			differ("is there, or is not", name);
	}
}

static inline int
count_zone(void *context, const struct node *apex)
{
	struct redis_facts facts;
	unsigned *count = context;

	*count += node_copy_block(apex, BLOCK_REDIS, &facts, sizeof facts);
	return 0;
}

static inline void
compare_all(struct live *live)
{
	unsigned count = 0, expected = 0;

	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		expected += model[i].exists;
		if (model[i].exists) {
			compare_zone(live, &model[i]);
			probe(live, &model[i]);
		}
	}
	if (live_walk_zones(live, count_zone, &count) != 0 || count != expected)
		differ("another number of zones", (const uint8_t *)"");
}

#endif
