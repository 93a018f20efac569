/* A sync process without a master, for tests: a state_dir and a directory of zones of its
 * own, the request socket, and eyes for what is served. */
#ifndef T_UNIT_SYNC_BED_H
#define T_UNIT_SYNC_BED_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/sign/signer.h"
#include "loader/store/generations.h"
#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "shm/clock.h"
#include "shm/ctl_proto.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/generation.h"
#include "shm/heritage.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { BED_REPLY_MAX = 1 << 20, BED_WAIT_MS = 30000 };

struct bed {
	char *dir;
	char state_dir[128], zones_dir[128], log_path[128];
	struct settings settings;
	struct heritage heritage;
	struct region *region;
	pid_t sync, signer;
	int request_fd;
	const char *first_request;	/* waits for a sync that is forked; NULL for none */
	int first_fd;
	char reply[BED_REPLY_MAX];	/* of the last request */
};

__attribute__((format(printf, 1, 2))) static inline void
bed_shell(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	if (system(command) != 0)
		bail_out("failed: %s", command);
}

static inline void
bed_init(struct bed *bed)
{
	static char no_path[] = "";

	memset(bed, 0, sizeof *bed);
	bed->dir = scratch_dir_make();
	if (strlen(bed->dir) > sizeof bed->zones_dir - sizeof "/zones")
		bail_out("TMPDIR is too long: %s", bed->dir);
	snprintf(bed->state_dir, sizeof bed->state_dir, "%s/state", bed->dir);
	snprintf(bed->zones_dir, sizeof bed->zones_dir, "%s/zones", bed->dir);
	snprintf(bed->log_path, sizeof bed->log_path, "%s/log", bed->dir);
	bed_shell("mkdir %s %s", bed->state_dir, bed->zones_dir);
	bed->settings.state_dir = bed->state_dir;
	bed->settings.geoip.country_db = bed->settings.geoip.asn_db = no_path;
	bed->settings.dnssec.redis.address = bed->settings.dnssec.key_dir = no_path;
	bed->settings.dnssec.max_rate = 1000;
	bed->settings.zones.dir = bed->zones_dir;
	bed->settings.log.level = LOG_LEVEL_INFO;
	bed->settings.generations.keep = 3;
	bed->settings.generations.stall_s = 60;
	bed->sync = -1;
	/* without it sync finds, whenever it has time, that keys cannot be rolled, and says so
	 * where the last error stands */
	bed->heritage.signer_fds[0] = signer_fork(&bed->settings, &bed->signer);
	bed->heritage.signer_fds[1] = -1;
	if (bed->heritage.signer_fds[0] < 0)
		bail_out("no signer");
}

/* A zone file: SOA with this serial, NS, and `more` lines. */
static inline void
bed_write_zone(const struct bed *bed, const char *origin, unsigned serial, const char *more)
{
	char path[256], fresh[300];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s.zone", bed->zones_dir, origin);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	file = fopen(fresh, "w");
	if (!file)
		bail_out("cannot write %s", fresh);
	fprintf(file,
		"$TTL 300\n@ SOA ns.invalid. host.invalid. %u 7200 3600 86400 300\n"
		"@ NS ns.invalid.\n%s",
		serial, more);
	fclose(file);
	if (rename(fresh, path) != 0)
		bail_out("cannot write %s", path);
}

static inline void
bed_remove_zone(const struct bed *bed, const char *origin)
{
	bed_shell("rm %s/%s.zone", bed->zones_dir, origin);
}

static inline void
bed_send(struct bed *bed, const char *args, size_t len, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = { 0 };
	char message[CTL_REQUEST_MAX];
	struct iovec piece = { .iov_base = message, .iov_len = len };
	struct msghdr head = { .msg_iov = &piece, .msg_iovlen = 1 };

	memcpy(message, args, len);
	if (fd >= 0) {
		struct cmsghdr *part;

		head.msg_control = control;
		head.msg_controllen = sizeof control;
		part = CMSG_FIRSTHDR(&head);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(part), &fd, sizeof fd);
	}
	if (sendmsg(bed->request_fd, &head, 0) != (ssize_t)len)
		bail_out("the request cannot be sent");
}

static inline void
bed_fork_sync(struct bed *bed)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		bail_out("no socket");
	bed->request_fd = fds[0];
	if (bed->first_request)
		bed_send(bed, bed->first_request, strlen(bed->first_request) + 1,
			 bed->first_fd);
	bed->heritage.settings = &bed->settings;
	bed->heritage.region = bed->region;
	bed->heritage.master_pid = getpid();
	bed->heritage.wish_fd = bed->heritage.news_fd = -1;
	bed->sync = fork();
	if (bed->sync < 0)
		bail_out("cannot fork");
	if (bed->sync == 0) {
		close(fds[0]);
		sync_run(&bed->heritage, fds[1]);
	}
	close(fds[1]);
}

