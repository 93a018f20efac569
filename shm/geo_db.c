/* Looking addresses up in databases of MaxMind's format. */
#include "shm/geo_db.h"

#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/geo_entry.h"
#include "shm/geo_tree.h"

enum {
	V4_BITS_BEFORE = 96,
	SEPARATOR_LEN = 16, /* between tree and data */
	ENTRY_MAX = 4096, /* values in an entry; those of MaxMind have less than 300 */
	WALKS_PER_OCTET = 16, /* entries may share octets, but not all with all */
};

struct geo_db {
	MMDB_s mmdb;
	enum geo_db_kind kind;
	struct geo_tree tree; /* in mmdb's map */
};

const char *
geo_db_kind_name(enum geo_db_kind kind)
{
	return kind == GEO_ASN ? "geoip.asn_db" : "geoip.country_db";
}

static int
code_of(int status)
{
	switch (status) {
	case MMDB_FILE_OPEN_ERROR:
		return errno == EACCES ? ERR_RIGHTS : ERR_NOTFOUND;
	case MMDB_OUT_OF_MEMORY_ERROR:
		return ERR_NOMEM;
	case MMDB_IO_ERROR:
		return ERR_IO;
	}
	return ERR_DAMAGED;
}

/* returns false when the tree does not lie in the file. */
static bool
open_tree(struct geo_db *db)
{
	const MMDB_metadata_s *metadata = &db->mmdb.metadata;

	db->tree = (struct geo_tree){ db->mmdb.file_content, metadata->node_count,
				      metadata->record_size };
	return (metadata->record_size == 24 || metadata->record_size == 28 ||
		metadata->record_size == 32) &&
	       db->mmdb.file_size >= SEPARATOR_LEN &&
	       (uint64_t)metadata->node_count * (metadata->record_size / 4) <=
		       (uint64_t)db->mmdb.file_size - SEPARATOR_LEN;
}

