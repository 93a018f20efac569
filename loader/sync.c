/* The sync process: one request at a time, until it is told to end. */
#include "loader/sync_state.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/accept.h"
#include "loader/attend.h"
#include "loader/choice.h"
#include "loader/choice_sign.h"
#include "loader/clock_watch.h"
#include "loader/compaction.h"
#include "loader/fallback.h"
#include "loader/geo_files.h"
#include "loader/leading.h"
#include "loader/loader.h"
#include "loader/newest.h"
#include "loader/newest_changes.h"
#include "loader/redis/follow.h"
#include "loader/reload.h"
#include "loader/resolving.h"
#include "loader/retention.h"
#include "loader/rolling.h"
#include "loader/settle.h"
#include "loader/store/generations.h"
#include "loader/store/overlay_dirs.h"
#include "loader/store/state_files.h"
#include "loader/watching.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	SYNC_STALL_MS = 1000, /* what a peer may keep all others waiting */
	SYNC_WAIT_MS = 3000,
	SYNC_RETRY_MS = 10000, /* while nothing is served */
};

static const struct {
	const char *name;
	sync_command_fn *run;
} commands[] = {
	{ "reload", reload_command },    { "swap", choice_swap },
	{ "rollback", choice_rollback }, { "resume", choice_resume },
	{ "accept", accept_command },    { "keys", rolling_command },
};

/* Bring what is served up to date with the zone files. */
static void
catch_up(struct sync *sync, uint64_t base_id)
{
	struct reload_result result;
	char reason[SYNC_REASON_MAX];

	if (reload_from_files(sync, base_id, NULL, &result, reason) != 0) {
		sync_note_error(sync, "%s", reason);
		return;
	}
	reload_result_log(&result);
	reload_result_fini(&result);
	retention_apply(sync);
}

/* Does a whole reload wait already, as when sync was started anew for one? */
static bool
is_reload_waiting(const struct sync *sync)
{
	char message[sizeof "reload" + 1];

	return recv(sync->request_fd, message, sizeof message, MSG_PEEK | MSG_DONTWAIT) ==
		       (ssize_t)sizeof "reload" &&
	       memcmp(message, "reload", sizeof "reload") == 0;
}

static void
start(struct sync *sync)
{
	uint64_t chosen, begun_ms = clock_now_ms();
	bool is_chosen, is_whole;

	if (generations_prepare(sync->state_dir) != 0) {
		region_set_error(sync->region, "state_dir cannot be used: see the log");
		return;
	}
	overlay_dirs_settle(sync->state_dir);
	is_chosen = state_read_chosen(sync->state_dir, &chosen) != ERR_NOTFOUND;
	if (is_chosen)
		newest_hold(sync, "`rollback` or `swap` holds the sources off until "
				  "`martletctl resume`");
	atomic_store(&sync->region->swap.chosen, is_chosen);
	if (!fallback_serve_first(sync)) {
		if (is_chosen)
			sync_note_error(sync,
					"no generation can be served, although one was "
					"chosen: the sources are read until "
					"`martletctl resume`");
		if (sync_has_files(sync))
			catch_up(sync, 0);
		return;
	}
	log_info("generation %" PRIu64 " is served, %" PRIu64 " ms after the start",
		 atomic_load(&sync->region->swap.published_id),
		 clock_now_ms() - begun_ms);
	is_whole = settle_served(sync);
	if (!is_whole && !is_chosen && sync->follow)
		newest_give_up(sync);
	else if (!is_chosen && !is_reload_waiting(sync))
		catch_up(sync,
			 is_whole ? atomic_load(&sync->region->swap.published_id) : 0);
}

/* Cut a message into its NUL-terminated arguments.  returns their number, 0 for a
 * message that is none. */
static int
split_args(char *message, size_t len, char *args[CTL_ARGS_MAX])
{
	int count = 0;

	if (len == 0 || message[len - 1] != '\0')
		return 0;
	for (char *at = message; at < message + len; at += strlen(at) + 1) {
		if (count == CTL_ARGS_MAX)
			return 0;
		args[count++] = at;
	}
	return count;
}

static unsigned
run_command(struct sync *sync, int arg_count, char **args)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, args[0]) == 0)
			return commands[i].run(sync, arg_count, args);
	return sync_refuse(sync, "unknown command '%s'", args[0]);
}

