/* Databases in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), made in memory
 * network by network, wider ones first, then written to a file. */
#ifndef T_MMDB_MAKER_H
#define T_MMDB_MAKER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "shm/geo_db.h"
#include "shm/wire.h"
#include "t/tap.h"

enum { MMDB_NODES = 1 << 17, MMDB_DATA = 1 << 20, MMDB_EMPTY = -1 };

/* A child is a node, MMDB_EMPTY, or -2 minus an offset in `data`. */
struct mmdb_maker {
	int32_t child[MMDB_NODES][2];
	int32_t node_count;
	uint8_t data[MMDB_DATA];
	uint32_t data_len;
	bool is_asn;
	unsigned record_bits; /* 24, 28 or 32; set by mmdb_begin */
};

static inline void
mmdb_begin(struct mmdb_maker *db, bool is_asn)
{
	db->child[0][0] = db->child[0][1] = MMDB_EMPTY;
	db->node_count = 1;
	db->data_len = 0;
	db->is_asn = is_asn;
	db->record_bits = 32;
}

/* ---- values ---- */

enum mmdb_type { MMDB_TEXT = 2, MMDB_DOUBLE, MMDB_BYTES, MMDB_U16, MMDB_U32, MMDB_MAP };

static inline void
mmdb_put(struct mmdb_maker *db, const void *octets, size_t len)
{
	if (db->data_len + len > MMDB_DATA)
		bail_out("no room for so many entries");
	memcpy(db->data + db->data_len, octets, len);
	db->data_len += (uint32_t)len;
}

static inline void
mmdb_put_head(struct mmdb_maker *db, enum mmdb_type type, size_t size)
{
	const uint8_t head = (uint8_t)((unsigned)type << 5 | size);

	mmdb_put(db, &head, 1);
}

static inline void
mmdb_put_array(struct mmdb_maker *db, unsigned size)
{
	const uint8_t head[2] = { (uint8_t)size, 11 - 7 };

	mmdb_put(db, head, 2);
}

static inline void
mmdb_put_text(struct mmdb_maker *db, const char *text)
{
	mmdb_put_head(db, MMDB_TEXT, strlen(text));
	mmdb_put(db, text, strlen(text));
}

static inline void
mmdb_put_number(struct mmdb_maker *db, enum mmdb_type type, uint32_t number)
{
	uint8_t octets[4];
	size_t len = type == MMDB_U16 ? 2 : 4;

	wire_put_u32(octets, number);
	mmdb_put_head(db, type, len);
	mmdb_put(db, octets + 4 - len, len);
}

static inline void
mmdb_put_double(struct mmdb_maker *db, double value)
{
	uint64_t bits;
	uint8_t octets[8];

	memcpy(&bits, &value, sizeof bits);
	wire_put_u64(octets, bits);
	mmdb_put_head(db, MMDB_DOUBLE, sizeof octets);
	mmdb_put(db, octets, sizeof octets);
}

/* ---- entries ---- */

/* returns the entry, for mmdb_add. */
static inline int32_t
mmdb_put_asn(struct mmdb_maker *db, uint32_t asn)
{
	int32_t entry = -2 - (int32_t)db->data_len;

	mmdb_put_head(db, MMDB_MAP, 1);
	mmdb_put_text(db, "autonomous_system_number");
	mmdb_put_number(db, MMDB_U32, asn);
	return entry;
}

/* What `place` has. */
static inline int32_t
mmdb_put_place(struct mmdb_maker *db, const struct geo_place *place)
{
	int32_t entry = -2 - (int32_t)db->data_len;
	char country[3] = { place->country[0], place->country[1] };
	char continent[3] = { place->continent[0], place->continent[1] };
	char region[4] = { place->region[0], place->region[1], place->region[2] };

	mmdb_put_head(db, MMDB_MAP,
		      (size_t)(continent[0] != 0) + (country[0] != 0) +
			      place->has_location + (region[0] != 0));
	if (continent[0] != 0) {
		mmdb_put_text(db, "continent");
		mmdb_put_head(db, MMDB_MAP, 1);
		mmdb_put_text(db, "code");
		mmdb_put_text(db, continent);
	}
	if (country[0] != 0) {
		mmdb_put_text(db, "country");
		mmdb_put_head(db, MMDB_MAP, 1);
		mmdb_put_text(db, "iso_code");
		mmdb_put_text(db, country);
	}
	if (place->has_location) {
		mmdb_put_text(db, "location");
		mmdb_put_head(db, MMDB_MAP, 2);
		mmdb_put_text(db, "latitude");
		mmdb_put_double(db, place->latitude);
		mmdb_put_text(db, "longitude");
		mmdb_put_double(db, place->longitude);
	}
	if (region[0] != 0) {
		mmdb_put_text(db, "subdivisions");
		mmdb_put_array(db, 1);
		mmdb_put_head(db, MMDB_MAP, 1);
		mmdb_put_text(db, "iso_code");
		mmdb_put_text(db, region);
	}
	return entry;
}

