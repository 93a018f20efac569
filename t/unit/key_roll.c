/* Rolls and the keys that they are of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/sign/key_roll.h"
#include "shm/errcode.h"
#include "shm/wire.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

static void
add_key(struct sign_keys *keys, uint16_t flags, uint16_t tag, enum sign_key_state state)
{
	struct sign_key *key = &keys->items[keys->count++];

	memset(key, 0, sizeof *key);
	wire_put_u16(key->rdata, flags);
	key->rdata[2] = 3;
	key->rdata[3] = 13;
	key->tag = tag;
	key->state = (uint8_t)state;
}

static const struct roll_key *
find(const struct roll_zone *zone, uint16_t tag)
{
	static const struct roll_key none = { .role = ROLL_ROLES };

	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].tag == tag)
			return &zone->keys[i];
	return &none;
}

static void
test_roles(void)
{
	struct roll_zone zone = { 0 };
	struct sign_keys keys = { 0 };

	add_key(&keys, 257, 1, SIGN_KEY_ACTIVE);
	key_roll_join(&zone, &keys);
	is_int(find(&zone, 1)->role, ROLL_CSK, "a key alone signs all");
	ok(roll_is_empty(&zone), "nothing rolls");

	memset(&zone, 0, sizeof zone);
	add_key(&keys, 256, 2, SIGN_KEY_ACTIVE);
	key_roll_join(&zone, &keys);
	is_int(find(&zone, 1)->role, ROLL_KSK,
	       "beside one without the bit it signs keys");
	is_int(find(&zone, 2)->role, ROLL_ZSK, "and that one data");

	/* after a roll: the file of the new key has no times of use */
	memset(&zone, 0, sizeof zone);
	zone.keys[zone.count++] = (struct roll_key){ .tag = 1,
						     .algorithm = 13,
						     .role = ROLL_KSK,
						     .stage = ROLL_ACTIVE,
						     .is_managed = true };
	keys.items[0].state = SIGN_KEY_FUTURE;
	key_roll_join(&zone, &keys);
	is_int(find(&zone, 2)->role, ROLL_ZSK,
	       "a key that has rolled counts as what it is");
	is_int(keys.items[0].state, SIGN_KEY_ACTIVE, "it is active by its roll");
	is_int(sign_key_roles(&keys, 1), SIGN_ROLE_DATA, "roles agree");
}

static void
test_gone(void)
{
	struct roll_zone zone = { 0 };
	struct sign_keys keys = { 0 };

	for (uint16_t tag = 1; tag <= 20; tag++)
		zone.keys[zone.count++] = (struct roll_key){
			.tag = tag,
			.algorithm = 13,
			.is_managed = true,
			.stage = (uint8_t)(tag == 20 ? ROLL_PUBLISHED : ROLL_REMOVED)
		};
	key_roll_join(&zone, &keys);
	is_int(zone.count, 8,
	       "of keys that are gone the last removed ones are remembered");
	is_int(find(&zone, 19)->stage, ROLL_REMOVED, "the last one");
	is_int(find(&zone, 20)->role, ROLL_ROLES, "one that was to be used is not");
}

static void
test_files(void)
{
	char *path = scratch_dir_make();
	static const char prefix[] = "Kexample.+";
	struct roll_zone zone = { .goal = ROLL_LEAVE, .goal_since_s = 7 }, again;
	struct key_dir *dir;

	dir = key_dir_new(path);
	if (!dir)
		bail_out("no memory");
	is_int(key_roll_read(dir, prefix, &again), 0, "nothing is kept");
	ok(roll_is_empty(&again), "it is empty");
	is_int(key_roll_write(dir, prefix, &zone), 0, "written");
	is_int(key_roll_read(dir, prefix, &again), 0, "read");
	ok(memcmp(&zone, &again, sizeof zone) == 0, "the same");
	is_int(key_dir_write(dir, prefix, KEY_ROLL_SUFFIX, "key 1\n", 6), 0,
	       "a broken one");
	is_int(key_roll_read(dir, prefix, &again), ERR_SYNTAX, "is told");
	ok(roll_is_empty(&again), "and is empty");
	is_int(key_dir_write(dir, prefix, KEY_ROLL_SUFFIX, "", 0), 0, "an emptied one");
	is_int(key_roll_read(dir, prefix, &again), ERR_SYNTAX, "is told, too");
	is_int(key_dir_write(dir, prefix, KEY_ROLL_SUFFIX, "other\n", 6), 0, "another's");
	is_int(key_roll_read(dir, prefix, &again), ERR_SYNTAX, "as well");
	is_int(key_dir_write(dir, prefix, KEY_ROLL_SUFFIX, "; that\nttl-ds", 13), 0,
	       "one without its end");
	is_int(key_roll_read(dir, prefix, &again), ERR_SYNTAX, "as well");
	memset(&zone, 0, sizeof zone);
	is_int(key_roll_write(dir, prefix, &zone), 0, "nothing to keep");
	is_int(key_roll_read(dir, prefix, &again), 0, "removes it");
	zone.keys[zone.count++] =
		(struct roll_key){ .tag = 12, .algorithm = 8, .is_managed = true };
	ok(key_roll_has(&zone, "Kexample.+008+00012"), "a key by its file");
	ok(!key_roll_has(&zone, "Kexample.+013+00012"), "another algorithm");
	ok(!key_roll_has(&zone, "Kexample."), "no name of a key");
	key_dir_free(dir);
	scratch_dir_free(path);
}

int
main(void)
{
	test_roles();
	test_gone();
	test_files();
	return done_testing();
}
