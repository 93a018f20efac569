/* The process that tells figures over HTTP: what is asked for, and who may see it. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/report/asker.h"
#include "loader/report/host_check.h"
#include "loader/report/http_server.h"
#include "loader/report/live.h"
#include "loader/report/metrics.h"
#include "loader/report/page_files.h"
#include "shm/clock.h"
#include "shm/log.h"

enum {
	REPORTER_NICE = 10, /* queries come first */
	TURN_MS = 1000,
	TURN_ASKING_MS = 100,
	ASK_MS = 3000,
	LIVE_ROOM = 1 << 18,
	STATUS_OK = 200,
	STATUS_FORBIDDEN = 403,
	STATUS_NOT_FOUND = 404,
	STATUS_BAD = 400,
	STATUS_UNAVAILABLE = 503,
};

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

/* What the master tells, in the order of how much is lost without it. */
enum asked {
	ASK_STATUS,
	ASK_WORKERS,
	ASK_CHANGES,
	ASK_GENERATIONS,
	ASK_LIMITS,
	ASK_COUNT
};

struct reporter {
	const struct heritage *heritage;
	struct http_server *http;
	struct asker *asker;
	struct answer answers[ASK_COUNT];
	struct metric_text metrics;
	char live[LIVE_ROOM];
};

enum audience {
	TO_ALL, /* on any address */
	TO_NEIGHBOURS, /* on a loopback address */
	TO_DEBUGGERS, /* there, with http.debug */
};

struct route {
	const char *path;
	enum audience audience;
	bool (*answer)(struct reporter *reporter, const struct route *route,
		       const struct http_request *request, struct http_reply *reply);
	enum asked asked;
};

static bool
say(struct http_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	reply->type = TEXT;
	reply->body = text;
	reply->len = strlen(text);
	return true;
}

static struct region_report *
report_of(struct reporter *reporter)
{
	return &reporter->heritage->region->report;
}

/* ---- what there is ---- */

static bool
answer_health(struct reporter *reporter, const struct route *route,
	      const struct http_request *request, struct http_reply *reply)
{
	(void)reporter;
	(void)route;
	(void)request;
	return say(reply, STATUS_OK, "ok\n");
}

static bool
answer_ready(struct reporter *reporter, const struct route *route,
	     const struct http_request *request, struct http_reply *reply)
{
	(void)route;
	(void)request;
	if (region_is_ready(reporter->heritage->region))
		return say(reply, STATUS_OK, "ready\n");
	return say(reply, STATUS_UNAVAILABLE, "no queries are answered\n");
}

static bool
answer_metrics(struct reporter *reporter, const struct route *route,
	       const struct http_request *request, struct http_reply *reply)
{
	struct metric_text *metrics = &reporter->metrics;

	(void)route;
	(void)request;
	metrics_write(reporter->heritage->region, metrics);
	if (metrics->has_failed)
		return say(reply, STATUS_UNAVAILABLE, "not enough memory\n");
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	reply->body = metrics->text;
	reply->len = metrics->len;
	return true;
}

static bool
answer_live(struct reporter *reporter, const struct route *route,
	    const struct http_request *request, struct http_reply *reply)
{
	(void)route;
	(void)request;
	reply->len = live_write(reporter->heritage->region, reporter->live, LIVE_ROOM);
	if (reply->len == 0)
		return say(reply, STATUS_UNAVAILABLE, "too much to tell\n");
	reply->type = JSON;
	reply->body = reporter->live;
	return true;
}

/* Also the object of a command that fails is told: its member "error" says why. */
static bool
answer_asked(struct reporter *reporter, const struct route *route,
	     const struct http_request *request, struct http_reply *reply)
{
	static const char silence[] = "{\"error\":\"the master does not answer\"}\n";
	struct answer *answer = &reporter->answers[route->asked];

	if (!asker_has(reporter->asker, answer, request->begun_ms))
		return false;
	reply->type = JSON;
	reply->age_ms = clock_now_ms() - answer->asked_ms;
	if (!answer->has_failed) {
		reply->body = answer->text;
		reply->len = answer->len;
		return true;
	}
	region_report_count(report_of(reporter), REPORT_unanswered);
	reply->status = STATUS_UNAVAILABLE;
	reply->body = silence;
	reply->len = sizeof silence - 1;
	return true;
}

static bool
answer_file(const struct page_file *file, struct http_reply *reply)
{
	reply->type = file->type;
	reply->body = file->text;
	reply->len = (size_t)(file->end - file->text);
	return true;
}