/* `fd` is the peer's connection or -1; closed here. */
static void
serve_request(struct sync *sync, int fd, char *message, size_t len)
{
	char *args[CTL_ARGS_MAX];
	int arg_count = split_args(message, len, args);
	unsigned status;

	if (arg_count == 0 || strcmp(args[0], "sweep") == 0) {
		if (arg_count > 0)
			attend_sweep(sync);
		if (fd >= 0)
			close(fd);
		return;
	}
	reply_open(&sync->reply, fd, SYNC_STALL_MS, SYNC_WAIT_MS);
	status = run_command(sync, arg_count, args);
	reply_close(&sync->reply, status);
	retention_apply(sync);
}

/* The descriptor that came along, -1 for none; more than one is none of ours. */
static int
take_descriptor(struct msghdr *head)
{
	int fd = -1;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(head); part;
	     part = CMSG_NXTHDR(head, part))
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
		    part->cmsg_len == CMSG_LEN(sizeof fd))
			memcpy(&fd, CMSG_DATA(part), sizeof fd);
	return fd;
}

static void
receive_request(struct sync *sync)
{
	static char message[CTL_REQUEST_MAX];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec piece = { .iov_base = message, .iov_len = sizeof message };
	struct msghdr head = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	ssize_t len;

	sync->has_request = false;
	len = recvmsg(sync->request_fd, &head, MSG_CMSG_CLOEXEC);

	if (len < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (len <= 0)
		_exit(len < 0 ? 1 : 0); /* the master has gone */
	serve_request(sync, take_descriptor(&head), message, (size_t)len);
}

/* A step of a rollover is signed, and then looked at: neither waits for the next turn. */
static int
wait_ms(const struct sync *sync)
{
	return reload_renewal_is_due(sync) || rolling_is_due(sync)
		       ? 0
		       : resolving_wait_ms(sync);
}

static _Noreturn void
run_loop(struct sync *sync)
{
	uint64_t retry_ms = clock_now_ms() + SYNC_RETRY_MS;

	for (;;) {
		bool is_asked;

		if (!settle_served(sync))
			log_errorx("what was just built is damaged: check the machine's "
				   "memory and disk");
		atomic_store(&sync->region->swap.sync_state,
			     sync_is_serving(sync) || sync_has_files(sync)
				     ? SYNC_IDLE
				     : SYNC_WAITING);
		watching_keep(sync);
		resolving_step(sync);
		is_asked = attend_wait(sync, sync->request_fd, wait_ms(sync));
		clock_watch_look(sync);
		if (!is_asked)
			geo_files_look(sync, false);
		if (!is_asked && compaction_is_due(sync))
			compaction_run(sync);
		atomic_store(&sync->region->swap.sync_state, SYNC_BUILDING);
		if (is_asked)
			receive_request(sync);
		else if (reload_renewal_is_due(sync))
			reload_renew(sync);
		else if (choice_sign_is_due(sync))
			choice_renew(sync);
		else if (reload_wants_redis(sync))
			reload_from_redis(sync);
		else if (reload_wants_aside(sync))
			reload_sign_aside(sync);
		else if (rolling_is_due(sync))
			rolling_look(sync);
		if (sync_is_serving(sync) || clock_now_ms() < retry_ms)
			continue;
		start(sync);
		retry_ms = clock_now_ms() + SYNC_RETRY_MS;
	}
}

_Noreturn void
sync_run(const struct heritage *heritage, int request_fd)
{
	static struct sync sync;

	heritage_enter(heritage, "sync");
	/* keys of Redis pass through it on their way to the signer */
	prctl(PR_SET_DUMPABLE, 0);
	sync.settings = heritage->settings;
	sync.state_dir = heritage->settings->state_dir;
	sync.region = heritage->region;
	sync.request_fd = request_fd;
	sync.log_fd = heritage->log_fd;
	sync.signer_fd = heritage->signer_fds[0];
	sync.news_fd = heritage->news_fd;
	sync.leading = leading_new(heritage);
	if (!sync.leading) {
		log_errorx("cannot start: %s", errcode_text(ERR_NOMEM));
		_exit(1);
	}
	reply_open(&sync.reply, -1, 0, 0);
	if (sync.settings->redis.enable) {
		sync.follow = follow_new(sync.settings, sync.region, sync.signer_fd);
		if (!sync.follow)
			sync_note_error(&sync, "Redis cannot be followed: %s",
					errcode_text(ERR_NOMEM));
		atomic_store(&sync.region->source.is_with_files, sync_has_files(&sync));
	} else {
		region_source_set_off(&sync.region->source);
	}
	atomic_store(&sync.region->swap.sync_state, SYNC_STARTING);
	atomic_store(&sync.region->swap.job_pid, 0); /* it died with the sync before */
	geo_files_start(&sync);
	watching_start(&sync);
	clock_watch_start(&sync);
	start(&sync);
	run_loop(&sync);
}
