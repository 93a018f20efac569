/* How long the queries for other zones wait while one zone is flooded: the isolation that
 * workers have, in a model of a worker and of its queue.  Nothing depends on the machine:
 * who asks for the time, or for the length of the queue, is told the model's. */
#include "worker/isolation.h"

#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "t/tap.h"

/* About what they are on loopback. */
#define RECEIVE_NS UINT64_C(2000)
#define ANSWER_NS UINT64_C(4000)
#define WAKE_NS UINT64_C(20000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

enum {
	DATAGRAM_LEN = 768,
	ROOM = 10922, /* datagrams, of dns.rcvbuf_kb = 4096 */
	OTHER_ZONES = 999,
	OTHERS_QPS = 2000,
	ANSWERED_QPS = 166667, /* of the costs above */
	ASKED_MAX = OTHERS_QPS * 70,
	/* 5 times the 0.46 ms that their answers take on loopback beside nothing */
	WAIT_MOST_US = 2300,
};

struct scene {
	const char *name;
	unsigned seconds;
	unsigned flood_qps, flood_burst;
	unsigned on_ms, period_ms; /* it comes and goes; 0: it stays */
	unsigned stall_us, stall_every_ms; /* another process has the CPU */
	unsigned again_count; /* queries asked anew when they are answered */
};

struct asked {
	uint64_t at_ns;
	bool is_flood;
};

static struct model {
	const struct scene *scene;
	uint64_t now_ns, cpu_ns, flood_ns, other_ns, stall_ns;
	struct asked queue[ROOM];
	unsigned first, count, next_zone;
	uint32_t drops;
	unsigned others_lost, others_shed, shorts;
	uint64_t flood_answered, flood_shed;
	unsigned wait_count;
	uint64_t waits_ns[ASKED_MAX];
	struct queue_facts facts;
	struct query queries[ANSWER_BATCH];
	struct stage stages[ANSWER_BATCH];
	struct asked batch[ANSWER_BATCH];
} model;

static struct isolation isolation;
static struct flood_list told;
static struct zone_store no_store;
static struct stats_block stats;
static struct zone_facts zones[OTHER_ZONES];

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	uint64_t ns = clock == CLOCK_THREAD_CPUTIME_ID ? model.cpu_ns : model.now_ns;

	out->tv_sec = (time_t)(ns / S);
	out->tv_nsec = (long)(ns % S);
	return 0;
}

int
getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	uint32_t *info = value;

	(void)fd;
	(void)level;
	(void)name;
	memset(info, 0, *len);
	info[SK_MEMINFO_RMEM_ALLOC] = model.count * DATAGRAM_LEN;
	info[SK_MEMINFO_RCVBUF] = ROOM * DATAGRAM_LEN;
	info[SK_MEMINFO_DROPS] = model.drops;
	return 0;
}

/* ---- what comes ---- */

static void
arrive(uint64_t at_ns, bool is_flood)
{
	if (model.count == ROOM) {
		model.drops++;
		model.others_lost += !is_flood;
		return;
	}
	model.queue[(model.first + model.count++) % ROOM] =
		(struct asked){ at_ns, is_flood };
}

static void
arrive_flood(uint64_t at_ns)
{
	const struct scene *scene = model.scene;
	uint64_t at_ms = at_ns / MS;

	model.flood_ns += S * scene->flood_burst / scene->flood_qps;
	if (scene->period_ms && at_ms % scene->period_ms >= scene->on_ms)
		return;
	for (unsigned i = 0; i < scene->flood_burst; i++)
		arrive(at_ns, true);
}

static uint64_t
next_ns(void)
{
	return model.flood_ns < model.other_ns ? model.flood_ns : model.other_ns;
}

/* What has come until now. */
static void
take_in(void)
{
	uint64_t at_ns;

	while ((at_ns = next_ns()) <= model.now_ns) {
		if (at_ns == model.flood_ns) {
			arrive_flood(at_ns);
			continue;
		}
		arrive(at_ns, false);
		model.other_ns +=
			S / OTHERS_QPS / 2 + (uint64_t)rand() % (S / OTHERS_QPS);
	}
}

/* ---- the worker ---- */

static void
work(uint64_t ns)
{
	model.now_ns += ns;
	model.cpu_ns += ns;
	if (model.scene->stall_us && model.now_ns >= model.stall_ns) {
		model.now_ns += model.scene->stall_us * (MS / 1000);
		model.stall_ns = model.now_ns + model.scene->stall_every_ms * MS;
	}
	take_in();
}

/* The flood is of names of no zone, which is one zone for the isolation; others ask for an
 * apex each. */
static unsigned
receive(void)
{
	unsigned count = model.count < ANSWER_BATCH ? model.count : ANSWER_BATCH;

	for (unsigned i = 0; i < count; i++) {
		model.batch[i] = model.queue[(model.first + i) % ROOM];
		model.queries[i].verdict =
			model.batch[i].is_flood ? QUERY_ERROR : QUERY_LOOKUP;
		model.queries[i].name_len = 1;
		model.stages[i].status = STAGE_AT_APEX;
		model.stages[i].facts = &zones[model.next_zone++ % OTHER_ZONES];
	}
	model.first = (model.first + count) % ROOM;
	model.count -= count;
	isolation_set_time(&isolation, model.now_ns);
	work(count * RECEIVE_NS);
	return count;
}

