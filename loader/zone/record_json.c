/* From JSON to records: a label's object of RRsets, or one RRset. */
#include "loader/zone/record_json.h"

#include <stdlib.h>
#include <strings.h>

#include "loader/zone/label_json.h"
#include "loader/zone/rrset_json.h"
#include "shm/aname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

struct record_json {
	struct label_json members;
	struct rrset_buffers buffers;
};

struct record_json *
record_json_new(void)
{
	struct record_json *parser = calloc(1, sizeof *parser);

	if (!parser)
		return NULL;
	parser->buffers.scanner = zone_text_new();
	if (!parser->buffers.scanner) {
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
	zone_text_free(parser->buffers.scanner);
	free(parser);
}

static int
read_label(struct rrset_reading *reading, struct label_json *members,
	   const struct json_node *label)
{
	int code = ERR_OK;

	json_reader_object(&reading->result->fault, label);
	if (!label_json_collect(members, label))
		json_reader_fail(&reading->result->fault, label,
				 "holds more than 256 RRsets");
	if (reading->result->fault.found)
		return ERR_OK;
	for (size_t i = 0; i < members->count && code == ERR_OK; i++) {
		reading->fault.found = false;
		code = rrset_json_read(reading, members->list[i].type,
				       &members->list[i].node);
	}
	return code;
}

int
record_json_read_node(struct record_json *parser, const struct json_node *label,
		      const struct record_json_value *value, struct zone_records *zone,
		      struct record_result *result)
{
	struct rrset_reading reading = {
		.buffers = &parser->buffers,
		.value = value,
		.zone = zone,
		.result = result,
		.zero_is_unset = true,
	};
	size_t first = zone->count;
	int code = read_label(&reading, &parser->members, label);

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
	struct rrset_reading reading = {
		.buffers = &parser->buffers,
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
	if (reading.fault.found || type != ANAME_TYPE || label_json_is_aname(&root))
		code = rrset_json_read(&reading, type, &root);
	json_reader_close(&root);
	if (code != ERR_OK)
		zone->count = first;
	return code;
}
