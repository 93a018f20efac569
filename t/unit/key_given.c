/* Keys that come as texts: which are kept, and what is noted of the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/sign/key_notes.h"
#include "loader/sign/key_store.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/wire.h"
#include "t/key_problems.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

#define ZONE "example.test."
#define NEW_ZONE "new.test."

static uint8_t zone[DNAME_MAX];

/* A key as the texts of Redis have it. */
struct texts {
	char public[2048], private[4096];
	uint16_t tag;
};

static void
draw(struct texts *out, const char *owner, uint16_t flags, uint32_t ttl)
{
	struct key_public public = { .ttl = ttl, .has_ttl = true };
	struct key_private secret;
	size_t len;

	public.owner_len = dname_from_text(owner, public.owner);
	if (crypto_generate(13, &secret, public.rdata + DNSKEY_KEY_AT, 1000, &len) != 0)
		exit(1);
	wire_put_u16(public.rdata, flags);
	public.rdata[2] = 3;
	public.rdata[3] = 13;
	public.rdata_len = (uint16_t)(DNSKEY_KEY_AT + len);
	out->tag = key_tag(public.rdata, public.rdata_len);
	if (!key_text_write_public(&public, out->public, sizeof out->public) ||
	    !key_text_write_private(&secret, out->private, sizeof out->private))
		exit(1);
}

/* A line end as people write it into Redis. */
static void
escape_lines(char *text, size_t room)
{
	char *copy = strdup(text), *to = text;

	for (const char *at = copy; *at && to < text + room - 2; at++) {
		if (*at == '\n')
			*to++ = '\\';
		*to++ = *at == '\n' ? 'n' : *at;
	}
	*to = '\0';
	free(copy);
}

static struct key_given
given(const char *name, const char *text)
{
	return (struct key_given){
		.state = text ? GIVEN_GOOD : GIVEN_MISSING,
		.name = name,
		.name_len = strlen(name),
		.text = text ? text : "",
		.text_len = text ? strlen(text) : 0,
	};
}

static int
put(struct key_store *store, const struct texts *ksk, const struct texts *zsk)
{
	const struct key_given all[KEY_GIVEN_TEXTS] = {
		given("z:ksk:pub", ksk ? ksk->public : NULL),
		given("z:ksk:priv", ksk ? ksk->private : NULL),
		given("z:zsk:pub", zsk ? zsk->public : NULL),
		given("z:zsk:priv", zsk ? zsk->private : NULL),
	};

	return key_store_put(store, zone, all);
}

/* What the zone is signed with now; the private halves are of no interest. */
static void
load(struct key_store *store, struct sign_keys *keys)
{
	struct crypto_key *secrets[SIGN_KEYS_MAX];

	is_int(key_store_load(store, zone, keys, secrets), 0, "keys are read");
	for (size_t i = 0; i < keys->count; i++)
		crypto_key_free(secrets[i]);
}

/* One that is not there is all zero. */
static struct sign_key
find(const struct sign_keys *keys, uint16_t tag)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].tag == tag)
			return keys->items[i];
	return (struct sign_key){ .tag = 0 };
}

static bool
is_there(const struct sign_keys *keys, uint16_t tag, bool is_kept)
{
	struct sign_key key = find(keys, tag);

	return key.rdata_len > 0 && !key.is_kept == !is_kept;
}

static void
test_life(struct key_store *store)
{
	static struct texts ksk, zsk, next;
	static struct sign_keys keys;

	draw(&ksk, ZONE, 257, 14400);
	draw(&zsk, ZONE, 256, 300);
	draw(&next, ZONE, 256, 300);
	escape_lines(zsk.private, sizeof zsk.private);
	load(store, &keys);
	is_int(keys.count, 0, "there is none");
	is_int(put(store, NULL, NULL), 0, "nothing is put");
	load(store, &keys);
	ok(keys.count == 0 && keys.problem_count == 0, "nothing is said of it");

	is_int(put(store, &ksk, &zsk), 0, "two keys are put");
	load(store, &keys);
	is_int(keys.count, 2, "both sign");
	is_int(keys.problem_count, 0, "nothing is wrong");
	ok(find(&keys, zsk.tag).ttl == 14400, "the ZSK has the KSK's TTL");
	ok(!keys.items[0].is_kept && !keys.items[1].is_kept, "they are the source's");

	is_int(put(store, &ksk, &next), 0, "one is replaced");
	load(store, &keys);
	is_int(keys.count, 3, "the new one is there beside the old ones");
	ok(key_problems_tell(&keys, "z:zsk:pub: has replaced the key"), "that is told");
	ok(is_there(&keys, zsk.tag, true), "the old one is a copy");
	ok(is_there(&keys, next.tag, false), "the new one is not");
	is_int(find(&keys, zsk.tag).state, SIGN_KEY_ACTIVE, "the old one signs");
	is_int(find(&keys, next.tag).state, SIGN_KEY_PUBLISHED, "the new one does not");

	is_int(put(store, &ksk, &zsk), 0, "and back");
	load(store, &keys);
	ok(is_there(&keys, zsk.tag, false), "it is the source's again");

	is_int(put(store, NULL, NULL), 0, "all are gone");
	load(store, &keys);
	is_int(keys.count, 3, "copies go on signing");
	ok(key_problems_tell(&keys, "z:ksk:pub: is gone, the kept copy of the key"),
	   "that is told");
}

