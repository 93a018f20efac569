/* Which lists are taken, and taking them. */
#include "loader/sign/fleet_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/sign/fleet_list.h"
#include "loader/sign/key_files.h"
#include "loader/sign/key_roll.h"
#include "loader/sign/sign_crypto.h"
#include "shm/errcode.h"

void
fleet_self_init(const struct settings *settings, struct fleet_self *out)
{
	char host[256] = "";

	(void)gethostname(host, sizeof host - 1);
	out->rolls = settings->dnssec.role == DNSSEC_ROLE_ROLL;
	snprintf(out->node, sizeof out->node, "%.64s:%s", host[0] ? host : "unknown",
		 settings->state_dir);
	for (char *at = out->node; *at; at++)
		if (*at <= ' ' || *at > '~')
			*at = '_';
}

struct taking {
	struct key_dir *kept;
	const uint8_t *zone;
	const struct fleet_self *self;
	char prefix[NAME_MAX + 1];
	struct roll_zone roll; /* as it is kept */
	struct fleet_list list;
	struct key_files files, there;
	char *reason; /* SIGN_PROBLEM_LEN */
};

/* ---- which ---- */

/* Is it the last one that was written or taken here? */
static bool
is_known(const struct taking *t)
{
	return t->list.head.number == t->roll.fleet.number &&
	       strcmp(t->list.head.node, t->roll.fleet.node) == 0;
}

/* Does the list make this server follow, although it is to roll?  A machine's name may have
 * changed since it wrote the last one. */
static bool
is_yielded_to(const struct taking *t)
{
	const struct roll_fleet *known = &t->roll.fleet;
	const struct fleet_head *head = &t->list.head;

	return t->self->rolls && known->part == ROLL_WRITES && !is_known(t) &&
	       head->number >= known->number && strcmp(head->node, t->self->node) != 0;
}

static enum roll_part
part_after(const struct taking *t)
{
	uint8_t part = t->roll.fleet.part;

	if (!t->self->rolls)
		return ROLL_FOLLOWS;
	if (part == ROLL_YIELDS || is_yielded_to(t))
		return ROLL_YIELDS;
	return part == ROLL_WRITES ? ROLL_WRITES : ROLL_FOLLOWS;
}

/* returns whether the list holds from now on, or does already; of what this server has
 * written itself there is nothing to be taken. */
static bool
is_to_be_taken(struct taking *t)
{
	const struct roll_fleet *known = &t->roll.fleet;
	const struct fleet_head *head = &t->list.head;

	if (known->part == ROLL_ALONE || head->number > known->number || is_yielded_to(t))
		return true;
	if (!fleet_is_followed(t->self, &t->roll))
		return false;
	if (is_known(t))
		return true;
	snprintf(t->reason, SIGN_PROBLEM_LEN,
		 "has number %" PRIu64 " and is %s number %" PRIu64
		 ", by which the keys stay as they are",
		 head->number,
		 head->number < known->number ? "older than" : "not the list of the same",
		 known->number);
	return false;
}

static bool
is_as_written(const struct taking *t)
{
	return t->list.head.number == t->roll.fleet.number &&
	       fleet_list_mark(&t->list.roll) == t->roll.fleet.mark;
}

/* What Redis has is not what this server has written. */
static int
write_again(struct taking *t)
{
	if (!t->self->rolls || t->roll.fleet.part != ROLL_WRITES || t->roll.fleet.is_lost)
		return ERR_OK;
	t->roll.fleet.is_lost = true;
	return key_roll_write(t->kept, t->prefix, &t->roll);
}

/* ---- the keys ---- */

