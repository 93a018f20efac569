/* A zone's keys in two stores: one server rolls them and writes lists, the other follows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/sign/fleet_list.h"
#include "loader/sign/key_store.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "t/key_problems.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

#define ZONE "example.test."
#define LIST_NAME "z:martlet:keys"

static uint8_t zone[DNAME_MAX];

struct text {
	char *bytes;
	size_t len;
};

static struct key_store *
store_in(const char *dir, enum dnssec_role role)
{
	static char nothing[] = "";
	char *path = strdup(dir);
	const struct settings settings = {
		.state_dir = path,
		.dnssec = { .key_dir = nothing, .role = role },
	};
	struct key_store *store = NULL;

	is_int(key_store_new(&settings, true, &store), 0, "a store");
	free(path);
	return store;
}

static struct text
list_of(struct key_store *store, uint64_t number)
{
	struct text out = { NULL, 0 };

	is_int(key_store_list(store, zone, number, clock_wall_s(), &out.bytes, &out.len),
	       0, "a list");
	return out;
}

/* What Redis has, and no keys besides; NULL: no list. */
static void
put(struct key_store *store, const char *bytes, size_t len)
{
	struct key_given all[KEY_GIVEN_TEXTS] = { { .state = GIVEN_MISSING } };

	for (unsigned i = 0; i < KEY_GIVEN_TEXTS; i++)
		all[i].name = all[i].text = "";
	all[GIVEN_LIST] = (struct key_given){
		.state = bytes ? GIVEN_GOOD : GIVEN_MISSING,
		.name = LIST_NAME,
		.name_len = strlen(LIST_NAME),
		.text = bytes ? bytes : "",
		.text_len = len,
	};
	if (key_store_put(store, zone, all) != ERR_OK)
		exit(1);
}

static struct sign_keys *
load(struct key_store *store)
{
	static struct sign_keys keys;
	struct crypto_key *secrets[SIGN_KEYS_MAX];

	if (key_store_load(store, zone, &keys, secrets) != ERR_OK)
		exit(1);
	for (size_t i = 0; i < keys.count; i++)
		crypto_key_free(secrets[i]);
	return &keys;
}

static bool
tells(struct key_store *store, const char *what)
{
	return key_problems_tell(load(store), what);
}

static struct roll_zone
roll_of(struct key_store *store)
{
	struct roll_zone roll;

	if (key_store_roll(store, zone, &roll) != ERR_OK)
		exit(1);
	return roll;
}

static const char *
stage_of(struct key_store *store, uint16_t tag)
{
	struct roll_zone roll = roll_of(store);

	for (uint32_t i = 0; i < roll.count; i++)
		if (roll.keys[i].tag == tag)
			return roll_stage_name((enum roll_stage)roll.keys[i].stage);
	return "";
}

/* The server that rolls has written this. */
static void
note_written(struct key_store *store, struct roll_zone *roll, uint64_t number)
{
	char reason[SIGN_PROBLEM_LEN] = "";

	roll->fleet = (struct roll_fleet){ .part = ROLL_WRITES,
					   .number = number,
					   .written_s = clock_wall_s(),
					   .mark = fleet_list_mark(roll),
					   .node = "writer" };
	is_int(key_store_put_roll(store, zone, roll, reason), 0, "it is written");
}

static void
test_follow(struct key_store *roller, struct key_store *follower)
{
	char reason[SIGN_PROBLEM_LEN] = "";
	struct roll_zone roll;
	struct text list;
	uint16_t first, second;

	is_int(key_store_generate(roller, zone, 13, true, reason), 0, "first keys");
	list = list_of(roller, 1);
	put(follower, list.bytes, list.len);
	is_int((long)load(follower)->count, 2, "they are taken by who follows");
	is_int((long)load(follower)->problem_count, 0, "and nothing is wrong");
	is_int(roll_of(follower).fleet.part, ROLL_FOLLOWS, "which it does from then on");
	roll = roll_of(roller);
	ok(fleet_list_mark(&roll) == roll_of(follower).fleet.mark, "it says the same");
	is_int(key_store_generate(follower, zone, 13, true, reason), ERR_EXISTS,
	       "and makes no keys");
	ok(strstr(reason, "make them there"), "it says who does: %s", reason);
	free(list.bytes);

	roll = roll_of(roller);
	first = roll.keys[0].role == ROLL_ZSK ? roll.keys[0].tag : roll.keys[1].tag;
	roll.keys[roll.count++] = (struct roll_key){ .flags = 256,
						     .algorithm = 13,
						     .role = ROLL_ZSK,
						     .stage = ROLL_WANTED,
						     .is_managed = true };
	is_int(key_store_put_roll(roller, zone, &roll, reason), 0, "a key is drawn");
	second = roll.keys[2].tag;
	list = list_of(roller, 2);
	put(follower, list.bytes, list.len);
	is(stage_of(follower, second), "published", "it is published there");
	is(stage_of(follower, first), "active", "the other one signs");
	free(list.bytes);
	for (uint32_t i = 0; i < roll.count; i++)
		if (roll.keys[i].tag == first)
			roll.keys[i] = (struct roll_key){ .tag = first,
							  .flags = 256,
							  .algorithm = 13,
							  .role = ROLL_ZSK,
							  .stage = ROLL_REMOVED,
							  .is_managed = true };
		else if (roll.keys[i].tag == second)
			roll.keys[i].stage = ROLL_ACTIVE;
	note_written(roller, &roll, 3);
	list = list_of(roller, 3);
	put(follower, list.bytes, list.len);
	is(stage_of(follower, second), "active", "it signs at last");
	is_int((long)load(follower)->count, 2, "the first one is gone");
	free(list.bytes);
}

