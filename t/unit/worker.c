/* Worker processes on real sockets: starting, switching, neighbours, death and the end.
 * The core and the store are our own: a response tells who answered it and from what. */
#include "worker/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/profile_area.h"
#include "shm/steered_cache.h"
#include "shm/steered_request.h"
#include "t/tap.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { WORKERS = 3, PATIENCE_MS = 10000, MESSAGE_LEN = 40 };

static struct region *region;
static struct settings settings;
static struct listen_address address;
static struct listen_pair sockets[WORKERS];
static struct heritage heritage;
static struct sockaddr_in places[WORKERS]; /* one port for each worker */

/* Behind the header of a response. */
struct reply {
	int32_t pid;
	uint32_t udp_size;
	uint64_t generation;
};

int
zone_store_open(const char *state_dir, uint64_t id, struct zone_store **out)
{
	if (strcmp(state_dir, "/state") != 0)
		return ERR_NOTFOUND;
	*out = calloc(1, sizeof **out);
	if (!*out)
		return ERR_NOMEM;
	(*out)->gen.manifest.id = id;
	return ERR_OK;
}

void
zone_store_close(struct zone_store *store)
{
	free(store);
}

void
answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
	     const struct answer_options *options, struct stats_block *stats)
{
	struct reply reply = {
		.pid = getpid(),
		.udp_size = options->udp_size,
		.generation = store->gen.manifest.id,
	};

	(void)stats;
	for (unsigned i = 0; i < count; i++) {
		memcpy(queries[i].packet + QUERY_HEADER_LEN, &reply, sizeof reply);
		queries[i].response_len = MESSAGE_LEN;
	}
}

static bool
comes(bool (*is_true)(uint64_t), uint64_t with)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (!is_true(with)) {
		if (clock_now_ms() > end_ms)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

static bool
is_serving(uint64_t id)
{
	return atomic_load(&region->slots[id].state) == WORKER_SERVING;
}

static bool
zero_serves(uint64_t generation)
{
	return atomic_load(&region->slots[0].serving_id) == generation;
}

static pid_t
start(unsigned id)
{
	pid_t pid;

	atomic_store(&region->slots[id].state, WORKER_STARTING);
	pid = fork();
	if (pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (pid == 0)
		worker_run(&heritage, id);
	atomic_store(&region->slots[id].pid, pid);
	return pid;
}

/* returns the wait status, -1 when it does not end. */
static int
end_of(pid_t pid)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_now_ms() > end_ms) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		poll(NULL, 0, 1);
	}
	return status;
}

static int
client(int type, unsigned worker)
{
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&places[worker], sizeof places[0]) != 0)
		bail_out("connect: %s", strerror(errno));
	return fd;
}

static void
ask(int fd, unsigned id)
{
	uint8_t query[MESSAGE_LEN] = { (uint8_t)(id >> 8), (uint8_t)id };

	if (send(fd, query, sizeof query, MSG_NOSIGNAL) != sizeof query)
		bail_out("send: %s", strerror(errno));
}

static void
ask_tcp(int fd)
{
	uint8_t frame[2 + MESSAGE_LEN] = { 0, MESSAGE_LEN };

	if (send(fd, frame, sizeof frame, MSG_NOSIGNAL) != sizeof frame)
		bail_out("send: %s", strerror(errno));
}

/* Wait for a response (behind `prefix` octets).  returns false when none comes. */
static bool
get(int fd, size_t prefix, int patience_ms, struct reply *out)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	uint8_t message[2 + MESSAGE_LEN];
	size_t want = prefix + MESSAGE_LEN;

	if (poll(&ready, 1, patience_ms) != 1 ||
	    recv(fd, message, want, 0) != (ssize_t)want)
		return false;
	memcpy(out, message + prefix + QUERY_HEADER_LEN, sizeof *out);
	return true;
}

static void
publish(uint64_t id)
{
	atomic_store(&region->swap.announced_id, id);
	atomic_fetch_add(&region->swap.announce_seq, 1);
	atomic_store(&region->swap.published_id, id);
}

