/* The shared region: its head, whole copies under a busy writer, a dead writer. */
#include "shm/region.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/tap.h"

static void
test_create(void)
{
	struct region *region = region_create(3);

	if (!region)
		bail_out("no memory for a region");
	cmp_mem(region->magic, REGION_MAGIC, 8, "magic");
	is_int(region->worker_count, 3, "worker count");
	is_int(region->master_pid, getpid(), "the master's pid");
	ok((uintptr_t)&region->slots[1].heartbeat_ns % 128 == 0,
	   "slots stand on own lines");
	is_int(atomic_load(&region->slots[2].cpu), -1, "no worker is pinned");
	ok(region->client_seed.a != 0 || region->client_seed.b != 0, "a random seed");
	is(worker_state_name(WORKER_BACKOFF), "backoff", "state by name");
}

static void
test_sum(void)
{
	struct region *region = region_create(2);
	static struct stats_block sum;

	stats_add(&region->slots[0].stats, STAT_udp_queries, 5);
	stats_add(&region->slots[1].stats, STAT_udp_queries, 6);
	region_retire(region, 0);
	stats_add(&region->slots[0].stats, STAT_udp_queries, 1);
	region_sum_stats(region, &sum);
	is_int(atomic_load(&sum.value[STAT_udp_queries]), 12,
	       "live and retired are summed");
	region_sum_stats(region, &sum);
	is_int(atomic_load(&sum.value[STAT_udp_queries]), 12, "each time from 0");
}

static struct settings
settings_with(char *identity, unsigned udp_size)
{
	struct settings settings;

	memset(&settings, 0, sizeof settings);
	settings.dns.identity = identity;
	settings.dns.version = identity;
	settings.dns.udp_size = udp_size;
	settings.tcp.idle_ms = udp_size;
	return settings;
}

/* A child writes two settings in turn; each copy must be one of them, whole. */
static void
test_live_is_whole(void)
{
	struct region *region = region_create(1);
	char short_name[] = "a", long_name[SETTINGS_IDENTITY_MAX + 1];
	struct settings one, two;
	unsigned torn = 0, changes = 0;
	uint32_t last_seq = 0;
	pid_t writer;

	memset(long_name, 'b', SETTINGS_IDENTITY_MAX);
	long_name[SETTINGS_IDENTITY_MAX] = '\0';
	one = settings_with(short_name, 512);
	two = settings_with(long_name, 4096);
	region_set_live(region, &one);
	writer = fork();
	if (writer == 0)
		for (;;) {
			region_set_live(region, &two);
			region_set_live(region, &one);
		}
	for (unsigned i = 0; i < 20000; i++) {
		struct region_live live;
		uint32_t seq = region_get_live(region, &live);
		bool is_one = live.udp_size == 512;

		changes += seq != last_seq;
		last_seq = seq;
		torn += (seq & 1u) != 0 || live.tcp_idle_ms != live.udp_size ||
			live.identity_len != (is_one ? 1 : SETTINGS_IDENTITY_MAX) ||
			strcmp(live.version, is_one ? short_name : long_name) != 0;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	is_int(torn, 0, "20000 copies under a busy writer are whole");
	ok(changes > 0, "and they changed (%u times)", changes);
}

static void
test_dead_writer(void)
{
	struct region *region = region_create(1);
	char text[256], long_text[400];

	region_set_error(region, "disk full");
	region_get_error(region, text);
	is(text, "disk full", "an error text");
	atomic_fetch_add(&region->swap.last_error_seq, 1); /* died in the middle */
	region_get_error(region, text);
	is(text, "disk full", "a dead writer does not hang a reader");
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	region_set_error(region, long_text);
	is_int(atomic_load(&region->swap.last_error_seq) & 1u, 0,
	       "the next writer leaves an even number");
	region_get_error(region, text);
	is_int(strlen(text), 255, "a long text is cut");
	region_set_error(region, "");
	region_get_error(region, text);
	is(text, "", "no error");
}

/* The region's own start is moved, not the machine's clock. */
static void
test_clock(void)
{
	enum { DAY_S = 86400, YEAR_S = 365 * DAY_S };
	struct region *region = region_create(1);

	ok(!region_clock_is_doubtful(region), "a clock that was not set");
	region->started_wall_s -= YEAR_S;
	ok(region_clock_is_doubtful(region), "one that was set forward by a year");
	ok(region_clock_moved_s(region) > YEAR_S - 60 &&
		   region_clock_moved_s(region) < YEAR_S + 60,
	   "which is told");
	region->started_wall_s += 2 * YEAR_S;
	ok(region_clock_is_doubtful(region), "and one that was set back");
	region->started_wall_s -= YEAR_S - 3600;
	ok(!region_clock_is_doubtful(region), "an hour is nothing");
	region->started_wall_s = 1000;
	ok(!region_clock_is_doubtful(region), "nor is a clock that was not set at first");
}

/* Wrong from the start: by what was made, and by Redis. */
static void
test_other_clocks(void)
{
	enum { DAY_S = 86400, YEAR_S = 365 * DAY_S };
	struct region *region = region_create(1);
	char text[REGION_CLOCK_TEXT_MAX];
	int64_t now_s = region->started_wall_s;

	region_clock_note_past(region, now_s + 20 * (int64_t)YEAR_S);
	region_clock_note_past(region, now_s - YEAR_S);
	ok(!region_clock_explain(region, text), "what was made a year ago is past");
	region_clock_note_past(region, now_s + DAY_S / 2);
	ok(!region_clock_is_doubtful(region), "half a day is nothing");
	region_clock_note_past(region, now_s + YEAR_S);
	region_clock_note_past(region, now_s + DAY_S);
	ok(region_clock_explain(region, text), "a clock that is a year behind");
	ok(strstr(text, "behind by 36") != NULL, "is told: %s", text);
	atomic_store(&region->clock.is_believed, true);
	ok(!region_clock_is_doubtful(region), "unless it is believed");
	region_clock_note_other(region, now_s + 3600);
	ok(!region_clock_is_doubtful(region), "an hour from Redis's is nothing");
	region_clock_note_other(region, 1000);
	ok(!region_clock_is_doubtful(region), "one that was never set says nothing");
	region_clock_note_other(region, now_s + 20 * (int64_t)YEAR_S);
	ok(!region_clock_is_doubtful(region), "nor does one of decades later");
	region_clock_note_other(region, now_s - YEAR_S);
	ok(region_clock_explain(region, text), "a clock that is a year before Redis's");
	ok(strstr(text, "365 days ahead of that of Redis") != NULL, "is told: %s", text);
}

int
main(void)
{
	test_create();
	test_sum();
	test_live_is_whole();
	test_dead_writer();
	test_clock();
	test_other_clocks();
	return done_testing();
}
