/* The process that tells figures over HTTP. */
#ifndef LOADER_REPORT_REPORTER_H
#define LOADER_REPORT_REPORTER_H

#include "loader/report/asker.h"
#include "loader/report/http_server.h"
#include "loader/report/metric_text.h"
#include "shm/heritage.h"

/* What the master tells, in the order of how much is lost without it. */
enum asked {
	ASK_STATUS,
	ASK_WORKERS,
	ASK_TOP,
	ASK_CHANGES,
	ASK_LIMITS,
	ASK_GENERATIONS,
	ASK_COUNT,
};

enum { REPORTER_LIVE_ROOM = 1 << 18 };

struct reporter {
	const struct heritage *heritage;
	struct http_server *http;
	struct asker *asker;
	struct answer answers[ASK_COUNT];
	struct asker *profiler; /* what takes seconds must not hold up the others */
	struct answer profile;
	char seconds[8]; /* of the profile */
	struct metric_text metrics;
	char live[REPORTER_LIVE_ROOM];
};

/* Fill in what is asked of the master, and how. */
__attribute__((nonnull)) void reporter_answer_init(struct reporter *reporter);

/* The http_answer_fn: who may see what, and what it is.  `arg` is the reporter. */
bool reporter_answer(void *arg, const struct http_request *request,
		     struct http_reply *reply);

#endif
