/* Keys and their directories. */
#include "loader/sign/key_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/sign/key_store_private.h"
#include "shm/errcode.h"
#include "shm/fence.h"

enum { MODE_KEYS = 0700 };

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
	fleet_self_init(settings, &store->self);
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

/* The list first: what is wrong with it is told with what is wrong with the keys. */
static int
put(struct key_store *store, const uint8_t *zone,
    const struct key_given given[KEY_GIVEN_TEXTS])
{
	struct key_given all[KEY_GIVEN_TEXTS];
	char reason[SIGN_PROBLEM_LEN];
	int rc = fleet_take(store->kept, zone, &store->self, &given[GIVEN_LIST], reason);

	if (rc != ERR_OK)
		return rc;
	memcpy(all, given, sizeof all);
	if (reason[0] != '\0') {
		all[GIVEN_LIST].state = GIVEN_BAD;
		all[GIVEN_LIST].text = reason;
		all[GIVEN_LIST].text_len = strlen(reason);
	}
	return key_given_take(store->kept, zone, all);
}

int
key_store_put(struct key_store *store, const uint8_t *zone,
	      const struct key_given given[KEY_GIVEN_TEXTS])
{
	int rc;

	if (!store->may_write)
		return ERR_RIGHTS;
	pthread_mutex_lock(&store->lock);
	rc = put(store, zone, given);
	key_unkept_note(&store->unkept, zone, rc);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

void
key_store_each_unkept(struct key_store *store,
		      bool (*visit)(void *context, const uint8_t *zone, size_t len),
		      void *context)
{
	pthread_mutex_lock(&store->lock);
	key_unkept_each(&store->unkept, visit, context);
	pthread_mutex_unlock(&store->lock);
}

struct key_unkept_count
key_store_count_unkept(struct key_store *store)
{
	struct key_unkept_count count;

	pthread_mutex_lock(&store->lock);
	count = (struct key_unkept_count){
		.zones = (uint32_t)store->unkept.count,
		.tries = store->unkept.tries,
	};
	if (count.zones > 0)
		count.why = store->unkept.zones[0].why;
	pthread_mutex_unlock(&store->lock);
	return count;
}

int
key_store_load(struct key_store *store, const uint8_t *zone, struct sign_keys *keys,
	       struct crypto_key *secrets[SIGN_KEYS_MAX])
{
	struct roll_zone roll;

	return key_load_zone(store, zone, keys, secrets, &roll);
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
