/* Any value, as a label of redins, as an RRset of z42, as a zone's configuration and as a
 * label's name: no crash, no growth, and whatever comes out keeps its promises; as JSON it
 * is what jansson takes it for.
 *
 * The first line of the input is the type for z42, the rest the value. */
#include "loader/zone/record_json.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/name_text.h"
#include "loader/zone/zone_config_json.h"
#include "shm/aname.h"
#include "shm/errcode.h"
#include "shm/rdata.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "t/fuzz/target.h"
#include "t/json_compare.h"

enum { MAX_TTL = 1000, TYPE_NAME_MAX = 40 };

static const uint8_t origin[] = "\007example";
static const uint8_t owner[] = "\003www\007example";

static struct record_json *parser;

static void
demand_printable(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	demand(len < room);
	for (size_t i = 0; i < len; i++)
		demand(text[i] >= 0x20 && text[i] < 0x7f);
}

static void
check_fault(const struct json_fault *fault)
{
	demand(fault->found && fault->reason[0] != '\0');
	demand_printable(fault->path, sizeof fault->path);
	demand_printable(fault->reason, sizeof fault->reason);
}

/* How records are chosen: it must be what a node can hold. */
static void
check_steering(const struct zone_record *record, uint16_t type)
{
	struct block block = { .head = { .kind = BLOCK_STEERED } };
	enum zone_mark mark;
	size_t len;

	demand(zone_record_mark(record, &mark, &block.head.type, &block.payload, &len));
	demand(mark == ZONE_MARK_STEERED && block.head.type == type);
	block.head.len = (uint32_t)len;
	demand(steered_check(&block) == NULL);
}

static void
check_aname(const struct zone_record *record)
{
	struct block block = { .head = { .kind = BLOCK_ANAME } };
	enum zone_mark mark;
	size_t len;

	demand(zone_record_mark(record, &mark, &block.head.type, &block.payload, &len));
	block.head.len = (uint32_t)len;
	demand(mark == ZONE_MARK_ANAME && aname_check(&block) == NULL);
}

static void
check_records(const struct zone_records *zone, const struct record_rrset *rrset)
{
	size_t size = 0;

	demand(rrset->first + rrset->count <= zone->count);
	for (size_t i = rrset->first; i < rrset->first + rrset->count; i++) {
		const struct zone_record *record = &zone->records[i];

		if (rrset->type == ANAME_TYPE) {
			demand(record->type == ZONE_MARK_TYPE && rrset->count == 1);
			check_aname(record);
			return;
		}
		if (record->type == ZONE_MARK_TYPE) {
			demand(i > rrset->first && i + 1 == rrset->first + rrset->count);
			check_steering(record, rrset->type);
			continue;
		}
		demand(record->type == rrset->type && !rrtype_is_meta(record->type));
		demand(record->ttl <= MAX_TTL);
		demand(record->owner_len == sizeof owner &&
		       memcmp(record->owner, owner, sizeof owner) == 0);
		demand(rdata_is_valid(record->type, record->rdata, record->rdata_len));
		size += 12u + record->rdata_len;
	}
	demand(size < 65535);
}

static void
check_result(const struct zone_records *zone, const struct record_result *result)
{
	size_t records = 0;

	if (result->fault.found)
		check_fault(&result->fault);
	for (size_t i = 0; i < result->count; i++) {
		const struct record_rrset *rrset = &result->rrsets[i];

		demand((rrset->state == RECORD_GOOD) == (rrset->fault == NULL));
		demand(rrset->state == RECORD_GOOD || rrset->count == 0);
		if (rrset->fault)
			check_fault(rrset->fault);
		demand(rrset->count == 0 || rrset->first == records);
		check_records(zone, rrset);
		records += rrset->count;
		for (size_t other = 0; other < i; other++)
			demand(rrset->type == 0 ||
			       result->rrsets[other].type != rrset->type);
	}
	demand(records == zone->count);
}

static void
read_value(const char *type, const char *bytes, size_t len)
{
	struct record_json_value value = {
		.bytes = bytes,
		.len = len,
		.owner = owner,
		.owner_len = sizeof owner,
		.max_ttl = MAX_TTL,
	};
	struct zone_records *zone = zone_records_new(origin, sizeof origin);
	struct record_result result = { 0 };

	demand(zone != NULL);
	if (type)
		demand(record_json_read_rrset(parser, type, &value, zone, &result) ==
		       ERR_OK);
	else
		demand(record_json_read_label(parser, &value, zone, &result) == ERR_OK);
	demand(!type || (!result.fault.found && result.count <= 1));
	check_result(zone, &result);
	record_result_fini(&result);
	zone_records_free(zone);
}

static void
read_config(const char *bytes, size_t len)
{
	struct zone_config config;
	struct json_fault fault = { 0 };
	uint8_t soa[ZONE_CONFIG_SOA_MAX];

	demand(zone_config_json_read(bytes, len, origin, sizeof origin, 300, &config,
				     &fault) == ERR_OK);
	if (fault.found)
		check_fault(&fault);
	demand(rdata_is_valid(RRTYPE_SOA, soa, zone_config_soa(&config, 1, soa)));
	demand_printable(config.domain_id, sizeof config.domain_id);
	demand(!config.dnssec || config.dnssec_is_known);
}

static void
read_name(const char *text, size_t len)
{
	uint8_t name[DNAME_MAX];
	const char *reason = NULL;
	size_t name_len =
		name_text_parse_label(text, len, origin, sizeof origin, name, &reason);

	demand(name_len > 0 || reason != NULL);
	if (name_len > 0)
		demand(dname_len(name, name_len) == name_len &&
		       dname_is_subdomain(name, name_len, origin, sizeof origin));
	name_len = name_text_parse_mailbox(text, len, name, &reason);
	demand(name_len == 0 ? reason != NULL : dname_len(name, name_len) == name_len);
}

/* A copy of exactly its size, so that reading past it is seen. */
static char *
copy_exactly(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);

	demand(copy != NULL);
	memcpy(copy, data, size);
	return copy;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line_end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t type_len = line_end ? (size_t)(line_end - data) : 0;
	size_t start = line_end ? type_len + 1 : 0;
	char type[TYPE_NAME_MAX] = "", *bytes, *text;
	bool is_json;

	if (!parser)
		parser = record_json_new();
	demand(parser != NULL);
	memcpy(type, data, type_len < sizeof type ? type_len : sizeof type - 1);
	bytes = copy_exactly(data + start, size - start);
	text = strndup(bytes, size - start); /* NUL-terminated, as names are given */
	demand(text != NULL);
	demand(json_compare(bytes, size - start, &is_json));
	read_value(NULL, bytes, size - start);
	read_value(type, bytes, size - start);
	read_config(bytes, size - start);
	read_name(text, strlen(text));
	free(text);
	free(bytes);
	return 0;
}
