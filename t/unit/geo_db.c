/* Databases of places: what is known of addresses, and what becomes of files that are
 * damaged, or made to be slow. */
#include "shm/geo_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/geo_entry.h"
#include "t/draw.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

/* The library loses memory when metadata are damaged; files are opened in a job, which ends. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

enum { FILE_MAX = 1 << 21, FLIPS = 2000, BOMB_NODES = 20000 };

/* A file in the making. */
struct maker {
	uint8_t *octets;
	size_t len;
	const char *path;
};

static void
put(struct maker *maker, const void *octets, size_t len)
{
	memcpy(maker->octets + maker->len, octets, len);
	maker->len += len;
}

static void
put_text(struct maker *maker, const char *text)
{
	uint8_t head = (uint8_t)(2 << 5 | strlen(text));

	put(maker, &head, 1);
	put(maker, text, strlen(text));
}

/* A number of 2 or 4 octets. */
static void
put_number(struct maker *maker, unsigned len, uint32_t number)
{
	uint8_t octets[5] = { (uint8_t)((len == 2 ? 5u : 6u) << 5 | len) };

	for (unsigned i = 0; i < len; i++)
		octets[1 + i] = (uint8_t)(number >> 8 * (len - 1 - i));
	put(maker, octets, 1 + len);
}

/* Records of 24 bits. */
static void
put_node(struct maker *maker, uint32_t left, uint32_t right)
{
	const uint8_t octets[] = { (uint8_t)(left >> 16), (uint8_t)(left >> 8),
				   (uint8_t)left,         (uint8_t)(right >> 16),
				   (uint8_t)(right >> 8), (uint8_t)right };

	put(maker, octets, sizeof octets);
}

static void
put_separator(struct maker *maker)
{
	static const uint8_t zeros[16];

	put(maker, zeros, sizeof zeros);
}

static void
put_metadata(struct maker *maker, uint32_t node_count, unsigned ip_version)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	static const uint8_t no_epoch[] = { 0x08, 0x02, 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t no_array[] = { 0x00, 0x04 };
	const uint8_t map = 7 << 5 | 9, no_map = 7 << 5;

	put(maker, marker, sizeof marker - 1);
	put(maker, &map, 1);
	put_text(maker, "node_count");
	put_number(maker, 4, node_count);
	put_text(maker, "record_size");
	put_number(maker, 2, 24);
	put_text(maker, "ip_version");
	put_number(maker, 2, ip_version);
	put_text(maker, "database_type");
	put_text(maker, "Test");
	put_text(maker, "binary_format_major_version");
	put_number(maker, 2, 2);
	put_text(maker, "binary_format_minor_version");
	put_number(maker, 2, 0);
	put_text(maker, "build_epoch");
	put(maker, no_epoch, sizeof no_epoch);
	put_text(maker, "languages");
	put(maker, no_array, sizeof no_array);
	put_text(maker, "description");
	put(maker, &no_map, 1);
}

static int
open_made(const struct maker *maker, enum geo_db_kind kind, struct geo_db **db,
	  char reason[GEO_DB_REASON_MAX])
{
	FILE *file = fopen(maker->path, "w");

	if (!file || fwrite(maker->octets, 1, maker->len, file) != maker->len)
		bail_out("%s cannot be written", maker->path);
	fclose(file);
	return geo_db_open(maker->path, kind, db, reason);
}

/* ---- one entry for all addresses of IPv4, of these octets ---- */

#define COUNTRY(code)     \
	"\xe1\x47"        \
	"country\xe1\x48" \
	"iso_code\x42" code

static const struct {
	const char *what;
	const char *octets;
	size_t len;
	const char *country; /* NULL: refused */
} entries[] = {
#define ENTRY(what, octets, country)                      \
	{                                                 \
		what, octets, sizeof(octets) - 1, country \
	}
	ENTRY("nested", COUNTRY("DE"), "DE"),
	ENTRY("flat",
	      "\xe1\x4c"
	      "country_code\x42"
	      "DE",
	      "DE"),
	ENTRY("nested comes first",
	      "\xe2\x4c"
	      "country_code\x42"
	      "DE\x47"
	      "country\xe1\x48"
	      "iso_code\x42"
	      "US",
	      "US"),
	ENTRY("registered only",
	      "\xe1\x52"
	      "registered_country\xe1\x48"
	      "iso_code\x42"
	      "DE",
	      NULL),
	ENTRY("of three letters", COUNTRY("DE") "U", "DE"),
	ENTRY("a country that is text",
	      "\xe1\x47"
	      "country\x42"
	      "DE",
	      NULL),
	ENTRY("a code that is a number",
	      "\xe1\x47"
	      "country\xe1\x48"
	      "iso_code\xa1\x07",
	      NULL),
	ENTRY("no map",
	      "\x42"
	      "DE",
	      NULL),
	ENTRY("an empty map", "\xe0", NULL),
	ENTRY("a pointer to itself", "\x20\x00", NULL),
	ENTRY("pointers in a ring", "\x20\x02\x20\x00", NULL),
	ENTRY("a pointer behind the end", "\x38\xff\xff\xff\xff", NULL),
	ENTRY("a country that points to its own map",
	      "\xe1\x47"
	      "country\x20\x00",
	      NULL),
	ENTRY("a key that points behind the end",
	      "\xe1\x3f\xff\xff\xff\x42"
	      "DE",
	      NULL),
	ENTRY("a map of 16 million",
	      "\xff\xff\xff\xff\x47"
	      "country",
	      NULL),
	ENTRY("an array of 16 million before the country",
	      "\xe2\x41"
	      "a\x1f\x04\xff\xff\xff",
	      NULL),
	ENTRY("text of 16 million octets",
	      "\xe1\x47"
	      "country\x5f\xff\xff\xff",
	      NULL),
	ENTRY("nothing", "", NULL),
};

