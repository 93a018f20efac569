/* From JSON to the records of an RRset: what is wrong in one is undone with it. */
#include "loader/zone/rrset_json.h"

#include <string.h>

#include "loader/zone/name_text.h"
#include "loader/zone/rdata_json.h"
#include "loader/zone/rdata_text.h"
#include "loader/zone/steering_json.h"
#include "shm/aname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

#define TTL_MAX UINT32_C(0x7fffffff) /* RFC 2181, section 8 */

enum {
	MESSAGE_ROOM = 65535 - 12 - 4, /* less header, type and class of the question */
	RR_HEAD = 2 + 10, /* owner as a pointer; type, class, TTL, length */
};

static bool
is_apex(const struct rrset_reading *reading)
{
	return reading->value->owner_len == reading->zone->origin_len;
}

static bool
is_address(const struct rrset_reading *reading)
{
	return reading->type == RRTYPE_A || reading->type == RRTYPE_AAAA;
}

static int
append(struct rrset_reading *reading, const struct json_node *rrset, size_t rdata_len)
{
	struct zone_record record = {
		.owner = reading->value->owner,
		.owner_len = (uint8_t)reading->value->owner_len,
		.rdata = reading->buffers->rdata,
		.rdata_len = (uint16_t)rdata_len,
		.ttl = reading->ttl,
		.type = reading->type,
	};

	reading->size += RR_HEAD + rdata_len;
	if (reading->size > MESSAGE_ROOM - reading->value->owner_len) {
		json_reader_fail(&reading->fault, rrset,
				 "is too large: no message of 65535 octets holds it");
		return ERR_OK;
	}
	if (is_address(reading))
		steering_add(&reading->buffers->steering, record.rdata, reading->weight);
	return zone_records_add(reading->zone, &record);
}

static void
read_ttl(struct rrset_reading *reading, const struct json_node *rrset)
{
	struct json_node node = json_node_member(rrset, "ttl");
	uint32_t max = reading->value->max_ttl;
	uint32_t ttl = json_reader_number(&reading->fault, &node, UINT32_MAX, max);

	if ((ttl == 0 && reading->zero_is_unset) || (max != 0 && ttl > max))
		ttl = max != 0 ? max : reading->value->missing_ttl;
	reading->ttl = ttl < TTL_MAX ? ttl : TTL_MAX;
}

/* A record in the members of redins: `record` is an object or missing. */
static int
read_record(struct rrset_reading *reading, const struct json_node *rrset,
	    const struct json_node *record)
{
	size_t len;

	json_reader_object(&reading->fault, record);
	if (!record->value || reading->fault.found)
		return ERR_OK;
	len = rdata_json_make(&reading->fault, reading->type, record,
			      reading->buffers->rdata);
	return len > 0 ? append(reading, rrset, len) : ERR_OK;
}

/* An address with all that steers it.  A fault costs it alone. */
static int
read_address(struct rrset_reading *reading, const struct json_node *rrset,
	     const struct json_node *record)
{
	struct rrset_buffers *buffers = reading->buffers;
	struct json_fault fault = { 0 };
	const struct steering_reader reader = { &fault, &buffers->notes,
						&buffers->steering };
	size_t len = 0;

	json_reader_object(&fault, record);
	reading->weight = steering_json_read_record(&reader, record);
	if (record->value && !fault.found)
		len = rdata_json_make(&fault, reading->type, record, buffers->rdata);
	if (!fault.found)
		return len > 0 ? append(reading, rrset, len) : ERR_OK;
	record_notes_add(&buffers->notes, FAULT_PARTIAL, &fault);
	if (!reading->first_bad.found)
		reading->first_bad = fault;
	return ERR_OK;
}