int
geo_db_open(const char *path, enum geo_db_kind kind, struct geo_db **out,
	    char reason[GEO_DB_REASON_MAX])
{
	struct geo_db *db = calloc(1, sizeof *db);
	int status;

	if (!db) {
		snprintf(reason, GEO_DB_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	db->kind = kind;
	status = MMDB_open(path, MMDB_MODE_MMAP, &db->mmdb);
	if (status == MMDB_SUCCESS && !open_tree(db)) {
		MMDB_close(&db->mmdb);
		status = MMDB_INVALID_METADATA_ERROR;
	}
	if (status != MMDB_SUCCESS) {
		snprintf(reason, GEO_DB_REASON_MAX,
			 "is no whole database of MaxMind's format: %s",
			 MMDB_strerror(status));
		free(db);
		return code_of(status);
	}
	*out = db;
	return ERR_OK;
}

void
geo_db_close(struct geo_db *db)
{
	if (!db)
		return;
	MMDB_close(&db->mmdb);
	free(db);
}

/* ---- entries ---- */

/* The value at a path in an entry, of a type; false when there is none. */
static bool
get(const MMDB_entry_s *entry, const char *const *path, uint32_t type,
    MMDB_entry_data_s *out)
{
	MMDB_entry_s start = *entry;

	return MMDB_aget_value(&start, out, path) == MMDB_SUCCESS && out->has_data &&
	       out->type == type;
}

/* A text of `least` to `most` octets; false, with `out` as it was, when there is none. */
static bool
read_text(const MMDB_entry_s *entry, const char *const *path, unsigned least,
	  unsigned most, char *out)
{
	MMDB_entry_data_s text;

	if (!get(entry, path, MMDB_DATA_TYPE_UTF8_STRING, &text) ||
	    text.data_size < least || text.data_size > most)
		return false;
	memcpy(out, text.utf8_string, text.data_size);
	return true;
}

/* MaxMind's databases, and those that are flat. */
static void
read_country(const MMDB_entry_s *entry, struct geo_place *out)
{
	static const char *const code[] = { "country", "iso_code", NULL };
	static const char *const flat_code[] = { "country_code", NULL };
	const unsigned len = sizeof out->country;

	if (!read_text(entry, code, len, len, out->country))
		(void)read_text(entry, flat_code, len, len, out->country);
}

static void
read_region(const MMDB_entry_s *entry, struct geo_place *out)
{
	static const char *const continent[] = { "continent", "code", NULL };
	static const char *const region[] = { "subdivisions", "0", "iso_code", NULL };
	const unsigned len = sizeof out->continent;

	(void)read_text(entry, continent, len, len, out->continent);
	(void)read_text(entry, region, 1, sizeof out->region, out->region);
}

static bool
get_degrees(const MMDB_entry_s *entry, const char *const *path, double limit, double *out)
{
	MMDB_entry_data_s number;

	if (get(entry, path, MMDB_DATA_TYPE_DOUBLE, &number))
		*out = number.double_value;
	else if (get(entry, path, MMDB_DATA_TYPE_FLOAT, &number))
		*out = (double)number.float_value;
	else
		return false;
	return *out >= -limit && *out <= limit;
}

static void
read_location(const MMDB_entry_s *entry, struct geo_place *out)
{
	static const char *const nested[] = { "location", "latitude", NULL };
	static const char *const flat[] = { "latitude", NULL };
	static const char *const nested_east[] = { "location", "longitude", NULL };
	static const char *const flat_east[] = { "longitude", NULL };
	double north, east;

	if ((get_degrees(entry, nested, 90, &north) &&
	     get_degrees(entry, nested_east, 180, &east)) ||
	    (get_degrees(entry, flat, 90, &north) &&
	     get_degrees(entry, flat_east, 180, &east))) {
		out->has_location = true;
		out->latitude = north;
		out->longitude = east;
	}
}

static void
read_asn(const MMDB_entry_s *entry, struct geo_place *out)
{
	static const char *const number[] = { "autonomous_system_number", NULL };
	MMDB_entry_data_s value;

	if (get(entry, number, MMDB_DATA_TYPE_UINT32, &value))
		out->asn = value.uint32;
}

static void
read_entry(const struct geo_db *db, const MMDB_entry_s *entry, unsigned wanted,
	   struct geo_place *out)
{
	if (db->kind == GEO_ASN) {
		read_asn(entry, out);
		return;
	}
	read_country(entry, out);
	if (wanted & GEO_WANT_REGION)
		read_region(entry, out);
	if (wanted & GEO_WANT_LOCATION)
		read_location(entry, out);
}

/* ---- addresses ---- */

/* Walk from the root.  returns the record that it ends at; *len receives after how many
 * bits, those of IPv4 counted behind ::ffff:0:0/96. */
static uint32_t
walk_v4(const struct geo_db *db, uint32_t address, unsigned *len)
{
	const MMDB_ipv4_start_node_s *start = &db->mmdb.ipv4_start_node;
	bool is_v6 = db->mmdb.metadata.ip_version == 6;
	uint32_t record = geo_tree_walk(&db->tree, is_v6 ? start->node_value : 0,
					(uint64_t)address << 32, 32, len);

	*len += V4_BITS_BEFORE; /* a tree of IPv6 may have all of IPv4 in a leaf above it */
	return record;
}

static uint32_t
walk_v6(const struct geo_db *db, uint64_t high, uint64_t low, unsigned *len)
{
	uint32_t record = geo_tree_walk(&db->tree, 0, high, 64, len);
	unsigned more;

	if (record < db->tree.node_count) {
		record = geo_tree_walk(&db->tree, record, low, 64, &more);
		*len += more;
	}
	return record;
}

uint32_t
geo_db_entry(const struct geo_db *db, const struct geo_address *address,
	     uint8_t *prefix_len)
{
	uint64_t halves[2], low;
	uint32_t record, behind;
	unsigned len;

	memcpy(halves, address->octets, sizeof halves);
	low = be64toh(halves[1]);
	*prefix_len = 0;
	if (halves[0] == 0 && low >> 32 == 0xffff)
		record = walk_v4(db, (uint32_t)low, &len);
	else if (db->mmdb.metadata.ip_version == 4)
		return 0;
	else
		record = walk_v6(db, be64toh(halves[0]), low, &len);
	behind = record - db->tree.node_count;
	if (behind == 0) {
		*prefix_len = (uint8_t)len;
		return 0;
	}
	*prefix_len = 128;
	/* the last octets of the data section are the metadata: no entry begins there */
	if (record < db->tree.node_count || behind < SEPARATOR_LEN ||
	    behind >= db->mmdb.data_section_size)
		return 0;
	*prefix_len = (uint8_t)len;
	return behind - SEPARATOR_LEN + 1;
}

void
geo_db_read(const struct geo_db *db, uint32_t entry, unsigned wanted,
	    struct geo_place *out)
{
	const MMDB_entry_s start = { &db->mmdb, entry - 1 };

	memset(out, 0, sizeof *out);
	if (entry != 0)
		read_entry(db, &start, wanted, out);
}

void
geo_db_find(const struct geo_db *db, const struct geo_address *address, unsigned wanted,
	    struct geo_place *out)
{
	uint8_t prefix_len;
	uint32_t entry = geo_db_entry(db, address, &prefix_len);

	geo_db_read(db, entry, wanted, out);
	out->prefix_len = prefix_len;
}

/* ---- all of it ---- */

struct check {
	const struct geo_db *db;
	uint64_t left; /* values that may yet be walked over, in all */
	uint64_t known; /* entries that say what the kind is for */
	uint8_t *seen; /* bits: where an entry of the data section begins */
};

/* A value that a look-up walks over; none is no fault. */
static bool
check_value(struct check *check, const MMDB_entry_s *entry, const char *const *path)
{
	const MMDB_s *mmdb = &check->db->mmdb;
	MMDB_entry_s start = *entry;
	MMDB_entry_data_s value;
	uint64_t left = check->left < ENTRY_MAX ? check->left : ENTRY_MAX, before = left;
	int status = MMDB_aget_value(&start, &value, path);

	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR)
		return true;
	if (status != MMDB_SUCCESS || !value.has_data ||
	    !geo_entry_walk(mmdb->data_section, mmdb->data_section_size, value.offset,
			    &left))
		return false;
	check->left -= before - left;
	return true;
}

static bool
check_entry(struct check *check, const MMDB_entry_s *entry)
{
	static const char *const walked[][3] = {
		{ NULL },        { "country" },      { "location" },
		{ "continent" }, { "subdivisions" }, { "subdivisions", "0" },
	};
	struct geo_place place = { 0 };

	for (unsigned i = 0; i < sizeof walked / sizeof *walked; i++)
		if (!check_value(check, entry, walked[i]))
			return false;
	read_entry(check->db, entry, GEO_WANT_NETWORK, &place);
	check->known += place.country[0] != '\0' || place.asn != 0;
	return true;
}

static bool
check_record(struct check *check, uint8_t type, uint64_t record,
	     const MMDB_entry_s *entry)
{
	const MMDB_s *mmdb = &check->db->mmdb;
	uint8_t bit = (uint8_t)(1u << entry->offset % 8);

	if (type == MMDB_RECORD_TYPE_EMPTY)
		return true;
	if (type == MMDB_RECORD_TYPE_SEARCH_NODE)
		return record < mmdb->metadata.node_count;
	if (type != MMDB_RECORD_TYPE_DATA || entry->offset >= mmdb->data_section_size)
		return false;
	if (check->seen[entry->offset / 8] & bit)
		return true;
	check->seen[entry->offset / 8] |= bit;
	return check_entry(check, entry);
}

static int
check_tree(struct check *check, char reason[GEO_DB_REASON_MAX])
{
	const MMDB_s *mmdb = &check->db->mmdb;

	for (uint32_t i = 0; i < mmdb->metadata.node_count; i++) {
		MMDB_search_node_s node;

		if (MMDB_read_node(mmdb, i, &node) == MMDB_SUCCESS &&
		    check_record(check, node.left_record_type, node.left_record,
				 &node.left_record_entry) &&
		    check_record(check, node.right_record_type, node.right_record,
				 &node.right_record_entry))
			continue;
		snprintf(reason, GEO_DB_REASON_MAX,
			 "is damaged: node %u of its tree leads nowhere, or to an entry "
			 "without end",
			 (unsigned)i);
		return ERR_DAMAGED;
	}
	if (check->known > 0)
		return ERR_OK;
	snprintf(reason, GEO_DB_REASON_MAX, "is a database of \"%.60s\", without any %s",
		 mmdb->metadata.database_type ? mmdb->metadata.database_type : "",
		 check->db->kind == GEO_ASN ? "autonomous_system_number"
					    : "country.iso_code");
	return ERR_DAMAGED;
}

int
geo_db_check(const struct geo_db *db, char reason[GEO_DB_REASON_MAX])
{
	struct check check = {
		.db = db,
		.left = WALKS_PER_OCTET * ((uint64_t)db->mmdb.data_section_size +
					   db->mmdb.metadata.node_count),
		.seen = calloc(db->mmdb.data_section_size / 8 + 1, 1),
	};
	int rc = ERR_NOMEM;

	if (check.seen)
		rc = check_tree(&check, reason);
	else
		snprintf(reason, GEO_DB_REASON_MAX, "%s", errcode_text(rc));
	free(check.seen);
	return rc;
}
