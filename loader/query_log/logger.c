/* The logger's loop. */
#include "loader/query_log/logger.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/loader.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/fence.h"
#include "shm/log.h"

enum {
	LOGGER_NICE = 5, /* queries come first */
	BUSY_MS = 10, /* between looks at the rings while records come, */
	IDLE_MS = 50, /* and while none do */
	RETRY_MS = 250, /* longest wait for the target */
	LOST_MS = 500, /* before a target is tried again that has forgotten all */
	LAST_MS = 6000, /* workers drain for 5 s */
};

static volatile sig_atomic_t is_told_to_end;

static void
on_term(int number)
{
	(void)number;
	is_told_to_end = 1;
}

static void
catch_term(void)
{
	struct sigaction action = { .sa_handler = on_term };

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
}

static void
follow(struct logger *logger)
{
	const struct region *region = logger->heritage->region;
	uint32_t seq = atomic_load(&logger->log->reopen_seq);

	atomic_store(&logger->log->heartbeat_ns, clock_now_ns());
	region_query_log_set(logger->log, QUERY_LOG_waiting_bytes,
			     logger_waiting(logger));
	query_places_follow(&logger->places, region, logger->settings->state_dir);
	if (seq == logger->reopen_seq)
		return;
	logger->reopen_seq = seq;
	if (logger->target->calls->reopen)
		logger->target->calls->reopen(logger->target);
}

/* For the target to be ready, at most `wait_ms`; a signal ends it. */
static void
wait_for(const struct log_target *target, int wait_ms)
{
	struct pollfd wait = { .fd = target ? target->fd : -1,
			       .events = target ? target->events : (short)0 };

	poll(&wait, 1, wait_ms);
	/* what has failed is ready at once, and not tried again so soon */
	if (wait.revents & (POLLERR | POLLHUP | POLLNVAL))
		poll(NULL, 0, wait_ms);
}

static bool
have_workers_ended(const struct logger *logger)
{
	const struct region *region = logger->heritage->region;

	for (unsigned i = 0; i < region->worker_count; i++)
		if (atomic_load(&region->slots[i].pid) != 0)
			return false;
	return true;
}

/* One turn, and what has to be waited for behind it. */
static void
turn_and_wait(struct logger *logger, int idle_ms)
{
	follow(logger);
	switch (logger_turn(logger)) {
	case LOG_FLUSH_DONE:
		if (!logger->is_behind)
			wait_for(NULL, logger->has_moved ? BUSY_MS : idle_ms);
		break;
	case LOG_FLUSH_AGAIN:
		wait_for(logger->target, RETRY_MS);
		break;
	case LOG_FLUSH_LOST:
		wait_for(NULL, LOST_MS);
		break;
	}
}

/* The last queries are answered while workers drain. */
static void
drain(struct logger *logger)
{
	uint64_t end_ms = clock_now_ms() + LAST_MS;

	while (clock_now_ms() < end_ms) {
		if (have_workers_ended(logger) &&
		    (logger_waiting(logger) == 0 || logger->has_told))
			break;
		turn_and_wait(logger, BUSY_MS);
	}
}

_Noreturn void
logger_run(const struct heritage *heritage)
{
	static struct logger logger;
	int rc;

	heritage_enter(heritage, "logger");
	fence_enter(heritage, FENCE_LOGGER,
		    &(const struct fence_gate){ true, NULL,
						heritage->settings->query_log.target });
	catch_term();
	sched_setscheduler(0, SCHED_BATCH, &(const struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, 0, LOGGER_NICE);
	rc = logger_open(&logger, heritage);
	if (rc != ERR_OK) {
		log_errorx("the query log cannot be written: %s", errcode_text(rc));
		_exit(1);
	}
	while (!is_told_to_end)
		turn_and_wait(&logger, IDLE_MS);
	drain(&logger);
	logger.target->calls->close(logger.target);
	_exit(0);
}
