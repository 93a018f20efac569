/* The live store against full builds: after each change set every node, found and walked,
 * is octet for octet what a renderer makes of the zone as it should be now.  And workers
 * answer from generation and overlay what they answer from a generation built anew. */
#include <time.h>

#include "loader/live.h"
#include "loader/render.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "t/prop/live_model.h"
#include "t/query_file.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { ROUNDS = 8, SETS = 40, EDITS_MAX = 12, PROBES = 30, QUERIES = 400, ROOM = 1232 };

static struct model_zone model[MODEL_ZONES];
static struct renderer *renderer;
static const char *wrong; /* the first difference, NULL: none so far */
static unsigned positive; /* answers */

static void
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

/* ---- comparing ---- */

static bool
same_node(const struct node *a, const struct node *b)
{
	return a->head.node_len == b->head.node_len &&
	       memcmp(a->bytes, b->bytes, a->head.node_len) == 0;
}

/* Depths are only ever added. */
static void
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
static void
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

static void
compare_found(struct live *live, const struct node *want)
{
	struct node got;

	if (live_find(live, want->head.zone_id, node_owner(want), want->head.owner_len,
		      &got) != 0)
		differ("not found", node_owner(want));
	else if (!same_node(&got, want))
		differ("another node", node_owner(want));
}

static bool
next_wanted(struct node *out)
{
	const uint8_t *bytes;

	if (render_next(renderer, &bytes) != 0)
		bail_out("cannot render");
	return bytes && node_open(bytes, UINT32_MAX, out);
}

/* Walk the names beside the renderer. */
static void
compare_names(struct live *live, uint32_t zone_id)
{
	struct live_cursor *cursor;
	struct node got, want;
	int rc = live_cursor_open(live, zone_id, &cursor);

	if (rc != 0)
		bail_out("no cursor");
	while (next_wanted(&want)) {
		rc = live_cursor_next(cursor, &got);
		if (rc != 0) {
			differ("not walked", node_owner(&want));
			break;
		}
		if (!same_node(&got, &want)) {
			differ("walked as another", node_owner(&want));
			break;
		}
	}
	if (rc == 0 && live_cursor_next(cursor, &got) != ERR_NOTFOUND)
		differ("walked, but should be gone", node_owner(&got));
	live_cursor_close(cursor);
}

static void
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

static bool
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
static void
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

static int
count_zone(void *context, const struct node *apex)
{
	unsigned *count = context;

	(void)apex;
	++*count;
	return 0;
}

static void
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

/* ---- changing ---- */

static void
must(int rc, const char *what)
{
	if (rc != 0)
		bail_out("%s: %s", what, errcode_text(rc));
}

static void
put_owner(struct live_edit *edit, struct model_zone *zone, const char *name)
{
	struct zone_records *records = model_new_records(zone);
	struct model_owner *owner = model_find_owner(zone, name);

	if (!owner)
		owner = model_find_owner(zone, "");
	if (owner) {
		strcpy(owner->name, name);
		owner->seed = model_draw(100000);
		model_put_owner(records, name, zone->origin, owner->seed);
		zone_done(records);
		must(live_put_owner(edit, records, records->records), "live_put_owner");
	}
	zone_records_free(records);
}

static void
drop_owner(struct live_edit *edit, struct model_zone *zone, const char *name)
{
	struct model_owner *owner = model_find_owner(zone, name);
	uint8_t wire[DNAME_MAX];
	size_t len = dname_from_text(name, wire);

	if (owner)
		owner->name[0] = '\0';
	must(live_drop_owner(edit, wire, len), "live_drop_owner");
}

static void
edit_one(struct live_edit *edit, struct model_zone *zone)
{
	char name[MODEL_NAME];

	model_draw_name(zone->origin, name);
	if (model_draw(2)) {
		const char *present = zone->owners[model_draw(MODEL_OWNERS)].name;

		if (present[0])
			strcpy(name, present);
	}
	if (model_draw(2))
		put_owner(edit, zone, name);
	else
		drop_owner(edit, zone, name);
}

static void
edit_apex(struct live_edit *edit, struct model_zone *zone)
{
	bool is_all = model_draw(3) == 0;
	struct zone_records *records;

	zone->serial++;
	if (is_all)
		zone->apex_seed = model_draw_apex();
	if (model_draw(4) == 0)
		zone->config_seed = model_draw(100000);
	records = model_new_records(zone);
	if (is_all)
		model_put_apex(records, zone);
	else
		model_put_soa(records, zone);
	zone_done(records);
	must(live_edit_end(edit, records, is_all ? LIVE_APEX_ALL : LIVE_APEX_SOA),
	     "live_edit_end");
	zone_records_free(records);
}

static void
edit_zone(struct live *live, struct model_zone *zone)
{
	uint8_t origin[DNAME_MAX];
	size_t len = dname_from_text(zone->origin, origin);
	struct live_edit edit;

	must(live_edit_begin(live, origin, len, &edit), "live_edit_begin");
	for (unsigned i = model_draw(EDITS_MAX); i > 0; i--)
		edit_one(&edit, zone);
	edit_apex(&edit, zone);
}

static void
put_zone(struct live *live, struct model_zone *zone, const char *origin)
{
	struct zone_records *records;

	model_draw_zone(zone, origin);
	records = model_records(zone);
	must(live_put_zone(live, records), "live_put_zone");
	zone_records_free(records);
}

static void
change_one(struct live *live)
{
	unsigned at = model_draw(MODEL_ZONES);
	uint8_t origin[DNAME_MAX];
	size_t len = dname_from_text(model_origins[at], origin);

	if (!model[at].exists || model_draw(12) == 0) {
		put_zone(live, &model[at], model_origins[at]);
	} else if (model_draw(12) == 0) {
		model[at].exists = false;
		must(live_drop_zone(live, origin, len), "live_drop_zone");
	} else {
		edit_zone(live, &model[at]);
	}
}

