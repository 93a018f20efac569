/* What stands about Redis in the region: whole copies under a busy writer, a dead
 * writer, the buckets of the histogram. */
#include "shm/region_source.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/region.h"
#include "t/tap.h"

static struct region_source *
new_source(void)
{
	struct region *region = region_create(1);

	if (!region)
		bail_out("no memory for a region");
	return &region->source;
}

static void
test_empty(void)
{
	struct region_source *source = new_source();
	static struct source_change changes[SOURCE_CHANGES_MAX];
	static struct source_times_sum sum;
	char text[SOURCE_TEXT_MAX];
	unsigned texts = 0;

	is(source_state_name(atomic_load(&source->state)), "off", "no Redis at first");
	for (unsigned i = 0; i < SOURCE_TEXT_COUNT; i++)
		texts += region_source_get_text(source, i, text);
	is_int(texts, 0, "no texts");
	is_int(region_source_get_changes(source, changes), 0, "no changes");
	region_source_get_times(source, CHANGE_STREAM, &sum);
	is_int(source_times_percentile_us(&sum, 0.5), 0, "and no times");
}

static void
test_figures(void)
{
	struct region_source *source = new_source();

	region_source_add(source, SOURCE_redis_gaps, 2);
	region_source_add(source, SOURCE_redis_gaps, 1);
	region_source_set(source, SOURCE_redis_held, 5);
	region_source_set(source, SOURCE_redis_held, 4);
	is_int(region_source_get(source, SOURCE_redis_gaps), 3, "a counter grows");
	is_int(region_source_get(source, SOURCE_redis_held), 4, "a gauge is set");
}

static void
test_texts(void)
{
	struct region_source *source = new_source();
	char text[SOURCE_TEXT_MAX], long_text[2 * SOURCE_TEXT_MAX];
	uint32_t seq;

	region_source_set_text(source, SOURCE_TEXT_CURSOR, "%d-%d", 17, 0);
	ok(region_source_get_text(source, SOURCE_TEXT_CURSOR, text), "a text is there");
	is(text, "17-0", "as it was set");
	seq = atomic_load(&source->texts[SOURCE_TEXT_CURSOR].seq);
	region_source_set_text(source, SOURCE_TEXT_CURSOR, "17-0");
	is_int(atomic_load(&source->texts[SOURCE_TEXT_CURSOR].seq), seq,
	       "the same again writes nothing");
	atomic_fetch_add(&source->texts[SOURCE_TEXT_CURSOR].seq, 1);
	region_source_get_text(source, SOURCE_TEXT_CURSOR, text);
	is(text, "17-0", "a dead writer does not hang a reader");
	region_source_set_text(source, SOURCE_TEXT_CURSOR, "17-0");
	is_int(atomic_load(&source->texts[SOURCE_TEXT_CURSOR].seq) & 1u, 0,
	       "and the next one leaves an even number");
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	region_source_set_text(source, SOURCE_TEXT_ERROR, "%s", long_text);
	region_source_get_text(source, SOURCE_TEXT_ERROR, text);
	is_int(strlen(text), SOURCE_TEXT_MAX - 1, "a long text is cut");
	region_source_set_text(source, SOURCE_TEXT_ERROR, "%s", "");
	ok(!region_source_get_text(source, SOURCE_TEXT_ERROR, text), "none again");
	is_int(source_text_kind(SOURCE_TEXT_HELD), SOURCE_TEXT_PROBLEM, "a problem");
	is_int(source_text_kind(SOURCE_TEXT_LOADING), SOURCE_TEXT_NOTICE, "a notice");
}

