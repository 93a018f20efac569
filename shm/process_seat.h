/* A place for each process in the profile area: what it tells of itself there, for
 * others to read even while it is busy, and after its death.
 *
 * Since no process may look into another one's /proc once the rights are dropped, each
 * reads its own: SIGURG asks for it (ignored by who has no seat), and the handler copies
 * the files as they are.  Of a worker a helper thread takes the signal.
 *
 * Beside that, what the heap sampler finds (shm/heap_sampler.h). */
#ifndef SHM_PROCESS_SEAT_H
#define SHM_PROCESS_SEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/heap_stacks.h"
#include "shm/profile_area.h"

enum {
	SEAT_NAME_MAX = 32,
	SEAT_MAPS_MAX = 1 << 20,	/* of /proc/self/smaps; what is longer is cut */
	SEAT_FILE_MAX = 4096,
};

/* What a process is asked to copy, as bits. */
enum seat_ask { SEAT_ASK_MAPS = 1, SEAT_ASK_TIMES = 2 };

struct seat_text {
	_Atomic uint32_t len;
	char octets[SEAT_FILE_MAX];
};

struct process_seat {
	char name[SEAT_NAME_MAX];	/* written once, before `pid` */
	_Atomic int32_t pid;		/* of its last process; 0: the seat is free */
	_Atomic uint32_t answered;	/* the number of the last ask that it answered */
	_Atomic uint64_t answered_ns;	/* when, CLOCK_MONOTONIC */
	struct seat_text stat, status, schedstat;	/* of its first thread */
	_Atomic uint32_t maps_len;
	_Atomic uint32_t is_cut;
	_Alignas(4096) char maps[SEAT_MAPS_MAX];
	struct heap_stacks heap;
};

/* Master, before the first fork: processes take their seats in this one. */
__attribute__((nonnull)) void process_seat_open(struct profile_area *area);

/* Take the seat `name` for this process, in which others of that name sat before it, and
 * answer SIGURG from now on.  Without one (nothing is open, all are taken, or a
 * living process of that name has it) the signal is ignored. */
__attribute__((nonnull)) void process_seat_take(const char *name);

/* Leave the signal to other threads than this one, or to this one. */
void process_seat_defer(void);
void process_seat_attend(void);

static inline struct process_seat *
process_seat_at(struct profile_area *area, unsigned index)
{
	return (struct process_seat *)(void *)((char *)area + area->seat_off) + index;
}

/* Seats that were taken so far, those of dead processes too. */
__attribute__((nonnull, warn_unused_result)) unsigned
process_seat_count(struct profile_area *area);

/* Does its process live? */
__attribute__((nonnull, warn_unused_result)) bool
process_seat_is_live(const struct process_seat *seat);

/* Ask all living processes to copy `what`, and wait until they have, at most `timeout_ms`;
 * only the holder of the area does so.  `number` is then what `answered` is in the seats of
 * those that did. */
__attribute__((nonnull)) uint32_t
process_seat_ask(struct profile_area *area, unsigned what, unsigned timeout_ms);

/* Give the pages of what was told back. */
__attribute__((nonnull)) void process_seat_forget(struct profile_area *area);

#endif
