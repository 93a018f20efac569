/* Whole zones and their configs; labels one by one are redis_label.c's. */
#include "loader/redis/redis_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_label.h"
#include "loader/zone/grow.h"
#include "loader/zone/name_text.h"
#include "loader/zone/zone_rules.h"
#include "loader/zone/zone_sort.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/node.h"
#include "shm/rrtype.h"

#define TTL_MAX UINT32_C(0x7fffffff) /* RFC 2181, section 8 */

struct redis_zone_reader *
redis_zone_reader_new(const struct settings *settings)
{
	struct redis_zone_reader *reader = calloc(1, sizeof *reader);

	if (!reader)
		return NULL;
	reader->settings = settings;
	redis_keys_init(&reader->keys, settings);
	reader->parser = record_json_new();
	if (!reader->parser) {
		free(reader);
		return NULL;
	}
	return reader;
}

void
redis_zone_reader_free(struct redis_zone_reader *reader)
{
	if (!reader)
		return;
	record_json_free(reader->parser);
	record_result_fini(&reader->result);
	free(reader->odd);
	free(reader);
}

/* ---- names ---- */

/* Names in events are not NUL-terminated. */
static bool
copy_name(struct redis_text name, char out[REDIS_NAME_MAX + 1], const char **reason)
{
	if (name.len > REDIS_NAME_MAX || memchr(name.bytes, '\0', name.len)) {
		*reason = "is no name: it is too long, or contains a zero octet";
		return false;
	}
	memcpy(out, name.bytes, name.len);
	out[name.len] = '\0';
	return true;
}

size_t
redis_zone_origin(struct redis_text name, uint8_t origin[DNAME_MAX + NAME_PAD],
		  const char **reason)
{
	char text[REDIS_NAME_MAX + 1];
	size_t len;

	memset(origin, 0, DNAME_MAX + NAME_PAD);
	if (!copy_name(name, text, reason))
		return 0;
	len = name_text_parse(text, name.len, origin, reason);
	dname_lower(origin, len);
	return len;
}

/* Is `text` what we write for the labels of the owner above the origin? */
static bool
is_our_spelling(const char *text, const uint8_t *owner, size_t owner_len,
		size_t origin_len)
{
	uint8_t above[DNAME_MAX];
	char spelt[DNAME_TEXT_MAX];
	size_t len = owner_len - origin_len;

	if (len == 0)
		return strcmp(text, "@") == 0;
	memcpy(above, owner, len);
	above[len] = 0;
	dname_to_text(above, spelt);
	spelt[strlen(spelt) - 1] = '\0';
	return strcmp(text, spelt) == 0;
}

bool
redis_zone_label(struct redis_text label, const uint8_t *origin, size_t origin_len,
		 uint8_t owner[DNAME_MAX + NAME_PAD], size_t *owner_len,
		 const char **reason)
{
	char text[REDIS_NAME_MAX + 1];

	memset(owner, 0, DNAME_MAX + NAME_PAD);
	*owner_len = 0;
	if (!copy_name(label, text, reason))
		return false;
	*owner_len =
		name_text_parse_label(text, label.len, origin, origin_len, owner, reason);
	return *owner_len > 0 && is_our_spelling(text, owner, *owner_len, origin_len);
}

/* ---- the config ---- */

static void
name_config(const struct redis_zone_reader *reader, struct redis_text zone,
	    const char *path, const char *reason, struct redis_zone_config *out)
{
	char key[REDIS_KEY_MAX], raw[ZONE_REASON_MAX];

	redis_keys_config(&reader->keys, zone, key);
	snprintf(raw, sizeof raw, "%.200s: %s%s%s", key, path, path[0] ? ": " : "",
		 reason);
	zone_message_printable(raw, out->fault, sizeof out->fault);
}

int
redis_zone_read_config(const struct redis_zone_reader *reader, struct redis_text zone,
		       const struct redis_value *value, const uint8_t *origin,
		       size_t origin_len, struct redis_zone_config *out)
{
	bool is_z42 = reader->keys.schema == REDIS_SCHEMA_Z42;
	struct json_fault fault = { .found = false };
	struct redis_text text = { "", 0 };
	int code;

	if (value->state == REDIS_VALUE_GOOD)
		text = value->text;
	out->hash = value->hash;
	out->fault[0] = out->refusal[0] = '\0';
	code = zone_config_json_read(text.bytes, text.len, origin, origin_len,
				     is_z42 ? 3600 : 300, &out->config, &fault);
	if (code != ERR_OK)
		return code;
	if (value->state == REDIS_VALUE_BAD)
		name_config(reader, zone, "", value->text.bytes, out);
	else if (fault.found)
		name_config(reader, zone, fault.path, fault.reason, out);
	if (out->config.dnssec && !reader->settings->redis.unsigned_ok)
		snprintf(out->refusal, sizeof out->refusal,
			 "it is to be signed (\"dnssec\": true), which this version does "
			 "not do yet: its DS must go first from the parent zone; then "
			 "set \"dnssec\": false, or redis.unsigned_ok = true");
	return ERR_OK;
}