/* None of these changes anything. */
static void
test_refused(struct key_store *roller, struct key_store *follower)
{
	struct text list = list_of(roller, 4);
	const struct roll_zone before = roll_of(follower);
	struct roll_zone after;
	struct fleet_list *read = malloc(sizeof *read);
	uint8_t other[DNAME_MAX];
	size_t whole = 0;

	if (!read || dname_from_text("other.test.", other) == 0)
		exit(1);
	ok(!fleet_list_read(list.bytes, list.len, zone, read), "a list can be read");
	ok(fleet_list_read(list.bytes, list.len, other, read), "not of another zone");
	for (size_t len = 0; len + 1 < list.len; len++)
		whole += !fleet_list_read(list.bytes, len, zone, read);
	is_int((long)whole, 0, "nor cut anywhere");
	for (size_t at = 0; at + 1 < list.len; at++) {
		list.bytes[at] ^= 1;
		whole += !fleet_list_read(list.bytes, list.len, zone, read);
		list.bytes[at] ^= 1;
	}
	is_int((long)whole, 0, "nor with an octet changed");
	put(follower, list.bytes, list.len / 2);
	ok(tells(follower, LIST_NAME ": is cut off; the keys stay as they are"), "told");
	free(list.bytes);
	list = list_of(roller, 2);
	put(follower, list.bytes, list.len);
	ok(tells(follower, LIST_NAME ": has number 2 and is older than number 3"),
	   "told");
	put(follower, NULL, 0);
	ok(tells(follower, LIST_NAME ": is gone: the keys stay as its number 3 by"),
	   "told");
	after = roll_of(follower);
	ok(memcmp(&before, &after, sizeof before) == 0, "the keys are as they were");
	free(list.bytes);
	free(read);
}

/* A list whose digest is right, after something was changed in it. */
static struct text
changed(const struct text *list, const char *from, const char *to)
{
	struct fleet_text out = { .text = malloc(FLEET_LIST_MAX) };
	const char *at = memmem(list->bytes, list->len, from, strlen(from));
	const char *end = memmem(list->bytes, list->len, "\nend ", 5);

	if (!out.text || !at || !end)
		exit(1);
	out.len = (size_t)snprintf(
		out.text, FLEET_LIST_MAX, "%.*s%s%.*s\n", (int)(at - list->bytes),
		list->bytes, to, (int)(end - at - (long)strlen(from)), at + strlen(from));
	if (!fleet_list_end(&out))
		exit(1);
	return (struct text){ out.text, out.len };
}

static void
test_wrong(struct key_store *roller, struct key_store *follower)
{
	static const struct {
		const char *from, *to, *told;
	} cases[] = {
		{ "martlet-keys 1", "martlet-keys 2", "a later version" },
		{ "martlet-keys 1", "nothing", "is no list" },
		{ "zone ", "zoen ", "does not say whose it is" },
		{ "number 9", "number -9", "does not say whose it is" },
		{ "number 9", "number 9x", "does not say whose it is" },
		{ "node ", "node a b", "does not say whose it is" },
		{ " zsk removed", " zsk retired", "names a key and does not have it" },
		{ " zsk active", " zsk wrong", "has a line that is none of ours" },
		{ "private Private", "privat Private", "names a key and does not have" },
		{ "dnskey example.test.", "dnskey other.test.", "a key of another zone" },
		{ "PrivateKey: ", "PrivateKey: AAAA", "of its keys " },
	};
	struct text list = list_of(roller, 9);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text wrong = changed(&list, cases[i].from, cases[i].to);
		char told[256];

		snprintf(told, sizeof told, LIST_NAME ": %s", cases[i].told);
		put(follower, wrong.bytes, wrong.len);
		ok(tells(follower, cases[i].told[0] == 'i' ? told : cases[i].told) &&
			   load(follower)->problem_count == 1,
		   "%s", cases[i].told);
		ok(!tells(follower, "PrivateKey"), "without the key");
		free(wrong.bytes);
	}
	is_int((long)roll_of(follower).fleet.number, 3, "none was taken");
	free(list.bytes);
}

/* Who rolls keeps to what it has written, and writes it again. */
static void
test_roller(struct key_store *roller)
{
	struct roll_zone roll = roll_of(roller);

	put(roller, NULL, 0);
	ok(roll_of(roller).fleet.is_lost && load(roller)->is_list_lost,
	   "a list that is gone is due");
	is_int((long)load(roller)->problem_count, 0, "which is nothing wrong");
	note_written(roller, &roll, 3);
}

