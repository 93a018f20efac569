/* Which zones have keys, or roll them. */
#include <stdlib.h>
#include <string.h>

#include "loader/sign/key_roll.h"
#include "loader/sign/key_store_private.h"
#include "shm/errcode.h"

int
key_store_rolls(struct key_store *store,
		bool (*visit)(void *context, const uint8_t *zone, size_t len),
		void *context)
{
	return key_dir_each(store->kept, KEY_ROLL_SUFFIX, visit, context);
}

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
	int rc, source_rc = ERR_OK;
	const char *name;

	pthread_mutex_lock(&store->lock);
	rc = key_dir_refresh(store->kept);
	if (rc == ERR_OK && store->source)
		source_rc = key_dir_refresh(store->source);
	/* the zones of the copies tell of a source that cannot be read */
	if (rc == ERR_OK && source_rc != ERR_OK &&
	    !key_dir_find(store->kept, "K", &name, 1))
		rc = source_rc;
	if (rc == ERR_OK && visit_dir(store->kept, &visiting) && store->source &&
	    source_rc == ERR_OK) {
		visiting.other = store->kept;
		(void)visit_dir(store->source, &visiting);
	}
	pthread_mutex_unlock(&store->lock);
	return rc;
}
