/* From texts to kept keys and notes about them. */
#include "loader/sign/key_given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/sign/key_files.h"
#include "loader/sign/key_notes.h"
#include "loader/sign/key_roll.h"
#include "loader/sign/key_text.h"
#include "loader/sign/sign_crypto.h"
#include "shm/errcode.h"
#include "shm/wire.h"

/* One of the two keys. */
struct given_key {
	bool is_good, is_added;
	struct key_public public;
	struct key_private secret;
	char name[NAME_MAX + 1]; /* of its files */
};

struct taking {
	struct key_dir *kept;
	const uint8_t *zone;
	const struct key_given *given;
	char prefix[NAME_MAX + 1];
	struct given_key keys[KEY_NOTE_ROLES];
	bool had_keys; /* whosever */
	struct key_notes before, now;
	struct roll_zone roll;
	struct key_files files, there;
};

static const uint16_t role_flags[KEY_NOTE_ROLES] = {
	[KEY_NOTE_KSK] = DNSKEY_ZONE | DNSKEY_SEP,
	[KEY_NOTE_ZSK] = DNSKEY_ZONE,
};

static const struct key_given *
text_of(const struct taking *t, enum key_note_role role, bool is_private)
{
	return &t->given[role * 2 + is_private];
}

/* What is said of a text goes to people: its name is printable, it itself is not told. */
static void
complain(struct taking *t, const struct key_given *about, const char *reason)
{
	key_notes_complain(&t->now, "%.*s: %s", (int)about->name_len, about->name,
			   reason);
}

/* ---- understanding ---- */

/* returns NULL, or what is wrong. */
static const char *
read_public(struct taking *t, enum key_note_role role)
{
	const struct key_given *text = text_of(t, role, false);
	struct key_public *public = &t->keys[role].public;
	const char *reason;

	if (text->text_len >= KEY_TEXT_MAX)
		return "is too long for a key";
	if (!key_text_read_public(text->text, text->text_len, public, &reason))
		return reason;
	if (dname_compare(public->owner, t->zone) != 0)
		return "the key is another zone's";
	if (wire_get_u16(public->rdata) != role_flags[role])
		complain(t, text,
			 role == KEY_NOTE_KSK ? "served with flags 257, as a KSK"
					      : "served with flags 256, as a ZSK");
	wire_put_u16(public->rdata, role_flags[role]);
	return NULL;
}

static const char *
read_private(struct taking *t, enum key_note_role role)
{
	const struct key_given *text = text_of(t, role, true);
	struct given_key *key = &t->keys[role];
	struct crypto_key *crypto = NULL;
	const char *reason;
	int rc;

	if (text->text_len >= KEY_TEXT_MAX)
		return "is too long for a key";
	if (!key_text_read_private(text->text, text->text_len, &key->secret, &reason))
		return reason;
	rc = crypto_key_new(&key->secret, key->public.rdata, key->public.rdata_len,
			    &crypto);
	crypto_key_free(crypto);
	return rc == ERR_OK ? NULL : crypto_key_why_not(rc);
}

/* Is there all that a text can be read of? */
static bool
is_readable(struct taking *t, enum key_note_role role)
{
	bool is_good = true, is_missing = true;

	for (unsigned i = 0; i < 2; i++) {
		const struct key_given *text = text_of(t, role, i), *other;

		other = text_of(t, role, !i);
		is_good = is_good && text->state == GIVEN_GOOD;
		is_missing = is_missing && text->state == GIVEN_MISSING;
		if (text->state == GIVEN_BAD)
			key_notes_complain(&t->now, "%.*s: %.*s", (int)text->name_len,
					   text->name, (int)text->text_len, text->text);
		else if (text->state == GIVEN_MISSING && other->state != GIVEN_MISSING)
			complain(t, text,
				 "is not there: both halves of a key are needed");
	}
	return is_good && !is_missing;
}

static void
read_key(struct taking *t, enum key_note_role role)
{
	struct given_key *key = &t->keys[role];
	const char *reason;
	bool is_private = false;

	if (!is_readable(t, role))
		return;
	reason = read_public(t, role);
	if (!reason) {
		is_private = true;
		reason = read_private(t, role);
	}
	if (reason) {
		complain(t, text_of(t, role, is_private), reason);
		return;
	}
	key->is_good = true;
}

/* A DS at the parent matches the KSK: a ZSK that signed all in its place, only because it cannot
 * be read, would make the zone bogus. */
static void
hold_zsk_back(struct taking *t)
{
	const struct key_given *public = text_of(t, KEY_NOTE_KSK, false);
	const struct key_given *private = text_of(t, KEY_NOTE_KSK, true);

	if (t->keys[KEY_NOTE_KSK].is_good || !t->keys[KEY_NOTE_ZSK].is_good ||
	    (public->state == GIVEN_MISSING && private->state == GIVEN_MISSING) ||
	    t->before.count > 0)
		return;
	t->keys[KEY_NOTE_ZSK].is_good = false;
	complain(t, text_of(t, KEY_NOTE_ZSK, false),
		 "signs nothing before the KSK can be used");
}

/* ---- keeping ---- */

/* Is this very key there?  What stands with the private half, its times, is not the
 * source's. */
static bool
is_there(struct taking *t, const struct given_key *key)
{
	struct key_public public;
	const char *reason, *what;

	return key_files_read(t->kept, key->name, &t->there, &what) == ERR_OK &&
	       key_text_read_public(t->there.public_text, t->there.public_len, &public,
				    &reason) &&
	       public.rdata_len == key->public.rdata_len &&
	       memcmp(public.rdata, key->public.rdata, public.rdata_len) == 0;
}

