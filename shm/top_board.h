/* What is asked for most, by whom, and how it is answered: for each worker, which writes it, a
 * board of fixed size.  The time is cut into periods; the board has the present one and two
 * before it, so that what is shown is of the last 8 to 12 s.
 *
 * Of the first queries in a second each is counted, of more only one in TOP_SAMPLING, for so
 * many: chosen by chance, so that no pattern of queries escapes. */
#ifndef SHM_TOP_BOARD_H
#define SHM_TOP_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/sketch.h"

enum {
	TOP_PERIOD_S = 4,
	TOP_WINDOWS = 3,
	TOP_EXACT = 1000,		/* queries in a second that are counted one by one */
	TOP_SAMPLING = 16,
	TOP_RCODES = 25,
	TOP_NOT_ANSWERED = TOP_RCODES - 1,	/* in the place of an RCODE */
};

enum top_list {
	TOP_ZONES = 0,
	TOP_NAMES,			/* that exist; what does not, counts for its closest encloser */
	TOP_SOURCES,
	TOP_LISTS,
};

struct top_name {
	uint8_t len;
	uint8_t apex_len;		/* octets of its end that are its zone's name */
	uint8_t name[DNAME_MAX];	/* wire form, lower-cased */
};

struct top_window {
	_Alignas(128) _Atomic uint64_t period;	/* CLOCK_MONOTONIC / TOP_PERIOD_S; 0: none */
	_Atomic uint64_t queries;	/* in it, each counted */
	_Atomic uint64_t thinned;	/* of these, those of which one in TOP_SAMPLING was counted */
	_Atomic uint64_t rcodes[TOP_RCODES];	/* queries by RCODE */
	struct sketch lists[TOP_LISTS];	/* marked: answered by NXDOMAIN */
	/* what their entries stand for */
	struct top_name zones[SKETCH_ENTRIES];
	struct top_name names[SKETCH_ENTRIES];
	uint64_t sources[SKETCH_ENTRIES];	/* as worker/client_key.h has them */
};

struct top_board {
	struct top_window windows[TOP_WINDOWS];	/* period p is in [p % TOP_WINDOWS] */
};

static inline uint64_t
top_board_period(uint64_t now_ns)
{
	return now_ns / (TOP_PERIOD_S * UINT64_C(1000000000));
}

/* Worker: begin the window of `period`, which is empty then. */
__attribute__((nonnull, returns_nonnull)) struct top_window *
top_board_begin(struct top_board *board, uint64_t period);

/* Reader: the windows of a board that are young enough.  returns how many, 0..TOP_WINDOWS. */
__attribute__((nonnull)) unsigned top_board_windows(const struct top_board *board,
						    uint64_t now_ns,
						    const struct top_window *out[TOP_WINDOWS]);

/* What is known of one zone, name or source. */
struct top_entry {
	uint64_t queries;		/* about; */
	uint64_t error;			/* so many more or less, but for one time in 1,000 */
	uint64_t nxdomain;		/* of these, about */
	struct top_name name;		/* of a zone or name */
	uint64_t source;
};

/* Reader: the first `most` of a list, over `count` windows, in falling order.
 * returns how many there are, -1 without memory. */
__attribute__((nonnull)) int top_board_list(const struct top_window *const *windows,
					    size_t count, enum top_list list,
					    struct top_entry *out, size_t most);

/* How far an estimate by sampling may be off: `queries` were estimated, `thinned` of all can
 * have been among what was sampled. */
__attribute__((const)) uint64_t top_board_error(uint64_t queries, uint64_t thinned);

#endif
