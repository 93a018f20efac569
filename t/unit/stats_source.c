/* What the master says about Redis: `status`, `stats` and `changes` from the region. */
#include "master/stats/stats_source.h"

#include <jansson.h>
#include <string.h>

#include "shm/clock.h"
#include "t/tap.h"

static struct server server;
static char buffer[1 << 17];

static struct json_out *
begin(void)
{
	static struct json_out json;

	json_out_init(&json, buffer, sizeof buffer, NULL, NULL);
	return &json;
}

/* The object that was written, owned by the caller. */
static json_t *
parse(struct json_out *json)
{
	json_error_t error;
	json_t *object;

	if (json_out_finish(json) != 0)
		bail_out("the reply does not fit");
	object = json_loadb(buffer, json->len, 0, &error);
	if (!object)
		bail_out("%s in %.*s", error.text, (int)json->len, buffer);
	return object;
}

static json_t *
get_source(void)
{
	struct json_out *json = begin();

	json_out_begin_object(json, NULL);
	stats_source_put(&server, json);
	json_out_end_object(json);
	return parse(json);
}

static const char *
text_of(json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "(no text)";
}

static long long
number_of(json_t *object, const char *member)
{
	json_t *value = json_object_get(object, member);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void
test_files(void)
{
	json_t *object, *source;

	atomic_store(&server.region->swap.checked_at_s, clock_wall_s() - 5);
	object = get_source();
	source = json_object_get(object, "source");
	is(text_of(source, "kind"), "files", "without Redis: files");
	ok(json_is_null(json_object_get(source, "connected")),
	   "not connected to anything");
	ok(number_of(source, "staleness_s") >= 5, "as old as the last look");
	json_decref(object);
}

static void
test_redis(void)
{
	struct region_source *source = &server.region->source;
	json_t *object, *got;

	region_source_set_state(source, SOURCE_FOLLOWING);
	atomic_store(&source->connected_since_ms, clock_wall_ms() - 100000);
	atomic_store(&source->current_at_ms, clock_wall_ms() + 60000);
	region_source_set_text(source, SOURCE_TEXT_CURSOR, "17-3");
	object = get_source();
	got = json_object_get(object, "source");
	is(text_of(got, "kind"), "redis", "Redis");
	ok(json_is_true(json_object_get(got, "connected")), "connected");
	ok(number_of(got, "connected_s") >= 100, "since");
	is_int(number_of(got, "staleness_s"), 0, "a clock that was set back: not stale");
	is(text_of(got, "cursor"), "17-3", "the cursor");
	is(text_of(got, "state"), "following", "the state");
	ok(json_is_null(json_object_get(got, "oldest_digest_s")), "no digest yet");
	ok(json_is_null(json_object_get(got, "last_error")), "no error");
	json_decref(object);
	atomic_store(&source->connected_since_ms, 0);
	atomic_store(&source->current_at_ms, clock_wall_ms() - 61000);
	atomic_store(&source->is_with_files, 1);
	region_source_set_text(source, SOURCE_TEXT_ERROR, "connection refused");
	object = get_source();
	got = json_object_get(object, "source");
	is(text_of(got, "kind"), "redis and files", "both");
	ok(json_is_false(json_object_get(got, "connected")), "not connected");
	ok(number_of(got, "staleness_s") >= 61, "the data grow old");
	is(text_of(got, "last_error"), "connection refused", "the error");
	json_decref(object);
}

static void
test_texts(void)
{
	struct region_source *source = &server.region->source;
	struct json_out *json = begin();
	json_t *list;

	region_source_set_text(source, SOURCE_TEXT_HELD, "held: %d", 3);
	region_source_set_text(source, SOURCE_TEXT_GAP, "gap");
	region_source_set_text(source, SOURCE_TEXT_LOADING, "half of it");
	json_out_begin_array(json, NULL);
	is_int(stats_source_put_texts(&server, json, SOURCE_TEXT_PROBLEM), 2,
	       "two problems");
	is_int(stats_source_put_texts(&server, json, SOURCE_TEXT_NOTICE), 1,
	       "one notice");
	json_out_end_array(json);
	list = parse(json);
	is_int(json_array_size(list), 3, "and nothing else");
	is(json_string_value(json_array_get(list, 1)), "held: 3", "as sync said it");
	json_decref(list);
}

static void
test_held_off(void)
{
	struct json_out *json;
	json_t *object;

	region_source_set_text(&server.region->source, SOURCE_TEXT_BACKLOG, "wait");
	atomic_store(&server.region->swap.chosen, 1);
	object = get_source();
	is(text_of(json_object_get(object, "source"), "state"), "held off",
	   "rollback holds Redis off");
	json_decref(object);
	json = begin();
	json_out_begin_array(json, NULL);
	is_int(stats_source_put_texts(&server, json, SOURCE_TEXT_PROBLEM), 2,
	       "which is no problem besides the others");
	atomic_store(&server.region->swap.chosen, 0);
	is_int(stats_source_put_texts(&server, json, SOURCE_TEXT_PROBLEM), 3,
	       "as it is without a rollback");
	region_source_set_text(&server.region->source, SOURCE_TEXT_BACKLOG, "%s", "");
}

static void
test_times(void)
{
	struct json_out *json = begin();
	json_t *object, *times;

	json_out_begin_object(json, NULL);
	stats_source_put_times(&server, json);
	json_out_end_object(json);
	object = parse(json);
	times = json_object_get(object, "stream_propagation");
	is_int(number_of(times, "count"), 1, "one was timed");
	is_int(number_of(times, "p99_us"), 1500, "within");
	is_int(json_array_size(json_object_get(times, "buckets")), 1, "in one bucket");
	times = json_object_get(object, "event_propagation");
	is_int(number_of(times, "count"), 0, "none by notifications");
	ok(json_is_null(json_object_get(times, "p50_us")), "which is not known");
	json_decref(object);
}

static void
test_changes(void)
{
	struct region_source *source = &server.region->source;
	struct json_out *json = begin();
	struct source_change change = {
		.id_ms = 1795226090210,
		.id_seq = 4,
		.written_us = 1795226090210000,
		.served_us = 1795226090211500,
		.cause = CHANGE_STREAM,
		.zone_count = 2,
		.added = 7,
		.removed = 1,
		.zone = "example.com.",
	};
	json_t *object, *item;

	stats_source_changes(&server, json);
	object = parse(json);
	is_int(json_array_size(json_object_get(object, "changes")), 0, "no changes yet");
	json_decref(object);
	region_source_note_change(source, &change);
	region_source_note_change(source,
				  &(struct source_change){ .cause = CHANGE_DIGEST });
	json = begin();
	is_int(stats_source_changes(&server, json), 0, "changes succeeds");
	object = parse(json);
	item = json_array_get(json_object_get(object, "changes"), 0);
	is(text_of(item, "cause"), "digest", "the newest comes first");
	ok(json_is_null(json_object_get(item, "took_us")),
	   "how long it took is not known");
	ok(json_is_null(json_object_get(item, "id")), "nor its id");
	item = json_array_get(json_object_get(object, "changes"), 1);
	is(text_of(item, "id"), "1795226090210-4", "the id of the entry");
	is(text_of(item, "written"), "2026-11-21T01:54:50.210Z", "written");
	is(text_of(item, "served"), "2026-11-21T01:54:50.211Z", "served");
	is_int(number_of(item, "took_us"), 1500, "in 1.5 ms");
	is(text_of(item, "zone"), "example.com.", "the zone");
	is_int(number_of(item, "added"), 7, "its records");
	json_decref(object);
}

int
main(void)
{
	server.region = region_create(1);
	if (!server.region)
		bail_out("no memory for a region");
	test_files();
	test_redis();
	test_texts();
	test_held_off();
	test_changes();
	test_times();
	return done_testing();
}
