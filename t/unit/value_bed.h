/* Values of redins and z42 read into a zone, for tests that compare it with zone files. */
#ifndef T_UNIT_VALUE_BED_H
#define T_UNIT_VALUE_BED_H

#include <string.h>

#include "loader/zone/name_text.h"
#include "loader/zone/record_json.h"
#include "loader/zone/zone_sort.h"
#include "loader/zone/zone_text.h"
#include "shm/errcode.h"
#include "t/tap.h"
#include "t/unit/zone_dump.h"

enum { BED_MAX_TTL = 3600 };

struct value_bed {
	struct record_json *parser;
	struct zone_text *scanner;
	uint8_t origin[DNAME_MAX];
	size_t origin_len;
	struct zone_records *zone;
	struct record_result result;
};

static inline void
bed_start_zone(struct value_bed *bed, const char *origin)
{
	bed->origin_len = dname_from_text(origin, bed->origin);
	zone_records_free(bed->zone);
	bed->zone = zone_records_new(bed->origin, bed->origin_len);
	if (!bed->parser)
		bed->parser = record_json_new();
	if (!bed->scanner)
		bed->scanner = zone_text_new();
	if (!bed->zone || !bed->parser || !bed->scanner)
		bail_out("no memory");
}

static inline void
bed_fini(struct value_bed *bed)
{
	zone_records_free(bed->zone);
	record_result_fini(&bed->result);
	record_json_free(bed->parser);
	zone_text_free(bed->scanner);
}

/* Read a value in a block of exactly its size.  `type`: one of z42, NULL: of redins. */
static inline void
bed_read(struct value_bed *bed, const char *label, const char *type, const char *bytes,
	 size_t len, uint32_t max_ttl)
{
	uint8_t owner[DNAME_MAX];
	char *exact = malloc(len + !len);
	const char *reason;
	struct record_json_value value = {
		.bytes = exact, .len = len, .owner = owner, .max_ttl = max_ttl
	};
	int code;

	if (!exact)
		bail_out("no memory");
	memcpy(exact, bytes, len);
	value.owner_len = name_text_parse_label(label, strlen(label), bed->origin,
						bed->origin_len, owner, &reason);
	if (value.owner_len == 0)
		bail_out("%s %s", label, reason);
	code = type ? record_json_read_rrset(bed->parser, type, &value, bed->zone,
					     &bed->result)
		    : record_json_read_label(bed->parser, &value, bed->zone,
					     &bed->result);
	if (code != ERR_OK)
		bail_out("%s: %s", label, errcode_text(code));
	free(exact);
}

/* "TYPE path: reason|" for each RRset that is not good, "+offset" for a text's fault,
 * "TYPE left out path: reason|" and "TYPE warning path: reason|" for parts of good ones;
 * malloc'ed. */
static inline char *
bed_dump_faults(const struct record_result *result)
{
	char *out, type[RRTYPE_TEXT_MAX];
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	if (result->fault.found)
		fprintf(stream, "- %s+%u: %s|", result->fault.path,
			(unsigned)result->fault.at, result->fault.reason);
	for (size_t i = 0; i < result->count; i++) {
		const struct record_rrset *rrset = &result->rrsets[i];

		rrtype_to_text(rrset->type, type);
		if (rrset->state != RECORD_GOOD)
			fprintf(stream, "%s %s%s: %s|", type,
				rrset->state == RECORD_SHADOWED ? "shadowed" : "",
				rrset->fault->path, rrset->fault->reason);
		for (unsigned j = 0; j < rrset->note_count; j++)
			fprintf(stream, "%s %s %s: %s|", type,
				rrset->notes[j].kind == FAULT_PARTIAL ? "left out"
								      : "warning",
				rrset->notes[j].fault.path, rrset->notes[j].fault.reason);
	}
	fclose(stream);
	return out;
}

/* Are the records of the zone those of this zone file?  No SOA is asked for. */
static inline void
bed_is_zone(struct value_bed *bed, const char *zone_file, const char *what)
{
	struct zone_messages messages = { 0 };
	struct zone_records *want = NULL;
	char *got_text, *want_text;

	if (zone_text_parse(bed->scanner, "want", zone_file, strlen(zone_file),
			    bed->origin, bed->origin_len, &want, &messages) != ERR_OK)
		bail_out("bad expectation: %s",
			 zone_messages_first_error(&messages)->reason);
	if (zone_sort(want) != ERR_OK || zone_sort(bed->zone) != ERR_OK)
		bail_out("no memory");
	got_text = dump_records(bed->zone);
	want_text = dump_records(want);
	is(got_text, want_text, "%s", what);
	free(got_text);
	free(want_text);
	zone_records_free(want);
	zone_messages_fini(&messages);
}

static inline void
bed_read_text(struct value_bed *bed, const char *label, const char *type,
	      const char *value)
{
	bed_read(bed, label, type, value, strlen(value), BED_MAX_TTL);
}

/* One value of redins at "www" of a new zone: its records as a zone file, its faults. */
static inline void
bed_check(struct value_bed *bed, const char *what, const char *value,
	  const char *want_zone, const char *want_faults)
{
	char *faults;

	bed_start_zone(bed, "example.com");
	record_result_clear(&bed->result);
	bed_read_text(bed, "www", NULL, value);
	faults = bed_dump_faults(&bed->result);
	is(faults, want_faults, "%s: faults", what);
	bed_is_zone(bed, want_zone, what);
	free(faults);
}

static inline void
bed_read_good(struct value_bed *bed, const char *label, const char *type,
	      const char *value)
{
	char *faults;

	record_result_clear(&bed->result);
	bed_read_text(bed, label, type, value);
	faults = bed_dump_faults(&bed->result);
	is(faults, "", "%s %s has no fault", label, type ? type : "");
	free(faults);
}

#endif
