/* Redis in `status` and `stats`, and `changes`. */
#include "master/stats/stats_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "shm/clock.h"

enum { TIME_TEXT_MAX = 48, US_PER_S = 1000000 };

/* How long ago a time in ms was; null without one.  Clocks that were set back make no
 * time of the future. */
static void
put_age(struct json_out *json, const char *name, int64_t at_ms)
{
	int64_t age_s = (clock_wall_ms() - at_ms) / 1000;

	if (at_ms)
		json_out_int(json, name, age_s > 0 ? age_s : 0);
	else
		json_out_null(json, name);
}

static void
put_text(struct json_out *json, const char *name, const struct region_source *source,
	 enum source_text_id which)
{
	char text[SOURCE_TEXT_MAX];

	json_out_text(json, name,
		      region_source_get_text(source, which, text) ? text : NULL);
}

static void
put_files(const struct server *server, struct json_out *json)
{
	int64_t checked_at_s = atomic_load(&server->region->swap.checked_at_s);
	char error[256];

	region_get_error(server->region, error);
	json_out_text(json, "kind", "files");
	json_out_null(json, "connected");
	put_age(json, "staleness_s", checked_at_s * 1000);
	json_out_null(json, "cursor");
	json_out_text(json, "last_error", error[0] ? error : NULL);
}

/* Rollback and swap hold the sources off. */
static bool
is_held_off(const struct server *server)
{
	return atomic_load(&server->region->swap.chosen) != 0;
}

static void
put_redis(const struct server *server, struct json_out *json)
{
	const struct region_source *source = &server->region->source;
	enum source_state state =
		is_held_off(server) ? SOURCE_HELD_OFF
				    : (enum source_state)atomic_load(&source->state);
	int64_t connected_since_ms = atomic_load(&source->connected_since_ms);

	json_out_text(json, "kind",
		      atomic_load(&source->is_with_files) ? "redis and files" : "redis");
	json_out_bool(json, "connected", connected_since_ms != 0);
	put_age(json, "staleness_s", atomic_load(&source->current_at_ms));
	put_text(json, "cursor", source, SOURCE_TEXT_CURSOR);
	put_text(json, "last_error", source, SOURCE_TEXT_ERROR);
	json_out_text(json, "state", source_state_name(state));
	put_text(json, "server", source, SOURCE_TEXT_SERVER);
	put_age(json, "connected_s", connected_since_ms);
	put_age(json, "oldest_digest_s", atomic_load(&source->oldest_digest_ms));
}

void
stats_source_put(const struct server *server, struct json_out *json)
{
	const struct region_source *source = &server->region->source;

	json_out_begin_object(json, "source");
	if (atomic_load(&source->state) == SOURCE_OFF)
		put_files(server, json);
	else
		put_redis(server, json);
	json_out_end_object(json);
}

unsigned
stats_source_put_texts(const struct server *server, struct json_out *json,
		       enum source_text_kind kind)
{
	char text[SOURCE_TEXT_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < SOURCE_TEXT_COUNT; i++) {
		/* a notice says that the sources wait; it is meant so */
		if (i == SOURCE_TEXT_BACKLOG && is_held_off(server))
			continue;
		if (source_text_kind((enum source_text_id)i) != kind ||
		    !region_source_get_text(&server->region->source,
					    (enum source_text_id)i, text))
			continue;
		json_out_text(json, NULL, text);
		count++;
	}
	return count;
}

static void
put_buckets(struct json_out *json, const struct source_times_sum *sum)
{
	json_out_begin_array(json, "buckets");
	for (unsigned i = 0; i < SOURCE_TIME_BUCKETS; i++) {
		if (sum->buckets[i] == 0)
			continue;
		json_out_begin_object(json, NULL);
		if (i + 1 < SOURCE_TIME_BUCKETS)
			json_out_uint(json, "below_us", source_times_limit_us(i));
		else
			json_out_null(json, "below_us");
		json_out_uint(json, "count", sum->buckets[i]);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

static void
put_times(struct json_out *json, const char *name, const struct region_source *source,
	  enum change_cause cause)
{
	static const struct {
		const char *name;
		double share;
	} percentiles[] = {
		{ "p50_us", 0.5 },
		{ "p90_us", 0.9 },
		{ "p99_us", 0.99 },
		{ "max_us", 1 },
	};
	static struct source_times_sum sum;

	region_source_get_times(source, cause, &sum);
	json_out_begin_object(json, name);
	json_out_uint(json, "count", sum.count);
	for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
		if (sum.count == 0)
			json_out_null(json, percentiles[i].name);
		else
			json_out_uint(
				json, percentiles[i].name,
				source_times_percentile_us(&sum, percentiles[i].share));
	}
	put_buckets(json, &sum);
	json_out_end_object(json);
}

void
stats_source_put_times(const struct server *server, struct json_out *json)
{
	const struct region_source *source = &server->region->source;

	put_times(json, "stream_propagation", source, CHANGE_STREAM);
	put_times(json, "event_propagation", source, CHANGE_EVENT);
}

/* "2024-11-21T04:20:00.123Z"; null for 0. */
static void
put_time(struct json_out *json, const char *name, int64_t at_us)
{
	time_t at_s = (time_t)(at_us / US_PER_S);
	char text[TIME_TEXT_MAX], whole[TIME_TEXT_MAX / 2];
	struct tm parts;

	if (at_us <= 0 || !gmtime_r(&at_s, &parts) ||
	    strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
		json_out_null(json, name);
		return;
	}
	snprintf(text, sizeof text, "%s.%03dZ", whole, (int)(at_us % US_PER_S / 1000));
	json_out_text(json, name, text);
}

static void
put_change(struct json_out *json, const struct source_change *change)
{
	int64_t took_us = change->served_us - change->written_us;
	char id[TIME_TEXT_MAX];

	snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu64, change->id_ms, change->id_seq);
	json_out_begin_object(json, NULL);
	json_out_uint(json, "number", change->number);
	json_out_text(json, "id", change->id_ms ? id : NULL);
	json_out_text(json, "cause", change_cause_name((enum change_cause)change->cause));
	json_out_text(json, "zone", change->zone[0] ? change->zone : NULL);
	json_out_uint(json, "zones", change->zone_count);
	json_out_uint(json, "added", change->added);
	json_out_uint(json, "removed", change->removed);
	put_time(json, "written", change->written_us);
	put_time(json, "served", change->served_us);
	if (change->written_us)
		json_out_int(json, "took_us", took_us > 0 ? took_us : 0);
	else
		json_out_null(json, "took_us");
	json_out_end_object(json);
}

unsigned
stats_source_changes(struct server *server, struct json_out *json)
{
	static struct source_change changes[SOURCE_CHANGES_MAX];
	size_t count = region_source_get_changes(&server->region->source, changes);

	json_out_begin_object(json, NULL);
	json_out_begin_array(json, "changes");
	for (size_t i = 0; i < count; i++)
		put_change(json, &changes[i]);
	json_out_end_array(json);
	json_out_end_object(json);
	return 0;
}
