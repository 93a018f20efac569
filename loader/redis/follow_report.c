/* redis.report: what is wrong with values, told to a Redis that the writers can see.
 *
 * A child of its own reads the store and writes the list, so that neither keeps live
 * changes waiting.  The list is a hash, from what is wrong to why, that expires: a server
 * that is no more does not complain for ever. */
#include "loader/redis/follow_report.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/store/state_paths.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/rrtype.h"
#include "shm/title.h"

enum {
	EXPIRES_S = 300,
	AGAIN_MS = 100000,
	GIVEN_UP_MS = 30000,
	VALUE_MAX = 200, /* octets, as others will store and show them */
	LIST_MAX = 1000,
	NICE = 10,
};

/* ---- in the child ---- */

struct report {
	const struct settings *settings;
	struct redis_link *link;
	struct arena *arena;
	char key[600];
	size_t count, left_out;
	char zone[DNAME_TEXT_MAX];
	int rc;
	char *reason;
};

/* returns false, with the reason. */
__attribute__((format(printf, 2, 3))) static bool
fail(struct report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->reason, FOLLOW_REASON_MAX, format, args);
	va_end(args);
	return false;
}

static void
put(struct report *report, const char *what, const void *why, size_t len)
{
	if (report->count >= LIST_MAX) {
		report->left_out++;
		return;
	}
	report->count++;
	if (report->rc == ERR_OK)
		report->rc = redis_link_send(report->link, "HSET %s %b %b", report->key,
					     what, strlen(what), why,
					     len < VALUE_MAX ? len : (size_t)VALUE_MAX);
}

static int
visit_name(void *context, const struct node *node)
{
	struct report *report = context;
	char owner[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	char what[DNAME_TEXT_MAX + RRTYPE_TEXT_MAX + 1];
	struct block block;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		bool is_note = block.head.kind == BLOCK_NOTE && block.head.len > 1;

		if (block.head.kind != BLOCK_BAD_RRSET && !is_note)
			continue;
		dname_to_text(node_owner(node), owner);
		rrtype_to_text(block.head.type, type);
		snprintf(what, sizeof what, "%s %s", owner,
			 bad_rrset_is_of_all(&block) ? "*" : type);
		put(report, what, block.payload + is_note, block.head.len - is_note);
	}
	return 0;
}

/* Labels that are no names. */
static void
put_labels(struct report *report, const struct node *apex)
{
	char zone[DNAME_TEXT_MAX], what[DNAME_TEXT_MAX + 24];
	struct rrset_fault fault;
	struct block block;
	unsigned count = 0;
	uint32_t at = 0;

	if (!node_find_block(apex, BLOCK_FAULTS, 0, &block))
		return;
	dname_to_text(node_owner(apex), zone);
	while (rrset_fault_next(&block, &at, &fault)) {
		snprintf(what, sizeof what, "%s label %u", zone, ++count);
		put(report, what, fault.reason, fault.head.reason_len);
	}
}

struct bad_zones {
	struct report *report;
	uint32_t ids[LIST_MAX];
	size_t count;
};

static int
visit_zone(void *context, const struct node *apex)
{
	struct bad_zones *zones = context;
	char name[DNAME_TEXT_MAX];
	struct zone_facts facts;
	struct block block;

	if (!node_zone_facts(apex, &facts))
		return 0;
	if (node_find_block(apex, BLOCK_ERROR, 0, &block)) {
		dname_to_text(node_owner(apex), name);
		put(zones->report, name, block.payload, block.head.len);
	}
	if (facts.fault_count == 0 && !(facts.flags & ZONE_NOTED))
		return 0;
	put_labels(zones->report, apex);
	visit_name(zones->report, apex);
	if (zones->count < LIST_MAX)
		zones->ids[zones->count++] = facts.zone_id;
	return 0;
}

static int
put_all(struct report *report, struct live *live)
{
	struct bad_zones zones = { .report = report };
	int rc = live_walk_zones(live, visit_zone, &zones);

	for (size_t i = 0; rc == ERR_OK && i < zones.count && report->left_out == 0; i++)
		rc = live_walk_zone(live, zones.ids[i], visit_name, report);
	return rc == ERR_OK ? report->rc : rc;
}

static bool
open_link(struct report *report)
{
	struct settings settings = *report->settings;
	char none[] = "", reason[REDIS_REASON_MAX];
	const struct redis_reply *role;

	settings.redis.address = settings.redis.report.address;
	settings.redis.sentinel.master = none;
	settings.redis.sentinel.nodes.count = 0;
	settings.redis.db = 0;
	if (redis_connect_wait(&settings, &report->link, reason) != ERR_OK)
		return fail(report, "%s", reason);
	role = redis_link_ask(report->link, report->arena, "ROLE");
	if (!role)
		return fail(report, "%s", redis_link_reason(report->link));
	if (redis_reply_first(role) && redis_reply_is(redis_reply_first(role), "slave"))
		return fail(report, "%s is a replica: name its primary",
			    settings.redis.address);
	return true;
}

