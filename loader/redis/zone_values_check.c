/* The way there and back. */
#include "loader/redis/zone_values_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_zone.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

static struct redis_text
text_of(const char *bytes)
{
	return (struct redis_text){ bytes, strlen(bytes) };
}

/* What a reading of Redis would have given. */
static int
make_raw(const struct zone_values *values, const char *zone, struct redis_raw *out)
{
	/* z42: before the types of a label, its place in the set of labels */
	struct redis_value *to = calloc(2 * values->count + 1, sizeof *to);
	const char *last = NULL;

	if (!to)
		return ERR_NOMEM;
	*out = (struct redis_raw){
		.zone = text_of(zone), .is_whole = true, .has_config = true, .values = to
	};
	out->config.label = text_of("");
	out->config.type = "";
	out->config.text = (struct redis_text){ values->config, values->config_len };
	for (size_t i = 0; i < values->count; i++) {
		const struct zone_value *value = &values->values[i];

		if (value->type && (!last || strcmp(last, value->label) != 0))
			to[out->count++] = (struct redis_value){
				.label = text_of(value->label),
				.text = text_of(""),
			};
		last = value->label;
		to[out->count++] = (struct redis_value){
			.label = text_of(value->label),
			.type = value->type,
			.text = { value->bytes, value->len },
		};
	}
	return 0;
}

static int
read_raw(const struct zone_records *zone, const struct redis_raw *raw,
	 const struct settings *settings, struct zone_records **out,
	 struct zone_messages *messages)
{
	struct redis_zone_reader *reader = redis_zone_reader_new(settings);
	struct redis_zone_config config;
	uint8_t origin[DNAME_MAX + NAME_PAD] = { 0 };
	const struct redis_zone_job job = {
		.raw = raw,
		.origin = origin,
		.origin_len = zone->origin_len,
		.config = &config,
	};
	int result = ERR_NOMEM;

	memcpy(origin, zone->origin, zone->origin_len);
	if (reader)
		result = redis_zone_read_config(reader, raw->zone, &raw->config, origin,
						zone->origin_len, &config);
	if (result == 0)
		result = redis_zone_read(reader, &job, out, messages);
	redis_zone_reader_free(reader);
	return result;
}

/* The next record that is no mark. */
static const struct zone_record *
next_record(const struct zone_records *zone, size_t *at)
{
	while (*at < zone->count && zone->records[*at].type == ZONE_MARK_TYPE)
		++*at;
	return *at < zone->count ? &zone->records[(*at)++] : NULL;
}

static void
print_name(const struct zone_record *record, char out[DNAME_TEXT_MAX + RRTYPE_TEXT_MAX])
{
	size_t len = dname_to_text(record->owner, out);

	out[len] = ' ';
	rrtype_to_text(record->type, out + len + 1);
}

static bool
is_same_data(const struct zone_record *a, const struct zone_record *b)
{
	return a->type == b->type && a->owner_len == b->owner_len &&
	       a->rdata_len == b->rdata_len &&
	       memcmp(a->owner, b->owner, a->owner_len) == 0 &&
	       memcmp(a->rdata, b->rdata, a->rdata_len) == 0;
}

/* What redis.max_ttl makes of a TTL. */
static uint32_t
served_ttl(const struct zone_record *record, uint32_t max_ttl)
{
	bool is_capped = max_ttl && record->ttl > max_ttl && record->type != RRTYPE_SOA;

	return is_capped ? max_ttl : record->ttl;
}

/* What is different, or 0.  One of the two may be missing. */
static int
compare_records(const struct zone_record *want, const struct zone_record *got,
		const struct settings *settings, char reason[ZONE_VALUES_REASON_MAX])
{
	char name[DNAME_TEXT_MAX + RRTYPE_TEXT_MAX];

	const struct zone_record *either = want ? want : got;

	if (!either)
		return 0;
	if (!want || !got || !is_same_data(want, got)) {
		print_name(either, name);
		snprintf(reason, ZONE_VALUES_REASON_MAX,
			 "would not come back as it is: %.300s would %s", name,
			 want ? "be lost or changed" : "be added");
		return ERR_RANGE;
	}
	if (got->ttl == served_ttl(want, settings->redis.max_ttl))
		return 0;
	print_name(want, name);
	snprintf(reason, ZONE_VALUES_REASON_MAX,
		 "has %.300s with the TTL %u, which Redis cannot hold: %u would be "
		 "served%s",
		 name, (unsigned)want->ttl, (unsigned)got->ttl,
		 want->ttl == 0 ? "; with redis.max_ttl = 0, TTLs are served as written"
				: "");
	return ERR_RANGE;
}

static int
compare(const struct zone_records *want, const struct zone_records *got,
	const struct settings *settings, size_t *capped,
	char reason[ZONE_VALUES_REASON_MAX])
{
	size_t want_at = 0, got_at = 0;
	int result = 0;

	while (result == 0) {
		const struct zone_record *a = next_record(want, &want_at);
		const struct zone_record *b = next_record(got, &got_at);

		if (!a && !b)
			return 0;
		result = compare_records(a, b, settings, reason);
		if (a)
			*capped += served_ttl(a, settings->redis.max_ttl) != a->ttl;
	}
	return result;
}

/* What reading has to say comes first: it knows why. */
static int
judge(const struct zone_records *zone, const struct zone_records *got,
      const struct zone_messages *messages, const struct settings *settings,
      size_t *capped, char reason[ZONE_VALUES_REASON_MAX])
{
	for (size_t i = 0; i < messages->kept_count; i++) {
		if (messages->kept[i].severity == ZONE_WARNING)
			continue;
		snprintf(reason, ZONE_VALUES_REASON_MAX,
			 "would not come back as it is: %.400s",
			 messages->kept[i].reason);
		return ERR_RANGE;
	}
	return compare(zone, got, settings, capped, reason);
}

int
zone_values_check(const struct zone_records *zone, const struct zone_values *values,
		  const struct settings *settings, size_t *capped,
		  char reason[ZONE_VALUES_REASON_MAX])
{
	struct zone_messages messages = { 0 };
	struct zone_records *got = NULL;
	char name[DNAME_TEXT_MAX];
	struct redis_raw raw;
	int result;

	*capped = 0;
	snprintf(reason, ZONE_VALUES_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	dname_to_text(zone->origin, name);
	result = make_raw(values, name, &raw);
	if (result)
		return result;
	result = read_raw(zone, &raw, settings, &got, &messages);
	if (result == 0)
		result = judge(zone, got, &messages, settings, capped, reason);
	zone_records_free(got);
	zone_messages_fini(&messages);
	free(raw.values);
	return result;
}
