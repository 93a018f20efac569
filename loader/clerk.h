/* What the reading commands share; each runs in a process of its own. */
#ifndef LOADER_CLERK_H
#define LOADER_CLERK_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/reply.h"
#include "loader/store/store_walk.h"
#include "loader/store/zone_state.h"
#include "shm/heritage.h"

enum { CLERK_TIME_MAX = 32 };

struct clerk {
	const struct heritage *heritage;
	int arg_count;
	char **args;			/* args[0] is the command */
	struct reply reply;
	struct json_out *json;		/* the reply's; the command writes one object */
	uint64_t unlisted;		/* `errors`: RRsets in error beyond those listed */
};

/* The commands.  Each writes a whole object and returns the exit code. */
unsigned clerk_zones(struct clerk *clerk);
unsigned clerk_errors(struct clerk *clerk);
unsigned clerk_generations(struct clerk *clerk);
unsigned clerk_diff(struct clerk *clerk);
unsigned clerk_export(struct clerk *clerk);
unsigned clerk_held(struct clerk *clerk);
unsigned clerk_keys(struct clerk *clerk);

/* The whole object: one that holds nothing but "error".  returns 1, the exit code. */
__attribute__((nonnull, format(printf, 2, 3)))
unsigned clerk_refuse(struct clerk *clerk, const char *format, ...);

/* Open what is served, its overlay merged in; the caller closes it.  On failure nothing
 * is written and `reason`, 256 octets, says why.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int clerk_open_served(const struct clerk *clerk, struct store_walk **out, char reason[256]);

/* Find the apex of a zone named by a person, borrowed from the walk.
 * returns 0, or 1, the exit code, after having written why not as the whole object. */
__attribute__((nonnull, warn_unused_result))
unsigned clerk_find_zone(struct clerk *clerk, struct store_walk *walk, const char *text,
			 struct node *apex);

/* `zones --digest`, of one zone unless that is NULL. */
__attribute__((nonnull(1)))
unsigned clerk_digest(struct clerk *clerk, const char *zone);

/* `errors`: the RRsets of a zone from Redis that are not served as Redis has them, into the
 * list that was begun.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int clerk_bad_rrsets(struct clerk *clerk, struct store_walk *walk,
		     const struct zone_state *zone);

/* `errors`: what is wrong with the signatures of a zone, into the list that was begun. */
__attribute__((nonnull))
void clerk_signing(struct clerk *clerk, struct store_walk *walk,
		   const struct zone_state *zone);

/* `errors`: names that lead out of our zones, and of which nobody tells the addresses, into
 * the list that was begun. */
__attribute__((nonnull))
void clerk_unresolved(struct clerk *clerk, struct store_walk *walk);

/* To be called every few thousand steps: the clerk lives on, unless nobody listens
 * any more, in which case this does not return. */
__attribute__((nonnull))
void clerk_go_on(struct clerk *clerk);

/* "2024-11-21T04:20:00Z" */
__attribute__((nonnull))
void clerk_print_time(int64_t unix_s, char out[CLERK_TIME_MAX]);

#endif
