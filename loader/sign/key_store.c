/* Keys from their directories. */
#include "loader/sign/key_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/key_files.h"
#include "loader/sign/key_make.h"
#include "loader/sign/key_notes.h"
#include "loader/sign/key_roll.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/fence.h"

enum { MODE_KEYS = 0700 };

struct key_store {
	struct key_dir *source; /* key_dir; NULL: there is none */
	struct key_dir *kept;
	bool may_write;
	pthread_mutex_t lock;
};

/* A zone's keys being read. */
struct loading {
	struct key_store *store;
	const uint8_t *zone;
	struct sign_keys *keys;
	struct crypto_key **secrets;
	struct roll_zone *roll;
	int64_t now_s;
	struct key_notes notes;
};

int
key_store_new(const struct settings *settings, bool may_write, struct key_store **out)
{
	struct key_store *store;
	char path[PATH_MAX];
	int len = snprintf(path, sizeof path, "%s/" FENCE_KEYS_DIR, settings->state_dir);

	if (len < 0 || len >= (int)sizeof path)
		return ERR_RANGE;
	if (may_write && mkdir(path, MODE_KEYS) != 0 && errno != EEXIST)
		return errcode_from_errno(errno);
	store = calloc(1, sizeof *store);
	if (!store)
		return ERR_NOMEM;
	pthread_mutex_init(&store->lock, NULL);
	store->may_write = may_write;
	store->kept = key_dir_new(path);
	if (settings->dnssec.key_dir[0] && strcmp(settings->dnssec.key_dir, path) != 0)
		store->source = key_dir_new(settings->dnssec.key_dir);
	*out = store;
	return ERR_OK;
}

