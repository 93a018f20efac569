/* A follower at a real Redis server, with a store of its own, driven by the test. */
#ifndef T_FOLLOW_BED_H
#define T_FOLLOW_BED_H

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "loader/store/builder.h"
#include "loader/redis/follow.h"
#include "loader/redis/follow_state.h"
#include "loader/store/live.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/region.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_seal.h"

/* To be set before bed_open. */
static enum redis_schema bed_schema = REDIS_SCHEMA_REDINS;

struct bed {
	char *scratch;
	char socket[200];
	pid_t server;
	struct redis_link *writer;
	struct arena *arena;
	struct settings settings;
	struct region *region;
	struct live *live;
	struct follow *follow;
};

/* Send a command, in hiredis's format; its reply. */
static inline const struct redis_reply *
bed_ask(struct bed *bed, const char *command)
{
	struct redis_text words[64];
	static char pool[1 << 16];
	const struct redis_reply *reply;
	size_t count = 0;

	/* words are separated by spaces; '...' holds a word together */
	snprintf(pool, sizeof pool, "%s", command);
	for (char *at = pool; *at && count < 64;) {
		char *end = *at == '\'' ? strchr(++at, '\'') : at + strcspn(at, " ");

		words[count++] = (struct redis_text){ at, (size_t)(end - at) };
		at = *end ? end + 1 : end;
		*end = '\0';
		at += *at == ' ';
	}
	if (redis_link_send_words(bed->writer, count, words) != 0 ||
	    !(reply = redis_link_receive(bed->writer, bed->arena)))
		bail_out("%s: %s", command, redis_link_reason(bed->writer));
	return reply;
}

__attribute__((format(printf, 2, 3))) static inline void
bed_do(struct bed *bed, const char *format, ...)
{
	char command[8192], reason[REDIS_REASON_MAX];
	const struct redis_reply *reply;
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	reply = bed_ask(bed, command);
	if (redis_reply_kind(reply) == REDIS_ERROR) {
		redis_link_explain(reply, command, reason);
		bail_out("%s", reason);
	}
}

static inline void
bed_connect(struct bed *bed)
{
	uint64_t until_ms = clock_now_ms() + 60000;

	for (;;) {
		int rc = redis_link_dial(bed->writer, bed->socket);

		while (rc == ERR_BUSY || (rc == 0 && !redis_link_is_open(bed->writer))) {
			struct pollfd fd = { .fd = redis_link_fd(bed->writer),
					     .events = redis_link_events(bed->writer) };

			(void)poll(&fd, 1, 10);
			rc = redis_link_step(bed->writer);
		}
		if (rc == 0)
			return;
		if (clock_now_ms() > until_ms)
			bail_out("no Redis: %s", redis_link_reason(bed->writer));
		(void)poll(NULL, 0, 10);
	}
}

static inline void
bed_start_server(struct bed *bed)
{
	fflush(stdout); /* else the child's freopen writes what waits a second time */
	bed->server = fork();
	if (bed->server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
		       bed->socket, "--dir", bed->scratch, "--save", "", "--appendonly", "no",
		       "--notify-keyspace-events", "KA", (char *)NULL);
		_exit(127);
	}
	bed_connect(bed);
}

static inline void
bed_kill_server(struct bed *bed)
{
	int status;

	kill(bed->server, SIGKILL);
	waitpid(bed->server, &status, 0);
	redis_link_drop(bed->writer);
}

static inline void
bed_new_store(struct bed *bed, const char *name)
{
	const char *dir = scratch_path(bed->scratch, name);

	zone_seal(dir, NULL, 0);
	if (live_open(dir, 1000, &bed->live) != 0)
		bail_out("no live store");
}

static inline void
bed_open(struct bed *bed)
{
	static char none[] = "", stream[] = "martlet:changes";

	memset(bed, 0, sizeof *bed);
	if (access("/usr/bin/redis-server", X_OK) != 0)
		skip_all("not installed: redis-server");
	bed->scratch = scratch_dir_make();
	snprintf(bed->socket, sizeof bed->socket, "%s/redis.sock", bed->scratch);
	bed->writer = redis_link_new(2000);
	bed->arena = arena_new();
	bed->region = region_create(1);
	bed->settings.redis.enable = true;
	bed->settings.redis.schema = bed_schema;
	bed->settings.redis.address = bed->socket;
	bed->settings.redis.username = none;
	bed->settings.redis.password = none;
	bed->settings.redis.prefix = none;
	bed->settings.redis.suffix = none;
	bed->settings.redis.sentinel.master = none;
	bed->settings.redis.stream = stream;
	bed->settings.redis.report.address = none;
	bed->settings.redis.report.key = none;
	bed->settings.redis.notifications = true;
	bed->settings.redis.reconcile_s = 600;
	bed->settings.redis.max_ttl = 3600;
	bed->settings.redis.shrink_guard = 0.2;
	bed->settings.redis.shrink_min = 1000;
	bed->settings.redis.timeout_ms = 2000;
	bed_start_server(bed);
	bed_new_store(bed, "store");
	bed->follow = follow_new(&bed->settings, bed->region, -1);
	if (!bed->follow)
		bail_out("no follower");
	follow_set_store(bed->follow, bed->live, NULL);
}