static void
change_set(struct live *live)
{
	static struct model_zone before[MODEL_ZONES];
	bool is_kept = model_draw(8) != 0;

	memcpy(before, model, sizeof before);
	must(live_begin(live), "live_begin");
	for (unsigned i = 1 + model_draw(3); i > 0; i--)
		change_one(live);
	if (model_draw(4) == 0)
		compare_all(live);
	if (is_kept) {
		must(live_commit(live), "live_commit");
	} else {
		live_abort(live);
		memcpy(model, before, sizeof model);
	}
}

/* ---- building ---- */

/* Build all zones of the model. */
static void
build(const char *dir)
{
	const struct builder_seal_options options = { .id = 1 };
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];

	if (builder_new(NULL, NULL, NULL, &builder) != 0)
		bail_out("no builder");
	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		struct zone_records *records;

		if (!model[i].exists)
			continue;
		records = model_records(&model[i]);
		if (builder_add(builder, records, false) != 0)
			bail_out("cannot add");
		zone_records_free(records);
	}
	if (builder_seal(builder, dir, &options, &manifest, reason) != 0)
		bail_out("%s", reason);
	builder_free(builder);
}

static void
build_base(const char *dir)
{
	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		memset(&model[i], 0, sizeof model[i]);
		if (model_draw(3) != 0)
			model_draw_zone(&model[i], model_origins[i]);
	}
	build(dir);
}

/* ---- answers ---- */

struct answer {
	uint8_t packet[ROOM];
	unsigned len;
};

static void
ask(struct zone_store *store, const char *name, uint16_t type, struct answer *out)
{
	static const struct answer_options options = { .udp_size = ROOM };
	static struct stats_block stats;
	struct query q = { .packet = out->packet, .room = ROOM };

	memset(out->packet, 0, sizeof out->packet);
	q.received_len = query_file_encode(out->packet, name, type);
	zone_store_renew(store);
	answer_batch(&q, 1, store, &options, &stats);
	out->len = q.response_len;
}

/* Ask for a name that exists, one below it, or any. */
static void
ask_both(struct zone_store *live, struct zone_store *sealed)
{
	static const uint16_t types[] = { RRTYPE_A,     RRTYPE_A,     RRTYPE_MX,
					  RRTYPE_NS,    RRTYPE_CNAME, RRTYPE_SOA,
					  RRTYPE_DNAME, RRTYPE_ANY,   RRTYPE_AAAA,
					  RRTYPE_TXT };
	const struct model_zone *zone = &model[model_draw(MODEL_ZONES)];
	uint16_t type = types[model_draw(sizeof types / sizeof types[0])];
	const char *origin = model_origins[model_draw(MODEL_ZONES)], *below = origin;
	struct answer one, other;
	char name[MODEL_NAME];
	uint8_t wire[DNAME_MAX];

	if (zone->exists && model_draw(2))
		below = zone->owners[model_draw(MODEL_OWNERS)].name;
	if (below[0] && strlen(below) < 100 && model_draw(3))
		strcpy(name, below);
	else
		model_draw_name(below[0] && strlen(below) < 100 ? below : origin, name);
	ask(live, name, type, &one);
	ask(sealed, name, type, &other);
	positive += one.len > 12 && (one.packet[3] & 15) == RCODE_NOERROR;
	if ((one.len != other.len || memcmp(one.packet, other.packet, one.len) != 0) &&
	    dname_from_text(name, wire) > 0)
		differ("is answered otherwise", wire);
}

/* The overlay is open in one place of a process only: none is when this is called. */
static void
compare_answers(const char *dir, const char *fresh_dir)
{
	struct zone_store live, sealed;

	build(fresh_dir);
	must(zone_store_init(dir, &live), "zone_store_init");
	must(zone_store_init(fresh_dir, &sealed), "zone_store_init");
	for (unsigned i = 0; i < QUERIES && !wrong; i++)
		ask_both(&live, &sealed);
	zone_store_fini(&live);
	zone_store_fini(&sealed);
}

/* ---- rounds ---- */

static void
run_round(const char *dir)
{
	char fresh[2000];
	struct live *live;
	unsigned set;

	build_base(dir);
	must(live_open(dir, 1000, &live), "live_open");
	wrong = NULL;
	compare_all(live);
	for (set = 0; set < SETS && !wrong; set++) {
		change_set(live);
		compare_all(live);
		if (model_draw(10) == 0 || set == SETS - 1) {
			snprintf(fresh, sizeof fresh, "%s-%u", dir, set);
			live_close(live);
			compare_answers(dir, fresh);
			must(live_open(dir, 1000, &live), "live_open again");
		}
	}
	ok(!wrong, "%u change sets leave what a full build would", set);
	if (wrong)
		diag("%s", wrong);
	live_close(live);
}

int
main(void)
{
	const char *seed = getenv("PROP_SEED");
	char *scratch = scratch_dir_make();
	char name[16];

	plan(0);
	model_random = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	diag("PROP_SEED=%llu", (unsigned long long)model_random);
	model_random = model_random * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (render_new(&renderer) != 0)
		bail_out("no renderer");
	for (unsigned round = 0; round < ROUNDS; round++) {
		snprintf(name, sizeof name, "round%u", round);
		run_round(scratch_path(scratch, name));
	}
	ok(positive > ROUNDS * QUERIES / 4, "many names were answered: %u", positive);
	render_free(renderer);
	scratch_dir_free(scratch);
	return done_testing();
}