static void
test_changes(void)
{
	struct region_source *source = new_source();
	static struct source_change changes[SOURCE_CHANGES_MAX];
	struct source_change change = { .id_ms = 1000, .cause = CHANGE_STREAM };
	int64_t before_us = clock_wall_us();

	memset(change.zone, 'z', sizeof change.zone);
	region_source_note_change(source, &change);
	is_int(region_source_get_changes(source, changes), 1, "one change set");
	is_int(changes[0].number, 1, "with the first number");
	is_int(strlen(changes[0].zone), SOURCE_CHANGE_ZONE_MAX - 1, "its zone cut");
	ok(changes[0].served_us >= before_us && changes[0].served_us <= clock_wall_us(),
	   "served now, when nothing else is said");
	change.added = 2;
	change.removed = 1;
	for (unsigned i = 0; i < SOURCE_CHANGES_MAX + 10; i++) {
		change.id_ms++;
		region_source_note_change(source, &change);
	}
	is_int(region_source_get_changes(source, changes), SOURCE_CHANGES_MAX,
	       "the ring is full");
	is_int(changes[0].number, SOURCE_CHANGES_MAX + 11, "the newest comes first");
	is_int(changes[SOURCE_CHANGES_MAX - 1].number, 12,
	       "the oldest that is left last");
	is_int(region_source_get(source, SOURCE_redis_changes), SOURCE_CHANGES_MAX + 11,
	       "all are counted");
	region_source_note_change(source, &change);
	is_int(region_source_get(source, SOURCE_redis_changes), SOURCE_CHANGES_MAX + 11,
	       "an entry that is read again is not");
	is(change_cause_name(CHANGE_EVENT), "event", "causes have names");
}

static void
test_buckets(void)
{
	struct region_source *source = new_source();
	static struct source_times_sum sum;
	unsigned wrong = 0;
	uint64_t us = 1, count = 0;

	for (unsigned i = 0; i + 1 < SOURCE_TIME_BUCKETS; i++)
		wrong += source_times_limit_us(i) >= source_times_limit_us(i + 1);
	is_int(wrong, 0, "limits rise");
	is_int(source_times_limit_us(0), 64, "from 64 us");
	ok(source_times_limit_us(SOURCE_TIME_BUCKETS - 2) > 100000000,
	   "beyond 100 s (%llu us)",
	   (unsigned long long)source_times_limit_us(SOURCE_TIME_BUCKETS - 2));
	for (; us < UINT64_C(1000000000); us += us / 20 + 1, count++) {
		struct source_change change = { .written_us = 1, .cause = CHANGE_EVENT };
		struct source_times_sum was;
		unsigned at = 0;

		region_source_get_times(source, CHANGE_EVENT, &was);
		change.served_us = 1 + (int64_t)us;
		region_source_note_change(source, &change);
		region_source_get_times(source, CHANGE_EVENT, &sum);
		while (us >= source_times_limit_us(at))
			at++;
		wrong += sum.buckets[at] != was.buckets[at] + 1;
	}
	is_int(wrong, 0,
	       "each time falls below its bucket's limit, and not below the one before");
	is_int(sum.count, count, "all are there");
	region_source_get_times(source, CHANGE_STREAM, &sum);
	is_int(sum.count, 0, "and none at the other cause");
}

static void
note_after(struct region_source *source, int64_t us)
{
	static uint64_t id;
	const struct source_change change = {
		.id_ms = ++id,
		.written_us = 1000000,
		.served_us = 1000000 + us,
		.cause = CHANGE_STREAM,
	};

	region_source_note_change(source, &change);
}

static void
test_percentiles(void)
{
	struct region_source *source = new_source();
	static struct source_times_sum sum;
	uint64_t p50_us, p99_us;

	for (int i = 0; i < 990; i++)
		note_after(source, 1000);
	for (int i = 0; i < 10; i++)
		note_after(source, 9000);
	note_after(source, -5000); /* a clock that is ahead of ours */
	region_source_get_times(source, CHANGE_STREAM, &sum);
	p50_us = source_times_percentile_us(&sum, 0.5);
	p99_us = source_times_percentile_us(&sum, 0.999);
	ok(p50_us >= 1000 && p50_us <= 1125, "half within 1 ms (%d us)", (int)p50_us);
	is_int(p99_us, 9000, "nothing is said to be longer than the longest");
	is_int(sum.buckets[0], 1, "a clock ahead of ours counts as at once");
	is_int(sum.max_us, 9000, "the longest");
}

