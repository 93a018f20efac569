/* Jobs: what takes long is done by a forked child of sync, which attends to all else
 * meanwhile.  The child's memory goes back to the system when it ends, and its death is
 * a failure like any other.
 *
 * The child has the peer's connection for progress lines and the log; all other
 * descriptors are closed.  It opens what it needs by itself: LMDB handles above all, of
 * which a child must never use its parent's. */
#ifndef LOADER_JOB_H
#define LOADER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/store/job_report.h"

enum { JOB_REASON_MAX = 512 };

struct sync;

struct job {
	const char *name; /* of the process, "builder"; in its log lines too */
	/* In the child.  returns 0 with the report, or an error code with a reason. */
	int (*run)(void *context, struct job_report *report, char reason[JOB_REASON_MAX]);
	void *context;
	/* In sync: what job_ask returns in the child.  NULL: it does not ask. */
	uint64_t (*answer)(struct sync *sync, uint64_t question);
	bool yields;			/* is given up when a request comes: ERR_BUSY */
};

/* In the child: have sync answer a question.  returns false when sync is gone. */
__attribute__((nonnull, warn_unused_result))
bool job_ask(uint64_t question, uint64_t *answer);

/* Do a job and wait for its end, see loader/attend.h.
 *
 * report   filled on success, at its front; job_report_fini in any case
 * reason   on failure, the job's own, or how the child died
 * returns  what the job returned; ERR_BUSY when it was given up; ERR_CLOSED when the
 *          child died, or there is none; ERR_TIMEOUT when it did nothing for
 *          generations.stall_s and was killed; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int job_run(struct sync *sync, const struct job *job, struct job_report *report,
	    char reason[JOB_REASON_MAX]);

#endif
