/* Opening and closing what a worker reads from. */
#include "worker/zone_store.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/errcode.h"

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
	rc = generation_open(dir, GENERATION_POPULATE, &store->gen);
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
	generation_close(&store->gen);
	free(store);
}
