/* What is told over HTTP, and to whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/report/host_check.h"
#include "loader/report/live.h"
#include "loader/report/metrics.h"
#include "loader/report/page_files.h"
#include "loader/report/reporter.h"
#include "shm/clock.h"

enum {
	ASK_MS = 3000,
	FLAME_SECONDS_MAX = 60,
	FLAME_MORE_MS = 10000, /* to take it up, and to name what was seen */
	STATUS_OK = 200,
	STATUS_BAD = 400,
	STATUS_FORBIDDEN = 403,
	STATUS_NOT_FOUND = 404,
	STATUS_UNAVAILABLE = 503,
};

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"
#define FLAME_SECONDS "5"

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
	reply->len = live_write(reporter->heritage->region, reporter->live,
				REPORTER_LIVE_ROOM);
	if (reply->len == 0)
		return say(reply, STATUS_UNAVAILABLE, "too much to tell\n");
	reply->type = JSON;
	reply->body = reporter->live;
	return true;
}

static bool
refuse(struct http_reply *reply, unsigned status, const char *json)
{
	say(reply, status, json);
	reply->type = JSON;
	return true;
}

/* Also the object of a command that fails is told: its member "error" says why. */
static bool
tell(struct reporter *reporter, const struct answer *answer, struct http_reply *reply)
{
	if (answer->has_failed) {
		region_report_count(report_of(reporter), REPORT_unanswered);
		return refuse(reply, STATUS_UNAVAILABLE,
			      "{\"error\":\"the master does not answer\"}\n");
	}
	reply->type = JSON;
	reply->age_ms = clock_now_ms() - answer->asked_ms;
	reply->body = answer->text;
	reply->len = answer->len;
	return true;
}

static bool
answer_asked(struct reporter *reporter, const struct route *route,
	     const struct http_request *request, struct http_reply *reply)
{
	struct answer *answer = &reporter->answers[route->asked];

	return asker_has(reporter->asker, answer, request->begun_ms) &&
	       tell(reporter, answer, reply);
}

/* So many seconds of the workers' time, as stacks of names. */
static bool
answer_profile(struct reporter *reporter, const struct route *route,
	       const struct http_request *request, struct http_reply *reply)
{
	const char *text = request->seconds ? request->seconds : FLAME_SECONDS;
	long seconds = strspn(text, "0123456789") == strlen(text) ? atol(text) : 0;
	struct answer *profile = &reporter->profile;
	short events;

	(void)route;
	if (request->is_foreign)
		return refuse(reply, STATUS_FORBIDDEN,
			      "{\"error\":\"not for pages of others\"}\n");
	if (seconds < 1 || seconds > FLAME_SECONDS_MAX)
		return refuse(reply, STATUS_BAD, "{\"error\":\"seconds: 1 to 60\"}\n");
	if (asker_has(reporter->profiler, profile, request->begun_ms))
		return tell(reporter, profile, reply);
	if (asker_fd(reporter->profiler, &events) < 0) {
		snprintf(reporter->seconds, sizeof reporter->seconds, "%ld", seconds);
		profile->timeout_ms = (uint32_t)seconds * 1000 + FLAME_MORE_MS;
	} else if (profile->asked_ms < request->begun_ms) {
		return refuse(reply, STATUS_UNAVAILABLE,
			      "{\"error\":\"a profile is being taken already\"}\n");
	}
	return false;
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
	{ "/top", TO_NEIGHBOURS, answer_asked, ASK_TOP },
	{ "/changes", TO_NEIGHBOURS, answer_asked, ASK_CHANGES },
	{ "/generations", TO_NEIGHBOURS, answer_asked, ASK_GENERATIONS },
	{ "/limits", TO_DEBUGGERS, answer_asked, ASK_LIMITS },
	{ "/profile", TO_DEBUGGERS, answer_profile, 0 },
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

bool
reporter_answer(void *arg, const struct http_request *request, struct http_reply *reply)
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

static const struct answer asked[ASK_COUNT] = {
	[ASK_STATUS] = { .args = { "status" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
	[ASK_WORKERS] = { .args = { "workers" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
	[ASK_TOP] = { .args = { "top", "--no-clients" },
		      .fresh_ms = 1000,
		      .timeout_ms = ASK_MS },
	[ASK_CHANGES] = { .args = { "changes" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
	/* by a clerk */
	[ASK_GENERATIONS] = { .args = { "generations" },
			      .fresh_ms = 5000,
			      .timeout_ms = ASK_MS },
	[ASK_LIMITS] = { .args = { "limits" }, .fresh_ms = 1000, .timeout_ms = ASK_MS },
};

void
reporter_answer_init(struct reporter *reporter)
{
	memcpy(reporter->answers, asked, sizeof asked);
	if (check_audience(reporter->heritage->settings, TO_DEBUGGERS) == NULL)
		reporter->answers[ASK_TOP].args[1] = NULL;
	reporter->profile = (struct answer){
		.args = { "profile", "cpu", reporter->seconds, "--folded" },
	};
}
