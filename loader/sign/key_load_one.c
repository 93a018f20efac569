/* One key of a zone: of the source, or a kept one. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader/sign/key_load_private.h"
#include "loader/sign/key_roll.h"
#include "shm/errcode.h"

enum { DAY_S = 86400 };

void
key_load_complain(struct sign_keys *keys, const char *format, ...)
{
	va_list arguments;

	if (keys->problem_count == SIGN_PROBLEMS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(keys->problems[keys->problem_count++], SIGN_PROBLEM_LEN, format,
		  arguments);
	va_end(arguments);
}

/* ---- one key ---- */

/* Is the key here already, from another directory? */
static bool
is_known(const struct sign_keys *keys, const uint8_t *rdata, size_t len)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].rdata_len == len &&
		    memcmp(keys->items[i].rdata, rdata, len) == 0)
			return true;
	return false;
}

static void
note_next(struct sign_keys *keys, int64_t next_s)
{
	if (next_s != 0 && (keys->next_s == 0 || next_s < keys->next_s))
		keys->next_s = next_s;
}

/* One that is there already is passed over.  returns NULL, or why it cannot be used. */
static const char *
add_key(struct loading *loading, const struct key_files *files, bool is_kept)
{
	struct sign_keys *keys = loading->keys;
	struct sign_key *key = &keys->items[keys->count];
	struct key_private secret;
	struct key_public public;
	const char *reason;
	int64_t next_s;
	int rc;

	if (!key_text_read_public(files->public_text, files->public_len, &public,
				  &reason))
		return reason;
	if (dname_compare(public.owner, loading->zone) != 0)
		return "the key is another zone's";
	if (is_known(keys, public.rdata, public.rdata_len))
		return NULL;
	if (keys->count == SIGN_KEYS_MAX)
		return "the zone has too many keys";
	if (!key_text_read_private(files->private_text, files->private_len, &secret,
				   &reason)) {
		explicit_bzero(&secret, sizeof secret);
		return reason;
	}
	rc = crypto_key_new(&secret, public.rdata, public.rdata_len,
			    &loading->secrets[keys->count]);
	*key = (struct sign_key){
		.ttl = public.ttl,
		.has_ttl = public.has_ttl,
		.tag = key_tag(public.rdata, public.rdata_len),
		.rdata_len = public.rdata_len,
		.state =
			(uint8_t)sign_key_state_at(secret.times, loading->now_s, &next_s),
		.is_kept = is_kept,
	};
	memcpy(key->times, secret.times, sizeof key->times);
	memcpy(key->rdata, public.rdata, public.rdata_len);
	explicit_bzero(&secret, sizeof secret);
	if (rc != ERR_OK)
		return crypto_key_why_not(rc);
	key->signature_len =
		(uint16_t)crypto_key_signature_len(loading->secrets[keys->count]);
	keys->count++;
	note_next(keys, next_s);
	if (key->times[KEY_CREATED] > loading->now_s + DAY_S)
		key_load_complain(
			keys,
			"the key %u was made at a time that is yet to come: is the "
			"machine's clock right?",
			key->tag);
	return NULL;
}

void
key_load_keep_copy(struct loading *loading, const char *name,
		   const struct key_files *files)
{
	struct key_dir *kept = loading->store->kept;
	int rc;

	if (!loading->store->may_write)
		return;
	key_dir_set_lazy(kept, true);
	rc = key_files_copy(kept, name, files);
	if (rc == ERR_OK)
		rc = key_files_note_copy(kept, name, loading->store->source);
	key_dir_set_lazy(kept, false);
	if (rc != ERR_OK)
		key_load_complain(loading->keys,
				  "no copy of the key %s can be kept in %s: %s", name,
				  key_dir_path(kept), errcode_text(rc));
}

static bool
is_revoked(const struct key_files *files)
{
	struct key_public public;
	const char *reason;

	return key_text_read_public(files->public_text, files->public_len, &public,
				    &reason) &&
	       ((public.rdata[0] << 8 | public.rdata[1]) & DNSKEY_REVOKED);
}

bool
key_load_from_source(struct loading *loading, const char *name, struct key_files *files)
{
	const struct key_dir *source = loading->store->source;
	const char *what = "", *reason, *kept;
	int rc = key_files_read(source, name, files, &what);

	if (rc != ERR_OK) {
		key_load_complain(loading->keys, "%s/%s%s %s", key_dir_path(source), name,
				  what, key_dir_why_not(rc));
		return false;
	}
	reason = add_key(loading, files, false);
	if (reason) {
		key_load_complain(loading->keys, "%s/%s: %s", key_dir_path(source), name,
				  reason);
		return false;
	}
	if (files->is_open)
		key_load_complain(loading->keys,
				  "%s/%s" KEY_PRIVATE_SUFFIX
				  " is readable by everybody: chmod 600, or roll the key",
				  key_dir_path(source), name);
	if (is_revoked(files))
		loading->revoked[loading->revoked_count++] = name;
	else if (key_dir_find(loading->store->kept, name, &kept, 1) == 0)
		loading->fresh[loading->fresh_count++] = name;
	else
		key_load_keep_copy(loading, name, files);
	return true;
}

bool
key_load_is_original(const struct loading *loading, const char *name)
{
	const struct key_store *store = loading->store;
	const struct key_note *note = key_notes_find(&loading->notes, name);

	if (note)
		return note->state == KEY_NOTE_GIVEN;
	return !store->source || key_roll_has(loading->roll, name) ||
	       !key_files_is_copy(store->kept, name, store->source);
}

/* Does the kept key, which was just read, work without having ever been the source's?  The times
 * of one that has rolled mean nothing. */
static bool
is_own(const struct loading *loading, const char *name)
{
	const struct key_store *store = loading->store;
	uint32_t place = key_roll_find(loading->roll, name);

	if (!store->source || key_notes_find(&loading->notes, name) ||
	    key_files_is_copy(store->kept, name, store->source))
		return false;
	if (key_roll_has(loading->roll, name))
		return loading->roll->keys[place].stage == ROLL_ACTIVE;
	return loading->keys->items[loading->keys->count - 1].state == SIGN_KEY_ACTIVE;
}

void
key_load_kept(struct loading *loading, const char *name, struct key_files *files)
{
	const struct key_dir *kept = loading->store->kept;
	size_t count = loading->keys->count;
	bool is_copy = !key_load_is_original(loading, name);
	const char *what, *reason;
	int rc = key_files_read(kept, name, files, &what);

	reason = rc == ERR_OK ? add_key(loading, files, is_copy) : key_dir_why_not(rc);
	if (reason)
		key_load_complain(loading->keys, "%s/%s: %s", key_dir_path(kept), name,
				  reason);
	else if (loading->keys->count == count)
		return;
	else if (!is_copy)
		loading->has_own |= is_own(loading, name);
	else if (!key_notes_find(&loading->notes, name))
		key_load_complain(
			loading->keys,
			"the key %s of %s cannot be used or is gone: its kept copy goes "
			"on signing",
			name, key_dir_path(loading->store->source));
}
