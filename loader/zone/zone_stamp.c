/* Stamps of files: a hash over path, place, size and times of each. */
#include "loader/zone/zone_stamp.h"

#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Time stamps of files advance with the kernel's tick, 10 ms at most. */
enum { TICK_NS = 20000000 };

struct stamp_fields {
	uint64_t device, inode, size;
	int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

static int
is_recent(const struct timespec *changed)
{
	struct timespec now;
	int64_t age_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - changed->tv_sec > 1)
		return 0;
	age_ns = (now.tv_sec - changed->tv_sec) * INT64_C(1000000000);
	age_ns += now.tv_nsec - changed->tv_nsec;
	return age_ns < TICK_NS;
}

void
zone_stamp_add(struct zone_stamp *stamp, const char *path, const struct stat *status)
{
	struct stamp_fields fields = {
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = (uint64_t)status->st_size,
		.mtime_s = status->st_mtim.tv_sec,
		.mtime_ns = status->st_mtim.tv_nsec,
		.ctime_s = status->st_ctim.tv_sec,
		.ctime_ns = status->st_ctim.tv_nsec,
	};

	stamp->sum = XXH3_64bits_withSeed(path, strlen(path) + 1, stamp->sum);
	stamp->sum = XXH3_64bits_withSeed(&fields, sizeof fields, stamp->sum);
	if (is_recent(&status->st_ctim))
		stamp->unsettled = 1;
}

uint64_t
zone_stamp_value(const struct zone_stamp *stamp)
{
	return stamp->unsettled ? ZONE_STAMP_UNKNOWN : stamp->sum;
}

uint64_t
zone_stamp_of_files(const char *const *paths, size_t count)
{
	struct zone_stamp stamp = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct stat status;

		if (stat(paths[i], &status) < 0)
			return ZONE_STAMP_UNKNOWN;
		zone_stamp_add(&stamp, paths[i], &status);
	}
	return zone_stamp_value(&stamp);
}