/* All in one MULTI: nobody sees half a list. */
static bool
write_list(struct report *report, struct live *live)
{
	const struct redis_reply *reply = NULL;
	char reason[REDIS_REASON_MAX], more[64];

	report->rc = redis_link_send(report->link, "MULTI");
	if (report->rc == ERR_OK)
		report->rc = redis_link_send(report->link, "DEL %s", report->key);
	if (put_all(report, live) != ERR_OK)
		return fail(report, "the errors cannot be listed");
	if (report->left_out > 0) {
		snprintf(more, sizeof more, "see `martletctl errors`");
		report->count--;
		put(report, "and more", more, strlen(more));
	}
	if (redis_link_send(report->link, "EXPIRE %s %d", report->key, (int)EXPIRES_S) !=
		    ERR_OK ||
	    redis_link_send(report->link, "EXEC") != ERR_OK)
		return fail(report, "%s", redis_link_reason(report->link));
	for (size_t i = 0; i < report->count + 4; i++) {
		reply = redis_link_receive(report->link, report->arena);
		if (!reply)
			return fail(report, "%s", redis_link_reason(report->link));
		if (redis_reply_kind(reply) == REDIS_ERROR) {
			redis_link_explain(reply, "HSET", reason);
			return fail(report, "%s", reason);
		}
	}
	return true;
}

static bool
report_all(const struct settings *settings, char reason[FOLLOW_REASON_MAX])
{
	struct report report = { .settings = settings,
				 .arena = arena_new(),
				 .reason = reason };
	char host[256] = "", path[PATH_MAX];
	struct live *live;

	(void)gethostname(host, sizeof host - 1);
	if (settings->redis.report.key[0] != '\0')
		snprintf(report.key, sizeof report.key, "%s", settings->redis.report.key);
	else
		snprintf(report.key, sizeof report.key, "martlet:errors:%.250s", host);
	if (!report.arena)
		return fail(&report, "not enough memory");
	if (!state_path_print(path, "%s/current", settings->state_dir) ||
	    live_open_snapshot(path, &live) != ERR_OK)
		return fail(&report, "the store cannot be opened");
	return open_link(&report) && write_list(&report, live);
}

static _Noreturn void
run_child(struct follow *f, int out)
{
	char reason[FOLLOW_REASON_MAX] = "";
	bool is_done;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	title_set("reporter");
	setpriority(PRIO_PROCESS, 0, NICE);
	follow_close_fds(f);
	is_done = report_all(f->settings, reason);
	if (!is_done && write(out, reason, strlen(reason)) < 0)
		_exit(2);
	_exit(is_done ? 0 : 1);
}

/* ---- in sync ---- */

static void
start_child(struct follow *f, uint64_t now_ms)
{
	int fds[2];

	f->report_due_ms = now_ms + AGAIN_MS;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	f->report_pid = fork();
	if (f->report_pid == 0)
		run_child(f, fds[1]);
	close(fds[1]);
	f->report_fd = fds[0];
	f->report_since_ms = now_ms;
	if (f->report_pid < 0) {
		f->report_pid = 0;
		close(fds[0]);
	}
}

static void
end_child(struct follow *f, int status)
{
	char reason[FOLLOW_REASON_MAX] = "";
	ssize_t len = read(f->report_fd, reason, sizeof reason - 1);

	close(f->report_fd);
	f->report_pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		region_source_set_text(f->board, SOURCE_TEXT_REPORT, "%s", "");
		return;
	}
	region_source_add(f->board, SOURCE_redis_report_failed, 1);
	region_source_set_text(f->board, SOURCE_TEXT_REPORT,
			       "errors cannot be written to redis.report: %.400s",
			       len > 0 ? reason : "it took too long");
}

void
follow_report_step(struct follow *f)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t errors = region_source_get(f->board, SOURCE_bad_rrsets) +
			  atomic_load(&f->facts->broken_count);
	int status;

	if (f->settings->redis.report.address[0] == '\0')
		return;
	if (f->report_pid > 0) {
		if (now_ms > f->report_since_ms + GIVEN_UP_MS)
			kill(f->report_pid, SIGKILL);
		if (waitpid(f->report_pid, &status, WNOHANG) == f->report_pid)
			end_child(f, status);
		return;
	}
	if (f->is_held_off || (now_ms < f->report_due_ms && errors == f->reported))
		return;
	f->reported = errors;
	start_child(f, now_ms);
}