/* Before any key was kept */
static void
test_bad_first(struct key_store *store)
{
	static struct texts ksk, zsk, other;
	static struct sign_keys keys;

	if (dname_from_text(NEW_ZONE, zone) == 0)
		bail_out("no name");
	draw(&ksk, NEW_ZONE, 257, 300);
	draw(&zsk, NEW_ZONE, 256, 300);
	draw(&other, NEW_ZONE, 257, 300);
	strcpy(other.public, ksk.public);
	is_int(put(store, &other, &zsk), 0, "a KSK whose halves do not match, and a ZSK");
	load(store, &keys);
	is_int(keys.count, 0, "the ZSK alone would match no DS");
	ok(key_problems_tell(&keys, "z:ksk:priv: the private key is not the one of"),
	   "told by name");
	ok(key_problems_tell(&keys, "z:zsk:pub: signs nothing before the KSK can"),
	   "so is the other");
	is_int(put(store, &ksk, &zsk), 0, "the KSK is mended");
	load(store, &keys);
	ok(keys.count == 2 && keys.problem_count == 0, "both sign");
	is_int(put(store, &other, &zsk), 0, "it breaks again");
	load(store, &keys);
	ok(keys.count == 2 && is_there(&keys, ksk.tag, true) &&
		   is_there(&keys, zsk.tag, false),
	   "its copy signs, and the ZSK");
}

static void
test_bad(struct key_store *store)
{
	static struct texts good, other, foreign, sep;
	static struct sign_keys keys;

	draw(&good, ZONE, 257, 300);
	draw(&other, ZONE, 257, 300);
	draw(&foreign, "other.test.", 257, 300);
	draw(&sep, ZONE, 257, 300);
	is_int(put(store, &good, NULL), 0, "a KSK alone");
	load(store, &keys);
	ok(is_there(&keys, good.tag, false), "is taken");

	strcpy(other.private, good.private);
	is_int(put(store, &other, NULL), 0, "halves that do not belong together");
	load(store, &keys);
	ok(!find(&keys, other.tag).tag && is_there(&keys, good.tag, true),
	   "leave the copy signing");
	ok(key_problems_tell(&keys, "z:ksk:priv: the private key is not the one of"),
	   "told by name");
	ok(key_problems_tell(&keys, "cannot be used, the kept copy"), "and what goes on");

	is_int(put(store, &foreign, NULL), 0, "another zone's");
	load(store, &keys);
	ok(key_problems_tell(&keys, "z:ksk:pub: the key is another zone's"),
	   "told by name");

	strcpy(other.public, "rubbish");
	is_int(put(store, &other, NULL), 0, "no key at all");
	load(store, &keys);
	ok(key_problems_tell(&keys, "z:ksk:pub: is no DNSKEY record"), "told by name");

	other.private[0] = '\0';
	strcpy(other.public, good.public);
	is_int(put(store, &other, NULL), 0, "half a key");
	load(store, &keys);
	ok(key_problems_tell(&keys, "z:ksk:priv: is no private key"), "told by name");

	is_int(put(store, &good, &sep), 0, "a ZSK with the SEP bit");
	load(store, &keys);
	ok(key_problems_tell(&keys, "z:zsk:pub: served with flags 256"),
	   "is served without it");
	ok(!find(&keys, sep.tag).tag && is_there(&keys, (uint16_t)(sep.tag - 1), false),
	   "its tag follows");
}

/* What was heard is known to the next store, too; one that must not write takes nothing. */
static void
test_again(const struct settings *settings)
{
	static struct texts ksk;
	static struct sign_keys keys;
	struct key_store *store;

	draw(&ksk, ZONE, 257, 300);
	is_int(key_store_new(settings, false, &store), 0,
	       "another store, which reads only");
	load(store, &keys);
	ok(key_problems_tell(&keys, "z:zsk:pub: served with flags 256"),
	   "it knows what was noted");
	is_int(put(store, &ksk, NULL), ERR_RIGHTS, "it takes nothing");
	key_store_free(store);
}

int
main(void)
{
	static char nothing[] = "";
	static struct settings settings = { .dnssec.key_dir = nothing };
	char *dir = scratch_dir_make();
	struct key_store *store;

	if (dname_from_text(ZONE, zone) == 0)
		return 1;
	settings.state_dir = dir;
	is_int(key_store_new(&settings, true, &store), 0, "a store");
	test_life(store);
	test_bad(store);
	key_store_free(store);
	test_again(&settings);
	is_int(key_store_new(&settings, true, &store), 0, "a store for another zone");
	test_bad_first(store);
	key_store_free(store);
	scratch_dir_free(dir);
	return done_testing();
}
