/* Reading the keys of a zone from their directories. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/sign/key_adopt.h"
#include "loader/sign/key_files.h"
#include "loader/sign/key_notes.h"
#include "loader/sign/key_roll.h"
#include "loader/sign/key_store_private.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum { DAY_S = 86400 };

/* A zone's keys being read. */
struct loading {
	struct key_store *store;
	const uint8_t *zone;
	struct sign_keys *keys;
	struct crypto_key **secrets;
	struct roll_zone *roll;
	int64_t now_s;
	struct key_notes notes;
	const char *revoked[SIGN_KEYS_MAX]; /* of the source, not copied yet */
	size_t revoked_count;
};

__attribute__((format(printf, 2, 3))) static void
complain(struct sign_keys *keys, const char *format, ...)
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
		complain(keys,
			 "the key %u was made at a time that is yet to come: is the "
			 "machine's clock right?",
			 key->tag);
	return NULL;
}

static bool
is_listed(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* ---- a zone ---- */

/* Nothing waits for the device: the original is there as long as the copy is not durable. */
static void
keep_copy(struct loading *loading, const char *name, const struct key_files *files)
{
	struct key_dir *kept = loading->store->kept;
	int rc;

	if (!loading->store->may_write)
		return;
	key_dir_set_lazy(kept, true);
	rc = key_files_copy(kept, name, files);
	key_dir_set_lazy(kept, false);
	if (rc != ERR_OK)
		complain(loading->keys, "no copy of the key %s can be kept in %s: %s",
			 name, key_dir_path(kept), errcode_text(rc));
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

/* returns whether the key can be used. */
static bool
take_from_source(struct loading *loading, const char *name, struct key_files *files)
{
	const struct key_dir *source = loading->store->source;
	const char *what = "", *reason;
	int rc = key_files_read(source, name, files, &what);

	if (rc != ERR_OK) {
		complain(loading->keys, "%s/%s%s %s", key_dir_path(source), name, what,
			 key_dir_why_not(rc));
		return false;
	}
	reason = add_key(loading, files, false);
	if (reason) {
		complain(loading->keys, "%s/%s: %s", key_dir_path(source), name, reason);
		return false;
	}
	if (files->is_open)
		complain(loading->keys,
			 "%s/%s" KEY_PRIVATE_SUFFIX
			 " is readable by everybody: chmod 600, or roll the key",
			 key_dir_path(source), name);
	if (is_revoked(files))
		loading->revoked[loading->revoked_count++] = name;
	else
		keep_copy(loading, name, files);
	return true;
}

/* Is this kept key all that there is of it, and not the copy of one that was lost? */
static bool
is_original(const struct loading *loading, const char *name)
{
	const struct key_note *note = key_notes_find(&loading->notes, name);

	if (note)
		return note->state == KEY_NOTE_GIVEN;
	return !loading->store->source || key_roll_has(loading->roll, name);
}

static void
take_kept(struct loading *loading, const char *name, struct key_files *files)
{
	const struct key_dir *kept = loading->store->kept;
	size_t count = loading->keys->count;
	bool is_copy = !is_original(loading, name);
	const char *what, *reason;
	int rc = key_files_read(kept, name, files, &what);

	reason = rc == ERR_OK ? add_key(loading, files, is_copy) : key_dir_why_not(rc);
	if (reason)
		complain(loading->keys, "%s/%s: %s", key_dir_path(kept), name, reason);
	else if (is_copy && loading->keys->count > count &&
		 !key_notes_find(&loading->notes, name))
		complain(loading->keys,
			 "the key %s of %s cannot be used or is gone: its kept copy goes "
			 "on signing",
			 name, key_dir_path(loading->store->source));
}

static bool
has_active(const struct sign_keys *keys, uint16_t flags)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].state == SIGN_KEY_ACTIVE &&
		    !((sign_key_flags(&keys->items[i]) ^ flags) &
		      (DNSKEY_SEP | DNSKEY_REVOKED)))
			return true;
	return false;
}

/* Is it the only active key of its kind?  Nobody takes that away on purpose: without it no DS
 * would match, or a KSK would take the place of a ZSK at once. */
static bool
is_missed(const struct loading *loading, const char *name, struct key_files *files)
{
	struct key_private secret;
	struct key_public public;
	const char *what, *reason;
	bool is_active;
	int64_t next_s;

	if (key_files_read(loading->store->kept, name, files, &what) != ERR_OK ||
	    !key_text_read_public(files->public_text, files->public_len, &public,
				  &reason))
		return false;
	is_active = key_text_read_private(files->private_text, files->private_len,
					  &secret, &reason) &&
		    sign_key_state_at(secret.times, loading->now_s, &next_s) ==
			    SIGN_KEY_ACTIVE;
	explicit_bzero(&secret, sizeof secret);
	return is_active && !has_active(loading->keys, (uint16_t)(public.rdata[0] << 8 |
								  public.rdata[1]));
}

/* A key that is revoked (RFC 5011) in its own files would take the place of its copy, which
 * goes on signing until another key of its kind is there. */
static void
copy_revoked(struct loading *loading, struct key_files *files)
{
	const struct key_dir *source = loading->store->source;
	const char *what;

	for (size_t i = 0; i < loading->revoked_count; i++) {
		const char *name = loading->revoked[i];

		if (is_missed(loading, name, files))
			complain(loading->keys,
				 "%s/%s is revoked, and no other key takes its place: "
				 "its kept copy goes on signing until one does",
				 key_dir_path(source), name);
		else if (key_files_read(source, name, files, &what) == ERR_OK)
			keep_copy(loading, name, files);
	}
}