static int
keep(struct taking *t, enum key_note_role role)
{
	struct given_key *key = &t->keys[role];
	struct key_files *files = &t->files;

	if (!key_files_name(t->prefix, key->public.rdata, key->public.rdata_len,
			    key->name))
		return ERR_RANGE;
	files->public_len =
		key_text_write_public(&key->public, files->public_text, KEY_TEXT_MAX);
	key->is_added = t->had_keys;
	if (is_there(t, key)) {
		const struct key_note *known = key_notes_find(&t->before, key->name);

		key->is_added = known && known->is_added;
		memcpy(files->private_text, t->there.private_text, KEY_TEXT_MAX);
		files->private_len = t->there.private_len;
	} else {
		files->private_len = key_text_write_private(
			&key->secret, files->private_text, KEY_TEXT_MAX);
	}
	return key_files_copy(t->kept, key->name, files);
}

/* ---- notes ---- */

static void
note(struct taking *t, const char *name, enum key_note_role role,
     enum key_note_state state, bool is_added)
{
	struct key_notes *now = &t->now;

	if (now->count == SIGN_KEYS_MAX || key_notes_find(now, name))
		return;
	now->items[now->count] =
		(struct key_note){ .role = role, .state = state, .is_added = is_added };
	strcpy(now->items[now->count++].name, name);
}

/* Has a roll done with it?  Its files are there for as long as a source gives it. */
static bool
is_removed(const struct taking *t, const char *name)
{
	uint32_t at = key_roll_find(&t->roll, name);

	return at < t->roll.count && t->roll.keys[at].is_managed &&
	       t->roll.keys[at].stage == ROLL_REMOVED;
}

/* A key of before that is not the one that is given now. */
static void
note_old(struct taking *t, const struct key_note *old)
{
	const struct given_key *key = &t->keys[old->role];
	const struct key_given *text = text_of(t, old->role, false);
	const char *what, *tag = strrchr(old->name, '+');

	if (is_removed(t, old->name) ||
	    key_files_read(t->kept, old->name, &t->there, &what) != ERR_OK ||
	    key_notes_find(&t->now, old->name))
		return;
	if (key->is_good || old->state == KEY_NOTE_REPLACED) {
		note(t, old->name, old->role, KEY_NOTE_REPLACED, old->is_added);
		key_notes_complain(&t->now,
				   "%.*s: has replaced the key %s, which goes on signing "
				   "until the new one can follow",
				   (int)text->name_len, text->name, tag ? tag + 1 : "");
		return;
	}
	note(t, old->name, old->role, KEY_NOTE_LOST, old->is_added);
	key_notes_complain(&t->now,
			   "%.*s: %s, the kept copy of the key %s goes on signing",
			   (int)text->name_len, text->name,
			   text->state == GIVEN_MISSING ? "is gone" : "cannot be used",
			   tag ? tag + 1 : "");
}

static int
write_notes(struct taking *t)
{
	for (unsigned role = 0; role < KEY_NOTE_ROLES; role++)
		if (t->keys[role].is_good)
			note(t, t->keys[role].name, role, KEY_NOTE_GIVEN,
			     t->keys[role].is_added);
	for (size_t i = 0; i < t->before.count; i++)
		note_old(t, &t->before.items[i]);
	/* a zone without any, whose keys may be made here, has none */
	if (!t->before.is_there && t->now.count == 0 && t->now.problem_count == 0)
		return ERR_OK;
	return key_notes_write(t->kept, t->prefix, &t->now);
}

static int
take(struct taking *t)
{
	struct given_key *ksk = &t->keys[KEY_NOTE_KSK], *zsk = &t->keys[KEY_NOTE_ZSK];
	const struct key_given *list = &t->given[GIVEN_LIST];
	int rc = key_notes_read(t->kept, t->prefix, &t->before);
	const char *first;

	/* one that cannot be read is told where the keys are loaded */
	(void)!key_roll_read(t->kept, t->prefix, &t->roll);
	/* a directory that cannot be read has none, and will not be written to, either */
	(void)!key_dir_refresh(t->kept);
	t->had_keys = key_dir_find(t->kept, t->prefix, &first, 1) > 0;

	if (list->state == GIVEN_BAD)
		key_notes_complain(&t->now, "%.*s: %.*s", (int)list->name_len, list->name,
				   (int)list->text_len, list->text);
	for (unsigned role = 0; role < KEY_NOTE_ROLES; role++)
		read_key(t, role);
	hold_zsk_back(t);
	if (ksk->is_good && zsk->is_good) {
		zsk->public.ttl = ksk->public.ttl;
		zsk->public.has_ttl = ksk->public.has_ttl;
	}
	for (unsigned role = 0; role < KEY_NOTE_ROLES && rc == ERR_OK; role++)
		if (t->keys[role].is_good)
			rc = keep(t, role);
	return rc == ERR_OK ? write_notes(t) : rc;
}

int
key_given_take(struct key_dir *kept, const uint8_t *zone,
	       const struct key_given given[KEY_GIVEN_TEXTS])
{
	struct taking *t = calloc(1, sizeof *t);
	int rc = ERR_NOMEM;

	if (!t)
		return rc;
	t->kept = kept;
	t->zone = zone;
	t->given = given;
	key_dir_set_lazy(kept, true);
	rc = key_dir_prefix(zone, t->prefix) ? take(t) : ERR_RANGE;
	key_dir_set_lazy(kept, false);
	explicit_bzero(t, sizeof *t);
	free(t);
	return rc;
}
