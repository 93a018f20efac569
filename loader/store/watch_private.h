/* What writing and reading the watch list share; used by watch*.c only. */
#ifndef LOADER_STORE_WATCH_PRIVATE_H
#define LOADER_STORE_WATCH_PRIVATE_H

#include "loader/store/watch.h"

enum watch_table { WATCH_NODES, WATCH_TARGETS, WATCH_NAMES, WATCH_TABLES };

static const char *const watch_table_names[WATCH_TABLES] = {
	[WATCH_NODES] = "nodes",
	[WATCH_TARGETS] = "targets",
	[WATCH_NAMES] = "names",
};

#endif
