/* Which zones a worker keeps down, since it is short of time: a list for operators, part of
 * its slot in the region; all zero when there never were any. */
#ifndef SHM_FLOOD_LIST_H
#define SHM_FLOOD_LIST_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/dname.h"

enum {
	FLOOD_ZONES = 8,		/* those of which most is shed */
	FLOOD_ENCLOSERS = 4,
	FLOOD_TOLD_S = 10,		/* so long after its end a flood is told of */
};

/* Below which existing name the queries are that ask for none; a sample. */
struct flood_encloser {
	uint32_t count;
	uint8_t name_len;		/* 0: free */
	uint8_t name[DNAME_MAX];	/* wire form, lower-cased */
};

struct flood_zone {
	uint64_t since_ns, last_ns;	/* the first and last query that was shed, CLOCK_MONOTONIC */
	uint64_t shed;			/* since then, all in all */
	uint64_t period_ns;		/* in which was counted what follows */
	uint32_t asked, asked_absent;	/* queries; of names that do not exist */
	uint32_t shed_absent, shed_existing;
	uint8_t name_len;		/* of the zone; 0: of no zone that is served */
	uint8_t name[DNAME_MAX];
	struct flood_encloser enclosers[FLOOD_ENCLOSERS];
};

struct flood_list {
	_Atomic uint32_t seq;		/* odd while the worker writes */
	uint32_t count;
	struct flood_zone zones[FLOOD_ZONES];
};

/* Count one more below this encloser; a new one takes the place of one that has become
 * rare. */
__attribute__((nonnull))
void flood_encloser_count(struct flood_encloser enclosers[FLOOD_ENCLOSERS],
			  const uint8_t *name, unsigned name_len);

/* Worker: tell of these, `count` up to FLOOD_ZONES. */
__attribute__((nonnull))
void flood_list_put(struct flood_list *list, const struct flood_zone *const *zones,
		    unsigned count);

/* Reader: take a whole copy.  returns how many zones; older floods may be among them. */
__attribute__((nonnull))
unsigned flood_list_get(const struct flood_list *list, struct flood_zone zones[FLOOD_ZONES]);

#endif