/* returns false when it has not come to rest in time. */
static inline bool
bed_wait_idle(const struct bed *bed)
{
	uint64_t until_ms = clock_now_ms() + BED_WAIT_MS;

	while (clock_now_ms() < until_ms) {
		if (atomic_load(&bed->region->swap.sync_state) == SYNC_IDLE)
			return true;
		usleep(1000);
	}
	return false;
}

/* Start it, on a fresh region as after a start of the server, and wait until it rests. */
static inline void
bed_start(struct bed *bed)
{
	bed->region = region_create(2);
	if (!bed->region)
		bail_out("no memory");
	bed->heritage.log_fd =
		open(bed->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bed_fork_sync(bed);
	if (!bed_wait_idle(bed))
		bail_out("sync does not come to rest");
}

/* End it by `number` and reap it. */
static inline void
bed_kill(struct bed *bed, int number)
{
	int status;

	kill(bed->sync, number);
	waitpid(bed->sync, &status, 0);
	close(bed->request_fd);
	bed->sync = -1;
}

static inline void
bed_stop(struct bed *bed)
{
	bed_kill(bed, SIGTERM);
	close(bed->heritage.log_fd);
}

static inline void
bed_fini(struct bed *bed)
{
	close(bed->heritage.signer_fds[0]);
	waitpid(bed->signer, NULL, 0);
	scratch_dir_free(bed->dir);
}

static inline bool
bed_read(int fd, void *data, size_t len)
{
	return len == 0 || recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* Read a reply to its end: the object into bed->reply.  returns the exit code, -1 for a
 * reply that is none. */
static inline int
bed_read_reply(struct bed *bed, int fd)
{
	char piece[CTL_DATA_MAX];
	struct ctl_head head;
	size_t len = 0;

	while (bed_read(fd, &head, sizeof head)) {
		uint32_t piece_len = ntohl(head.len_be);

		if (ntohs(head.magic_be) != CTL_MAGIC || head.version != CTL_VERSION ||
		    piece_len > sizeof piece || !bed_read(fd, piece, piece_len))
			return -1;
		if (head.kind == CTL_DATA && len + piece_len < sizeof bed->reply) {
			memcpy(bed->reply + len, piece, piece_len);
			len += piece_len;
		}
		bed->reply[len] = '\0';
		if (head.kind == CTL_END)
			return ntohs(head.status_be);
	}
	return -1;
}

/* Make a request: words separated by single spaces.  returns where its reply comes. */
static inline int
bed_begin(struct bed *bed, const char *words)
{
	size_t len = strlen(words) + 1;
	char args[CTL_REQUEST_MAX];
	int fds[2];

	memcpy(args, words, len);
	for (size_t i = 0; i < len; i++)
		if (args[i] == ' ')
			args[i] = '\0';
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		bail_out("no socket");
	bed_send(bed, args, len, fds[1]);
	close(fds[1]);
	return fds[0];
}

/* returns the exit code. */
static inline int
bed_end(struct bed *bed, int fd)
{
	int status = bed_read_reply(bed, fd);

	close(fd);
	/* what follows the reply: old generations are removed */
	if (status >= 0 && !bed_wait_idle(bed))
		bail_out("sync does not come to rest");
	return status;
}

static inline int
bed_ask(struct bed *bed, const char *words)
{
	return bed_end(bed, bed_begin(bed, words));
}

/* The same of a clerk. */
static inline int
bed_ask_clerk(struct bed *bed, const char *words)
{
	char text[1024], *args[CTL_ARGS_MAX], *rest;
	int fds[2], status, arg_count = 0;
	pid_t clerk;

	snprintf(text, sizeof text, "%s", words);
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		args[arg_count++] = word;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		bail_out("no socket");
	clerk = fork();
	if (clerk < 0)
		bail_out("cannot fork");
	if (clerk == 0) {
		close(fds[0]);
		clerk_run(&bed->heritage, fds[1], arg_count, args);
	}
	close(fds[1]);
	status = bed_read_reply(bed, fds[0]);
	close(fds[0]);
	waitpid(clerk, NULL, 0);
	return status;
}

/* A child of sync of this name.  returns 0 for none. */
static inline pid_t
bed_look_for_job(const struct bed *bed, const char *name)
{
	char path[96], line[4096] = "", found[32], *at = line, *end;
	FILE *file;
	long pid;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)bed->sync,
		 (int)bed->sync);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof line, file))
		line[0] = '\0';
	if (file)
		fclose(file);
	for (; (pid = strtol(at, &end, 10)) > 0; at = end) {
		snprintf(path, sizeof path, "/proc/%ld/comm", pid);
		file = fopen(path, "r");
		if (!file || !fgets(found, sizeof found, file))
			found[0] = '\0';
		if (file)
			fclose(file);
		found[strcspn(found, "\n")] = '\0';
		if (strcmp(found, name) == 0)
			return (pid_t)pid;
	}
	return 0;
}

