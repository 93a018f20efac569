/* Opening and closing what a worker reads from. */
#include "worker/zone_store.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/overlay_value.h"

static int
store_init(const char *dir, enum generation_open_how how, struct zone_store *out)
{
	char path[PATH_MAX];
	struct generation gen;
	int len = snprintf(path, sizeof path, "%s/" OVERLAY_DIR, dir), rc;

	if (len < 0 || (size_t)len >= sizeof path)
		return ERR_RANGE;
	rc = generation_open(dir, how, &gen);
	if (rc != ERR_OK)
		return rc;
	rc = overlay_view_open(path, &out->overlay);
	if (rc != ERR_OK) {
		generation_close(&gen);
		return rc;
	}
	out->gen = gen;
	memset(out->apex_depths, 0, sizeof out->apex_depths);
	memset(out->deepest_apex, ZONE_STORE_NO_APEX, sizeof out->deepest_apex);
	zone_store_set_depths(out);
	return ERR_OK;
}

int
zone_store_init(const char *dir, struct zone_store *out)
{
	return store_init(dir, GENERATION_POPULATE, out);
}

void
zone_store_fini(struct zone_store *store)
{
	overlay_view_close(&store->overlay);
	generation_close(&store->gen);
}

int
zone_store_open(const char *state_dir, uint64_t id, struct zone_store **out)
{
	char dir[PATH_MAX];
	struct zone_store *store;
	int len = snprintf(dir, sizeof dir, "%s/generations/%08" PRIu64, state_dir, id);
	int rc;

	if (len < 0 || (size_t)len >= sizeof dir)
		return ERR_RANGE;
	store = calloc(1, sizeof *store);
	if (!store)
		return ERR_NOMEM;
	rc = store_init(dir, GENERATION_INDEX, store);
	if (rc != ERR_OK) {
		free(store);
		return rc;
	}
	*out = store;
	return ERR_OK;
}

void
zone_store_close(struct zone_store *store)
{
	if (!store)
		return;
	zone_store_fini(store);
	free(store);
}