static int
read_records(struct rrset_reading *reading, const struct json_node *rrset)
{
	struct json_node list = json_node_member(rrset, "records"), record;
	const struct json_value *at = NULL;
	const struct steering_reader reader = { &reading->fault, &reading->buffers->notes,
						&reading->buffers->steering };
	int code = ERR_OK;

	json_reader_list(&reading->fault, &list);
	if (is_address(reading))
		steering_json_read_rrset(&reader, rrset, reading->value->owner);
	while (code == ERR_OK && !reading->fault.found &&
	       json_node_next_item(&list, &at, &record))
		code = is_address(reading) ? read_address(reading, rrset, &record)
					   : read_record(reading, rrset, &record);
	return code;
}

static int
read_text(struct rrset_reading *reading, const struct json_node *rrset,
	  const struct json_node *node)
{
	struct json_text text = json_reader_text(&reading->fault, node);
	char reason[RDATA_TEXT_REASON_MAX];
	int len;

	if (!node->value || reading->fault.found)
		return ERR_OK;
	len = rdata_text_parse(reading->buffers->scanner, reading->type, text.bytes,
			       text.len, reading->buffers->rdata, reason);
	if (len == ERR_SYNTAX)
		json_reader_fail(&reading->fault, node, "%s", reason);
	else if (len < 0)
		return len;
	return len >= 0 ? append(reading, rrset, (size_t)len) : ERR_OK;
}

static int
read_texts(struct rrset_reading *reading, const struct json_node *rrset)
{
	struct json_node list = json_node_member(rrset, "rdata"), node;
	const struct json_value *at = NULL;
	int code = ERR_OK;

	json_reader_list(&reading->fault, &list);
	reading->weight = 0;
	steering_drop_next(&reading->buffers->steering);
	while (code == ERR_OK && !reading->fault.found &&
	       json_node_next_item(&list, &at, &node))
		code = read_text(reading, rrset, &node);
	return code;
}

/* Can the type come from a value at all? */
static void
check_type(struct rrset_reading *reading, const struct json_node *rrset)
{
	if (reading->type == RRTYPE_SOA)
		json_reader_fail(
			&reading->fault, rrset,
			"cannot be set here: the SOA comes with the zone's config");
	else if (rrtype_is_meta(reading->type))
		json_reader_fail(&reading->fault, rrset,
				 "is not a type that a zone can hold");
	else if (rrset->value && !rdata_json_knows(reading->type) &&
		 !json_node_member(rrset, "rdata").value)
		json_reader_fail(&reading->fault, rrset,
				 "needs \"rdata\", a list of texts as in zone files");
}

/* An ANAME: the target, by itself. */
static int
read_aname(struct rrset_reading *reading, const struct json_node *rrset)
{
	struct json_node location = json_node_member(rrset, "location");
	struct json_text text;
	uint8_t payload[ANAME_LEN_MAX];
	uint8_t *target = payload + sizeof(struct aname_head);
	struct aname_head head = { .ttl = 0 };
	const char *reason;

	json_reader_object(&reading->fault, rrset);
	text = json_reader_text(&reading->fault, &location);
	read_ttl(reading, rrset);
	if (reading->fault.found)
		return ERR_OK;
	head.ttl = reading->ttl;
	head.target_len = (uint8_t)name_text_parse(text.bytes, text.len, target, &reason);
	dname_lower(target, head.target_len);
	if (head.target_len == 0)
		json_reader_fail(&reading->fault, &location, "\"%.60s\" %s", text.bytes,
				 reason);
	else if (head.target_len == reading->value->owner_len &&
		 memcmp(target, reading->value->owner, head.target_len) == 0)
		json_reader_fail(&reading->fault, &location, "is the name itself");
	if (reading->fault.found)
		return ERR_OK;
	memcpy(payload, &head, sizeof head);
	return zone_records_add_mark(reading->zone, reading->value->owner,
				     reading->value->owner_len, ZONE_MARK_ANAME,
				     ANAME_TYPE, payload, sizeof head + head.target_len);
}