/* Has sync done what was asked for?  Before that there may be words on how far it is. */
static inline bool
bed_is_over(const struct bed *bed, int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, 0) != 0 &&
	       atomic_load(&bed->region->swap.sync_state) == SYNC_IDLE;
}

/* The same, waited for until sync is done: then 0, it was too short. */
static inline pid_t
bed_find_job(const struct bed *bed, const char *name, int fd)
{
	uint64_t until_ms = clock_now_ms() + BED_WAIT_MS;
	pid_t job;

	while (!(job = bed_look_for_job(bed, name)) && !bed_is_over(bed, fd)) {
		if (clock_now_ms() > until_ms)
			bail_out("no %s is started", name);
		usleep(50);
	}
	return job;
}

static inline bool
bed_reply_has(const struct bed *bed, const char *text)
{
	if (strstr(bed->reply, text))
		return true;
	diag("the reply is %s", bed->reply);
	return false;
}

static inline bool
bed_log_has(const struct bed *bed, const char *text)
{
	static char log[1 << 20];
	FILE *file = fopen(bed->log_path, "r");
	size_t len = file ? fread(log, 1, sizeof log - 1, file) : 0;

	if (file)
		fclose(file);
	log[len] = '\0';
	return strstr(log, text) != NULL;
}

static inline uint64_t
bed_served(const struct bed *bed)
{
	return atomic_load(&bed->region->swap.published_id);
}

static inline uint64_t
bed_current(const struct bed *bed)
{
	uint64_t id = 0;

	return state_read_current(bed->state_dir, &id) == 0 ? id : 0;
}

/* The serial of a zone in generation `id`: 0 when there is none, -1 for SERVFAIL. */
static inline long long
bed_serial_in(const struct bed *bed, uint64_t id, const char *origin)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	size_t len = dname_from_text(origin, name);
	struct generation gen;
	struct zone_facts facts;
	struct node apex;
	char dir[PATH_MAX];
	long long serial = 0;

	if (!state_path_generation(bed->state_dir, id, dir) ||
	    generation_open(dir, GENERATION_LAZY, &gen) != 0)
		return -2;
	if (generation_find(&gen, CATALOGUE_ID, name, len, &apex) == 0 &&
	    node_zone_facts(&apex, &facts))
		serial = facts.flags & ZONE_BROKEN ? -1 : (long long)facts.serial;
	generation_close(&gen);
	return serial;
}

static inline long long
bed_serial(const struct bed *bed, const char *origin)
{
	return bed_serial_in(bed, bed_served(bed), origin);
}

static inline bool
bed_is_whole(const struct bed *bed, uint64_t id)
{
	struct generation gen;
	char dir[PATH_MAX], reason[256] = "";
	int result;

	if (!state_path_generation(bed->state_dir, id, dir) ||
	    generation_open(dir, GENERATION_LAZY, &gen) != 0)
		return false;
	result = generation_verify(&gen, reason);
	generation_close(&gen);
	if (result)
		diag("generation %" PRIu64 ": %s", id, reason);
	return result == 0;
}

/* Change one octet of a file of a generation, `at` from its end when negative. */
static inline void
bed_damage(const struct bed *bed, uint64_t id, const char *file, long at)
{
	char path[PATH_MAX], dir[PATH_MAX];
	uint8_t octet;
	int fd;

	if (!state_path_generation(bed->state_dir, id, dir) ||
	    snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
		bail_out("path");
	chmod(path, 0640);
	fd = open(path, O_RDWR);
	if (fd < 0 || lseek(fd, at, at < 0 ? SEEK_END : SEEK_SET) < 0 ||
	    read(fd, &octet, 1) != 1)
		bail_out("cannot damage %s", path);
	octet ^= 0x40;
	if (lseek(fd, -1, SEEK_CUR) < 0 || write(fd, &octet, 1) != 1)
		bail_out("cannot damage %s", path);
	close(fd);
	chmod(path, 0440);
}

#endif
