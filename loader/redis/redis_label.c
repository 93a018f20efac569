/* The values of one label: records, what they may not be, and marks for the rest. */
#include "loader/redis/redis_label.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader/zone/zone_rules.h"
#include "shm/errcode.h"
#include "shm/node.h"
#include "shm/rrtype.h"

enum { KEY_SHOWN = 400 }; /* octets of a key in a reason */

/* A label on its way into a zone. */
struct reading {
	struct redis_zone_reader *reader;
	const struct redis_label *label;
	struct zone_records *zone;
	struct record_result *result;
};

int
redis_label_ignore(struct zone_records *zone, const uint8_t *owner, size_t owner_len,
		   uint16_t type, const char *format, ...)
{
	struct zone_fault fault = {
		.path = "",
		.type = type,
		.owner_len = (uint8_t)owner_len,
		.kind = FAULT_IGNORED,
	};
	char raw[ZONE_REASON_MAX], text[ZONE_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	zone_message_printable(raw, text, sizeof text);
	if (zone->fault_count < ZONE_FAULTS_LISTED) {
		fault.owner = arena_copy(zone->arena, owner, owner_len);
		fault.reason = arena_copy(zone->arena, text, strlen(text) + 1);
		if (!fault.owner || !fault.reason)
			return ERR_NOMEM;
	}
	return zone_records_add_fault(zone, &fault);
}

/* Where a value stands, for people: "redins:zones:example.com. www". */
static void
name_place(const struct reading *reading, const char *type, char out[KEY_SHOWN + 1])
{
	const struct redis_label *label = reading->label;
	const struct redis_keys *keys = &reading->reader->keys;
	struct redis_text name = label->values[0].label;
	char key[REDIS_KEY_MAX], raw[KEY_SHOWN + 1];

	if (type) {
		redis_keys_rrset(keys, label->zone, name, type, key);
		snprintf(raw, sizeof raw, "%.400s", key);
	} else {
		redis_keys_zone(keys, label->zone, key);
		snprintf(raw, sizeof raw, "%.199s %.199s", key, name.bytes);
	}
	zone_message_printable(raw, out, KEY_SHOWN + 1);
}

/* "KEY FIELD: mx.records[1].preference: must be ..." */
static void
write_reason(const struct reading *reading, const char *type,
	     const struct json_fault *fault, char out[ZONE_MARK_LEN_MAX])
{
	char place[KEY_SHOWN + 1];

	name_place(reading, type, place);
	if (fault && fault->path[0])
		snprintf(out, ZONE_MARK_LEN_MAX, "%s: %s: %s", place, fault->path,
			 fault->reason);
	else if (fault && fault->at > 0)
		snprintf(out, ZONE_MARK_LEN_MAX, "%s: octet %u: %s", place,
			 (unsigned)fault->at, fault->reason);
	else
		snprintf(out, ZONE_MARK_LEN_MAX, "%s: %s", place,
			 fault ? fault->reason : "cannot be used");
}

static int
mark_bad(const struct reading *reading, uint16_t type, const char *reason)
{
	return zone_records_add_mark(reading->zone, reading->label->owner,
				     reading->label->owner_len, ZONE_MARK_BAD, type,
				     reason, strlen(reason));
}

static int
ignore(const struct reading *reading, uint16_t type, const char *reason)
{
	return redis_label_ignore(reading->zone, reading->label->owner,
				  reading->label->owner_len, type, "%s", reason);
}

/* ---- what values give ---- */

static int
read_json(const struct reading *reading, const struct redis_value *value)
{
	const struct record_json_value json = {
		.bytes = value->text.bytes,
		.len = value->text.len,
		.owner = reading->label->owner,
		.owner_len = reading->label->owner_len,
		.max_ttl = reading->reader->settings->redis.max_ttl,
	};

	if (!value->type)
		return record_json_read_label(reading->reader->parser, &json,
					      reading->zone, reading->result);
	return record_json_read_rrset(reading->reader->parser, value->type, &json,
				      reading->zone, reading->result);
}

/* A value that could not be read at all: its reason stands in `text`. */
static int
take_unreadable(const struct reading *reading, const struct redis_value *value)
{
	struct json_fault fault = { .found = true };
	uint16_t type;

	snprintf(fault.reason, sizeof fault.reason, "%s", value->text.bytes);
	if (!value->type) {
		reading->result->fault = fault;
		return ERR_OK;
	}
	if (!rrtype_from_text(value->type, &type))
		type = 0;
	return record_result_add(reading->result, reading->zone, type,
				 reading->zone->count, &fault, NULL);
}

static int
take_values(const struct reading *reading)
{
	const struct redis_label *label = reading->label;
	bool is_z42 = reading->reader->keys.schema == REDIS_SCHEMA_Z42;
	int code = ERR_OK;

	for (size_t i = 0; i < label->count && code == ERR_OK; i++) {
		const struct redis_value *value = &label->values[i];

		if (value->state == REDIS_VALUE_BAD)
			code = take_unreadable(reading, value);
		else if (value->state == REDIS_VALUE_GOOD && (value->type || !is_z42))
			code = read_json(reading, value);
	}
	if (code == ERR_OK && is_z42)
		record_result_settle(reading->result, reading->zone);
	return code;
}

/* ---- what may not stand there ---- */

static struct record_rrset *
find_good(const struct record_result *result, uint16_t type)
{
	for (size_t i = 0; i < result->count; i++)
		if (result->rrsets[i].type == type && result->rrsets[i].count > 0)
			return &result->rrsets[i];
	return NULL;
}

static bool
is_made_by_signer(uint16_t type)
{
	return type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_NSEC3 ||
	       type == RRTYPE_NSEC3PARAM;
}

static void
check_rrsets(const struct reading *reading)
{
	struct record_result *result = reading->result;
	bool is_apex = reading->label->owner_len == reading->zone->origin_len;
	bool is_cut = !is_apex && find_good(result, RRTYPE_NS);

	for (size_t i = 0; i < result->count; i++) {
		const struct record_rrset *rrset = &result->rrsets[i];

		if (rrset->count == 0)
			continue;
		if (is_made_by_signer(rrset->type))
			record_result_reject(
				result, reading->zone, i,
				"cannot be set: signatures and proofs are not taken "
				"from Redis");
		else if (rrset->type == RRTYPE_DNAME && is_cut)
			record_result_reject(result, reading->zone, i,
					     "cannot stand at a delegation, beside NS");
	}
}

/* ---- marks ---- */

static const char *
type_in_key(const struct reading *reading, uint16_t type)
{
	const struct redis_label *label = reading->label;
	uint16_t other;

	for (size_t i = 0; i < label->count; i++)
		if (label->values[i].type &&
		    rrtype_from_text(label->values[i].type, &other) && other == type)
			return label->values[i].type;
	return NULL;
}

/* An RRset that has no records for a reason.  A CNAME that is good answers for all. */
static int
mark_rrset(const struct reading *reading, const struct record_rrset *rrset)
{
	const char *type = type_in_key(reading, rrset->type);
	char reason[ZONE_MARK_LEN_MAX];

	if (!type && reading->reader->keys.schema == REDIS_SCHEMA_Z42)
		type = "aname";
	write_reason(reading, type, rrset->fault, reason);
	if (rrset->state == RECORD_SHADOWED || find_good(reading->result, RRTYPE_CNAME))
		return ignore(reading, rrset->type, reason);
	if (rrset->type == 0 ||
	    (rrtype_is_meta(rrset->type) && rrset->type != ANAME_TYPE))
		return ignore(reading, rrset->type, reason);
	return mark_bad(reading, rrset->type, reason);
}

static int
add_note(const struct reading *reading, const struct record_rrset *rrset,
	 enum fault_kind kind, const struct json_fault *fault)
{
	char text[1 + ZONE_MARK_LEN_MAX], reason[ZONE_MARK_LEN_MAX];

	write_reason(reading, type_in_key(reading, rrset->type), fault, reason);
	snprintf(text, sizeof text, "%c%s", (char)kind, reason);
	return zone_records_add_mark(reading->zone, reading->label->owner,
				     reading->label->owner_len, ZONE_MARK_NOTE,
				     rrset->type, text, strlen(text));
}

/* What is wrong with parts of an RRset that is good, or with where it stands. */
static int
add_notes(const struct reading *reading, const struct record_rrset *rrset)
{
	const char *why = dname_is_wildcard(reading->label->owner)
				  ? zone_rules_why_no_wildcard(rrset->type)
				  : NULL;
	struct json_fault fault = { .found = true };
	int code = ERR_OK;

	for (unsigned i = 0; i < rrset->note_count && code == ERR_OK; i++)
		code = add_note(reading, rrset, rrset->notes[i].kind,
				&rrset->notes[i].fault);
	if (code != ERR_OK || !why || rrset->count == 0)
		return code;
	snprintf(fault.reason, sizeof fault.reason, "%s", why);
	return add_note(reading, rrset, FAULT_WARNING, &fault);
}

static int
add_provenance(const struct reading *reading)
{
	const struct redis_label *label = reading->label;
	const struct provenance provenance = {
		.value_hash = redis_values_hash(label->values, label->count),
		.change_ms = label->change.ms,
		.change_seq = label->change.seq,
	};

	return zone_records_add_mark(reading->zone, label->owner, label->owner_len,
				     ZONE_MARK_PROVENANCE, 0, &provenance,
				     sizeof provenance);
}

static int
add_marks(const struct reading *reading)
{
	const struct record_result *result = reading->result;
	char reason[ZONE_MARK_LEN_MAX];
	int code = add_provenance(reading);

	if (code == ERR_OK && result->fault.found) {
		write_reason(reading, NULL, &result->fault, reason);
		code = mark_bad(reading, BAD_RRSET_ALL, reason);
	}
	for (size_t i = 0; i < result->count && code == ERR_OK; i++)
		code = result->rrsets[i].state != RECORD_GOOD
			       ? mark_rrset(reading, &result->rrsets[i])
			       : add_notes(reading, &result->rrsets[i]);
	return code;
}

int
redis_label_append(struct redis_zone_reader *reader, const struct redis_label *label,
		   struct zone_records *zone)
{
	struct reading reading = {
		.reader = reader,
		.label = label,
		.zone = zone,
		.result = &reader->result,
	};
	int code;

	if (label->values[0].state == REDIS_VALUE_MISSING)
		return ERR_OK;
	record_result_clear(&reader->result);
	code = take_values(&reading);
	if (code == ERR_OK) {
		check_rrsets(&reading);
		code = add_marks(&reading);
	}
	record_result_clear(&reader->result);
	return code;
}
