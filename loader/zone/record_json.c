/* From JSON to records, RRset by RRset: what is wrong in one is undone with it. */
#include "loader/zone/record_json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* A member of a label that is an RRset. */
struct member {
	uint16_t type; /* 0: one that is not served */
	struct json_node node;
};

struct record_json {
	struct zone_text *scanner;
	struct member members[RECORD_JSON_RRSETS_MAX];
	size_t member_count;
	uint8_t rdata[UINT16_MAX];
	struct steering steering;
	struct record_notes notes; /* of the RRset at hand */
	uint8_t steered[STEERING_LEN_MAX];
};

/* One value on its way into a zone. */
struct reading {
	struct record_json *parser;
	const struct record_json_value *value;
	struct zone_records *zone;
	struct record_result *result;
	bool zero_is_unset; /* for TTLs: redins */
	struct json_fault fault; /* of the RRset at hand */
	struct json_fault first_bad; /* of its records that are left out */
	uint16_t type; /* of it */
	uint32_t ttl;
	uint32_t weight; /* of the record at hand */
	size_t size; /* of its RRs in a message */
};

struct record_json *
record_json_new(void)
{
	struct record_json *parser = calloc(1, sizeof *parser);

	if (!parser)
		return NULL;
	parser->scanner = zone_text_new();
	if (!parser->scanner) {
		free(parser);
		return NULL;
	}
	return parser;
}

void
record_json_free(struct record_json *parser)
{
	if (!parser)
		return;
	zone_text_free(parser->scanner);
	free(parser);
}

static bool
is_apex(const struct reading *reading)
{
	return reading->value->owner_len == reading->zone->origin_len;
}

static bool
is_address(const struct reading *reading)
{
	return reading->type == RRTYPE_A || reading->type == RRTYPE_AAAA;
}

