/* martletd: parse, check, bind, drop, fork, loop. */
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/loader.h"
#include "master/alloc.h"
#include "master/ctl_commands.h"
#include "master/daemon.h"
#include "master/echo_sockets.h"
#include "master/http_listen.h"
#include "master/log_pipe.h"
#include "master/log_sinks.h"
#include "master/notify.h"
#include "master/server.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_limit.h"
#include "master/settings/settings_load.h"
#include "master/settings/settings_redis.h"
#include "master/signals.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/process_seat.h"
#include "shm/query_record.h"
#include "shm/steered_request.h"
#include "shm/title.h"
#include "shm/wake.h"

#define DEFAULT_CONFIG "/etc/martlet/martlet.conf"

enum { EXIT_USAGE = 2, MODE_STATE = 0750, MODE_RUN = 0755 };

struct options {
	const char *config;
	bool is_foreground, is_check;
};

static struct server server;

static void
print_help(FILE *out)
{
	fputs("usage: martletd [-c FILE] [-f | -t]\n\n"
	      "  -c FILE  the configuration, " DEFAULT_CONFIG "\n"
	      "  -f       stay in the foreground\n"
	      "  -t       check the configuration and all zone files; exit 1 for errors\n"
	      "  -V, -h   version, this help\n",
	      out);
}

static void
parse_options(int argc, char **argv, struct options *out)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:ftVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->config = optarg;
			break;
		case 'f':
			out->is_foreground = true;
			break;
		case 't':
			out->is_check = true;
			break;
		case 'V':
			puts("martletd " MARTLET_VERSION);
			exit(0);
		case 'h':
			print_help(stdout);
			exit(0);
		default:
			print_help(stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		print_help(stderr);
		exit(EXIT_USAGE);
	}
}

static void
on_finding(void *arg, bool is_error, const char *text)
{
	(void)arg;
	if (is_error)
		log_errorx("%s", text);
	else
		log_warnx("%s", text);
}

static struct settings *
load_settings(const char *path)
{
	const struct settings_sink sink = { on_finding, NULL };
	struct settings *settings;

	if (settings_load(path, &settings, &sink) != 0 ||
	    settings_redis_read_password(settings, &sink) != 0 ||
	    settings_limit_read_secrets(settings, &sink) != 0)
		exit(1);
	log_set_level(settings->log.level);
	if (!settings->zones.dir[0] && settings->zones.file_count == 0 &&
	    !settings->redis.enable)
		log_warnx("%s: no zones are configured, all queries will be refused: set "
			  "zones.dir, zones.files or redis.enable",
			  settings->config_path);
	return settings;
}

/* Of a word in place of a path there is nothing to check. */
static void
warn_files(const struct settings *settings)
{
	if (settings->log.target[0] == '/')
		privilege_warn_file(settings, "log.target", settings->log.target);
	if (settings->query_log.enable && settings->query_log.target[0] == '/')
		privilege_warn_file(settings, "query_log.target",
				    settings->query_log.target);
}

static _Noreturn void
check_only(const char *path)
{
	struct settings *settings = load_settings(path);
	unsigned error_count = loader_check_zones(settings);

	privilege_warn(settings);
	warn_files(settings);
	settings_free(settings);
	exit(error_count ? 1 : 0);
}

/* Every start-up step logs why it failed. */
static void
or_exit(int result)
{
	if (result == 0)
		return;
	ctl_server_close(&server.ctl);
	log_sinks_flush(1000);
	exit(1);
}

static void
make_parent(const char *option, const char *path)
{
	char *copy = alloc_text(path);

	or_exit(privilege_make_dir(&server.privilege, option, dirname(copy), MODE_RUN));
	free(copy);
}

static void
make_dirs(const struct settings *settings)
{
	or_exit(privilege_make_dir(&server.privilege, "state_dir", settings->state_dir,
				   MODE_STATE));
	make_parent("control_socket", settings->control_socket);
	if (settings->pid_file[0])
		make_parent("pid_file", settings->pid_file);
}

static int
take_lock(const char *option, const char *path, const char *what, struct lock_file *out)
{
	pid_t holder;
	int result = lock_file_take(path, out, &holder);

	if (result == ERR_BUSY)
		log_errorx(
			"%s: another server (pid %d) uses %s: stop it, or set another %s",
			option, (int)holder, what, option);
	else if (result)
		log_error("%s: cannot write %s: user %s must be able to write in its "
			  "directory",
			  option, path, server.privilege.name);
	return result;
}

static void
lock_state(const struct settings *settings)
{
	char *path = alloc_printf("%s/lock", settings->state_dir);
	int result;

	privilege_assume(&server.privilege);
	result = privilege_check_dir(&server.privilege, "state_dir", settings->state_dir,
				     R_OK | W_OK | X_OK);
	if (!result)
		result = take_lock("state_dir", path, settings->state_dir,
				   &server.state_lock);
	privilege_resume(&server.privilege);
	free(path);
	or_exit(result);
}

/* One descriptor per socket; the default of 1024 is soon used up. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void
open_http(const struct settings *settings)
{
	char why[512];
	int result;

	server.heritage.http_fd = -1;
	result = http_listen_open(NULL, settings, &server.heritage.http_fd, why,
				  sizeof why);
	if (result)
		log_errorx("%s", why);
	or_exit(result);
}

/* All that needs the rights we were started with. */
static void
bind_and_drop(const struct settings *settings)
{
	or_exit(privilege_find(settings, &server.privilege));
	make_dirs(settings);
	lock_state(settings);
	raise_file_limit();
	or_exit(listen_open(settings, &server.listen));
	or_exit(ctl_server_open(&server.ctl, settings->control_socket,
				&server.privilege));
	echo_sockets_open(settings, server.heritage.icmp_fds);
	open_http(settings);
	or_exit(privilege_drop(&server.privilege));
	umask(027);
}

