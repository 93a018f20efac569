/* Records to JSON, owner by owner. */
#include "loader/redis/zone_values.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "loader/zone/name_text.h"
#include "loader/zone/owner_group.h"
#include "loader/zone/rdata_json.h"
#include "loader/zone/rdata_json_write.h"
#include "loader/zone/rdata_text.h"
#include "loader/zone/record_json.h"
#include "loader/zone/record_text.h"
#include "loader/zone/zone_text.h"
#include "shm/errcode.h"
#include "shm/json_out.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

_Static_assert((int)RDATA_TEXT_MAX >= (int)RDATA_JSON_SCRATCH, "scratch serves both");

enum { PIECE = 4096, SOA_NUMBERS = 20 };

/* Values in the making. */
struct maker {
	const struct zone_records *zone;
	struct zone_values *out;
	char *reason;
	struct zone_text *scanner; /* to read again what was written */
	char *text; /* the value at hand, grows */
	size_t text_len, text_room;
	struct json_out json;
	char piece[PIECE];
	char scratch[RDATA_TEXT_MAX];
	uint8_t rdata[UINT16_MAX];
};

static int
take_piece(void *arg, const void *data, size_t len)
{
	struct maker *maker = arg;

	char *text = grow_items(maker->text, &maker->text_room, maker->text_len + len, 1);

	if (!text)
		return ERR_NOMEM;
	maker->text = text;
	memcpy(maker->text + maker->text_len, data, len);
	maker->text_len += len;
	return 0;
}

static void
begin_value(struct maker *maker)
{
	maker->text_len = 0;
	json_out_init(&maker->json, maker->piece, sizeof maker->piece, take_piece, maker);
}

/* Take the text that was written into the arena, with a NUL behind it. */
static int
end_value(struct maker *maker, const char **bytes, size_t *len)
{
	int code = json_out_finish(&maker->json);

	if (!code)
		code = take_piece(maker, "", 1);
	if (code)
		return code;
	*bytes = arena_copy(maker->out->arena, maker->text, maker->text_len);
	*len = maker->text_len - 1;
	return *bytes ? 0 : ERR_NOMEM;
}

static struct zone_value *
add_value(struct zone_values *out)
{
	struct zone_value *values =
		grow_items(out->values, &out->room, out->count + 1, sizeof *values);

	if (!values)
		return NULL;
	out->values = values;
	return memset(&out->values[out->count++], 0, sizeof *out->values);
}

static const char *
make_label(struct maker *maker, const uint8_t *owner)
{
	char text[DNAME_TEXT_MAX];
	size_t len = name_text_print_label(owner, maker->zone->origin, text);

	return arena_copy(maker->out->arena, text, len + 1);
}