/* Are the halves of each good, and do they belong together? */
static bool
check_keys(struct taking *t)
{
	for (size_t i = 0; i < t->list.count; i++) {
		const struct key_public *public = &t->list.keys[i].public;
		struct crypto_key *key = NULL;
		int rc = crypto_key_new(&t->list.keys[i].secret, public->rdata,
					public->rdata_len, &key);

		crypto_key_free(key);
		if (rc == ERR_OK)
			continue;
		snprintf(t->reason, SIGN_PROBLEM_LEN,
			 "of its keys %u cannot be used: %s; all stay as they are",
			 key_tag(public->rdata, public->rdata_len),
			 crypto_key_why_not(rc));
		return false;
	}
	return true;
}

static bool
is_active(const struct fleet_list *list, const struct key_public *public)
{
	uint16_t tag = key_tag(public->rdata, public->rdata_len);

	for (uint32_t i = 0; i < list->roll.count; i++)
		if (list->roll.keys[i].algorithm == public->rdata[3] &&
		    list->roll.keys[i].tag == tag)
			return list->roll.keys[i].stage == ROLL_ACTIVE;
	return false;
}

/* Is the private half there?  What times stand with it is not changed. */
static bool
take_there(struct taking *t, const char *name, const struct fleet_key *key)
{
	struct key_private there;
	const char *reason, *what;
	bool is_same;

	if (key_files_read(t->kept, name, &t->there, &what) != ERR_OK)
		return false;
	is_same = key_text_read_private(t->there.private_text, t->there.private_len,
					&there, &reason) &&
		  memcmp(there.part_len, key->secret.part_len, sizeof there.part_len) ==
			  0 &&
		  memcmp(there.parts, key->secret.parts, sizeof there.parts) == 0;
	explicit_bzero(&there, sizeof there);
	if (is_same) {
		memcpy(t->files.private_text, t->there.private_text, KEY_TEXT_MAX);
		t->files.private_len = t->there.private_len;
	}
	return is_same;
}

/* Should it ever be unknown where keys stand, those that are not yet active stay out. */
static int
keep_key(struct taking *t, struct fleet_key *key)
{
	char name[NAME_MAX + 1];

	if (!key_files_name(t->prefix, key->public.rdata, key->public.rdata_len, name))
		return ERR_RANGE;
	memset(key->secret.times, 0, sizeof key->secret.times);
	if (!is_active(&t->list, &key->public))
		key->secret.times[KEY_PUBLISH] = key->secret.times[KEY_ACTIVATE] =
			KEY_NEVER_S;
	t->files.public_len =
		key_text_write_public(&key->public, t->files.public_text, KEY_TEXT_MAX);
	if (!take_there(t, name, key))
		t->files.private_len = key_text_write_private(
			&key->secret, t->files.private_text, KEY_TEXT_MAX);
	return key_files_copy(t->kept, name, &t->files);
}

static void
remove_gone(struct taking *t)
{
	char name[NAME_MAX + 1];

	for (uint32_t i = 0; i < t->roll.count; i++) {
		const struct roll_key *key = &t->roll.keys[i];

		if (key->stage != ROLL_REMOVED)
			continue;
		snprintf(name, sizeof name, "%.200s%03u+%05u", t->prefix, key->algorithm,
			 key->tag);
		key_files_remove(t->kept, name);
	}
}

/* ---- where they stand ---- */

static void
explain_yielding(struct taking *t)
{
	if (!t->self->rolls || t->roll.fleet.part != ROLL_YIELDS)
		return;
	snprintf(t->reason, SIGN_PROBLEM_LEN,
		 "is written by %s, too, and one server of a fleet has dnssec.role = "
		 "\"roll\": this one follows now, as with \"follow\", which is to be set "
		 "here; to have it roll, set \"roll\" again after that",
		 t->roll.fleet.node);
}

/* A stage that they are in already has been served since then. */
static void
keep_since(const struct roll_zone *old, struct roll_zone *now)
{
	for (uint32_t i = 0; i < now->count; i++)
		for (uint32_t j = 0; j < old->count; j++)
			if (now->keys[i].tag == old->keys[j].tag &&
			    now->keys[i].algorithm == old->keys[j].algorithm &&
			    now->keys[i].stage == old->keys[j].stage)
				now->keys[i].since_s = old->keys[j].since_s;
}

