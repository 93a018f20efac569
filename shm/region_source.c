/* Writing and reading what stands about Redis in the region. */
#include "shm/region_source.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/seqlock.h"

enum {
	TIME_FIRST_BITS = 6, /* bucket 0 ends at 2^6 us */
	TIME_STEP_BITS = 3, /* 8 buckets for each doubling */
};

void
region_source_set_text(struct region_source *source, enum source_text_id which,
		       const char *format, ...)
{
	struct source_text *to = &source->texts[which];
	char text[SOURCE_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!(atomic_load_explicit(&to->seq, memory_order_relaxed) & 1u) &&
	    strcmp(text, to->text) == 0)
		return;
	seqlock_begin(&to->seq);
	memcpy(to->text, text, strlen(text) + 1);
	seqlock_end(&to->seq);
}

bool
region_source_get_text(const struct region_source *source, enum source_text_id which,
		       char out[SOURCE_TEXT_MAX])
{
	const struct source_text *from = &source->texts[which];

	seqlock_copy(&from->seq, out, from->text, SOURCE_TEXT_MAX, SEQLOCK_TURNS);
	out[SOURCE_TEXT_MAX - 1] = '\0';
	return out[0] != '\0';
}

void
region_source_set_off(struct region_source *source)
{
	static const enum source_figure levels[] = { SOURCE_redis_zones,
						     SOURCE_redis_held,
						     SOURCE_redis_waiting,
						     SOURCE_bad_rrsets };

	region_source_set_state(source, SOURCE_OFF);
	atomic_store(&source->connected_since_ms, 0);
	atomic_store(&source->current_at_ms, 0);
	atomic_store(&source->oldest_digest_ms, 0);
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		region_source_set(source, levels[i], 0);
	for (unsigned i = 0; i < SOURCE_TEXT_COUNT; i++)
		region_source_set_text(source, (enum source_text_id)i, "%s", "");
}

static unsigned
find_bucket(uint64_t us)
{
	unsigned bits, bucket;

	if (us >> TIME_FIRST_BITS == 0)
		return 0;
	bits = 63u - (unsigned)__builtin_clzll(us);
	bucket = (bits - TIME_FIRST_BITS) << TIME_STEP_BITS;
	bucket += 1 + (unsigned)(us >> (bits - TIME_STEP_BITS) & 7u);
	return bucket < SOURCE_TIME_BUCKETS ? bucket : SOURCE_TIME_BUCKETS - 1;
}

uint64_t
source_times_limit_us(unsigned i)
{
	uint64_t step = 8 + (i & 7u);

	if (i >= SOURCE_TIME_BUCKETS - 1)
		return UINT64_MAX;
	return step << ((i >> TIME_STEP_BITS) + TIME_FIRST_BITS - TIME_STEP_BITS);
}

static void
note_time(struct source_times *times, uint64_t us)
{
	_Atomic uint64_t *bucket = &times->buckets[find_bucket(us)];

	atomic_store_explicit(bucket,
			      atomic_load_explicit(bucket, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (us > atomic_load_explicit(&times->max_us, memory_order_relaxed))
		atomic_store_explicit(&times->max_us, us, memory_order_relaxed);
}

/* Entries are read again after a load and a resync; served they were before. */
static bool
was_noted(const struct region_source *source, const struct source_change *change,
	  uint64_t count)
{
	if (change->cause != CHANGE_STREAM)
		return false;
	for (uint64_t i = 0; i < count && i < SOURCE_CHANGES_MAX; i++) {
		const struct source_change *at = &source->changes[i].change;

		if (at->id_ms == change->id_ms && at->id_seq == change->id_seq &&
		    at->cause == CHANGE_STREAM)
			return true;
	}
	return false;
}

void
region_source_note_change(struct region_source *source,
			  const struct source_change *change)
{
	uint64_t count =
		atomic_load_explicit(&source->change_count, memory_order_relaxed);
	struct source_change_slot *slot = &source->changes[count % SOURCE_CHANGES_MAX];
	int64_t served_us = change->served_us ? change->served_us : clock_wall_us();

	if (was_noted(source, change, count))
		return;
	seqlock_begin(&slot->seq);
	slot->change = *change;
	slot->change.number = count + 1;
	slot->change.served_us = served_us;
	slot->change.zone[SOURCE_CHANGE_ZONE_MAX - 1] = '\0';
	seqlock_end(&slot->seq);
	atomic_store_explicit(&source->change_count, count + 1, memory_order_release);
	if (change->written_us && change->cause < SOURCE_TIMES_COUNT)
		/* clocks of two machines differ: before it was written is at once */
		note_time(&source->times[change->cause],
			  served_us > change->written_us
				  ? (uint64_t)(served_us - change->written_us)
				  : 0);
	region_source_add(source, SOURCE_redis_changes, 1);
}

size_t
region_source_get_changes(const struct region_source *source,
			  struct source_change out[SOURCE_CHANGES_MAX])
{
	uint64_t count =
		atomic_load_explicit(&source->change_count, memory_order_acquire);
	size_t found = 0;

	for (uint64_t i = 0; i < count && i < SOURCE_CHANGES_MAX; i++) {
		const struct source_change_slot *slot =
			&source->changes[(count - 1 - i) % SOURCE_CHANGES_MAX];

		seqlock_copy(&slot->seq, &out[found], &slot->change, sizeof *out,
			     SEQLOCK_TURNS);
		/* the writer has come round to it meanwhile, or died at it */
		if (out[found].number == count - i)
			found++;
	}
	return found;
}

void
region_source_get_times(const struct region_source *source, enum change_cause cause,
			struct source_times_sum *out)
{
	const struct source_times *times = &source->times[cause];

	assert((unsigned)cause < SOURCE_TIMES_COUNT);
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < SOURCE_TIME_BUCKETS; i++) {
		out->buckets[i] =
			atomic_load_explicit(&times->buckets[i], memory_order_relaxed);
		out->count += out->buckets[i];
	}
	out->max_us = atomic_load_explicit(&times->max_us, memory_order_relaxed);
}

uint64_t
source_times_percentile_us(const struct source_times_sum *sum, double share)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < SOURCE_TIME_BUCKETS; i++) {
		uint64_t limit_us = source_times_limit_us(i);

		seen += sum->buckets[i];
		if (seen > 0 && (double)seen >= share * (double)sum->count)
			return limit_us < sum->max_us ? limit_us : sum->max_us;
	}
	return 0;
}

