/* Asking the file system. */
#include "loader/store/disk_space.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "shm/errcode.h"

#define MIB (UINT64_C(1) << 20)

int
disk_space_check(const char *dir, uint64_t expect, uint64_t reserve,
		 char reason[DISK_SPACE_REASON_MAX])
{
	uint64_t free_bytes, share;
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0)
		return ERR_OK;
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	share = (uint64_t)fs.f_blocks * fs.f_frsize / DISK_SPACE_RESERVE_SHARE;
	if (reserve > share)
		reserve = share;
	if (expect <= free_bytes / DISK_SPACE_SMALL_SHARE)
		return ERR_OK;
	if (free_bytes < expect)
		snprintf(reason, DISK_SPACE_REASON_MAX,
			 "%s: %" PRIu64 " MB are free, and a generation of about %" PRIu64
			 " MB is to be written: make room there, or lower "
			 "generations.keep",
			 dir, free_bytes / MIB, expect / MIB + 1);
	else if (free_bytes - expect < reserve)
		snprintf(reason, DISK_SPACE_REASON_MAX,
			 "%s: %" PRIu64 " MB are free, but a generation of about %" PRIu64
			 " MB would not leave the %" PRIu64
			 " MB of generations.reserve_mb: make room there, or lower "
			 "generations.keep or generations.reserve_mb",
			 dir, free_bytes / MIB, expect / MIB + 1, reserve / MIB);
	else
		return ERR_OK;
	return ERR_NOSPACE;
}