static int
take_roll(struct taking *t)
{
	struct roll_zone *now = &t->list.roll;
	enum roll_part part = part_after(t);
	uint64_t mark = fleet_list_mark(now);

	if (t->roll.fleet.part == part && t->roll.fleet.number == t->list.head.number &&
	    t->roll.fleet.mark == mark)
		return ERR_OK;
	keep_since(&t->roll, now);
	now->fleet = (struct roll_fleet){
		.part = (uint8_t)part,
		.number = t->list.head.number,
		.written_s = t->list.head.written_s,
		.mark = mark,
	};
	strcpy(now->fleet.node, t->list.head.node);
	t->roll = *now;
	return key_roll_write(t->kept, t->prefix, &t->roll);
}

static int
take_list(struct taking *t, const struct key_given *given)
{
	const char *why =
		fleet_list_read(given->text, given->text_len, t->zone, &t->list);
	int rc = ERR_OK;

	if (why)
		snprintf(t->reason, SIGN_PROBLEM_LEN, "%s; the keys stay as they are",
			 why);
	if (why || !is_to_be_taken(t) || !check_keys(t))
		return !why && is_as_written(t) ? ERR_OK : write_again(t);
	for (size_t i = 0; i < t->list.count && rc == ERR_OK; i++)
		rc = keep_key(t, &t->list.keys[i]);
	if (rc == ERR_OK)
		rc = take_roll(t);
	if (rc == ERR_OK)
		remove_gone(t);
	if (rc == ERR_OK)
		explain_yielding(t);
	return rc;
}

static int
take(struct taking *t, const struct key_given *given)
{
	int rc = key_roll_read(t->kept, t->prefix, &t->roll);

	/* one that cannot be read is told where the keys are loaded, and replaced here */
	if (rc != ERR_OK && rc != ERR_SYNTAX)
		return rc;
	switch (given->state) {
	case GIVEN_GOOD:
		return take_list(t, given);
	case GIVEN_BAD:
		snprintf(t->reason, SIGN_PROBLEM_LEN, "%.*s", (int)given->text_len,
			 given->text);
		break;
	case GIVEN_MISSING:
		if (fleet_is_followed(t->self, &t->roll))
			snprintf(t->reason, SIGN_PROBLEM_LEN,
				 "is gone: the keys stay as its number %" PRIu64
				 " by %s had them",
				 t->roll.fleet.number, t->roll.fleet.node);
		break;
	}
	return write_again(t);
}

int
fleet_take(struct key_dir *kept, const uint8_t *zone, const struct fleet_self *self,
	   const struct key_given *given, char reason[SIGN_PROBLEM_LEN])
{
	struct taking *t = calloc(1, sizeof *t);
	int rc = ERR_NOMEM;

	reason[0] = '\0';
	if (!t)
		return rc;
	t->kept = kept;
	t->zone = zone;
	t->self = self;
	t->reason = reason;
	key_dir_set_lazy(kept, true);
	rc = key_dir_prefix(zone, t->prefix) ? take(t, given) : ERR_RANGE;
	key_dir_set_lazy(kept, false);
	explicit_bzero(t, sizeof *t);
	free(t);
	return rc;
}

/* ---- keys that are not in it ---- */

void
fleet_hide_unlisted(struct roll_zone *roll, struct sign_keys *keys)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < roll->count; i++) {
		const struct roll_key *key = &roll->keys[i];

		for (size_t k = 0; k < keys->count && !key->is_managed; k++)
			if (keys->items[k].tag == key->tag &&
			    sign_key_algorithm(&keys->items[k]) == key->algorithm)
				keys->items[k].state = SIGN_KEY_FUTURE;
		if (key->is_managed)
			roll->keys[to++] = *key;
	}
	roll->count = to;
}
