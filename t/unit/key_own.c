/* A key that was made here and has a DS, and a key_dir that is named later; keys that cannot be
 * kept. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/sign/key_make.h"
#include "loader/sign/key_store.h"
#include "shm/errcode.h"
#include "t/key_problems.h"
#include "t/tap.h"

static uint8_t zone[DNAME_MAX];
static char no_dir[] = "", state[] = "/tmp/martlet-own-XXXXXX", source[64], other[64];
static struct settings settings = { .state_dir = state, .dnssec.key_dir = no_dir };

/* What a server with that key_dir signs with. */
static void
load(char *key_dir, struct sign_keys *keys)
{
	struct crypto_key *secrets[SIGN_KEYS_MAX];
	struct key_store *store;

	settings.dnssec.key_dir = key_dir;
	if (key_store_new(&settings, true, &store) != 0 ||
	    key_store_load(store, zone, keys, secrets) != 0)
		bail_out("no keys can be read");
	for (size_t i = 0; i < keys->count; i++)
		crypto_key_free(secrets[i]);
	key_store_free(store);
}

static unsigned
make(const char *path, uint16_t flags)
{
	struct key_draw draw = { .algorithm = 13, .flags = flags };
	char reason[SIGN_PROBLEM_LEN];
	struct key_dir *dir = key_dir_new(path);

	if (!dir || key_make(dir, zone, &draw, reason) != 0)
		bail_out("no key can be made");
	key_dir_free(dir);
	return draw.tag;
}

static void
take_away(const char *path, unsigned tag)
{
	char command[192];

	snprintf(command, sizeof command, "rm %s/K*+%05u.*", path, tag);
	ok(system(command) == 0, "key %u is taken away", tag);
}

/* SIGN_KEY_STATES: it is not there. */
static enum sign_key_state
state_of(const struct sign_keys *keys, unsigned tag)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].tag == tag)
			return (enum sign_key_state)keys->items[i].state;
	return SIGN_KEY_STATES;
}

static bool
signs_all(const struct sign_keys *keys, unsigned tag)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].tag == tag)
			return sign_key_roles(keys, i) ==
			       (SIGN_ROLE_KEYS | SIGN_ROLE_DATA);
	return false;
}

static void
test_beside(void)
{
	static struct sign_keys keys;
	char reason[SIGN_PROBLEM_LEN];
	struct key_store *store;
	unsigned own, ksk, zsk;

	is_int(key_store_new(&settings, true, &store), 0, "a store without key_dir");
	is_int(key_store_generate(store, zone, 13, false, reason), 0, "makes a key");
	key_store_free(store);
	load(no_dir, &keys);
	own = keys.items[0].tag;
	load(source, &keys);
	ok(signs_all(&keys, own) && !keys.items[0].is_kept && keys.problem_count == 0,
	   "a key_dir that has no key of the zone changes nothing, and nothing is said");

	ksk = make(source, DNSKEY_ZONE | DNSKEY_SEP);
	for (unsigned i = 0; i < 3; i++)
		load(source, &keys);
	is_int(keys.count, 2, "another KSK there comes beside it");
	is_int(state_of(&keys, own), SIGN_KEY_ACTIVE, "the first one stays");
	ok(signs_all(&keys, own), "and signs all");
	zsk = make(source, DNSKEY_ZONE);
	for (unsigned i = 0; i < 3; i++)
		load(source, &keys);
	is_int(state_of(&keys, own), SIGN_KEY_ACTIVE, "with a ZSK, too");
	is_int(state_of(&keys, zsk), SIGN_KEY_PUBLISHED, "which takes over later");
	take_away(source, zsk);
	take_away(source, ksk);
	load(source, &keys);
	ok(signs_all(&keys, own),
	   "what has a DS is there whatever becomes of the others");
}

static void
test_copies(void)
{
	static struct sign_keys keys;
	unsigned first, second;

	if (dname_from_text("copies.test.", zone) == 0)
		bail_out("no name");
	first = make(source, DNSKEY_ZONE | DNSKEY_SEP);
	load(source, &keys);
	ok(signs_all(&keys, first), "a key of key_dir signs at once");
	second = make(source, DNSKEY_ZONE | DNSKEY_SEP);
	load(source, &keys);
	ok(signs_all(&keys, second), "so does another one");
	take_away(source, first);
	load(source, &keys);
	is_int(keys.count, 1, "one that is taken away there goes, with its copy");

	first = make(other, DNSKEY_ZONE | DNSKEY_SEP);
	load(other, &keys);
	is_int(state_of(&keys, second), SIGN_KEY_ACTIVE,
	       "another key_dir says nothing of what it never had");
	is_int(keys.count, 2, "its own key comes beside");
	is_int(state_of(&keys, first), SIGN_KEY_ACTIVE, "and begins to sign");
}

static void
test_directories(void)
{
	static struct sign_keys keys;
	static char absent[64], file[64];
	int fd;

	snprintf(absent, sizeof absent, "%s/absent", state);
	snprintf(file, sizeof file, "%s/file", state);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	close(fd);
	load(absent, &keys);
	ok(key_problems_tell(&keys, "absent is not there: make it"),
	   "a key_dir that is not there");
	load(file, &keys);
	ok(key_problems_tell(&keys, "file is a file, not a directory"),
	   "one that is a file");
}

static void
test_unkept(void)
{
	static struct sign_keys keys;
	struct crypto_key *secrets[SIGN_KEYS_MAX];
	struct key_given bad[KEY_GIVEN_TEXTS];
	char kept[96], away[96];
	struct key_store *store;

	for (unsigned i = 0; i < KEY_GIVEN_TEXTS; i++)
		bad[i] = (struct key_given){ GIVEN_BAD, "name", 4, "why", 3 };
	settings.dnssec.key_dir = no_dir;
	is_int(key_store_new(&settings, true, &store), 0, "a store");
	snprintf(kept, sizeof kept, "%s/keys", state);
	snprintf(away, sizeof away, "%s/away", state);
	is_int(rename(kept, away), 0, "its directory is gone");
	is_int(key_store_put(store, zone, bad), ERR_NOTFOUND, "nothing can be kept");
	is_int(key_store_put(store, zone, bad), ERR_NOTFOUND, "nor a second time");
	is_int(key_store_count_unkept(store).zones, 1, "one zone is told");
	is_int(key_store_count_unkept(store).tries, 2, "and both times");
	is_int(key_store_load(store, zone, &keys, secrets), 0, "its keys are read");
	ok(key_problems_tell(&keys, "the keys that Redis gives cannot be kept"),
	   "told with them");
	is_int(rename(away, kept), 0, "it is there again");
	is_int(key_store_put(store, zone, bad), 0, "they are kept");
	is_int(key_store_count_unkept(store).zones, 0, "nothing is told any more");
	is_int(key_store_count_unkept(store).tries, 0, "nor counted");
	key_store_free(store);
}

int
main(void)
{
	char command[96];

	if (!mkdtemp(state) || dname_from_text("own.test.", zone) == 0)
		return 1;
	snprintf(source, sizeof source, "%s/source", state);
	snprintf(other, sizeof other, "%s/other", state);
	if (mkdir(source, 0700) != 0 || mkdir(other, 0700) != 0)
		return 1;
	test_beside();
	test_copies();
	test_directories();
	test_unkept();
	snprintf(command, sizeof command, "rm -r %s", state);
	ok(system(command) == 0, "nothing is left");
	return done_testing();
}