static void
test_probe(void)
{
	struct region_source *source = new_source();
	char text[SOURCE_PROBE_MAX];
	uint64_t seq = region_source_probe_seq(source);
	struct source_change change = {
		.written_us = 1000000,
		.served_us = 1001500,
		.cause = CHANGE_STREAM,
	};

	is_int(region_source_print_probe(source, text), 0, "without Redis there is none");
	region_source_set_state(source, SOURCE_FOLLOWING);
	ok(region_source_print_probe(source, text) > 0, "with Redis there is");
	is(text, "cursor=0-0 changes=0", "before the first change");
	region_source_set_text(source, SOURCE_TEXT_CURSOR, "17-3");
	ok(region_source_probe_seq(source) != seq, "a cursor that moves is noticed");
	seq = region_source_probe_seq(source);
	region_source_note_change(source, &change);
	ok(region_source_probe_seq(source) != seq, "and so is a change");
	(void)region_source_print_probe(source, text);
	is(text, "cursor=17-3 changes=1 took_us=1500 p50_us=1500 p99_us=1500",
	   "what a writer wants to know");
}

/* A child notes changes whose members all tell the same number, and a text of one
 * letter; each copy must be whole, and numbers must not step back. */
static _Noreturn void
write_for_ever(struct region_source *source)
{
	char text[400];

	for (uint32_t i = 1;; i++) {
		struct source_change change = {
			.id_ms = i,
			.id_seq = i,
			.cause = CHANGE_STREAM,
			.zone_count = i,
			.added = i,
			.removed = i,
		};

		memset(change.zone, 'a' + (int)(i % 26), sizeof change.zone);
		region_source_note_change(source, &change);
		memset(text, 'a' + (int)(i % 26), sizeof text);
		text[100 + i % 250] = '\0';
		region_source_set_text(source, SOURCE_TEXT_CURSOR, "%s", text);
	}
}

static bool
is_whole(const struct source_change *change)
{
	for (size_t i = 0; i < SOURCE_CHANGE_ZONE_MAX - 1; i++)
		if (change->zone[i] != 'a' + (int)(change->id_ms % 26))
			return false;
	return change->id_seq == change->id_ms && change->number == change->id_ms &&
	       change->zone_count == change->id_ms && change->removed == change->added;
}

static void
test_busy_writer(void)
{
	struct region_source *source = new_source();
	static struct source_change changes[SOURCE_CHANGES_MAX];
	unsigned torn = 0, back = 0, copies = 0, turns = 0;
	uint64_t last = 0;
	pid_t writer = fork();

	if (writer == 0)
		write_for_ever(source);
	for (; (turns < 2000 || copies < 20000) && turns < 1000000; turns++) {
		size_t count = region_source_get_changes(source, changes);
		char text[SOURCE_TEXT_MAX];

		for (size_t i = 0; i < count; i++)
			torn += !is_whole(&changes[i]);
		copies += (unsigned)count;
		if (count > 0) {
			back += changes[0].number < last;
			last = changes[0].number;
		}
		if (region_source_get_text(source, SOURCE_TEXT_CURSOR, text))
			torn += strspn(text, (char[]){ text[0], '\0' }) != strlen(text);
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	ok(copies >= 20000, "%u change sets were copied under a busy writer", copies);
	is_int(torn, 0, "all of them whole");
	is_int(back, 0, "and none older than what was seen before");
	last = region_source_get(source, SOURCE_redis_changes);
	region_source_note_change(source, &(struct source_change){ .id_ms = 1 });
	ok(region_source_get(source, SOURCE_redis_changes) > last,
	   "the next writer goes on from there");
}

int
main(void)
{
	test_empty();
	test_figures();
	test_texts();
	test_changes();
	test_buckets();
	test_percentiles();
	test_probe();
	test_busy_writer();
	return done_testing();
}
