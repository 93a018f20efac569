/* The arena, growing records, and bounded messages. */
#include "loader/zone/zone_records.h"

#include <stdio.h>
#include <string.h>

#include "loader/zone/arena.h"
#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"
#include "t/tap.h"

static void
test_arena(void)
{
	static const size_t sizes[] = { 0, 1, 7, 1000, 1024, 3, 5000000, 1, 900, 100000 };
	enum { PIECES = sizeof sizes / sizeof sizes[0] };
	struct arena *arena = arena_new();
	unsigned char *pieces[PIECES];
	unsigned wrong = 0;

	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = arena_take(arena, sizes[i]);
		if (!pieces[i])
			bail_out("no memory");
		memset(pieces[i], (int)i, sizes[i]);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t at = 0; at < sizes[i]; at++)
			wrong += pieces[i][at] != i;
	memset(pieces[PIECES - 1] + sizes[PIECES - 1], 0, ARENA_PAD);
	is_int(wrong, 0, "pieces of all sizes do not overlap");
	ok(arena_bytes(arena) > 5000000, "all chunks are counted");
	ok(arena_take(arena, SIZE_MAX) == NULL, "more than there is is NULL");
	ok(arena_take(arena, SIZE_MAX - 20) == NULL, "so is what would wrap around");
	ok(arena_take(arena, 16) != NULL, "and the arena goes on working");
	arena_free(arena);
	arena_free(NULL);
}

static void
test_records(void)
{
	struct zone_records *zone = zone_records_new((const uint8_t *)"\007example", 9);
	struct zone_record record = { .rdata = (const uint8_t *)"\1\2\3\4",
				      .rdata_len = 4 };
	uint8_t owner[] = "\003www\007example";

	record.owner = owner;
	record.owner_len = sizeof owner;
	record.type = 1;
	for (unsigned i = 0; i < 1000; i++) {
		record.line = i;
		owner[3] = i < 500 ? 'w' : 'x';
		if (zone_records_add(zone, &record) != ERR_OK)
			bail_out("no memory");
	}
	is_int(zone->count, 1000, "a thousand records");
	cmp_mem(zone->records[0].owner, "\003www\007example", 13, "owners are copied");
	ok(zone->records[0].owner == zone->records[499].owner,
	   "equal owners in a row are one");
	ok(zone->records[0].owner != zone->records[500].owner, "others are not");
	ok(zone->records[0].rdata != record.rdata, "rdata is copied");
	is_int(zone->records[999].line, 999, "members are kept");
	zone_records_free(zone);
	zone_records_free(NULL);
}

static void
test_paths(void)
{
	struct zone_records *zone = zone_records_new((const uint8_t *)"", 1);
	struct zone_record record = { .file = 1 };

	is_int(zone_records_add_path(zone, "/a"), 0, "the first path");
	is_int(zone_records_add_path(zone, "/b"), 1, "the second");
	is_int(zone_records_add_path(zone, "/a"), 0, "the first again");
	is(zone_records_path(zone, &record), "/b", "a record's path");
	record.file = 2;
	is(zone_records_path(zone, &record), "", "a record without a path");
	zone_records_free(zone);
}

static void
test_messages(void)
{
	struct zone_messages messages = { 0 };
	char text[2048], huge[5000];

	for (unsigned i = 0; i < 250; i++)
		zone_messages_add(&messages, ZONE_WARNING, "/z", i, "warning %u", i);
	ok(zone_messages_first_error(&messages) == NULL, "warnings are no error");
	zone_messages_add(&messages, ZONE_DROPPED, "/z", 1, "dropped");
	ok(zone_messages_first_error(&messages) == NULL, "what is dropped fails no zone");
	zone_messages_add(&messages, ZONE_ERROR, "/z\n", 7,
			  "bad\033[1m\n\tname \303\244");
	is_int(messages.kept_count, 102, "a hundred of each severity are kept");
	is_int(zone_messages_lost(&messages, ZONE_WARNING), 150,
	       "and the others counted");
	is_int(messages.counts[ZONE_WARNING], 250, "all are counted");
	zone_message_to_text(zone_messages_first_error(&messages), text, sizeof text);
	is(text, "/z\\010:7: bad\\027[1m\\010\\009name \\195\\164",
	   "text is made printable");
	memset(huge, '\001', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	zone_messages_add(&messages, ZONE_ERROR, "", 0, "%s", huge);
	zone_message_to_text(&messages.kept[102], text, sizeof text);
	ok(strlen(text) < ZONE_REASON_MAX, "and cut: %zu octets", strlen(text));
	zone_message_to_text(&messages.kept[0], text, 6);
	is(text, "/z: w", "a message is cut to the room there is");
	zone_messages_fini(&messages);
	is_int(messages.kept_count + messages.counts[ZONE_ERROR], 0, "fini empties");
}

int
main(void)
{
	test_arena();
	test_records();
	test_paths();
	test_messages();
	return done_testing();
}
