/* A whole zone: its labels in two rounds, its SOA, and what is wrong with it. */
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_label.h"
#include "loader/redis/redis_zone.h"
#include "loader/zone/grow.h"
#include "loader/zone/zone_rules.h"
#include "loader/zone/zone_sort.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/node.h"
#include "shm/rrtype.h"

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
	const struct zone_config *config = &making->job->config->config;
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
	making->zone->signing_wish = (struct zone_signing_wish){
		.is_wanted = config->dnssec,
		.has_denial = config->has_denial,
		.denial = config->denial,
	};
	making->zone->domain_id = arena_copy(making->zone->arena, config->domain_id,
					     strlen(config->domain_id) + 1);
	if (!making->zone->domain_id)
		return ERR_NOMEM;
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

/* What is wrong with an RRset, or with parts of a good one. */
static void
tell_mark(const struct zone_record *record, struct zone_messages *messages)
{
	const uint8_t *bytes;
	enum zone_mark mark;
	uint16_t type;
	size_t len;

	if (!zone_record_mark(record, &mark, &type, &bytes, &len))
		return;
	if (mark == ZONE_MARK_BAD)
		zone_messages_add(messages, ZONE_DROPPED, "", 0, "%.*s", (int)len,
				  (const char *)bytes);
	else if (mark == ZONE_MARK_NOTE && len > 1)
		zone_messages_add(messages,
				  bytes[0] == FAULT_PARTIAL ? ZONE_DROPPED : ZONE_WARNING,
				  "", 0, "%.*s", (int)len - 1, (const char *)bytes + 1);
}

static void
tell(const struct zone_records *zone, struct zone_messages *messages)
{
	const char *path = zone->paths[0];
	bool has_ns = false;

	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		has_ns |= record->type == RRTYPE_NS &&
			  record->owner_len == zone->origin_len;
		tell_mark(record, messages);
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
