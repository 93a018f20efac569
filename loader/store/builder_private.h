/* What the two halves of the builder share: collecting zones, and writing them. */
#ifndef LOADER_STORE_BUILDER_PRIVATE_H
#define LOADER_STORE_BUILDER_PRIVATE_H

#include <pthread.h>

#include "loader/store/builder.h"
#include "loader/zone/zone_pack.h"

struct builder {
	struct live *base;		/* a snapshot; NULL: no base */
	char *base_dir;			/* owned */
	builder_warn_fn *warn;
	void *warn_context;

	pthread_mutex_t lock;		/* for what follows, until builder_seal */
	struct zone_pack *packs;	/* pack_count; owned */
	size_t pack_count, pack_room;
	struct renderer **idle;		/* renderers that wait for work; owned */
	size_t idle_count, idle_room;
	bool is_sealed;
};

#endif
