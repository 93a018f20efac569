/* The small files of state_dir that say which generation is which.
 *
 *	state_dir/current	symbolic link "generations/00000017": opened at start
 *	state_dir/chosen	"17\n" while `rollback` or `swap` keeps the configured
 *				sources off
 *	generations/ID/damaged	why this generation must not be served again
 *
 * Every change is one rename, so that a crash leaves the old state or the new one. */
#ifndef LOADER_STORE_STATE_FILES_H
#define LOADER_STORE_STATE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { STATE_REASON_MAX = 256 };

/* What `current` names.  returns 0, ERR_NOTFOUND, ERR_FORMAT (no such link as we
 * write) or ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int state_read_current(const char *state_dir, uint64_t *id);
/* Let `current` name `id`, durably. */
__attribute__((nonnull, warn_unused_result))
int state_set_current(const char *state_dir, uint64_t id);

/* What `rollback` or `swap` chose.  returns 0, ERR_NOTFOUND when the sources are
 * followed, ERR_FORMAT when the file is there but says no number. */
__attribute__((nonnull, warn_unused_result))
int state_read_chosen(const char *state_dir, uint64_t *id);
/* Write it durably; 0 removes it. */
__attribute__((nonnull, warn_unused_result))
int state_set_chosen(const char *state_dir, uint64_t id);

/* Before which gap the clock was last known to be right, see shm/region_clock.h: Unix time, 0:
 * there is none. */
__attribute__((nonnull, warn_unused_result))
int64_t state_read_gap(const char *state_dir);
/* Failing that, a restart forgets it. */
__attribute__((nonnull))
void state_set_gap(const char *state_dir, int64_t past_s);

/* Remember why a generation must not be served again. */
__attribute__((nonnull))
void state_mark_damaged(const char *state_dir, uint64_t id, const char *reason);
/* returns false when nothing bad is known of it. */
__attribute__((nonnull))
bool state_read_damage(const char *state_dir, uint64_t id,
			     char reason[STATE_REASON_MAX]);

#endif
