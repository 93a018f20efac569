/* Is there room for a new generation? */
#ifndef LOADER_STORE_DISK_SPACE_H
#define LOADER_STORE_DISK_SPACE_H

#include <stdint.h>

enum {
	DISK_SPACE_SMALL_SHARE = 16,	/* small: at most this part of what is free */
	DISK_SPACE_RESERVE_SHARE = 4,
	DISK_SPACE_REASON_MAX = 512,
};

/* Do `expect` octets fit into the file system of `dir`, and leave `reserve`
 * (DISK_SPACE_RESERVE_SHARE of it at most), or are they small?  A small machine, with less
 * than the reserve from the start, is to serve what changes nevertheless.
 * returns 0; ERR_NOSPACE, with a reason that names the remedy. */
__attribute__((nonnull, warn_unused_result))
int disk_space_check(const char *dir, uint64_t expect, uint64_t reserve,
		     char reason[DISK_SPACE_REASON_MAX]);

#endif
