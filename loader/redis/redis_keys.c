/* Key names of redins and z42. */
#include "loader/redis/redis_keys.h"

#include <ctype.h>
#include <string.h>

#include "shm/rrtype.h"

/* Those of z42, then what people store besides. */
static const char *const known_types[] = {
	"a",      "aaaa",   "cname", "txt",    "ns",    "mx",    "srv",
	"caa",    "ptr",    "tlsa",  "ds",     "aname", "https", "svcb",
	"naptr",  "sshfp",  "dname", "uri",    "loc",   "cds",   "cdnskey",
	"dnskey", "smimea", "csync", "zonemd", "hinfo", "rp",    "openpgpkey",
	"afsdb",  "cert",   "apl",   "dhcid",  "eui48", "eui64",
};

static const char *const secrets[REDIS_SECRETS] = { ":ksk:pub", ":ksk:priv", ":zsk:pub",
						    ":zsk:priv", ":martlet:keys" };

enum { KNOWN_TYPES = sizeof known_types / sizeof *known_types };

static bool
is_asked_for(const struct redis_keys *keys, uint16_t type)
{
	return keys->asked[type / 64] >> type % 64 & 1;
}

static void
ask_for(struct redis_keys *keys, uint16_t type)
{
	keys->asked[type / 64] |= UINT64_C(1) << type % 64;
}

static bool
is_lower(const char *text)
{
	while (*text && !isupper((unsigned char)*text))
		text++;
	return *text == '\0';
}

void
redis_keys_init(struct redis_keys *keys, const struct settings *settings)
{
	keys->schema = settings->redis.schema;
	keys->prefix = settings->redis.prefix;
	keys->suffix = settings->redis.suffix;
	keys->other_count = 0;
	keys->rules = (uint64_t)REDIS_RULES_VERSION << 32 | settings->redis.max_ttl;
	memset(keys->asked, 0, sizeof keys->asked);
	ask_for(keys, RRTYPE_SOA); /* comes with the config */
	for (size_t i = 0; i < KNOWN_TYPES; i++) {
		uint16_t type;

		if (rrtype_from_text(known_types[i], &type))
			ask_for(keys, type);
	}
}

static const char *
root_of(const struct redis_keys *keys)
{
	return keys->schema == REDIS_SCHEMA_Z42 ? "z42:zones" : "redins:zones";
}

/* A key in the making: pieces one after the other. */
struct key_text {
	char *out;
	size_t len;
};

static void
put(struct key_text *key, const char *bytes, size_t len)
{
	if (len > REDIS_KEY_MAX - 1 - key->len)
		len = REDIS_KEY_MAX - 1 - key->len;
	memcpy(key->out + key->len, bytes, len);
	key->len += len;
	key->out[key->len] = '\0';
}

static void
put_text(struct key_text *key, const char *text)
{
	put(key, text, strlen(text));
}

/* "PREFIXredins:zones" */
static struct key_text
begin(const struct redis_keys *keys, char out[REDIS_KEY_MAX])
{
	struct key_text key = { out, 0 };

	put_text(&key, keys->prefix);
	put_text(&key, root_of(keys));
	return key;
}

static struct key_text
begin_zone(const struct redis_keys *keys, struct redis_text zone, char out[REDIS_KEY_MAX])
{
	struct key_text key = begin(keys, out);

	put_text(&key, ":");
	put(&key, zone.bytes, zone.len);
	return key;
}

static size_t
finish(const struct redis_keys *keys, struct key_text *key)
{
	put_text(key, keys->suffix);
	return key->len;
}

size_t
redis_keys_zones(const struct redis_keys *keys, char out[REDIS_KEY_MAX])
{
	struct key_text key = begin(keys, out);

	return finish(keys, &key);
}

size_t
redis_keys_zone(const struct redis_keys *keys, struct redis_text zone,
		char out[REDIS_KEY_MAX])
{
	struct key_text key = begin_zone(keys, zone, out);

	if (keys->schema == REDIS_SCHEMA_Z42)
		put_text(&key, ":labels");
	return finish(keys, &key);
}

size_t
redis_keys_config(const struct redis_keys *keys, struct redis_text zone,
		  char out[REDIS_KEY_MAX])
{
	struct key_text key = begin_zone(keys, zone, out);

	put_text(&key, ":config");
	return finish(keys, &key);
}

size_t
redis_keys_rrset(const struct redis_keys *keys, struct redis_text zone,
		 struct redis_text label, const char *type, char out[REDIS_KEY_MAX])
{
	struct key_text key = begin_zone(keys, zone, out);