void
key_store_free(struct key_store *store)
{
	if (!store)
		return;
	key_dir_free(store->source);
	key_dir_free(store->kept);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

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

/* returns whether the key can be used. */
static bool
take_from_source(struct loading *loading, const char *name, struct key_files *files)
{
	const struct key_dir *source = loading->store->source;
	const char *what = "", *reason;
	int rc = key_files_read(source, name, files, &what);

	if (rc != ERR_OK) {
		complain(loading->keys, "%s/%s%s %s", key_dir_path(source), name, what,
			 errcode_text(rc));
		return false;
	}
	reason = add_key(loading, files, false);
	if (reason) {
		complain(loading->keys, "%s/%s" KEY_PRIVATE_SUFFIX ": %s",
			 key_dir_path(source), name, reason);
		return false;
	}
	if (files->is_open)
		complain(loading->keys,
			 "%s/%s" KEY_PRIVATE_SUFFIX
			 " is readable by everybody: chmod 600, or roll the key",
			 key_dir_path(source), name);
	if (loading->store->may_write)
		rc = key_files_copy(loading->store->kept, name, files);
	if (rc != ERR_OK)
		complain(loading->keys, "no copy of the key %s can be kept in %s: %s",
			 name, key_dir_path(loading->store->kept), errcode_text(rc));
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

	reason = rc == ERR_OK ? add_key(loading, files, is_copy) : errcode_text(rc);
	if (reason)
		complain(loading->keys, "%s/%s" KEY_PRIVATE_SUFFIX ": %s",
			 key_dir_path(kept), name, reason);
	else if (is_copy && loading->keys->count > count &&
		 !key_notes_find(&loading->notes, name))
		complain(loading->keys,
			 "the key %s of %s cannot be used or is gone: its kept copy goes "
			 "on signing",
			 name, key_dir_path(loading->store->source));
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
		    key_roll_has(loading->roll, kept[i]))
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

/* Copies whose key is no more in the source, while others of its zone are good, are of keys
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
	if (source_count > SIGN_KEYS_MAX)
		source_count = SIGN_KEYS_MAX;
	for (size_t i = 0; i < source_count; i++)
		has_good |= take_from_source(loading, sources[i], files);
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

/* A key that has just been given in the place of another signs nothing before its time: this
 * is where it is first seen. */
static void
roll_to_given(struct loading *loading, const char *prefix)
{
	const struct key_store *store = loading->store;
	int rc;

	if (!store->may_write || !key_roll_adopt(loading->roll, &loading->notes))
		return;
	rc = key_roll_write(store->kept, prefix, loading->roll);
	if (rc != ERR_OK)
		complain(loading->keys, "%s/%s" KEY_ROLL_SUFFIX ": %s",
			 key_dir_path(store->kept), prefix, errcode_text(rc));
	key_roll_join(loading->roll, loading->keys);
}

static int
load(struct key_store *store, const uint8_t *zone, struct sign_keys *keys,
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

int
key_store_put(struct key_store *store, const uint8_t *zone,
	      const struct key_given given[KEY_GIVEN_TEXTS])
{
	int rc;

	if (!store->may_write)
		return ERR_RIGHTS;
	pthread_mutex_lock(&store->lock);
	rc = key_given_take(store->kept, zone, given);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

int
key_store_load(struct key_store *store, const uint8_t *zone, struct sign_keys *keys,
	       struct crypto_key *secrets[SIGN_KEYS_MAX])
{
	struct roll_zone roll;

	return load(store, zone, keys, secrets, &roll);
}

/* ---- rollovers ---- */

int
key_store_roll(struct key_store *store, const uint8_t *zone, struct roll_zone *out)
{
	struct crypto_key *secrets[SIGN_KEYS_MAX];
	struct sign_keys *keys = malloc(sizeof *keys);
	int rc = keys ? load(store, zone, keys, secrets, out) : ERR_NOMEM;

	for (size_t i = 0; rc == ERR_OK && i < keys->count; i++)
		crypto_key_free(secrets[i]);
	free(keys);
	return rc;
}

/* A source that cannot be written to is nothing bad: the key is kept. */
static int
draw(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
     struct roll_key *key, char reason[SIGN_PROBLEM_LEN])
{
	struct key_draw draw = {
		.algorithm = key->algorithm,
		.flags = key->flags,
		.is_for_roll = true,
	};
	int rc = ERR_NOTFOUND;

	for (uint32_t i = 0; i < roll->count; i++)
		if (roll->keys[i].stage != ROLL_WANTED)
			draw.taken[draw.taken_count++] = roll->keys[i].tag;
	if (store->source)
		rc = key_make(store->source, zone, &draw, reason);
	if (rc != ERR_OK)
		rc = key_make(store->kept, zone, &draw, reason);
	if (rc == ERR_OK)
		roll_start(key, draw.tag, clock_wall_s());
	return rc;
}

static void
remove_copies(struct key_store *store, const char *prefix, const struct roll_zone *roll)
{
	char name[NAME_MAX + 1];

	for (uint32_t i = 0; i < roll->count; i++) {
		const struct roll_key *key = &roll->keys[i];

		if (!key->is_managed || key->stage != ROLL_REMOVED)
			continue;
		snprintf(name, sizeof name, "%.200s%03u+%05u", prefix, key->algorithm,
			 key->tag);
		key_files_remove(store->kept, name);
	}
}

/* New keys are of no use before it is written where they stand: until then their own times
 * keep them out of the zone. */
int
key_store_put_roll(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
		   char reason[SIGN_PROBLEM_LEN])
{
	char prefix[NAME_MAX + 1];
	int rc = ERR_OK;

	if (!key_dir_prefix(zone, prefix))
		return ERR_RANGE;
	pthread_mutex_lock(&store->lock);
	for (uint32_t i = 0; i < roll->count && rc == ERR_OK; i++)
		if (roll->keys[i].stage == ROLL_WANTED)
			rc = draw(store, zone, roll, &roll->keys[i], reason);
	if (rc == ERR_OK) {
		rc = key_roll_write(store->kept, prefix, roll);
		if (rc != ERR_OK)
			snprintf(reason, SIGN_PROBLEM_LEN, "%s/%s" KEY_ROLL_SUFFIX " %s",
				 key_dir_path(store->kept), prefix, errcode_text(rc));
	}
	if (rc == ERR_OK)
		remove_copies(store, prefix, roll);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

int
key_store_rolls(struct key_store *store,
		bool (*visit)(void *context, const uint8_t *zone, size_t len),
		void *context)
{
	return key_dir_each(store->kept, KEY_ROLL_SUFFIX, visit, context);
}

void
key_store_sync(struct key_store *store)
{
	bool is_unsynced;
	int fd;

	pthread_mutex_lock(&store->lock);
	is_unsynced = key_dir_take_unsynced(store->kept);
	pthread_mutex_unlock(&store->lock);
	fd = is_unsynced
		     ? open(key_dir_path(store->kept), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		     : -1;
	if (fd < 0)
		return;
	(void)syncfs(fd);
	close(fd);
}

/* ---- new keys ---- */

/* A zone that was unsigned by command is signed again by the keys that it has. */
static int
sign_again(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
	   char reason[SIGN_PROBLEM_LEN])
{
	if (roll->goal == ROLL_KEEP || !roll->is_by_command) {
		snprintf(reason, SIGN_PROBLEM_LEN,
			 "the zone has keys already: `martletctl keys ZONE` lists them");
		return ERR_EXISTS;
	}
	roll->goal = ROLL_KEEP;
	roll->goal_since_s = roll->ds_gone_s = 0;
	return key_store_put_roll(store, zone, roll, reason);
}

static int
make_first(struct key_store *store, const uint8_t *zone, uint8_t algorithm, bool is_split,
	   char reason[SIGN_PROBLEM_LEN])
{
	struct key_dir *dir = store->source ? store->source : store->kept;
	struct key_draw draw = { .algorithm = algorithm,
				 .flags = DNSKEY_ZONE | DNSKEY_SEP };
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = key_make(dir, zone, &draw, reason);
	if (rc == ERR_OK && is_split) {
		draw.flags = DNSKEY_ZONE;
		draw.taken[draw.taken_count++] = draw.tag;
		rc = key_make(dir, zone, &draw, reason);
	}
	pthread_mutex_unlock(&store->lock);
	return rc;
}

int
key_store_generate(struct key_store *store, const uint8_t *zone, uint8_t algorithm,
		   bool is_split, char reason[SIGN_PROBLEM_LEN])
{
	struct roll_zone roll;
	int rc = key_store_roll(store, zone, &roll);
	bool has_key = false;

	if (rc != ERR_OK) {
		snprintf(reason, SIGN_PROBLEM_LEN, "%s", errcode_text(rc));
		return rc;
	}
	for (uint32_t i = 0; i < roll.count; i++)
		has_key |= roll.keys[i].stage != ROLL_REMOVED || !roll.keys[i].is_managed;
	return has_key ? sign_again(store, zone, &roll, reason)
		       : make_first(store, zone, algorithm, is_split, reason);
}

/* ---- all zones ---- */

struct visiting {
	bool (*visit)(void *context, const uint8_t *zone, size_t len);
	void *context;
	const struct key_dir *other; /* whose zones were told already */
};

/* Files of one zone stand together. */
static bool
visit_dir(const struct key_dir *dir, const struct visiting *visiting)
{
	const char *names[1], *last = "";
	size_t count = key_dir_find(dir, "K", names, 1), last_len = 0;
	const char **all = calloc(count + 1, sizeof *all);
	bool goes_on = true;

	if (!all)
		return false;
	count = key_dir_find(dir, "K", all, count);
	for (size_t i = 0; i < count && goes_on; i++) {
		const char *plus = strchr(all[i], '+');
		size_t len = plus ? (size_t)(plus + 1 - all[i]) : 0, zone_len;
		uint8_t zone[DNAME_MAX];
		char prefix[NAME_MAX + 1];

		if (len == 0 || len > NAME_MAX ||
		    (len == last_len && memcmp(last, all[i], len) == 0))
			continue;
		last = all[i];
		last_len = len;
		memcpy(prefix, all[i], len);
		prefix[len] = '\0';
		zone_len = key_dir_zone(all[i], zone);
		if (zone_len > 0 &&
		    !(visiting->other && key_dir_find(visiting->other, prefix, names, 1)))
			goes_on = visiting->visit(visiting->context, zone, zone_len);
	}
	free(all);
	return goes_on;
}

int
key_store_zones(struct key_store *store,
		bool (*visit)(void *context, const uint8_t *zone, size_t len),
		void *context)
{
	struct visiting visiting = { visit, context, NULL };
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = key_dir_refresh(store->kept);
	if (rc == ERR_OK && store->source)
		rc = key_dir_refresh(store->source);
	if (rc == ERR_OK && visit_dir(store->kept, &visiting) && store->source) {
		visiting.other = store->kept;
		(void)visit_dir(store->source, &visiting);
	}
	pthread_mutex_unlock(&store->lock);
	return rc;
}