/* ---- the tree ---- */

static inline unsigned
mmdb_bit(const struct geo_address *address, unsigned at)
{
	return address->octets[at / 8] >> (7 - at % 8) & 1;
}

/* The network of the first `len` bits (1..128) of an address, all of IPv4 from 96 on; what
 * was said of it before is forgotten. */
static inline void
mmdb_add(struct mmdb_maker *db, struct geo_address network, unsigned len, int32_t entry)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int32_t node = 0;

	if (memcmp(network.octets, mapped, sizeof mapped) == 0)
		memset(network.octets, 0, sizeof mapped); /* where the format has IPv4 */
	for (unsigned at = 0; at + 1 < len; at++) {
		int32_t *child = &db->child[node][mmdb_bit(&network, at)];

		if (*child < 0) {
			if (db->node_count == MMDB_NODES)
				bail_out("no room for so many networks");
			db->child[db->node_count][0] = db->child[db->node_count][1] =
				*child;
			*child = db->node_count++;
		}
		node = *child;
	}
	db->child[node][mmdb_bit(&network, len - 1)] = entry;
}

/* ---- the file ---- */

static inline uint32_t
mmdb_record(const struct mmdb_maker *db, int32_t child)
{
	if (child >= 0)
		return (uint32_t)child;
	if (child == MMDB_EMPTY)
		return (uint32_t)db->node_count;
	return (uint32_t)db->node_count + 16 + (uint32_t)(-2 - child);
}

/* Spell a node.  returns its length. */
static inline size_t
mmdb_spell_node(const struct mmdb_maker *db, int32_t node, uint8_t out[8])
{
	uint32_t left = mmdb_record(db, db->child[node][0]),
		 right = mmdb_record(db, db->child[node][1]);

	switch (db->record_bits) {
	case 24:
		wire_put_u32(out, left << 8);
		wire_put_u32(out + 3, right << 8);
		return 6;
	case 28:
		wire_put_u32(out, left << 8 | left >> 24 << 4 | right >> 24);
		wire_put_u32(out + 4, right << 8);
		return 7;
	}
	wire_put_u32(out, left);
	wire_put_u32(out + 4, right);
	return 8;
}

static inline void
mmdb_put_metadata(struct mmdb_maker *db)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	static const uint8_t epoch[3] = { 1, 9 - 7, 1 }; /* 64 bits, 1 octet of them */

	mmdb_put(db, marker, sizeof marker - 1);
	mmdb_put_head(db, MMDB_MAP, 9);
	mmdb_put_text(db, "node_count");
	mmdb_put_number(db, MMDB_U32, (uint32_t)db->node_count);
	mmdb_put_text(db, "record_size");
	mmdb_put_number(db, MMDB_U16, db->record_bits);
	mmdb_put_text(db, "ip_version");
	mmdb_put_number(db, MMDB_U16, 6);
	mmdb_put_text(db, "database_type");
	mmdb_put_text(db, db->is_asn ? "Test-ASN" : "Test-City");
	mmdb_put_text(db, "languages");
	mmdb_put_array(db, 0);
	mmdb_put_text(db, "binary_format_major_version");
	mmdb_put_number(db, MMDB_U16, 2);
	mmdb_put_text(db, "binary_format_minor_version");
	mmdb_put_number(db, MMDB_U16, 0);
	mmdb_put_text(db, "build_epoch");
	mmdb_put(db, epoch, sizeof epoch);
	mmdb_put_text(db, "description");
	mmdb_put_head(db, MMDB_MAP, 0);
}

static inline void
mmdb_write(struct mmdb_maker *db, const char *path)
{
	static const uint8_t zeros[16];
	FILE *out = fopen(path, "w");
	uint8_t octets[8];

	if (!out)
		bail_out("%s cannot be written", path);
	for (int32_t node = 0; node < db->node_count; node++)
		fwrite(octets, mmdb_spell_node(db, node, octets), 1, out);
	fwrite(zeros, sizeof zeros, 1, out);
	mmdb_put_metadata(db);
	fwrite(db->data, db->data_len, 1, out);
	if (fclose(out) != 0)
		bail_out("%s cannot be written", path);
}

#endif