/* RFC 1982, section 3.2 */
static bool
serial_is_above(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

uint32_t
redis_zone_serial(const struct zone_config *config, const struct redis_change *change,
		  const uint32_t *old, bool is_same)
{
	uint32_t second = (uint32_t)(change->ms / 1000);

	if (config->has_serial)
		return config->serial;
	if (!old)
		return second;
	if (is_same)
		return *old;
	return serial_is_above(second, *old) ? second : *old + 1;
}

int
redis_zone_add_soa(struct zone_records *zone, const struct zone_config *config,
		   uint32_t serial)
{
	uint8_t rdata[ZONE_CONFIG_SOA_MAX];
	struct zone_record soa = {
		.owner = zone->origin,
		.owner_len = (uint8_t)zone->origin_len,
		.rdata = rdata,
		.rdata_len = (uint16_t)zone_config_soa(config, serial, rdata),
		.ttl = config->ttl < TTL_MAX ? config->ttl : TTL_MAX,
		.type = RRTYPE_SOA,
	};

	return zone_records_add(zone, &soa);
}

/* ---- one label ---- */

int
redis_zone_read_label(struct redis_zone_reader *reader, const struct redis_label *label,
		      struct zone_records *zone)
{
	size_t first = zone->count;
	struct zone_messages messages = { .kept = NULL };
	struct zone_records run;
	int code = redis_label_append(reader, label, zone);

	if (code != ERR_OK || zone->count == first)
		return code;
	/* the records of one owner are sorted where they are */
	run = *zone;
	run.records += first;
	run.count -= first;
	code = zone_sort(&run);
	if (code == ERR_OK) {
		zone_rules_rrsets(&run, &messages);
		zone->count = first + run.count;
	}
	zone_messages_fini(&messages);
	return code;
}

/* ---- whole zones ---- */

/* A zone in the making. */
struct making {
	struct redis_zone_reader *reader;
	const struct redis_zone_job *job;
	struct zone_records *zone;
	uint64_t hash; /* of all labels that have become names */
};

static size_t
run_of(const struct making *making, const struct redis_value *values)
{
	const struct redis_raw *raw = making->job->raw;

	return redis_values_of_label(values, raw->values + raw->count);
}

static int
append_label(struct making *making, const struct redis_value *values,
	     const uint8_t *owner, size_t owner_len)
{
	const struct redis_label label = {
		.zone = making->job->raw->zone,
		.values = values,
		.count = run_of(making, values),
		.owner = owner,
		.owner_len = owner_len,
		.change = making->job->change,
	};

	making->hash += redis_values_hash(values, label.count);
	return redis_label_append(making->reader, &label, making->zone);
}

/* A label that is not written as we would: it waits until all others are known. */
static int
keep_odd(struct redis_zone_reader *reader, const struct redis_value *value)
{
	struct redis_value *odd = grow_items(reader->odd, &reader->odd_room,
					     reader->odd_count + 1, sizeof *odd);

	if (!odd)
		return ERR_NOMEM;
	reader->odd = odd;
	reader->odd[reader->odd_count++] = *value;
	return ERR_OK;
}

static int
append_labels(struct making *making)
{
	const struct redis_zone_job *job = making->job;
	const struct redis_raw *raw = job->raw;
	uint8_t owner[DNAME_MAX + NAME_PAD];
	const char *reason;
	int code = ERR_OK;

	making->reader->odd_count = 0;
	for (size_t at = 0; at < raw->count && code == ERR_OK;) {
		const struct redis_value *value = &raw->values[at];
		size_t owner_len;

		if (redis_zone_label(value->label, job->origin, job->origin_len, owner,
				     &owner_len, &reason))
			code = append_label(making, value, owner, owner_len);
		else
			code = keep_odd(making->reader, value);
		at += run_of(making, value);
	}
	return code;
}

static int
compare_owners(const void *left, const void *right)
{
	const struct zone_record *a = left, *b = right;

	return dname_compare(a->owner, b->owner);
}

/* Is there anything at this owner?  The zone is sorted. */
static bool
has_owner(const struct zone_records *zone, const uint8_t *owner)
{
	const struct zone_record wanted = { .owner = owner };

	return zone->count > 0 && bsearch(&wanted, zone->records, zone->count,
					  sizeof wanted, compare_owners);
}

static int
compare_labels(const void *left, const void *right)
{
	const struct redis_value *a = left, *b = right;

	return redis_text_compare(a->label, b->label);
}

/* The values of a label that was copied: where its run begins. */
static const struct redis_value *
find_run(const struct making *making, const struct redis_value *copy)
{
	const struct redis_value *value = making->job->raw->values;

	while (value->label.bytes != copy->label.bytes)
		value++;
	return value;
}

static int
append_odd_label(struct making *making, const struct redis_value *odd)
{
	const struct redis_zone_job *job = making->job;
	uint8_t owner[DNAME_MAX + NAME_PAD];
	const char *reason = "";
	size_t owner_len;

	if (odd->state == REDIS_VALUE_MISSING)
		return ERR_OK;
	(void)redis_zone_label(odd->label, job->origin, job->origin_len, owner,
			       &owner_len, &reason);
	if (owner_len == 0)
		return redis_label_ignore(making->zone, job->origin, job->origin_len, 0,
					  "label \"%.200s\" %s", odd->label.bytes,
					  reason);
	if (has_owner(making->zone, owner))
		return redis_label_ignore(making->zone, owner, owner_len, 0,
					  "label \"%.200s\" is left out: another one "
					  "means the same name",
					  odd->label.bytes);
	return append_label(making, find_run(making, odd), owner, owner_len);
}

enum { ODD_MAX = 1000 }; /* each costs a sort */

/* Odd labels, in the order of their octets; what is there already wins. */
static int
append_odd_labels(struct making *making)
{
	struct redis_zone_reader *reader = making->reader;
	int code = ERR_OK;

	if (reader->odd_count == 0)
		return ERR_OK;
	qsort(reader->odd, reader->odd_count, sizeof *reader->odd, compare_labels);
	for (size_t i = 0; i < reader->odd_count && code == ERR_OK; i++) {
		code = zone_sort(making->zone);
		if (code == ERR_OK && i < ODD_MAX)
			code = append_odd_label(making, &reader->odd[i]);
	}
	if (code == ERR_OK && reader->odd_count > ODD_MAX)
		code = redis_label_ignore(making->zone, making->job->origin,
					  making->job->origin_len, 0,
					  "%zu labels are left out: more than %d are not "
					  "written in lower case, or are no names",
					  reader->odd_count - ODD_MAX, ODD_MAX);
	return code;
}

/* What Redis has, as it is kept with the zone. */
static int
add_facts(struct making *making, const struct redis_raw *raw)
{
	struct redis_facts *facts =
		arena_take_items(making->zone->arena, 1, sizeof *facts);
	const char *fault = making->job->config->fault;
	uint64_t digest = redis_raw_digest(raw);

	if (!facts)
		return ERR_NOMEM;
	*facts = (struct redis_facts){
		.config_hash = digest - making->hash,
		.raw_digest = digest,
		.change_ms = making->job->change.ms,
		.change_seq = making->job->change.seq,
		.flags = making->reader->odd_count > 0 ? REDIS_ZONE_ODD : 0,
	};
	making->zone->redis = facts;
	if (!fault[0])
		return ERR_OK;
	making->zone->error = arena_copy(making->zone->arena, fault, strlen(fault) + 1);
	return making->zone->error ? ERR_OK : ERR_NOMEM;
}

static int
add_soa(struct making *making)
{
	const struct redis_zone_job *job = making->job;
	bool is_same = job->old_serial && job->old_digest == redis_raw_digest(job->raw);

	return redis_zone_add_soa(making->zone, &job->config->config,
				  redis_zone_serial(&job->config->config, &job->change,
						    job->old_serial, is_same));
}

static void
tell(const struct zone_records *zone, struct zone_messages *messages)
{
	const char *path = zone->paths[0];
	bool has_ns = false;

	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		has_ns |= record->type == RRTYPE_NS &&
			  record->owner_len == zone->origin_len;
		if (zone_record_mark(record, &mark, &type, &bytes, &len) &&
		    mark == ZONE_MARK_BAD)
			zone_messages_add(messages, ZONE_DROPPED, "", 0, "%.*s", (int)len,
					  (const char *)bytes);
	}
	for (size_t i = 0; i < zone_records_faults_listed(zone); i++)
		zone_messages_add(messages, ZONE_DROPPED, path, 0, "%s",
				  zone->faults[i].reason);
	if (zone->error)
		zone_messages_add(messages, ZONE_DROPPED, "", 0, "%s", zone->error);
	if (!has_ns)
		zone_messages_add(messages, ZONE_WARNING, path, 0,
				  "no NS at the top of the zone");
}