static const char *
make_type(struct maker *maker, uint16_t type)
{
	char text[RRTYPE_TEXT_MAX];

	rrtype_to_text(type, text);
	for (char *at = text; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return arena_copy(maker->out->arena, text, strlen(text) + 1);
}

/* Is the text in `scratch` the same data again? */
static bool
reads_back(struct maker *maker, const struct zone_record *record, size_t text_len)
{
	char reason[RDATA_TEXT_REASON_MAX];
	int len = rdata_text_parse(maker->scanner, record->type, maker->scratch, text_len,
				   maker->rdata, reason);

	return len == record->rdata_len &&
	       memcmp(maker->rdata, record->rdata, record->rdata_len) == 0;
}

/* The generic form, RFC 3597 section 5. */
static size_t
print_unknown(struct maker *maker, const struct zone_record *record)
{
	char *to = maker->scratch + sprintf(maker->scratch, "\\# %u%s",
					    (unsigned)record->rdata_len,
					    record->rdata_len > 0 ? " " : "");

	for (size_t i = 0; i < record->rdata_len; i++)
		to += sprintf(to, "%02X", record->rdata[i]);
	return (size_t)(to - maker->scratch);
}

static void
write_text(struct maker *maker, const struct zone_record *record)
{
	int len = record_text_data(record->type, record->rdata, record->rdata_len,
				   maker->scratch, RDATA_TEXT_MAX);

	if (len < 0 || !reads_back(maker, record, (size_t)len))
		len = (int)print_unknown(maker, record);
	json_out_text_len(&maker->json, NULL, maker->scratch, (size_t)len);
}

static bool
fits(const struct zone_record *record)
{
	return rdata_json_fits(record->type, record->rdata, record->rdata_len);
}

static void
write_members(struct maker *maker, const struct zone_record *record)
{
	rdata_json_write(&maker->json, record->type, record->rdata, record->rdata_len,
			 maker->scratch);
}

static void
write_records(struct maker *maker, const struct zone_record *first,
	      const struct zone_record *end)
{
	json_out_begin_array(&maker->json, "records");
	for (const struct zone_record *record = first; record < end; record++) {
		if (!fits(record))
			continue;
		json_out_begin_object(&maker->json, NULL);
		write_members(maker, record);
		json_out_end_object(&maker->json);
	}
	json_out_end_array(&maker->json);
}

/* [first, end): the records of one owner and type. */
static void
write_rrset(struct maker *maker, const char *name, const struct zone_record *first,
	    const struct zone_record *end)
{
	bool is_single = rdata_json_is_single(first->type), has_texts = false;

	json_out_begin_object(&maker->json, name);
	json_out_uint(&maker->json, "ttl", first->ttl);
	if (is_single && fits(first))
		write_members(maker, first);
	else if (!is_single && rdata_json_knows(first->type))
		write_records(maker, first, end);
	for (const struct zone_record *record = first; record < end; record++) {
		if (fits(record) && (!is_single || record == first))
			continue;
		if (!has_texts)
			json_out_begin_array(&maker->json, "rdata");
		has_texts = true;
		write_text(maker, record);
	}
	if (has_texts)
		json_out_end_array(&maker->json);
	json_out_end_object(&maker->json);
}

static const struct zone_record *
end_of_rrset(const struct zone_record *first, const struct zone_record *end)
{
	const struct zone_record *at = first;

	while (at < end && at->type == first->type)
		at++;
	return at;
}

/* returns 0 after the value of a whole label, none for one that has only the SOA. */
static int
make_label_value(struct maker *maker, const struct owner_group *group)
{
	const struct zone_record *next;
	struct zone_value *value;
	unsigned rrset_count = 0;

	begin_value(maker);
	json_out_begin_object(&maker->json, NULL);
	for (const struct zone_record *at = group->first; at < group->end; at = next) {
		const char *type = make_type(maker, at->type);

		next = end_of_rrset(at, group->end);
		if (!type)
			return ERR_NOMEM;
		if (at->type == RRTYPE_SOA)
			continue;
		write_rrset(maker, type, at, next);
		rrset_count++;
	}
	json_out_end_object(&maker->json);
	if (rrset_count == 0)
		return 0;
	if (rrset_count > RECORD_JSON_RRSETS_MAX) {
		snprintf(maker->reason, ZONE_VALUES_REASON_MAX,
			 "has a name with more than %d types", RECORD_JSON_RRSETS_MAX);
		return ERR_RANGE;
	}
	value = add_value(maker->out);
	if (!value)
		return ERR_NOMEM;
	value->label = make_label(maker, group->owner);
	return value->label ? end_value(maker, &value->bytes, &value->len) : ERR_NOMEM;
}

static int
make_rrset_values(struct maker *maker, const struct owner_group *group)
{
	const char *label = make_label(maker, group->owner);
	const struct zone_record *next;
	int code = label ? 0 : ERR_NOMEM;

	for (const struct zone_record *at = group->first; at < group->end && !code;
	     at = next) {
		struct zone_value *value;

		next = end_of_rrset(at, group->end);
		if (at->type == RRTYPE_SOA)
			continue;
		value = add_value(maker->out);
		if (!value)
			return ERR_NOMEM;
		value->label = label;
		value->type = make_type(maker, at->type);
		begin_value(maker);
		write_rrset(maker, NULL, at, next);
		code = value->type ? end_value(maker, &value->bytes, &value->len)
				   : ERR_NOMEM;
	}
	return code;
}

static int
make_config(struct maker *maker, const struct zone_record *soa)
{
	struct json_out *json = &maker->json;
	const uint8_t *mname = soa->rdata, *rname = mname + dname_len(mname, DNAME_MAX);
	const uint8_t *numbers = soa->rdata + soa->rdata_len - SOA_NUMBERS;

	begin_value(maker);
	json_out_begin_object(json, NULL);
	json_out_begin_object(json, "soa");
	json_out_uint(json, "ttl", soa->ttl);
	json_out_uint(json, "minttl", wire_get_u32(numbers + 16));
	dname_to_text(rname, maker->scratch);
	json_out_text(json, "mbox", maker->scratch);
	dname_to_text(mname, maker->scratch);
	json_out_text(json, "ns", maker->scratch);
	json_out_uint(json, "refresh", wire_get_u32(numbers + 4));
	json_out_uint(json, "retry", wire_get_u32(numbers + 8));
	json_out_uint(json, "expire", wire_get_u32(numbers + 12));
	json_out_uint(json, "serial", wire_get_u32(numbers));
	json_out_end_object(json);
	json_out_bool(json, "dnssec", false);
	json_out_bool(json, "cname_flattening", false);
	json_out_text(json, "domain_id", "");
	json_out_end_object(json);
	return end_value(maker, &maker->out->config, &maker->out->config_len);
}

/* Signatures do not follow a change of one value. */
static bool
is_signed(const struct zone_records *zone)
{
	for (size_t i = 0; i < zone->count; i++) {
		uint16_t type = zone->records[i].type;

		if (type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_NSEC3 ||
		    type == RRTYPE_NSEC3PARAM)
			return true;
	}
	return false;
}

static int
make_all(struct maker *maker, bool is_per_rrset)
{
	const struct zone_records *zone = maker->zone;
	const struct zone_record *at = zone->records;
	struct owner_group group;
	int code = 0;

	while (!code && owner_group_read(zone, at, &group)) {
		const struct zone_record *soa = owner_group_find(&group, RRTYPE_SOA);

		if (soa)
			code = make_config(maker, soa);
		if (!code)
			code = is_per_rrset ? make_rrset_values(maker, &group)
					    : make_label_value(maker, &group);
		at = group.end;
	}
	return code;
}

int
zone_values_make(const struct zone_records *zone, bool is_per_rrset,
		 struct zone_values *out, char reason[ZONE_VALUES_REASON_MAX])
{
	struct maker *maker = calloc(1, sizeof *maker);
	int code = ERR_NOMEM;

	memset(out, 0, sizeof *out);
	snprintf(reason, ZONE_VALUES_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	if (!maker)
		return ERR_NOMEM;
	*maker = (struct maker){ .zone = zone, .out = out, .reason = reason };
	maker->scanner = zone_text_new();
	out->arena = arena_new();
	if (maker->scanner && out->arena && !is_signed(zone)) {
		code = make_all(maker, is_per_rrset);
	} else if (maker->scanner && out->arena) {
		snprintf(reason, ZONE_VALUES_REASON_MAX,
			 "is signed: signatures would not follow when a value changes; "
			 "take its unsigned version");
		code = ERR_RANGE;
	}
	zone_text_free(maker->scanner);
	free(maker->text);
	free(maker);
	return code;
}

void
zone_values_fini(struct zone_values *values)
{
	free(values->values);
	arena_free(values->arena);
	memset(values, 0, sizeof *values);
}
