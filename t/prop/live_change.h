/* Random changes of the model and of the live store alike; without a store, of the model
 * alone. */
#ifndef T_PROP_LIVE_CHANGE_H
#define T_PROP_LIVE_CHANGE_H

#include "t/prop/live_compare.h"

enum { EDITS_MAX = 12 };

static inline void
must(int rc, const char *what)
{
	if (rc != 0)
		bail_out("%s: %s", what, errcode_text(rc));
}

/* Do some values go bad?  Only with a store: what is served on is taken from it. */
static bool model_has_bad;

/* Note what is served of an owner, and let its values go bad, or not. */
static inline void
draw_bad(struct live_edit *edit, struct model_owner *owner)
{
	static const enum model_bad kinds[] = { MODEL_GOOD, MODEL_GOOD, MODEL_BAD_ALL,
						MODEL_BAD_ADDRESSES };
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(owner->name, name);
	struct node node;

	owner->bad = MODEL_GOOD;
	owner->last_len = 0;
	if (!model_has_bad)
		return;
	if (live_find_owner(edit->live, edit->origin, edit->origin_len, name, len, &node) == 0) {
		if (node.head.node_len > sizeof owner->last)
			return;
		owner->last_len = node.head.node_len;
		memcpy(owner->last, node.bytes, node.head.node_len);
	}
	owner->bad = kinds[draw(4)];
	if (owner->name[0] != '*' && owner->bad == MODEL_GOOD && owner->seed % 8 >= 4 &&
	    draw(6) == 0)
		owner->bad = MODEL_BAD_CUT; /* beside what is good */
}

static inline void
put_owner(struct live_edit *edit, struct model_zone *zone, const char *name)
{
	struct zone_records *records = model_new_records(zone);
	struct model_owner *owner = model_find_owner(zone, name);

	if (!owner)
		owner = model_find_owner(zone, "");
	if (owner) {
		strcpy(owner->name, name);
		owner->seed = draw(100000);
		draw_bad(edit, owner);
		model_put_owner(records, name, zone->origin, owner->seed, owner->bad);
		zone_done(records);
		if (edit->live)
			must(live_put_owner(edit, records, records->records),
			     "live_put_owner");
	}
	zone_records_free(records);
}

static inline void
drop_owner(struct live_edit *edit, struct model_zone *zone, const char *name)
{
	struct model_owner *owner = model_find_owner(zone, name);
	uint8_t wire[DNAME_MAX];
	size_t len = dname_from_text(name, wire);

	if (owner)
		owner->name[0] = '\0';
	if (edit->live)
		must(live_drop_owner(edit, wire, len), "live_drop_owner");
}

static inline void
edit_one(struct live_edit *edit, struct model_zone *zone)
{
	char name[MODEL_NAME];

	model_draw_name(zone->origin, name);
	if (draw(2)) {
		const char *present = zone->owners[draw(MODEL_OWNERS)].name;

		if (present[0])
			strcpy(name, present);
	}
	if (draw(2))
		put_owner(edit, zone, name);
	else
		drop_owner(edit, zone, name);
}

static inline void
edit_apex(struct live_edit *edit, struct model_zone *zone)
{
	bool is_all = draw(3) == 0;
	struct zone_records *records;

	zone->serial++;
	if (is_all)
		zone->apex_seed = model_draw_apex();
	if (draw(4) == 0)
		zone->config_seed = draw(100000);
	records = model_new_records(zone);
	if (is_all)
		model_put_apex(records, zone);
	else
		model_put_soa(records, zone);
	zone_done(records);
	if (edit->live)
		must(live_edit_end(edit, records, is_all ? LIVE_APEX_ALL : LIVE_APEX_SOA),
		     "live_edit_end");
	zone_records_free(records);
}

static inline void
edit_zone(struct live *live, struct model_zone *zone)
{
	uint8_t origin[DNAME_MAX];
	size_t len = dname_from_text(zone->origin, origin);
	struct live_edit edit = { .live = NULL };

	if (live)
		must(live_edit_begin(live, origin, len, &edit), "live_edit_begin");
	for (unsigned i = draw(EDITS_MAX); i > 0; i--)
		edit_one(&edit, zone);
	edit_apex(&edit, zone);
}

static inline void
put_zone(struct live *live, struct model_zone *zone, const char *origin)
{
	struct zone_records *records;

	model_draw_zone(zone, origin);
	records = model_records(zone);
	if (live)
		must(live_put_zone(live, records), "live_put_zone");
	zone_records_free(records);
}

static inline void
change_one(struct live *live)
{
	unsigned at = draw(MODEL_ZONES);
	uint8_t origin[DNAME_MAX];
	size_t len = dname_from_text(model_origins[at], origin);

	if (!model[at].exists || draw(12) == 0) {
		put_zone(live, &model[at], model_origins[at]);
	} else if (draw(12) == 0) {
		model[at].exists = false;
		if (live)
			must(live_drop_zone(live, origin, len), "live_drop_zone");
	} else {
		edit_zone(live, &model[at]);
	}
}

#endif
