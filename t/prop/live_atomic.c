/* One change set is seen as one: a process commits sets, each of which changes names in
 * several zones, makes some and removes others; beside it batches of queries are answered.
 * All answers of a batch tell the same set, and none an earlier one than before. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/store/live.h"
#include "loader/zone/arena.h"
#include "shm/clock.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/wire.h"
#include "t/query_file.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum {
	ZONES = 3,
	NAMES = 5,
	PER_ZONE = NAMES + 3, /* and the SOA, and one name of two that come and go */
	QUERIES = ZONES * PER_ZONE,
	ROOM = 512,
	MIN_BATCHES = 2000,
	MIN_NEWS = 50, /* sets that are seen: the writer may be faster */
	WHOLE_EVERY = 7, /* sets: a zone is replaced as a whole */
	TIME_MAX_MS = 30000,
};

static const char *const origins[ZONES] = { "one.test", "two.test", "a.two.test" };

static void
must(int rc, const char *what)
{
	if (rc != 0)
		bail_out("%s: %s", what, errcode_text(rc));
}

/* ---- writing ---- */

static const char *
name_in(const char *origin, const char *label)
{
	static char text[64];

	snprintf(text, sizeof text, "%s.%s", label, origin);
	return text;
}

static struct zone_records *
soa_of_set(const char *origin, unsigned set)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);
	struct zone_records *zone = zone_records_new(name, len);

	if (!zone)
		bail_out("no memory");
	zone_put(zone, origin, 60, RRTYPE_SOA, "nn44444", "ns.test", "host.test", set, 1,
		 1, 1, 60);
	return zone;
}

/* What comes and goes stands below an empty non-terminal of its own. */
static const char *
fleeting(unsigned set)
{
	return set % 2 ? "x.odd" : "x.even";
}

static void
put_owners(struct zone_records *zone, const char *origin, unsigned set)
{
	char label[8];

	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(label, sizeof label, "n%u", i);
		zone_put(zone, name_in(origin, label), 60, RRTYPE_A, "4", set);
	}
	zone_put(zone, name_in(origin, fleeting(set)), 60, RRTYPE_A, "4", set);
}

static struct zone_records *
zone_of_set(const char *origin, unsigned set)
{
	static const struct redis_facts facts = { .flags = 1 };
	struct zone_records *zone = soa_of_set(origin, set);

	zone->redis = arena_copy(zone->arena, &facts, sizeof facts);
	put_owners(zone, origin, set);
	zone_done(zone);
	return zone;
}

static void
edit_zone(struct live *live, const char *origin, unsigned set)
{
	struct zone_records *soa = soa_of_set(origin, set);
	uint8_t gone[DNAME_MAX];
	size_t len = dname_from_text(name_in(origin, fleeting(set - 1)), gone);
	struct live_edit edit;

	put_owners(soa, origin, set);
	zone_done(soa);
	must(live_edit_begin(live, soa->origin, soa->origin_len, &edit),
	     "live_edit_begin");
	for (size_t i = 1; i < soa->count; i++)
		must(live_put_owner(&edit, soa, &soa->records[i]), "live_put_owner");
	must(live_drop_owner(&edit, gone, len), "live_drop_owner");
	must(live_edit_end(&edit, soa, LIVE_APEX_SOA), "live_edit_end");
	zone_records_free(soa);
}

static void
commit_set(struct live *live, unsigned set)
{
	must(live_begin(live), "live_begin");
	for (unsigned i = 0; i < ZONES; i++) {
		if (set % WHOLE_EVERY == i) {
			struct zone_records *zone = zone_of_set(origins[i], set);

			must(live_put_zone(live, zone), "live_put_zone");
			zone_records_free(zone);
		} else {
			edit_zone(live, origins[i], set);
		}
	}
	must(live_commit(live), "live_commit");
}

static _Noreturn void
write_sets(const char *dir, pid_t parent)
{
	struct live *live;

	must(live_open(dir, 1000, &live), "live_open");
	for (unsigned set = 2; getppid() == parent; set++)
		commit_set(live, set);
	_exit(0);
}

/* ---- reading ---- */

struct batch {
	struct query queries[QUERIES];
	uint8_t packets[QUERIES][ROOM];
};