	put_text(&key, ":labels:");
	put(&key, label.bytes, label.len);
	put_text(&key, ":");
	put_text(&key, type);
	return finish(keys, &key);
}

size_t
redis_keys_secret(const struct redis_keys *keys, struct redis_text zone, unsigned which,
		  char out[REDIS_KEY_MAX])
{
	struct key_text key = begin_zone(keys, zone, out);

	put_text(&key, secrets[which]);
	return finish(keys, &key);
}

/* ---- and back ---- */

static bool
take_front(struct redis_text *text, const char *front)
{
	size_t len = strlen(front);

	if (text->len < len || memcmp(text->bytes, front, len) != 0)
		return false;
	text->bytes += len;
	text->len -= len;
	return true;
}

static bool
take_back(struct redis_text *text, const char *back)
{
	size_t len = strlen(back);

	if (text->len < len || memcmp(text->bytes + text->len - len, back, len) != 0)
		return false;
	text->len -= len;
	return true;
}

/* The keys of a zone that both schemas have; `rest` begins with the zone. */
static bool
parse_common(struct redis_text rest, struct redis_key *out)
{
	out->zone = rest;
	for (size_t i = 0; i < REDIS_SECRETS; i++) {
		if (!take_back(&out->zone, secrets[i]))
			continue;
		out->kind = REDIS_KEY_SECRET;
		return true;
	}
	if (!take_back(&out->zone, ":config"))
		return false;
	out->kind = REDIS_KEY_CONFIG;
	return true;
}

/* "ZONE:labels" and "ZONE:labels:LABEL:TYPE" */
static void
parse_z42(struct redis_text rest, struct redis_key *out)
{
	static const char middle[] = ":labels:";
	const char *at, *colon;

	out->zone = rest;
	if (take_back(&out->zone, ":labels")) {
		out->kind = REDIS_KEY_ZONE;
		return;
	}
	at = memmem(rest.bytes, rest.len, middle, sizeof middle - 1);
	if (!at)
		return;
	out->zone.len = (size_t)(at - rest.bytes);
	at += sizeof middle - 1;
	rest.len -= (size_t)(at - rest.bytes);
	colon = memrchr(at, ':', rest.len);
	if (!colon)
		return;
	out->kind = REDIS_KEY_RRSET;
	out->label = (struct redis_text){ at, (size_t)(colon - at) };
	out->type = (struct redis_text){ colon + 1, rest.len - out->label.len - 1 };
}

void
redis_keys_parse(const struct redis_keys *keys, struct redis_text key,
		 struct redis_key *out)
{
	struct redis_text rest = key;

	*out = (struct redis_key){ .kind = REDIS_KEY_OTHER };
	if (!take_front(&rest, keys->prefix) || !take_front(&rest, root_of(keys)) ||
	    !take_back(&rest, keys->suffix))
		return;
	if (rest.len == 0)
		out->kind = REDIS_KEY_ZONES;
	else if (!take_front(&rest, ":") || parse_common(rest, out))
		return;
	else if (keys->schema == REDIS_SCHEMA_Z42)
		parse_z42(rest, out);
	else
		*out = (struct redis_key){ .kind = REDIS_KEY_ZONE, .zone = rest };
}

/* ---- types ---- */

const char *
redis_keys_type(const struct redis_keys *keys, size_t index)
{
	if (index < KNOWN_TYPES)
		return known_types[index];
	index -= KNOWN_TYPES;
	return index < keys->other_count ? keys->other_types[index] : NULL;
}

bool
redis_keys_learn_type(struct redis_keys *keys, struct redis_text type)
{
	char *name;
	uint16_t number;

	if (keys->other_count == REDIS_OTHER_TYPES_MAX || type.len == 0 ||
	    type.len > REDIS_TYPE_MAX || memchr(type.bytes, '\0', type.len))
		return false;
	name = keys->other_types[keys->other_count];
	memcpy(name, type.bytes, type.len);
	name[type.len] = '\0';
	if (!is_lower(name) || !rrtype_from_text(name, &number) ||
	    rrtype_is_meta(number) || is_asked_for(keys, number))
		return false;
	ask_for(keys, number);
	keys->other_count++;
	return true;
}

bool
redis_keys_learn_number(struct redis_keys *keys, uint16_t type)
{
	char name[RRTYPE_TEXT_MAX];

	if (is_asked_for(keys, type))
		return false;
	rrtype_to_text(type, name);
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return redis_keys_learn_type(keys, (struct redis_text){ name, strlen(name) });
}