static size_t
put_probe(char *out, size_t at, const char *name, uint64_t value)
{
	return at + (size_t)snprintf(out + at, SOURCE_PROBE_MAX - at, " %s=%" PRIu64,
				     name, value);
}

size_t
region_source_print_probe(const struct region_source *source, char out[SOURCE_PROBE_MAX])
{
	uint64_t count =
		atomic_load_explicit(&source->change_count, memory_order_acquire);
	const struct source_change_slot *slot =
		&source->changes[(count ? count - 1 : 0) % SOURCE_CHANGES_MAX];
	struct source_times_sum times;
	struct source_change last;
	char cursor[SOURCE_TEXT_MAX];
	size_t at;

	if (atomic_load_explicit(&source->state, memory_order_relaxed) == SOURCE_OFF)
		return 0;
	if (!region_source_get_text(source, SOURCE_TEXT_CURSOR, cursor))
		strcpy(cursor, "0-0");
	at = (size_t)snprintf(out, SOURCE_PROBE_MAX, "cursor=%.44s", cursor);
	at = put_probe(out, at, "changes", count);
	if (count > 0) {
		seqlock_copy(&slot->seq, &last, &slot->change, sizeof last,
			     SEQLOCK_TURNS);
		if (last.written_us && last.served_us >= last.written_us)
			at = put_probe(out, at, "took_us",
				       (uint64_t)(last.served_us - last.written_us));
	}
	region_source_get_times(source, CHANGE_STREAM, &times);
	if (times.count == 0)
		return at;
	at = put_probe(out, at, "p50_us", source_times_percentile_us(&times, 0.5));
	return put_probe(out, at, "p99_us", source_times_percentile_us(&times, 0.99));
}

const char *
source_state_name(enum source_state state)
{
	switch (state) {
	case SOURCE_OFF:
		return "off";
	case SOURCE_CONNECTING:
		return "connecting";
	case SOURCE_IDENTIFYING:
		return "identifying";
	case SOURCE_LOADING:
		return "loading";
	case SOURCE_RESYNCING:
		return "resyncing";
	case SOURCE_FOLLOWING:
		return "following";
	case SOURCE_HELD_OFF:
		return "held off";
	case SOURCE_STATE_COUNT:
		break;
	}
	return "unknown";
}

const char *
change_cause_name(enum change_cause cause)
{
	switch (cause) {
	case CHANGE_STREAM:
		return "stream";
	case CHANGE_EVENT:
		return "event";
	case CHANGE_DIGEST:
		return "digest";
	case CHANGE_RESYNC:
		return "resync";
	case CHANGE_ACCEPT:
		return "accept";
	case CHANGE_RELOAD:
		return "reload";
	case CHANGE_CAUSE_COUNT:
		break;
	}
	return "unknown";
}

enum source_text_kind
source_text_kind(enum source_text_id which)
{
	static const enum source_text_kind kinds[SOURCE_TEXT_COUNT] = {
#define X(name, kind) [SOURCE_TEXT_##name] = SOURCE_TEXT_##kind,
		SOURCE_TEXT_TABLE(X)
#undef X
	};

	return kinds[which];
}