static void
note(const struct asked *asked, bool is_shed)
{
	if (asked->is_flood) {
		model.flood_answered += !is_shed;
		model.flood_shed += is_shed;
	} else if (is_shed) {
		model.others_shed++;
	} else if (model.wait_count < ASKED_MAX) {
		model.waits_ns[model.wait_count++] = model.now_ns - asked->at_ns;
	}
	if (asked->is_flood && model.scene->again_count)
		arrive(model.now_ns, true);
}

static void
serve(void)
{
	bool was_short = isolation.watch.is_short;
	unsigned count = receive();
	uint64_t shed = 0;

	if (isolation_is_on(&isolation))
		shed = isolation_shed(&isolation, model.queries, model.stages, count,
				      &no_store, &stats);
	work((count - (unsigned)__builtin_popcountll(shed)) * ANSWER_NS);
	for (unsigned i = 0; i < count; i++)
		note(&model.batch[i], shed >> i & 1);
	isolation_end_batch(&isolation, &model.facts, 0, count == ANSWER_BATCH, &stats);
	model.shorts += isolation.watch.is_short && !was_short;
}

static void
play(const struct scene *scene)
{
	uint64_t end_ns;

	memset(&model, 0, sizeof model);
	isolation_init(&isolation, &told);
	srand(1);
	model.scene = scene;
	model.now_ns = model.other_ns = 1000 * S;
	model.flood_ns = scene->flood_qps ? model.now_ns : UINT64_MAX;
	model.stall_ns = model.now_ns + scene->stall_every_ms * MS;
	end_ns = model.now_ns + scene->seconds * S;
	for (unsigned i = 0; i < scene->again_count; i++)
		arrive(model.now_ns, true);
	while (model.now_ns < end_ns) {
		take_in();
		if (model.count > 0)
			serve();
		else
			model.now_ns = next_ns() + WAKE_NS;
	}
}

/* ---- what is to be seen ---- */

static int
by_length(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of so many in a thousand of the others' queries the wait, in us. */
static unsigned
wait_us(unsigned thousandths)
{
	qsort(model.waits_ns, model.wait_count, sizeof *model.waits_ns, by_length);
	return (unsigned)(model.waits_ns[(uint64_t)model.wait_count * thousandths /
					 1000] /
			  1000);
}

/* Of the answers that a flood which stays leaves time for, in percent: those it got. */
static unsigned
flood_percent(const struct scene *scene)
{
	uint64_t left_ns =
		S - scene->flood_qps * RECEIVE_NS - OTHERS_QPS * (RECEIVE_NS + ANSWER_NS);

	return (unsigned)(model.flood_answered * 100 / scene->seconds /
			  (left_ns / ANSWER_NS));
}

static void
check_flood(const struct scene *scene)
{
	unsigned p99_us;

	play(scene);
	p99_us = wait_us(990);
	ok(p99_us < WAIT_MOST_US, "%s: others wait at most %u us, at p99", scene->name,
	   p99_us);
	ok(model.shorts > 0 && model.flood_shed > 0, "it is a shortage: %u",
	   model.shorts);
	ok(model.others_shed == 0 && model.others_lost == 0, "they lose nothing");
	if (!scene->period_ms && !scene->stall_us)
		ok(flood_percent(scene) >= 40,
		   "the zone itself has %u %% of what is left", flood_percent(scene));
}

static void
check_no_flood(const struct scene *scene)
{
	play(scene);
	is_int(model.shorts, 0, "%s: no shortage", scene->name);
	ok(model.flood_answered > 0 && model.drops == 0, "all are answered");
}

static const struct scene floods[] = {
	{ "a little more than is answered", .seconds = 60, .flood_qps = ANSWERED_QPS,
	  .flood_burst = 64 },
	{ "a fifth more", .seconds = 30, .flood_qps = ANSWERED_QPS * 12 / 10,
	  .flood_burst = 64 },
	{ "what can be received", .seconds = 60, .flood_qps = ANSWERED_QPS * 28 / 10,
	  .flood_burst = 64 },
	{ "again and again", .seconds = 30, .flood_qps = ANSWERED_QPS * 12 / 10,
	  .flood_burst = 64, .on_ms = 1000, .period_ms = 3000 },
	{ "each time twice as many", .seconds = 15, .flood_qps = ANSWERED_QPS * 2,
	  .flood_burst = 64, .on_ms = 1000, .period_ms = 3000 },
	{ "beside other work", .seconds = 20, .flood_qps = ANSWERED_QPS * 12 / 10,
	  .flood_burst = 64, .stall_us = 1000, .stall_every_ms = 100 },
};

static const struct scene quiet[] = {
	{ "most of what is answered", .seconds = 10, .flood_qps = ANSWERED_QPS * 95 / 100,
	  .flood_burst = 64 },
	{ "bursts of 4000", .seconds = 10, .flood_qps = 4000, .flood_burst = 4000 },
	{ "larger ones by and by", .seconds = 10, .flood_qps = 3 * ANSWERED_QPS,
	  .flood_burst = 64, .on_ms = 10, .period_ms = 1000 },
	{ "clients that wait for answers", .seconds = 10, .again_count = 1000 },
};

int
main(void)
{
	for (unsigned i = 0; i < OTHER_ZONES; i++)
		zones[i].zone_id = i;
	for (size_t i = 0; i < sizeof floods / sizeof *floods; i++)
		check_flood(&floods[i]);
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		check_no_flood(&quiet[i]);
	done_testing();
}