/* A machine that has another name than before finds its own list. */
static void
test_renamed(struct key_store *roller)
{
	struct roll_zone roll = roll_of(roller);
	struct text list = list_of(roller, 4), renamed;
	struct fleet_head head;

	renamed = changed(&list, "node ", "node old-");
	ok(!fleet_list_read_head(renamed.bytes, renamed.len, zone, &head), "a list");
	note_written(roller, &roll, 4);
	strcpy(roll.fleet.node, head.node);
	is_int(key_store_put_roll(roller, zone, &roll, (char[SIGN_PROBLEM_LEN]){ "" }), 0,
	       "written under another name");
	put(roller, renamed.bytes, renamed.len);
	is_int(roll_of(roller).fleet.part, ROLL_WRITES, "is its own");
	is_int((long)load(roller)->problem_count, 0, "and nothing is wrong");
	free(renamed.bytes);
	free(list.bytes);
}

/* Of two that roll, the one that finds the other's list follows: what both sign validates. */
static void
test_rival(struct key_store *roller, struct key_store *other)
{
	char reason[SIGN_PROBLEM_LEN] = "";
	struct text list = list_of(other, 4), next = list_of(other, 5);

	put(roller, list.bytes, list.len);
	ok(tells(roller, "is written by "), "a list of another one is told");
	is_int(roll_of(roller).fleet.part, ROLL_YIELDS, "and taken");
	ok(strcmp(load(roller)->rolled_by, roll_of(roller).fleet.node) == 0,
	   "who rolls is told: %s", load(roller)->rolled_by);
	is_int(key_store_generate(roller, zone, 13, true, reason), ERR_EXISTS,
	       "no keys are made");
	put(roller, next.bytes, next.len);
	ok(tells(roller, "is written by ") && roll_of(roller).fleet.number == 5,
	   "so is the next one");
	put(roller, list.bytes, list.len);
	ok(tells(roller, "is older than number 5"), "not one that is older");
	put(roller, NULL, 0);
	ok(tells(roller, "is gone") && !load(roller)->is_list_lost,
	   "nor is one that is gone written again");
	put(roller, next.bytes, next.len);
	free(list.bytes);
	free(next.bytes);
}

/* It rolls again after it was told to follow. */
static void
test_takeover(const char *dir, struct key_store *other)
{
	struct text list = list_of(other, 5);
	struct key_store *store = store_in(dir, DNSSEC_ROLE_FOLLOW);

	put(store, list.bytes, list.len);
	is_int(roll_of(store).fleet.part, ROLL_FOLLOWS, "it follows");
	is_int((long)load(store)->problem_count, 0, "and nothing is wrong");
	key_store_free(store);
	store = store_in(dir, DNSSEC_ROLE_ROLL);
	put(store, list.bytes, list.len);
	is_int(roll_of(store).fleet.part, ROLL_FOLLOWS, "nothing is written yet");
	is(load(store)->rolled_by, "", "and it rolls");
	key_store_free(store);
	free(list.bytes);
}

/* Of a key whose roll cannot be written, as on a full disk, nothing is left. */
static void
test_unwritten(struct key_store *roller, const char *dir)
{
	char reason[SIGN_PROBLEM_LEN] = "", path[128], command[160];
	struct roll_zone roll = roll_of(roller);
	size_t count = load(roller)->count;

	snprintf(path, sizeof path, "%s/keys/K" ZONE "+.new", dir);
	is_int(mkdir(path, 0700), 0, "what is in the way");
	roll.keys[roll.count++] = (struct roll_key){ .flags = 256,
						     .algorithm = 13,
						     .role = ROLL_ZSK,
						     .stage = ROLL_WANTED,
						     .is_managed = true };
	ok(key_store_put_roll(roller, zone, &roll, reason) != 0, "it is not written: %s",
	   reason);
	is_int((long)load(roller)->count, (long)count, "and the new key is gone");
	snprintf(command, sizeof command, "test -z \"$(find %s -name '*+%05u.*')\"", dir,
		 roll.keys[roll.count - 1].tag);
	is_int(system(command), 0, "with its files");
	is_int(rmdir(path), 0, "the way is free");
}

int
main(void)
{
	char *dirs[2] = { scratch_dir_make(), scratch_dir_make() };
	struct key_store *roller, *follower;

	if (dname_from_text(ZONE, zone) == 0)
		return 1;
	roller = store_in(dirs[0], DNSSEC_ROLE_ROLL);
	follower = store_in(dirs[1], DNSSEC_ROLE_FOLLOW);
	test_follow(roller, follower);
	test_unwritten(roller, dirs[0]);
	test_refused(roller, follower);
	test_wrong(roller, follower);
	key_store_free(follower);
	follower = store_in(dirs[1], DNSSEC_ROLE_ROLL);
	test_roller(roller);
	test_renamed(roller);
	test_rival(roller, follower);
	key_store_free(roller);
	test_takeover(dirs[0], follower);
	key_store_free(follower);
	scratch_dir_free(dirs[0]);
	scratch_dir_free(dirs[1]);
	return done_testing();
}