static void
make_sockets(void)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		socklen_t len = sizeof places[i];
		int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		places[i].sin_family = AF_INET;
		places[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		/* a TCP port that is free for UDP too, sooner or later */
		for (unsigned tries = 0;; tries++) {
			places[i].sin_port = 0;
			if (bind(tcp, (struct sockaddr *)&places[i], len) != 0 ||
			    getsockname(tcp, (struct sockaddr *)&places[i], &len) != 0)
				bail_out("bind: %s", strerror(errno));
			if (bind(udp, (struct sockaddr *)&places[i], len) == 0)
				break;
			if (tries == 100)
				bail_out("no port is free for UDP and TCP");
			close(tcp);
			tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		}
		if (listen(tcp, 100) != 0)
			bail_out("listen: %s", strerror(errno));
		sockets[i] = (struct listen_pair){ .udp_fd = udp, .tcp_fd = tcp };
	}
}

static void
make_heritage(void)
{
	char dir[] = "/state", none[] = "";

	settings.state_dir = strdup(dir);
	settings.dns.identity = settings.dns.version = settings.dnssec.key_dir =
		strdup(none);
	settings.dns.udp_size = 1232;
	settings.tcp.clients = settings.tcp.per_client = 100;
	settings.tcp.idle_ms = 10000;
	settings.log.level = LOG_LEVEL_WARNING;
	settings.listen_count = 1;
	settings.listen = &address;
	memcpy(&address.address, &places[0], sizeof places[0]);
	region = region_create(WORKERS);
	if (!region)
		bail_out("no region");
	region_set_live(region, &settings);
	heritage = (struct heritage){
		.settings = &settings,
		.region = region,
		.profile = profile_area_create(WORKERS),
		.master_pid = getpid(),
		.log_fd = STDERR_FILENO,
		.sockets = sockets,
		.steered_cache = steered_cache_create(1 << 20),
		.steered_rings = calloc(WORKERS, STEERED_RING_LEN),
	};
	if (!heritage.profile || !heritage.steered_cache || !heritage.steered_rings)
		bail_out("no memory");
}

static void
test_start(pid_t *pid)
{
	int udp = client(SOCK_DGRAM, 0), tcp = client(SOCK_STREAM, 0);
	struct reply reply;

	ask(udp, 1);
	ask_tcp(tcp);
	*pid = start(0);
	ok(!get(udp, 0, 50, &reply),
	   "nothing is answered before a generation is published");
	is_int(atomic_load(&region->slots[0].state), WORKER_STARTING,
	       "the worker is starting");
	publish(1);
	ok(comes(is_serving, 0), "then it serves");
	ok(get(udp, 0, PATIENCE_MS, &reply), "a query that waited is answered");
	is_int(reply.generation, 1, "from this generation");
	is_int(reply.udp_size, 1232, "with the configured options");
	ok(get(tcp, 2, PATIENCE_MS, &reply), "one over TCP too");
	is_int(reply.pid, *pid, "by the worker");
	close(udp);
	close(tcp);
}

static void
test_changes(void)
{
	int udp = client(SOCK_DGRAM, 0);
	struct reply reply = { 0 };
	uint64_t before = atomic_load(&region->slots[0].heartbeat_ns);
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	publish(2);
	ok(comes(zero_serves, 2), "an idle worker switches to what is published");
	settings.dns.udp_size = 1400;
	region_set_live(region, &settings);
	ask(udp, 1);
	ok(get(udp, 0, PATIENCE_MS, &reply), "a query after a change of options");
	is_int(reply.udp_size, 1400, "is answered with the new ones");
	is_int(reply.generation, 2, "the new generation answers");
	while (atomic_load(&region->slots[0].heartbeat_ns) - before < 1000000000u &&
	       clock_now_ms() < end_ms)
		poll(NULL, 0, 10);
	ok(atomic_load(&region->slots[0].heartbeat_ns) - before >= 1000000000u,
	   "the heart beats without queries");
	close(udp);
}

/* One query over UDP and one over TCP to worker `whose`'s sockets. */
static bool
both_come_from(unsigned whose, pid_t pid)
{
	int udp = client(SOCK_DGRAM, whose), tcp = client(SOCK_STREAM, whose);
	struct reply first = { 0 }, second = { 0 };

	ask(udp, 1);
	ask_tcp(tcp);
	get(udp, 0, 300, &first);
	get(tcp, 2, 300, &second);
	close(udp);
	close(tcp);
	return first.pid == pid && second.pid == pid;
}

/* Tried again and again, since an idle worker looks around only now and then. */
static bool
is_answered_by(unsigned whose, pid_t pid)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (!both_come_from(whose, pid))
		if (clock_now_ms() > end_ms)
			return false;
	return true;
}