/* What the RRset that was read may not be, `count` records. */
static void
check_rrset(struct rrset_reading *reading, const struct json_node *rrset, size_t count)
{
	bool is_alone = reading->type == RRTYPE_CNAME || reading->type == RRTYPE_DNAME;

	if (is_alone && count > 1)
		json_reader_fail(&reading->fault, rrset, "has more than one target");
	if (reading->type == RRTYPE_CNAME && count > 0 && is_apex(reading))
		json_reader_fail(&reading->fault, rrset,
				 "cannot stand at the zone's apex, beside SOA and NS");
}

/* Where no record is left, what is wrong is so with the RRset as a whole. */
static void
check_left(struct rrset_reading *reading, size_t count)
{
	if (count == 0 && reading->first_bad.found && !reading->fault.found)
		reading->fault = reading->first_bad;
}

/* Is there more of it than can be chosen from? */
static bool
is_beyond(struct rrset_reading *reading, const struct json_node *rrset)
{
	const struct steering *steering = &reading->buffers->steering;

	if (steering->candidate_count > STEERED_MAX)
		json_reader_fail(&reading->fault, rrset,
				 "has %u records, more than the %d that can be chosen "
				 "from",
				 steering->candidate_count, STEERED_MAX);
	else if (steering_is_beyond(steering))
		json_reader_fail(&reading->fault, rrset,
				 "has more than %d countries or networks",
				 STEERED_PLACES_MAX);
	return reading->fault.found;
}

/* A steered RRset may have a TTL of its own; all of its records have that. */
static void
set_own_ttl(struct rrset_reading *reading, size_t first)
{
	const struct steering *steering = &reading->buffers->steering;
	uint32_t max = reading->value->max_ttl;

	if (!steering->has_ttl)
		return;
	reading->ttl = max != 0 && steering->ttl > max ? max : steering->ttl;
	for (size_t i = first; i < reading->zone->count; i++)
		reading->zone->records[i].ttl = reading->ttl;
}

/* Note how the records from `first` on are to be chosen, if they are. */
static int
add_steering(struct rrset_reading *reading, const struct json_node *rrset, size_t first)
{
	struct rrset_buffers *buffers = reading->buffers;
	size_t len;

	if (reading->fault.found || !is_address(reading) ||
	    !steering_is_needed(&buffers->steering) || is_beyond(reading, rrset))
		return ERR_OK;
	set_own_ttl(reading, first);
	len = steering_write(&buffers->steering, reading->ttl, buffers->steered);
	return zone_records_add_mark(reading->zone, reading->value->owner,
				     reading->value->owner_len, ZONE_MARK_STEERED,
				     reading->type, buffers->steered, len);
}

static int
read_members(struct rrset_reading *reading, const struct json_node *rrset)
{
	int code = ERR_OK;

	json_reader_object(&reading->fault, rrset);
	check_type(reading, rrset);
	read_ttl(reading, rrset);
	if (reading->fault.found)
		return ERR_OK;
	if (rdata_json_is_single(reading->type))
		code = read_record(reading, rrset, rrset);
	else if (rdata_json_knows(reading->type))
		code = read_records(reading, rrset);
	return code == ERR_OK ? read_texts(reading, rrset) : code;
}

int
rrset_json_read(struct rrset_reading *reading, uint16_t type,
		const struct json_node *rrset)
{
	size_t first = reading->zone->count;
	int code = ERR_OK;

	reading->type = type;
	reading->size = 0;
	reading->first_bad.found = false;
	record_notes_clear(&reading->buffers->notes);
	steering_begin(&reading->buffers->steering, type);
	if (type == ANAME_TYPE)
		code = read_aname(reading, rrset);
	else if (type != 0)
		code = read_members(reading, rrset);
	else
		json_reader_fail(&reading->fault, rrset, "is no record type");
	if (code != ERR_OK)
		return code;
	check_rrset(reading, rrset, reading->zone->count - first);
	check_left(reading, reading->zone->count - first);
	code = add_steering(reading, rrset, first);
	if (code != ERR_OK)
		return code;
	record_notes_end(&reading->buffers->notes);
	return record_result_add(reading->result, reading->zone, type, first,
				 &reading->fault, &reading->buffers->notes);
}