static void
ask(struct batch *b, unsigned at, const char *name, uint16_t type)
{
	memset(b->packets[at], 0, ROOM);
	b->queries[at] = (struct query){ .packet = b->packets[at], .room = ROOM };
	b->queries[at].received_len = query_file_encode(b->packets[at], name, type);
}

static void
ask_all(struct batch *b)
{
	char label[8];
	unsigned at = 0;

	for (unsigned zone = 0; zone < ZONES; zone++) {
		for (unsigned i = 0; i < NAMES; i++) {
			snprintf(label, sizeof label, "n%u", i);
			ask(b, at++, name_in(origins[zone], label), RRTYPE_A);
		}
		ask(b, at++, origins[zone], RRTYPE_SOA);
		ask(b, at++, name_in(origins[zone], "x.odd"), RRTYPE_A);
		ask(b, at++, name_in(origins[zone], "x.even"), RRTYPE_A);
	}
}

/* The set that an answer tells, at the end of its rdata (of a SOA, 16 octets before that);
 * 0: NXDOMAIN; -1: something else. */
static int64_t
set_told(const struct query *q, bool is_soa)
{
	const uint8_t *packet = q->packet, *rr, *end;

	if (q->response_len < 12 + 5 + 12)
		return -1;
	if ((packet[3] & 15) == RCODE_NXDOMAIN)
		return 0;
	if ((packet[3] & 15) != RCODE_NOERROR || wire_get_u16(packet + 6) != 1)
		return -1;
	rr = packet + 12 + dname_len(packet + 12, DNAME_MAX) + 4;
	end = rr + 12 + wire_get_u16(rr + 10);
	return wire_get_u32(end - (is_soa ? 20 : 4));
}

/* returns the set that the whole batch tells, -1 when its answers differ. */
static int64_t
batch_set(const struct batch *b)
{
	int64_t set = set_told(&b->queries[0], false);

	for (unsigned i = 0; i < QUERIES; i++) {
		unsigned which = i % PER_ZONE;
		int64_t told = set_told(&b->queries[i], which == NAMES), want = set;

		if (which == NAMES + 1)
			want = set % 2 ? set : 0;
		if (which == NAMES + 2)
			want = set % 2 ? 0 : set;
		if (told != want) {
			diag("of set %lld, query %u tells %lld", (long long)set, i,
			     (long long)told);
			return -1;
		}
	}
	return set;
}

static void
read_sets(const char *dir)
{
	static const struct answer_options options = { .udp_size = ROOM };
	static struct stats_block stats;
	static struct batch batch;
	uint64_t until_ms = clock_now_ms() + TIME_MAX_MS;
	int64_t last = 0, set = 0, first = 0;
	unsigned batches = 0, news = 0;
	struct zone_store store;

	must(zone_store_init(dir, &store), "zone_store_init");
	while ((batches < MIN_BATCHES || news < MIN_NEWS) && clock_now_ms() < until_ms) {
		ask_all(&batch);
		zone_store_renew(&store);
		answer_batch(batch.queries, QUERIES, &store, &options, &stats);
		set = batch_set(&batch);
		if (set < last || set <= 0)
			break;
		if (first == 0)
			first = set;
		news += set > last;
		last = set;
		batches++;
	}
	ok(set > 0, "each batch tells one set");
	ok(set >= last, "and never an earlier one");
	ok(news >= MIN_NEWS, "%u batches saw %u of the sets %lld to %lld", batches, news,
	   (long long)first, (long long)last);
	zone_store_fini(&store);
}

static void
build(const char *dir)
{
	struct zone_records *zones[ZONES];
	struct live *live;

	for (unsigned i = 0; i < ZONES; i++)
		zones[i] = zone_of_set(origins[i], 1);
	zone_seal(dir, zones, ZONES);
	must(live_open(dir, 1000, &live),
	     "live_open"); /* workers look for its overlay once */
	live_close(live);
}

int
main(void)
{
	char *scratch = scratch_dir_make(), dir[2000];
	pid_t parent = getpid(), writer;

	snprintf(dir, sizeof dir, "%s", scratch_path(scratch, "base"));
	build(dir);
	writer = fork();
	if (writer == 0)
		write_sets(dir, parent);
	if (writer < 0)
		bail_out("no writer");
	read_sets(dir);
	kill(writer, SIGKILL);
	(void)waitpid(writer, NULL, 0);
	scratch_dir_free(scratch);
	return done_testing();
}