static int
append(struct reading *reading, const struct json_node *rrset, size_t rdata_len)
{
	struct zone_record record = {
		.owner = reading->value->owner,
		.owner_len = (uint8_t)reading->value->owner_len,
		.rdata = reading->parser->rdata,
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
		steering_add(&reading->parser->steering, record.rdata, reading->weight);
	return zone_records_add(reading->zone, &record);
}

static void
read_ttl(struct reading *reading, const struct json_node *rrset)
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
read_record(struct reading *reading, const struct json_node *rrset,
	    const struct json_node *record)
{
	size_t len;

	json_reader_object(&reading->fault, record);
	if (!record->value || reading->fault.found)
		return ERR_OK;
	len = rdata_json_make(&reading->fault, reading->type, record,
			      reading->parser->rdata);
	return len > 0 ? append(reading, rrset, len) : ERR_OK;
}

/* An address with all that steers it.  A fault costs it alone. */
static int
read_address(struct reading *reading, const struct json_node *rrset,
	     const struct json_node *record)
{
	struct record_json *parser = reading->parser;
	struct json_fault fault = { 0 };
	const struct steering_reader reader = { &fault, &parser->notes,
						&parser->steering };
	size_t len = 0;

	json_reader_object(&fault, record);
	reading->weight = steering_json_read_record(&reader, record);
	if (record->value && !fault.found)
		len = rdata_json_make(&fault, reading->type, record, parser->rdata);
	if (!fault.found)
		return len > 0 ? append(reading, rrset, len) : ERR_OK;
	record_notes_add(&parser->notes, FAULT_PARTIAL, &fault);
	if (!reading->first_bad.found)
		reading->first_bad = fault;
	return ERR_OK;
}

static int
read_records(struct reading *reading, const struct json_node *rrset)
{
	struct json_node list = json_node_member(rrset, "records");
	size_t count = json_reader_list(&reading->fault, &list);
	const struct steering_reader reader = { &reading->fault, &reading->parser->notes,
						&reading->parser->steering };
	int code = ERR_OK;

	if (is_address(reading))
		steering_json_read_rrset(&reader, rrset, reading->value->owner);
	for (size_t i = 0; i < count && code == ERR_OK && !reading->fault.found; i++) {
		struct json_node record = json_node_item(&list, i);

		json_node_survey(&record);
		code = is_address(reading) ? read_address(reading, rrset, &record)
					   : read_record(reading, rrset, &record);
	}
	return code;
}

static int
read_text(struct reading *reading, const struct json_node *rrset,
	  const struct json_node *node)
{
	struct json_text text = json_reader_text(&reading->fault, node);
	char reason[RDATA_TEXT_REASON_MAX];
	int len;

	if (!node->value || reading->fault.found)
		return ERR_OK;
	len = rdata_text_parse(reading->parser->scanner, reading->type, text.bytes,
			       text.len, reading->parser->rdata, reason);
	if (len == ERR_SYNTAX)
		json_reader_fail(&reading->fault, node, "%s", reason);
	else if (len < 0)
		return len;
	return len >= 0 ? append(reading, rrset, (size_t)len) : ERR_OK;
}

static int
read_texts(struct reading *reading, const struct json_node *rrset)
{
	struct json_node list = json_node_member(rrset, "rdata");
	size_t count = json_reader_list(&reading->fault, &list);
	int code = ERR_OK;

	reading->weight = 0;
	steering_drop_next(&reading->parser->steering);
	for (size_t i = 0; i < count && code == ERR_OK && !reading->fault.found; i++) {
		struct json_node node = json_node_item(&list, i);

		code = read_text(reading, rrset, &node);
	}
	return code;
}

static bool
has_member(const struct json_node *object, const char *key)
{
	return json_node_member(object, key).value != NULL;
}

/* Can the type come from a value at all? */
static void
check_type(struct reading *reading, const struct json_node *rrset)
{
	if (reading->type == RRTYPE_SOA)
		json_reader_fail(
			&reading->fault, rrset,
			"cannot be set here: the SOA comes with the zone's config");
	else if (rrtype_is_meta(reading->type))
		json_reader_fail(&reading->fault, rrset,
				 "is not a type that a zone can hold");
	else if (rrset->value && !rdata_json_knows(reading->type) &&
		 !has_member(rrset, "rdata"))
		json_reader_fail(&reading->fault, rrset,
				 "needs \"rdata\", a list of texts as in zone files");
}

/* An ANAME: the target, by itself. */
static int
read_aname(struct reading *reading, const struct json_node *rrset)
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
check_rrset(struct reading *reading, const struct json_node *rrset, size_t count)
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
check_left(struct reading *reading, size_t count)
{
	if (count == 0 && reading->first_bad.found && !reading->fault.found)
		reading->fault = reading->first_bad;
}

/* Is there more of it than can be chosen from? */
static bool
is_beyond(struct reading *reading, const struct json_node *rrset)
{
	const struct steering *steering = &reading->parser->steering;

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
set_own_ttl(struct reading *reading, size_t first)
{
	const struct steering *steering = &reading->parser->steering;
	uint32_t max = reading->value->max_ttl;

	if (!steering->has_ttl)
		return;
	reading->ttl = max != 0 && steering->ttl > max ? max : steering->ttl;
	for (size_t i = first; i < reading->zone->count; i++)
		reading->zone->records[i].ttl = reading->ttl;
}

/* Note how the records from `first` on are to be chosen, if they are. */
static int
add_steering(struct reading *reading, const struct json_node *rrset, size_t first)
{
	struct record_json *parser = reading->parser;
	size_t len;

	if (reading->fault.found || !is_address(reading) ||
	    !steering_is_needed(&parser->steering) || is_beyond(reading, rrset))
		return ERR_OK;
	set_own_ttl(reading, first);
	len = steering_write(&parser->steering, reading->ttl, parser->steered);
	return zone_records_add_mark(reading->zone, reading->value->owner,
				     reading->value->owner_len, ZONE_MARK_STEERED,
				     reading->type, parser->steered, len);
}

static int
read_members(struct reading *reading, const struct json_node *rrset)
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

static int
read_rrset(struct reading *reading, uint16_t type, const struct json_node *rrset)
{
	size_t first = reading->zone->count;
	int code = ERR_OK;

	reading->type = type;
	reading->size = 0;
	reading->first_bad.found = false;
	record_notes_clear(&reading->parser->notes);
	steering_begin(&reading->parser->steering, type);
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
	record_notes_end(&reading->parser->notes);
	return record_result_add(reading->result, reading->zone, type, first,
				 &reading->fault, &reading->parser->notes);
}

/* An ANAME without a target is none, as in redins. */
static bool
is_aname(const struct json_node *node)
{
	struct json_fault fault = { 0 };
	struct json_node location;

	if (!node->value || strcasecmp(node->key, "aname") != 0)
		return false;
	location = json_node_member(node, "location");
	json_reader_object(&fault, node);
	return json_reader_text(&fault, &location).len > 0 || fault.found;
}

/* Is this member an RRset, of which type?  See the header. */
static bool
is_rrset(const struct json_node *node, uint16_t *type)
{
	*type = ANAME_TYPE;
	if (is_aname(node))
		return true;
	*type = 0;
	if (!rrtype_from_text(node->key, type))
		return has_member(node, "rdata");
	return rdata_json_knows(*type) || has_member(node, "rdata") ||
	       (*type != RRTYPE_SOA && has_member(node, "records"));
}

/* Where the member goes: the place of an earlier one of its type, or a new one. */
static struct member *
find_member(struct record_json *parser, uint16_t type)
{
	for (size_t i = 0; type != 0 && i < parser->member_count; i++)
		if (parser->members[i].type == type)
			return &parser->members[i];
	if (parser->member_count == RECORD_JSON_RRSETS_MAX)
		return NULL;
	return &parser->members[parser->member_count++];
}

/* returns false when there are too many. */
static bool
collect_members(struct record_json *parser, const struct json_node *label)
{
	struct json_node node;
	void *at = NULL;

	parser->member_count = 0;
	while (json_node_next(label, &at, &node)) {
		struct member *member;
		uint16_t type;

		json_node_survey(&node);
		if (!node.value || !is_rrset(&node, &type))
			continue;
		member = find_member(parser, type);
		if (!member)
			return false;
		*member = (struct member){ .type = type, .node = node };
	}
	return true;
}

static int
read_label(struct reading *reading, const struct json_node *label)
{
	struct record_json *parser = reading->parser;
	int code = ERR_OK;

	json_reader_object(&reading->result->fault, label);
	if (!collect_members(parser, label))
		json_reader_fail(&reading->result->fault, label,
				 "holds more than 256 RRsets");
	if (reading->result->fault.found)
		return ERR_OK;
	for (size_t i = 0; i < parser->member_count && code == ERR_OK; i++) {
		reading->fault.found = false;
		code = read_rrset(reading, parser->members[i].type,
				  &parser->members[i].node);
	}
	return code;
}

int
record_json_read_node(struct record_json *parser, const struct json_node *label,
		      const struct record_json_value *value, struct zone_records *zone,
		      struct record_result *result)
{
	struct reading reading = {
		.parser = parser,
		.value = value,
		.zone = zone,
		.result = result,
		.zero_is_unset = true,
	};
	size_t first = zone->count;
	int code = read_label(&reading, label);

	if (code == ERR_OK)
		record_result_settle(result, zone);
	else
		zone->count = first;
	return code;
}

int
record_json_read_label(struct record_json *parser, const struct record_json_value *value,
		       struct zone_records *zone, struct record_result *result)
{
	struct json_node root;
	int code = json_reader_open(value->bytes, value->len, &root, &result->fault);

	if (code != ERR_OK)
		return code == ERR_SYNTAX ? ERR_OK : code;
	code = record_json_read_node(parser, &root, value, zone, result);
	json_reader_close(&root);
	return code;
}

int
record_json_read_rrset(struct record_json *parser, const char *type_name,
		       const struct record_json_value *value, struct zone_records *zone,
		       struct record_result *result)
{
	struct reading reading = {
		.parser = parser,
		.value = value,
		.zone = zone,
		.result = result,
	};
	size_t first = zone->count;
	struct json_node root = { 0 };
	uint16_t type;
	int code;

	if (strcasecmp(type_name, "aname") == 0)
		type = ANAME_TYPE;
	else if (!rrtype_from_text(type_name, &type))
		type = 0;
	code = json_reader_open(value->bytes, value->len, &root, &reading.fault);
	if (code != ERR_OK && code != ERR_SYNTAX)
		return code;
	root.key = type_name;
	json_node_survey(&root);
	if (reading.fault.found || type != ANAME_TYPE || is_aname(&root))
		code = read_rrset(&reading, type, &root);
	json_reader_close(&root);
	if (code != ERR_OK)
		zone->count = first;
	return code;
}