static const struct route routes[] = {
	{ "/healthz", TO_ALL, answer_health, 0 },
	{ "/readyz", TO_ALL, answer_ready, 0 },
	{ "/metrics", TO_ALL, answer_metrics, 0 },
	{ "/live", TO_NEIGHBOURS, answer_live, 0 },
	{ "/status", TO_NEIGHBOURS, answer_asked, ASK_STATUS },
	{ "/workers", TO_NEIGHBOURS, answer_asked, ASK_WORKERS },
	{ "/changes", TO_NEIGHBOURS, answer_asked, ASK_CHANGES },
	{ "/generations", TO_NEIGHBOURS, answer_asked, ASK_GENERATIONS },
	{ "/limits", TO_DEBUGGERS, answer_asked, ASK_LIMITS },
};

static const struct answer asked[ASK_COUNT] = {
	[ASK_STATUS] = { .args = { "status" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
	[ASK_WORKERS] = { .args = { "workers" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
	[ASK_CHANGES] = { .args = { "changes" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
	/* by a clerk */
	[ASK_GENERATIONS] = { .args = { "generations" },
			      .fresh_ms = 5000,
			      .timeout_ms = ASK_MS },
	[ASK_LIMITS] = { .args = { "limits" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
};

/* ---- who may see it ---- */

static const struct route *
find_route(const char *path)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

/* returns why not, NULL: it may be seen */
static const char *
check_audience(const struct settings *settings, enum audience audience)
{
	if (audience != TO_ALL && !settings->http.is_loopback)
		return "this is told on a loopback address only: see http.address\n";
	if (audience == TO_DEBUGGERS && !settings->http.debug)
		return "this is told with http.debug only\n";
	return NULL;
}

static bool
refuse_path(struct reporter *reporter, struct http_reply *reply, unsigned status,
	    const char *why)
{
	region_report_count(report_of(reporter), REPORT_refused_path);
	return say(reply, status, why);
}

static bool
answer_path(struct reporter *reporter, const struct http_request *request,
	    struct http_reply *reply)
{
	const struct page_file *file = page_files_find(request->path);
	const struct route *route = find_route(request->path);
	const char *why;

	if (!file && !route)
		return refuse_path(reporter, reply, STATUS_NOT_FOUND, "not here\n");
	why = check_audience(reporter->heritage->settings,
			     route ? route->audience : TO_NEIGHBOURS);
	if (why)
		return refuse_path(reporter, reply, STATUS_FORBIDDEN, why);
	return route ? route->answer(reporter, route, request, reply)
		     : answer_file(file, reply);
}

static bool
on_request(void *arg, const struct http_request *request, struct http_reply *reply)
{
	struct reporter *reporter = arg;

	if (!request->is_repeated_host &&
	    host_check(request->host, &request->local,
		       &reporter->heritage->settings->http.hosts))
		return answer_path(reporter, request, reply);
	region_report_count(report_of(reporter), REPORT_refused_host);
	if (request->is_repeated_host)
		return say(reply, STATUS_BAD, "one Host is enough\n");
	return say(reply, STATUS_FORBIDDEN,
		   "this server is not called by that name: see http.hosts\n");
}

/* ---- the loop ---- */

static void
on_settled(void *arg)
{
	struct reporter *reporter = arg;

	http_server_wake(reporter->http);
}

static void
open_all(struct reporter *reporter)
{
	const struct heritage *heritage = reporter->heritage;

	memcpy(reporter->answers, asked, sizeof asked);
	reporter->asker = asker_new(heritage->settings->control_socket, reporter->answers,
				    ASK_COUNT, on_settled, reporter);
	reporter->http = http_server_new(heritage->http_fd, &heritage->region->report,
					 on_request, reporter);
	if (!reporter->asker || !reporter->http)
		_exit(1);
}

static void
turn(struct reporter *reporter)
{
	struct pollfd fds[2] = { { .fd = http_server_fd(reporter->http),
				   .events = POLLIN } };
	int wait_ms = TURN_MS;

	fds[1].fd = asker_fd(reporter->asker, &fds[1].events);
	if (fds[1].fd >= 0)
		wait_ms = TURN_ASKING_MS;
	poll(fds, 2, http_server_wait_ms(reporter->http, wait_ms));
	atomic_store(&report_of(reporter)->heartbeat_ns, clock_now_ns());
	http_server_turn(reporter->http);
	asker_turn(reporter->asker);
}

_Noreturn void
reporter_run(const struct heritage *heritage)
{
	static struct reporter reporter;

	heritage_enter(heritage, "reporter");
	clearenv();
	signal(SIGPIPE, SIG_IGN);
	sched_setscheduler(0, SCHED_BATCH, &(const struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, 0, REPORTER_NICE);
	reporter.heritage = heritage;
	open_all(&reporter);
	for (;;)
		turn(&reporter);
}
