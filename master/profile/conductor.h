/* What the parts of the conductor share. */
#ifndef MASTER_PROFILE_CONDUCTOR_H
#define MASTER_PROFILE_CONDUCTOR_H

#include "loader/reply.h"
#include "master/profile/modules.h"
#include "shm/heritage.h"
#include "shm/process_seat.h"

struct conductor {
	const struct heritage *heritage;
	struct profile_area *area; /* held */
	struct reply reply;
	struct modules modules;
	unsigned seconds;
	bool is_folded;
	int64_t begun_us; /* of Unix time */
};

/* Each writes its object.  returns the exit code. */
__attribute__((nonnull)) unsigned conduct_cpu(struct conductor *c);
__attribute__((nonnull)) unsigned conduct_heap(struct conductor *c);
__attribute__((nonnull)) unsigned conduct_memory(struct conductor *c);
__attribute__((nonnull)) unsigned conduct_wait(struct conductor *c);
__attribute__((nonnull)) unsigned conduct_trace(struct conductor *c);

/* Lines as progress, one every c->seconds, so many; 0: until nobody listens. */
__attribute__((nonnull)) unsigned conduct_sched(struct conductor *c, unsigned count);

/* Sleep so long; does not return when nobody listens any more. */
__attribute__((nonnull)) void conductor_pause(struct conductor *c, unsigned ms);

/* Begin the object with what all have. */
__attribute__((nonnull)) void conductor_begin(struct conductor *c, const char *kind);

enum { CONDUCTOR_ANSWER_MS = 3000 }; /* for processes to tell of themselves */

#endif