static void
take_all_kept(struct loading *loading, const char *prefix, const char *const *sources,
	      size_t source_count, bool has_good, struct key_files *files)
{
	struct key_store *store = loading->store;
	const char *kept[SIGN_KEYS_MAX];
	size_t count = key_dir_find(store->kept, prefix, kept, SIGN_KEYS_MAX);

	for (size_t i = 0; i < count && i < SIGN_KEYS_MAX; i++) {
		if (!has_good || is_listed(kept[i], sources, source_count) ||
		    key_notes_find(&loading->notes, kept[i]) ||
		    key_roll_has(loading->roll, kept[i]) ||
		    is_missed(loading, kept[i], files))
			take_kept(loading, kept[i], files);
		else if (store->may_write)
			key_files_remove(store->kept, kept[i]);
	}
}

/* What was noted of them when they were given is told with the others' faults. */
static void
load_notes(struct loading *loading, const char *prefix)
{
	int rc = key_notes_read(loading->store->kept, prefix, &loading->notes);

	if (rc != ERR_OK)
		complain(loading->keys, "%s/%ssource: %s",
			 key_dir_path(loading->store->kept), prefix, errcode_text(rc));
	for (size_t i = 0; i < loading->notes.problem_count; i++)
		complain(loading->keys, "%s", loading->notes.problems[i]);
}

/* Copies whose key is no more in the source, while others of its kind are good, are of keys
 * that were taken away on purpose; unless a roll has charge of them. */
static void
load_zone(struct loading *loading, const char *prefix, struct key_files *files)
{
	const char *sources[SIGN_KEYS_MAX];
	struct key_store *store = loading->store;
	size_t source_count = 0;
	bool has_good = false;
	int rc;

	load_notes(loading, prefix);

	if (store->source) {
		rc = key_dir_refresh(store->source);
		if (rc != ERR_OK)
			complain(loading->keys, "dnssec.key_dir %s: %s",
				 key_dir_path(store->source), errcode_text(rc));
		source_count =
			key_dir_find(store->source, prefix, sources, SIGN_KEYS_MAX);
	}
	if (source_count > SIGN_KEYS_MAX) {
		complain(loading->keys,
			 "%s has %zu keys of the zone: the first %d are used",
			 key_dir_path(store->source), source_count, SIGN_KEYS_MAX);
		source_count = SIGN_KEYS_MAX;
	}
	for (size_t i = 0; i < source_count; i++)
		has_good |= take_from_source(loading, sources[i], files);
	copy_revoked(loading, files);
	rc = key_dir_refresh(store->kept);
	/* no server has run here yet, when we only read */
	if (rc != ERR_OK && (rc != ERR_NOTFOUND || store->may_write))
		complain(loading->keys, "%s: %s", key_dir_path(store->kept),
			 errcode_text(rc));
	take_all_kept(loading, prefix, sources, source_count, has_good, files);
}

static void
read_roll(struct loading *loading, const char *prefix)
{
	int rc = key_roll_read(loading->store->kept, prefix, loading->roll);

	if (rc != ERR_OK)
		complain(loading->keys,
			 "%s/%s" KEY_ROLL_SUFFIX " %s: where the zone's keys stand in a "
			 "rollover is not known",
			 key_dir_path(loading->store->kept), prefix, errcode_text(rc));
}

/* A key that has been given beside others signs nothing before its time: this is where it is
 * first seen. */
static void
roll_to_given(struct loading *loading, const char *prefix)
{
	const struct key_store *store = loading->store;
	int rc;

	if (!key_adopt(loading->roll, loading->keys, &loading->notes, loading->now_s) ||
	    !store->may_write)
		return;
	rc = key_roll_write(store->kept, prefix, loading->roll);
	if (rc != ERR_OK)
		complain(loading->keys, "%s/%s" KEY_ROLL_SUFFIX ": %s",
			 key_dir_path(store->kept), prefix, errcode_text(rc));
}

int
key_load_zone(struct key_store *store, const uint8_t *zone, struct sign_keys *keys,
	      struct crypto_key *secrets[SIGN_KEYS_MAX], struct roll_zone *roll)
{
	struct loading *loading = calloc(1, sizeof *loading);
	struct key_files *files = malloc(sizeof *files);
	char prefix[NAME_MAX + 1];
	int rc = loading && files ? ERR_OK : ERR_NOMEM;

	memset(keys, 0, sizeof *keys);
	memset(roll, 0, sizeof *roll);
	if (rc == ERR_OK && key_dir_prefix(zone, prefix)) {
		loading->store = store;
		loading->zone = zone;
		loading->keys = keys;
		loading->secrets = secrets;
		loading->roll = roll;
		loading->now_s = clock_wall_s();
		pthread_mutex_lock(&store->lock);
		read_roll(loading, prefix);
		load_zone(loading, prefix, files);
		key_roll_join(roll, keys);
		if (fleet_is_followed(&store->self, roll))
			fleet_hide_unlisted(roll, keys);
		else
			roll_to_given(loading, prefix);
		pthread_mutex_unlock(&store->lock);
	} else if (rc == ERR_OK) {
		complain(keys, "the zone's name is too long for the name of a key file");
	}
	if (files)
		explicit_bzero(files, sizeof *files);
	free(files);
	free(loading);
	return rc;
}
