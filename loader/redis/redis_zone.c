/* What names, configs and labels mean; a label's values are redis_label.c's, whole zones
 * redis_zone_read.c's. */
#include "loader/redis/redis_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_label.h"
#include "loader/zone/name_text.h"
#include "loader/zone/zone_rules.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
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
	out->fault[0] = '\0';
	code = zone_config_json_read(text.bytes, text.len, origin, origin_len,
				     is_z42 ? 3600 : 300, &out->config, &fault);
	if (code != ERR_OK)
		return code;
	if (value->state == REDIS_VALUE_BAD)
		name_config(reader, zone, "", value->text.bytes, out);
	else if (fault.found)
		name_config(reader, zone, fault.path, fault.reason, out);
	return ERR_OK;
}

void
redis_zone_sign_as_served(struct redis_zone_config *config,
			  const struct signing_facts *served)
{
	struct zone_config *to = &config->config;

	to->dnssec = served && !(served->flags & SIGNING_LEAVING);
	to->has_denial = served && (served->flags & SIGNING_OWN_DENIAL);
	to->denial = served ? served->denial : 0;
}

void
redis_zone_leave_unsigned(struct redis_zone_config *config, const char *zone,
			  const char *why)
{
	config->config.dnssec = false;
	if (config->fault[0] == '\0')
		snprintf(config->fault, sizeof config->fault,
			 "%.100s is served without signatures: %.350s", zone, why);
}

void
redis_zone_explain_unsigned(const char *why, char out[ZONE_REASON_MAX])
{
	snprintf(out, ZONE_REASON_MAX,
		 "%.*s; until then redis.unsigned_ok = true serves it without signatures",
		 ZONE_REASON_MAX - 100, why);
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

	zone->is_flattened = config->cname_flattening;
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