static void
check_entries(struct maker *maker)
{
	const struct geo_address address = { { [10] = 0xff, 0xff, 192, 0, 2, 1 } };

	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		char reason[GEO_DB_REASON_MAX] = "";
		struct geo_place place;
		struct geo_db *db = NULL;
		int rc;

		maker->len = 0;
		put_node(maker, 1 + 16, 1 + 16);
		put_separator(maker);
		put(maker, entries[i].octets, entries[i].len);
		put_metadata(maker, 1, 4);
		rc = open_made(maker, GEO_COUNTRY, &db, reason);
		if (rc == 0)
			rc = geo_db_check(db, reason);
		ok((rc == 0) == (entries[i].country != NULL), "%s: %s", entries[i].what,
		   rc ? reason : "good");
		if (rc == 0) {
			geo_db_find(db, &address, GEO_WANT_REGION | GEO_WANT_LOCATION,
				    &place);
			ok(memcmp(place.country, entries[i].country, 2) == 0 &&
				   place.prefix_len == 97,
			   "its country, for half of IPv4");
		}
		geo_db_close(db);
	}
}

/* ---- files that are slow ---- */

/* As many entries as there are records, each of which holds those that follow, up to a
 * length. */
static void
check_bomb(struct maker *maker, uint32_t length)
{
	static const uint8_t pair[] = { 0xe1, 0x41, 'a' }, last[] = { 0xe0, 0xe0, 0xe0 };
	char reason[GEO_DB_REASON_MAX] = "";
	struct geo_db *db = NULL;

	maker->len = 0;
	for (uint32_t i = 0; i < BOMB_NODES; i++)
		put_node(maker, BOMB_NODES + 16 + 6 * i, BOMB_NODES + 16 + 6 * i + 3);
	put_separator(maker);
	for (uint32_t i = 0; i < 2 * BOMB_NODES; i++)
		put(maker, i % length == length - 1 ? last : pair, sizeof pair);
	put_metadata(maker, BOMB_NODES, 4);
	is_int(open_made(maker, GEO_COUNTRY, &db, reason), 0, "maps in maps, %u: %s",
	       length, reason);
	if (!db)
		return;
	is_int(geo_db_check(db, reason), ERR_DAMAGED, "are refused");
	ok(strstr(reason, "without end"), "since that takes long: %s", reason);
	geo_db_close(db);
}

static void
check_walk(void)
{
	static const uint8_t map[] = { 0xe2, 0x41, 'a',  0xa1, 7,    0x41, 'b',
				       0x02, 0x04, 0x20, 0,    0x01, 0x07 };
	uint64_t left = 7;

	ok(geo_entry_walk(map, sizeof map, 0, &left) && left == 0,
	   "a map, its keys, a number, an array of a pointer and a truth");
	left = 6;
	ok(!geo_entry_walk(map, sizeof map, 0, &left), "a value too many");
	for (size_t len = 0; len < sizeof map; len++) {
		left = 100;
		ok(!geo_entry_walk(map, len, 0, &left), "cut to %zu octets", len);
	}
}

/* ---- damage ---- */

static void
make_tree(struct maker *maker, uint32_t *node_count)
{
	static const char entry[] = COUNTRY("DE");
	const uint32_t count = 40;

	maker->len = 0;
	for (uint32_t i = 0; i < count; i++)
		put_node(maker, i % 3 ? count + 16 : count,
			 i + 1 < count ? i + 1 : count + 16);
	put_separator(maker);
	put(maker, entry, sizeof entry - 1);
	put_metadata(maker, count, 6);
	*node_count = count;
}

static void
check_flips(struct maker *maker)
{
	unsigned opened = 0, whole = 0, wrong = 0;
	uint32_t node_count;

	for (unsigned i = 0; i < FLIPS; i++) {
		struct geo_address address;
		char reason[GEO_DB_REASON_MAX];
		struct geo_place place;
		struct geo_db *db;

		make_tree(maker, &node_count);
		for (unsigned n = 1 + draw(3); n > 0; n--)
			maker->octets[draw((unsigned)maker->len)] ^=
				(uint8_t)(1u << draw(8));
		if (draw(8) == 0)
			maker->len = draw((unsigned)maker->len);
		if (open_made(maker, GEO_COUNTRY, &db, reason) != 0)
			continue;
		opened++;
		whole += geo_db_check(db, reason) == 0;
		for (unsigned n = 0; n < 20; n++) {
			for (unsigned at = 0; at < sizeof address.octets; at++)
				address.octets[at] = (uint8_t)draw(3);
			geo_db_find(db, &address, GEO_WANT_REGION | GEO_WANT_LOCATION,
				    &place);
			wrong += place.prefix_len > 128;
		}
		geo_db_close(db);
	}
	ok(opened > FLIPS / 10 && whole > 0 && whole < opened,
	   "of %u damaged files %u were opened, %u found whole", FLIPS, opened, whole);
	is_int(wrong, 0, "and none had networks that cannot be");
}

int
main(void)
{
	char *dir = scratch_dir_make();
	struct maker maker = { malloc(FILE_MAX), 0, scratch_path(dir, "t.mmdb") };

	(void)draw_seed();
	check_entries(&maker);
	check_bomb(&maker, 2 * BOMB_NODES);
	check_bomb(&maker, 1000);
	check_walk();
	check_flips(&maker);
	free(maker.octets);
	scratch_dir_free(dir);
	return done_testing();
}