static void
tell_rcvbuf(const struct settings *settings)
{
	if (server.listen.rcvbuf_kb < settings->dns.rcvbuf_kb)
		log_info("UDP receive buffers hold %u KiB instead of dns.rcvbuf_kb = %u: "
			 "`sysctl -w net.core.rmem_max=%u` allows it",
			 server.listen.rcvbuf_kb, settings->dns.rcvbuf_kb,
			 settings->dns.rcvbuf_kb * 1024);
}

/* As the user that we are now. */
static void
open_files(const struct settings *settings)
{
	or_exit(log_sinks_open(settings->log.target, server.is_daemon));
	if (settings->zones.dir[0])
		or_exit(privilege_check_dir(&server.privilege, "zones.dir",
					    settings->zones.dir, R_OK | X_OK));
	if (settings->pid_file[0])
		or_exit(take_lock("pid_file", settings->pid_file, settings->pid_file,
				  &server.pid_file));
	tell_rcvbuf(settings);
}

static void
on_sync_started(void *arg, int link_fd)
{
	(void)arg;
	sync_link_open(&server.sync_link, link_fd);
	server.is_sync_stale = false;
}

static void
on_sync_ended(void *arg)
{
	(void)arg;
	sync_link_close(&server.sync_link);
	ctl_commands_sync_ended(&server);
}

static void
on_reader_ended(void *arg, pid_t pid)
{
	(void)arg;
	sync_link_sweep(&server.sync_link, pid);
}

static void
on_clerk_ended(void *arg, pid_t pid, bool is_crash)
{
	(void)arg;
	ctl_commands_clerk_ended(&server, pid, is_crash);
}

/* Always, so that a reload may begin to log; they are not touched before. */
static uint8_t *
map_rings(unsigned worker_count, size_t ring_len)
{
	void *rings = mmap(NULL, worker_count * ring_len, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return rings == MAP_FAILED ? NULL : rings;
}

static void
fork_all(struct settings *settings)
{
	server.region = region_create(settings->workers.count);
	server.board = board_create();
	server.profile = profile_area_create(settings->workers.count);
	server.heritage.query_rings = map_rings(settings->workers.count, QUERY_RING_LEN);
	server.heritage.steered_rings =
		map_rings(settings->workers.count, STEERED_RING_LEN);
	server.heritage.steered_cache =
		steered_cache_create((uint64_t)settings->dnssec.steered_cache_mb << 20);
	if (!server.region || !server.board || !server.profile ||
	    !server.heritage.query_rings || !server.heritage.steered_rings ||
	    !server.heritage.steered_cache) {
		log_errorx("not enough memory for the shared region");
		or_exit(ERR_NOMEM);
	}
	process_seat_open(server.profile);
	process_seat_take("master");
	region_set_live(server.region, settings);
	settings_limit_publish(settings, &server.region->limits);
	server.heritage = (struct heritage){
		.settings = settings,
		.region = server.region,
		.board = server.board,
		.profile = server.profile,
		.query_rings = server.heritage.query_rings,
		.steered_rings = server.heritage.steered_rings,
		.steered_cache = server.heritage.steered_cache,
		.master_pid = getpid(),
		.icmp_fds = { server.heritage.icmp_fds[0], server.heritage.icmp_fds[1] },
		.http_fd = server.heritage.http_fd,
		.signer_fds = { -1, -1 },
		.log_fd = log_pipe_open(),
		.sockets = server.listen.pairs,
	};
	or_exit(server.heritage.log_fd < 0 ? server.heritage.log_fd : 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		       server.heritage.signer_fds) != 0) {
		log_error("no sockets for the signer");
		or_exit(ERR_IO);
	}
	server.heritage.wish_fd = wake_open();
	server.heritage.news_fd = wake_open();
	if (server.heritage.wish_fd < 0 || server.heritage.news_fd < 0) {
		log_error("nothing to wake the resolver by");
		or_exit(ERR_IO);
	}
	qps_init(&server.qps, settings->workers.count);
	recent_init(&server.recent, settings->workers.count);
	server.sync_link.fd = -1;
	server.processes.heritage = &server.heritage;
	server.processes.listen = &server.listen;
	server.processes.worker_count = settings->workers.count;
	server.processes.events = (struct process_events){
		.sync_started = on_sync_started,
		.sync_ended = on_sync_ended,
		.reader_ended = on_reader_ended,
		.clerk_ended = on_clerk_ended,
	};
	server.ctl.request = ctl_commands_request;
	server.ctl.end_clerk = ctl_commands_end_clerk;
	server.ctl.arg = &server;
	ctl_server_start(&server.ctl);
	process_start_all(&server.processes);
}

int
main(int argc, char **argv)
{
	struct options options = { .config = DEFAULT_CONFIG };

	title_init(argc, argv);
	daemon_hold_streams();
	parse_options(argc, argv, &options);
	log_sinks_init();
	if (options.is_check)
		check_only(options.config);
	server.settings = load_settings(options.config);
	server.is_daemon = !options.is_foreground;
	if (server.is_daemon)
		daemon_start();
	notify_open();
	bind_and_drop(server.settings);
	open_files(server.settings);
	or_exit(signals_open());
	log_set_process("master");
	fork_all(server.settings);
	return server_run(&server);
}