static void
test_neighbours(pid_t zero)
{
	int udp = client(SOCK_DGRAM, 2);
	struct reply reply;
	pid_t two;

	atomic_store(&region->slots[2].state, WORKER_BACKOFF);
	ok(is_answered_by(2, zero), "worker 0 serves worker 2 while it backs off");
	atomic_store(&region->slots[1].state, WORKER_BACKOFF);
	ok(is_answered_by(1, zero), "and worker 1, whose next one backs off too");
	two = start(2);
	ok(comes(is_serving, 2), "worker 2 is back");
	ok(is_answered_by(1, two), "worker 2 serves worker 1");
	ok(is_answered_by(2, two), "and itself");
	atomic_store(&region->slots[1].state, WORKER_STARTING);
	poll(NULL, 0, 700); /* longer than a turn of an idle worker */
	close(udp);
	udp = client(SOCK_DGRAM, 1);
	ask(udp, 1);
	ok(!get(udp, 0, 50, &reply), "a starting worker is served by nobody else");
	kill(two, SIGTERM);
	is_int(end_of(two), 0, "worker 2 ends on SIGTERM with exit code 0");
	atomic_store(&region->slots[2].state, WORKER_STOPPING);
	close(udp);
}

static void
test_kill(pid_t *pid)
{
	int udp = client(SOCK_DGRAM, 0), tcp[5];
	struct reply reply;
	unsigned good = 0;

	kill(*pid, SIGKILL);
	is_int(end_of(*pid), SIGKILL, "worker 0 is killed");
	for (unsigned i = 0; i < 38; i++)
		ask(udp, i);
	for (unsigned i = 0; i < 5; i++) {
		tcp[i] = client(SOCK_STREAM, 0);
		ask_tcp(tcp[i]);
	}
	*pid = start(0);
	for (unsigned i = 0; i < 38; i++)
		good += get(udp, 0, PATIENCE_MS, &reply) && reply.pid == *pid;
	is_int(good, 38, "38 datagrams that waited are answered by the next worker");
	good = 0;
	for (unsigned i = 0; i < 5; i++) {
		good += get(tcp[i], 2, PATIENCE_MS, &reply) && reply.pid == *pid;
		close(tcp[i]);
	}
	is_int(good, 5, "and 5 connections in the accept queue");
	close(udp);
}

static void
test_term(pid_t pid)
{
	int quiet = client(SOCK_STREAM, 0), half = client(SOCK_STREAM, 0);
	int udp = client(SOCK_DGRAM, 0);
	struct reply reply;
	unsigned good = 0;
	uint64_t start_ms;

	ask_tcp(quiet);
	ask_tcp(half);
	ok(get(quiet, 2, PATIENCE_MS, &reply) && get(half, 2, PATIENCE_MS, &reply),
	   "two connections");
	if (send(half, "\0", 1, 0) != 1)
		bail_out("send");
	kill(pid, SIGSTOP);
	for (unsigned i = 0; i < 100; i++)
		ask(udp, i);
	start_ms = clock_now_ms();
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	for (unsigned i = 0; i < 100; i++)
		good += get(udp, 0, PATIENCE_MS, &reply);
	is_int(good, 100, "what waits at SIGTERM is answered");
	ok(!get(quiet, 2, PATIENCE_MS, &reply), "a quiet connection is closed");
	ok(clock_now_ms() - start_ms < 4000, "soon");
	is_int(atomic_load(&region->slots[0].state), WORKER_STOPPING,
	       "the worker is stopping");
	ask(udp, 7);
	ok(get(udp, 0, PATIENCE_MS, &reply), "queries are answered while it drains");
	kill(pid, SIGTERM);
	is_int(end_of(pid), 0, "a second SIGTERM ends it at once");
	ok(clock_now_ms() - start_ms < 4500, "with half a query left");
	close(quiet);
	close(half);
	close(udp);
}

static void
test_term_early(void)
{
	pid_t pid;

	atomic_store(&region->swap.published_id, 0);
	pid = start(0);
	poll(NULL, 0, 20);
	kill(pid, SIGTERM);
	is_int(end_of(pid) & ~SIGTERM, 0, "a worker that has nothing to serve ends too");
}

int
main(void)
{
	pid_t zero;

	make_sockets();
	make_heritage();
	test_start(&zero);
	test_changes();
	test_neighbours(zero);
	test_kill(&zero);
	test_term(zero);
	test_term_early();
	return done_testing();
}
