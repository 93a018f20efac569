/* Key names of both schemas, and what a key names. */
#include "loader/redis/redis_keys.h"

#include <stdio.h>
#include <string.h>

#include "shm/rrtype.h"
#include "t/tap.h"

static char prefix[] = "p_", suffix[] = "_s", none[] = "";

static struct redis_text
text_of(const char *bytes)
{
	return (struct redis_text){ bytes, strlen(bytes) };
}

static struct redis_keys
keys_of(enum redis_schema schema, bool is_framed)
{
	struct settings settings = { .redis = { .schema = schema,
						.prefix = is_framed ? prefix : none,
						.suffix = is_framed ? suffix : none } };
	struct redis_keys keys;

	redis_keys_init(&keys, &settings);
	return keys;
}

static void
test_names(void)
{
	struct redis_keys redins = keys_of(REDIS_SCHEMA_REDINS, false);
	struct redis_keys z42 = keys_of(REDIS_SCHEMA_Z42, true);
	struct redis_text zone = text_of("a.test.");
	char key[REDIS_KEY_MAX];

	redis_keys_zones(&redins, key);
	is(key, "redins:zones", "the zones of redins");
	redis_keys_zone(&redins, zone, key);
	is(key, "redins:zones:a.test.", "a zone");
	is_int(redis_keys_config(&redins, zone, key),
	       strlen("redins:zones:a.test.:config"), "the length of a key");
	is(key, "redins:zones:a.test.:config", "a config");
	redis_keys_zones(&z42, key);
	is(key, "p_z42:zones_s", "the zones of z42");
	redis_keys_zone(&z42, zone, key);
	is(key, "p_z42:zones:a.test.:labels_s", "labels of a zone");
	redis_keys_rrset(&z42, zone, text_of("*.w"), "mx", key);
	is(key, "p_z42:zones:a.test.:labels:*.w:mx_s", "an RRset");
	redis_keys_secret(&z42, zone, 1, key);
	is(key, "p_z42:zones:a.test.:ksk:priv_s", "a private key");
}

static void
parses(enum redis_schema schema, bool is_framed, const char *key, const char *want)
{
	static const char *const kinds[] = { "other",  "zones", "zone",
					     "config", "rrset", "secret" };
	struct redis_keys keys = keys_of(schema, is_framed);
	struct redis_key found;
	char got[256];

	redis_keys_parse(&keys, text_of(key), &found);
	snprintf(got, sizeof got, "%s %.*s %.*s %.*s", kinds[found.kind],
		 (int)found.zone.len, found.zone.bytes ? found.zone.bytes : "",
		 (int)found.label.len, found.label.bytes ? found.label.bytes : "",
		 (int)found.type.len, found.type.bytes ? found.type.bytes : "");
	is(got, want, "%s", key);
}

static void
test_parse(void)
{
	const enum redis_schema redins = REDIS_SCHEMA_REDINS, z42 = REDIS_SCHEMA_Z42;

	parses(redins, false, "redins:zones", "zones   ");
	parses(redins, false, "redins:zones:a.test.", "zone a.test.  ");
	parses(redins, false, "redins:zones:a.test.:config", "config a.test.  ");
	parses(redins, false, "redins:zones:a.test.:zsk:pub", "secret a.test.  ");
	parses(redins, false, "redins:zones:a.test.:ksk:priv", "secret a.test.  ");
	parses(redins, false, "redins:healthcheck:a:b", "other   ");
	parses(redins, false, "redins:zonesx", "other   ");
	parses(redins, false, "", "other   ");
	parses(redins, true, "redins:zones", "other   ");
	parses(redins, true, "p_redins:zones_s", "zones   ");
	parses(redins, true, "p_redins:zones:a._s", "zone a.  ");
	parses(z42, false, "z42:zones:a.test.:labels", "zone a.test.  ");
	parses(z42, false, "z42:zones:a.test.:labels:www:a", "rrset a.test. www a");
	parses(z42, false, "z42:zones:a.test.:labels:x:y:a", "rrset a.test. x:y a");
	parses(z42, false, "z42:zones:a.test.:labels:www", "other a.test.  ");
	parses(z42, false, "z42:zones:a.test.", "other a.test.  ");
	parses(z42, true, "p_z42:zones:a.test.:config_s", "config a.test.  ");
	parses(z42, true, "p_z42:zones:a.test.:zsk:priv_s", "secret a.test.  ");
	parses(z42, false, "z42:revision", "other   ");
}

static void
test_types(void)
{
	struct redis_keys keys = keys_of(REDIS_SCHEMA_Z42, false);
	size_t count = 0;

	while (redis_keys_type(&keys, count))
		count++;
	is(redis_keys_type(&keys, 0), "a", "the first type");
	ok(!redis_keys_learn_type(&keys, text_of("a")), "a known type is not new");
	ok(!redis_keys_learn_type(&keys, text_of("TYPE1")), "by its number neither");
	ok(!redis_keys_learn_type(&keys, text_of("nonsense")), "what is no type");
	ok(!redis_keys_learn_type(&keys, text_of("any")), "what no zone can hold");
	ok(!redis_keys_learn_type(&keys, text_of("")), "nothing");
	ok(!redis_keys_learn_type(&keys, text_of("TYPE65400")), "not in lower case");
	ok(redis_keys_learn_type(&keys, text_of("type65400")), "one that is new");
	ok(!redis_keys_learn_number(&keys, 65400), "it is known by its number, too");
	ok(redis_keys_learn_number(&keys, RRTYPE_GPOS) &&
		   redis_keys_learn_number(&keys, 65401),
	   "types that are served");
	is(redis_keys_type(&keys, count + 1), "gpos", "one with a name");
	is(redis_keys_type(&keys, count + 2), "type65401", "one without");
	ok(!redis_keys_learn_type(&keys, text_of("type65400")), "and then is not");
	is(redis_keys_type(&keys, count), "type65400", "it is asked for as written");
	for (unsigned i = 0; i < 2 * REDIS_OTHER_TYPES_MAX; i++) {
		char name[16];

		snprintf(name, sizeof name, "type%u", 60000 + i);
		(void)redis_keys_learn_type(&keys, text_of(name));
	}
	is_int(keys.other_count, REDIS_OTHER_TYPES_MAX, "no more than there is room for");
	ok(!redis_keys_type(&keys, count + REDIS_OTHER_TYPES_MAX),
	   "and then there is none");
}

/* The longest of everything fits a key. */
static void
test_longest(void)
{
	static char zone[REDIS_NAME_MAX + 1], affix[129];
	struct settings settings = {
		.redis = { .schema = REDIS_SCHEMA_Z42, .prefix = affix, .suffix = affix }
	};
	struct redis_keys keys;
	struct redis_key found;
	char key[REDIS_KEY_MAX];
	size_t len;

	memset(zone, 'z', sizeof zone - 1);
	memset(affix, '_', sizeof affix - 1);
	redis_keys_init(&keys, &settings);
	len = redis_keys_rrset(&keys, text_of(zone), text_of(zone), "openpgpkey", key);
	redis_keys_parse(&keys, (struct redis_text){ key, len }, &found);
	is_int(found.zone.len, REDIS_NAME_MAX, "the longest zone comes back");
	is_int(found.label.len, REDIS_NAME_MAX, "so does the longest label");
}

int
main(void)
{
	test_names();
	test_parse();
	test_types();
	test_longest();
	return done_testing();
}