static int
make_zone(struct making *making, struct zone_messages *messages)
{
	const struct redis_zone_job *job = making->job;
	struct zone_records *zone = making->zone;
	int code = zone_records_add_path(zone, job->raw->zone.bytes);

	if (code >= 0)
		code = append_labels(making);
	if (code == ERR_OK)
		code = append_odd_labels(making);
	if (code == ERR_OK)
		code = add_soa(making);
	if (code == ERR_OK)
		code = zone_sort(zone);
	if (code == ERR_OK)
		code = add_facts(making, job->raw);
	if (code != ERR_OK)
		return code;
	zone->loaded_at_s = (int64_t)clock_wall_s();
	zone_rules_rrsets(zone, messages);
	tell(zone, messages);
	/* a change of one label could not keep them true; odd zones are made anew */
	if (!(zone->redis->flags & REDIS_ZONE_ODD))
		zone->fault_count = 0;
	return ERR_OK;
}

int
redis_zone_read(struct redis_zone_reader *reader, const struct redis_zone_job *job,
		struct zone_records **out, struct zone_messages *messages)
{
	struct making making = {
		.reader = reader,
		.job = job,
		.zone = zone_records_new(job->origin, job->origin_len),
	};
	int code = making.zone ? make_zone(&making, messages) : ERR_NOMEM;

	if (code == ERR_OK)
		*out = making.zone;
	else
		zone_records_free(making.zone);
	return code;
}