static inline void
bed_close(struct bed *bed)
{
	follow_free(bed->follow);
	live_close(bed->live);
	bed_kill_server(bed);
	redis_link_free(bed->writer);
	arena_free(bed->arena);
	scratch_dir_free(bed->scratch);
}

/* One turn of the loop. */
static inline void
bed_turn(struct bed *bed, int wait_ms)
{
	struct pollfd fds[FOLLOW_FDS_MAX];
	int timeout_ms = wait_ms;
	unsigned count = follow_poll_fds(bed->follow, fds, &timeout_ms);

	(void)poll(fds, count, timeout_ms);
	follow_step(bed->follow, fds, count);
}

/* Turn until `holds`; at most for a minute, as this machine may have others to serve. */
static inline bool
bed_until(struct bed *bed, bool (*holds)(struct bed *bed, const char *what), const char *what)
{
	uint64_t until_ms = clock_now_ms() + 60000;

	while (!holds(bed, what)) {
		if (clock_now_ms() > until_ms)
			return false;
		bed_turn(bed, 20);
	}
	return true;
}

/* What is served of "NAME ZONE": the number of its records, -1: no such name, -2: no zone. */
static inline int
bed_served(struct bed *bed, const char *name, const char *zone)
{
	uint8_t origin[DNAME_MAX + NAME_PAD] = { 0 }, owner[DNAME_MAX + NAME_PAD] = { 0 };
	size_t origin_len = dname_from_text(zone, origin);
	size_t owner_len = dname_from_text(name, owner);
	struct zone_facts facts;
	struct block block;
	struct rrset rrset;
	struct node node;
	uint32_t at = 0;
	int count = 0;

	if (live_zone(bed->live, origin, origin_len, &node) != 0 ||
	    !node_zone_facts(&node, &facts))
		return -2;
	if (owner_len != origin_len &&
	    live_find(bed->live, facts.zone_id, owner, owner_len, &node) != 0)
		return -1;
	while (node_next_block(&node, &at, &block))
		if (block.head.kind == BLOCK_RRSET && rrset_open(&block, &rrset))
			count += rrset.head.rr_count;
	return count;
}

/* Values of labels: one address, two, and a name server. */
#define A1 "'{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"}]}}'"
#define A2                                                                            \
	"'{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2." \
	"2\"}]}}'"
#define NS "'{\"ns\":{\"ttl\":300,\"records\":[{\"host\":\"ns.example.net.\"}]}}'"

/* "NAME ZONE COUNT" */
static inline bool
bed_serves(struct bed *bed, const char *what)
{
	char name[300], zone[300];
	int count;

	if (sscanf(what, "%299s %299s %d", name, zone, &count) != 3)
		bail_out("%s", what);
	return bed_served(bed, name, zone) == count;
}

static inline bool
bed_wants_load(struct bed *bed, const char *what)
{
	(void)what;
	return follow_wants_load(bed->follow);
}

static inline bool
bed_is_following(struct bed *bed, const char *what)
{
	(void)what;
	return atomic_load(&bed->region->source.state) == SOURCE_FOLLOWING;
}

static inline void
bed_write_zone(struct bed *bed, const char *zone)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "SADD redins:zones %s", zone);
	bed_do(bed, "SET redins:zones:%s:config '{\"soa\":{\"ttl\":300}}'", zone);
	bed_do(bed, "HSET redins:zones:%s @ " NS, zone);
	bed_do(bed, "HSET redins:zones:%s www " A1, zone);
	bed_do(bed, "HSET redins:zones:%s mail " A1, zone);
	bed_do(bed, "EXEC");
}

static inline void
bed_start(struct bed *bed)
{
	char reason[FOLLOW_REASON_MAX] = "";

	bed_open(bed);
	ok(bed_until(bed, bed_wants_load, NULL), "a first load is wanted");
	if (!is_int(follow_finish_load(bed->follow, bed->live, reason), 0, "and done"))
		diag("%s", reason);
	ok(bed_is_following(bed, NULL), "Redis is followed");
}

#endif
