/* Reading the keys of a zone from their directories. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loader/sign/key_adopt.h"
#include "loader/sign/key_load_private.h"
#include "loader/sign/key_roll.h"
#include "loader/sign/sign_clock.h"
#include "shm/errcode.h"

static bool
is_listed(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
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
			key_load_complain(
				loading->keys,
				"%s/%s is revoked, and no other key takes its place: "
				"its kept copy goes on signing until one does",
				key_dir_path(source), name);
		else if (key_files_read(source, name, files, &what) == ERR_OK)
			key_load_keep_copy(loading, name, files);
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
		    key_load_is_original(loading, kept[i]) ||
		    is_missed(loading, kept[i], files))
			key_load_kept(loading, kept[i], files);
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
		key_load_complain(loading->keys, "%s/%ssource: %s",
				  key_dir_path(loading->store->kept), prefix,
				  errcode_text(rc));
	for (size_t i = 0; i < loading->notes.problem_count; i++)
		key_load_complain(loading->keys, "%s", loading->notes.problems[i]);
}

static void
tell_unkept(struct loading *loading)
{
	const struct key_store *store = loading->store;
	int rc = key_unkept_why(&store->unkept, loading->zone);

	if (rc != ERR_OK)
		key_load_complain(
			loading->keys,
			"the keys that Redis gives cannot be kept in %s (%s), and sign "
			"nothing before they are: make room there, or give the server's "
			"user the right to write; it is tried again by itself",
			key_dir_path(store->kept), errcode_text(rc));
}

static void
refresh_kept(struct loading *loading)
{
	const struct key_store *store = loading->store;
	int rc = key_dir_refresh(store->kept);

	/* no server has run here yet, when we only read */
	if (rc != ERR_OK && (rc != ERR_NOTFOUND || store->may_write))
		key_load_complain(loading->keys, "%s %s", key_dir_path(store->kept),
				  key_dir_why_unread(store->kept, rc));
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

	tell_unkept(loading);
	load_notes(loading, prefix);
	refresh_kept(loading);
	if (store->source) {
		int rc = key_dir_refresh(store->source);

		if (rc != ERR_OK)
			key_load_complain(loading->keys, "dnssec.key_dir: %s %s",
					  key_dir_path(store->source),
					  key_dir_why_unread(store->source, rc));
		source_count =
			key_dir_find(store->source, prefix, sources, SIGN_KEYS_MAX);
	}
	if (source_count > SIGN_KEYS_MAX) {
		key_load_complain(loading->keys,
				  "%s has %zu keys of the zone: the first %d are used",
				  key_dir_path(store->source), source_count,
				  SIGN_KEYS_MAX);
		source_count = SIGN_KEYS_MAX;
	}
	for (size_t i = 0; i < source_count; i++)
		has_good |= key_load_from_source(loading, sources[i], files);
	copy_revoked(loading, files);
	take_all_kept(loading, prefix, sources, source_count, has_good, files);
}

static bool
read_roll(struct loading *loading, const char *prefix)
{
	int rc = key_roll_read(loading->store->kept, prefix, loading->roll);

	if (rc != ERR_OK)
		key_load_complain(
			loading->keys,
			"%s/%s" KEY_ROLL_SUFFIX " %s: where the zone's keys stand in a "
			"rollover, and which of them its DS is of, is not known; "
			"restore that file, or remove it if no key of the zone rolls",
			key_dir_path(loading->store->kept), prefix, errcode_text(rc));
	return rc == ERR_OK;
}

/* New keys of the source beside one that was made here are given beside others, too: a DS may
 * be of that one, of which the source knows nothing. */
static void
note_fresh(struct loading *loading)
{
	struct key_notes *notes = &loading->notes;

	for (size_t i = 0; i < loading->fresh_count && notes->count < SIGN_KEYS_MAX;
	     i++) {
		struct key_note *note = &notes->items[notes->count++];

		*note = (struct key_note){ .state = KEY_NOTE_GIVEN, .is_added = true };
		strcpy(note->name, loading->fresh[i]);
	}
}

/* One that waits for others stays fresh. */
static void
copy_fresh(struct loading *loading, struct key_files *files)
{
	const struct key_dir *source = loading->store->source;
	const char *what;

	for (size_t i = 0; i < loading->fresh_count; i++)
		if ((!loading->has_own ||
		     key_roll_has(loading->roll, loading->fresh[i])) &&
		    key_files_read(source, loading->fresh[i], files, &what) == ERR_OK)
			key_load_keep_copy(loading, loading->fresh[i], files);
}

/* A key that has been given beside others signs nothing before its time: this is where it is
 * first seen. */
static void
roll_to_given(struct loading *loading, const char *prefix)
{
	const struct key_store *store = loading->store;
	int rc;

	if (loading->has_own)
		note_fresh(loading);
	if (!key_adopt(loading->roll, loading->keys, &loading->notes, loading->now_s) ||
	    !store->may_write)
		return;
	rc = key_roll_write(store->kept, prefix, loading->roll);
	if (rc == ERR_OK)
		return;
	key_load_complain(loading->keys, "%s/%s" KEY_ROLL_SUFFIX ": %s",
			  key_dir_path(store->kept), prefix, errcode_text(rc));
	loading->fresh_count = 0; /* they come once more */
}

/* The keys as their roll has them. */
static void
load_rolled(struct loading *loading, const char *prefix, struct key_files *files)
{
	const struct fleet_self *self = &loading->store->self;

	load_zone(loading, prefix, files);
	key_roll_join(loading->roll, loading->keys);
	if (!fleet_is_followed(self, loading->roll)) {
		roll_to_given(loading, prefix);
	} else {
		fleet_hide_unlisted(loading->roll, loading->keys);
		strcpy(loading->keys->rolled_by, loading->roll->fleet.node);
	}
	copy_fresh(loading, files);
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
		loading->now_s = sign_clock_latest_s();
		pthread_mutex_lock(&store->lock);
		/* signed by the wrong ones it would be bogus: better by none */
		if (read_roll(loading, prefix))
			load_rolled(loading, prefix, files);
		pthread_mutex_unlock(&store->lock);
	} else if (rc == ERR_OK) {
		key_load_complain(
			keys, "the zone's name is too long for the name of a key file");
	}
	if (files)
		explicit_bzero(files, sizeof *files);
	free(files);
	free(loading);
	return rc;
}
