/* The live store against full builds: after each change set every node, found and walked,
 * is octet for octet what a renderer makes of the zone as it should be now.  And workers
 * answer from generation and overlay what they answer from a generation built anew. */
#include "shm/dns.h"
#include "t/ask_store.h"
#include "t/draw.h"
#include "t/prop/live_change.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_seal.h"

enum { ROUNDS = 8, SETS = 40, QUERIES = 400 };

static unsigned positive; /* answers */

/* ---- changing ---- */

struct counted {
	uint64_t zones, records, faults;
};

static int
count_totals(void *context, const struct node *apex)
{
	struct counted *counted = context;
	struct zone_facts facts;

	if (!node_zone_facts(apex, &facts))
		return ERR_DAMAGED;
	counted->zones++;
	counted->records += facts.record_count;
	counted->faults += facts.fault_count;
	return 0;
}

/* What is kept along must be what a count of all finds. */
static void
check_totals(struct live *live)
{
	struct counted counted = { 0 };
	struct live_totals totals;

	must(live_count(live, &totals), "live_count");
	must(live_walk_zones(live, count_totals, &counted), "live_walk_zones");
	if (totals.zones != counted.zones || totals.records != counted.records ||
	    totals.faults != counted.faults)
		bail_out("totals: %llu zones and %llu records, counted %llu and %llu",
			 (unsigned long long)totals.zones,
			 (unsigned long long)totals.records,
			 (unsigned long long)counted.zones,
			 (unsigned long long)counted.records);
}

static void
change_set(struct live *live)
{
	static struct model_zone before[MODEL_ZONES];
	bool is_kept = draw(8) != 0;

	memcpy(before, model, sizeof before);
	must(live_begin(live), "live_begin");
	for (unsigned i = 1 + draw(3); i > 0; i--)
		change_one(live);
	if (draw(4) == 0)
		compare_all(live);
	if (is_kept) {
		must(live_commit(live), "live_commit");
	} else {
		live_abort(live);
		memcpy(model, before, sizeof model);
	}
	check_totals(live);
}

/* ---- building ---- */

/* Build all zones of the model. */
static void
build(const char *dir)
{
	struct zone_records *zones[MODEL_ZONES];
	size_t count = 0;

	for (unsigned i = 0; i < MODEL_ZONES; i++)
		if (model[i].exists)
			zones[count++] = model_records(&model[i]);
	zone_seal(dir, zones, count);
}

static void
build_base(const char *dir)
{
	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		memset(&model[i], 0, sizeof model[i]);
		if (draw(3) != 0)
			model_draw_zone(&model[i], model_origins[i]);
	}
	build(dir);
}

/* ---- answers ---- */

/* Ask for a name that exists, one below it, or any. */
static void
ask_both(struct zone_store *live, struct zone_store *sealed)
{
	static const uint16_t types[] = { RRTYPE_A,     RRTYPE_A,     RRTYPE_MX,
					  RRTYPE_NS,    RRTYPE_CNAME, RRTYPE_SOA,
					  RRTYPE_DNAME, RRTYPE_ANY,   RRTYPE_AAAA,
					  RRTYPE_TXT };
	const struct model_zone *zone = &model[draw(MODEL_ZONES)];
	uint16_t type = types[draw(sizeof types / sizeof types[0])];
	const char *origin = model_origins[draw(MODEL_ZONES)], *below = origin;
	struct answer one, other;
	char name[MODEL_NAME];
	uint8_t wire[DNAME_MAX];

	if (zone->exists && draw(2))
		below = zone->owners[draw(MODEL_OWNERS)].name;
	if (below[0] && strlen(below) < 100 && draw(3))
		strcpy(name, below);
	else
		model_draw_name(below[0] && strlen(below) < 100 ? below : origin, name);
	ask_store(live, name, type, &one);
	ask_store(sealed, name, type, &other);
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
run_round(const char *dir, bool has_bad)
{
	char fresh[2000];
	struct live *live;
	unsigned set;

	model_has_bad = has_bad;
	build_base(dir);
	must(live_open(dir, 1000, &live), "live_open");
	wrong = NULL;
	compare_all(live);
	for (set = 0; set < SETS && !wrong; set++) {
		change_set(live);
		compare_all(live);
		if (draw(10) == 0 || set == SETS - 1) {
			snprintf(fresh, sizeof fresh, "%s-%u", dir, set);
			live_close(live);
			if (!model_has_bad) /* a new build has no earlier data */
				compare_answers(dir, fresh);
			must(live_open(dir, 1000, &live), "live_open again");
		}
	}
	ok(!wrong, "%u change sets%s leave what a full build would", set,
	   has_bad ? ", some values bad," : "");
	if (wrong)
		diag("%s", wrong);
	live_close(live);
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	char name[16];

	plan(0);
	draw_seed();
	if (render_new(&renderer) != 0)
		bail_out("no renderer");
	render_set_last(renderer, model_last, NULL);
	for (unsigned round = 0; round < ROUNDS; round++) {
		snprintf(name, sizeof name, "round%u", round);
		run_round(scratch_path(scratch, name), round % 2);
	}
	ok(positive > ROUNDS / 2 * QUERIES / 4, "many names were answered: %u", positive);
	render_free(renderer);
	scratch_dir_free(scratch);
	return done_testing();
}
