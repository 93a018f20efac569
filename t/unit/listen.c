/* Listening sockets: options, ports in use, steering by CPU, drops, what waits. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/listen.h"
#include "master/listen_steer.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "t/tap.h"

static char last_line[1024];

static void
keep_line(enum log_level level, const char *line)
{
	(void)level;
	snprintf(last_line, sizeof last_line, "%s", line);
}

/* What the kernel would do with the few instructions that we use. */
static unsigned
run_program(const struct sock_filter *code, unsigned cpu, unsigned random)
{
	unsigned a = 0;

	for (unsigned at = 0; at < LISTEN_STEER_INSNS_MAX; at++) {
		const struct sock_filter *op = &code[at];

		switch (op->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = op->k == (uint32_t)(SKF_AD_OFF + SKF_AD_CPU) ? cpu : random;
			break;
		case BPF_ALU | BPF_MOD | BPF_K:
			a %= op->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == op->k ? op->jt : op->jf;
			break;
		case BPF_JMP | BPF_JA:
			at += op->k;
			break;
		case BPF_RET | BPF_K:
			return op->k;
		case BPF_RET | BPF_A:
			return a;
		default:
			bail_out("an instruction that the test does not know: %x",
				 op->code);
		}
	}
	bail_out("the program does not end");
}

static void
test_program(void)
{
	static struct sock_filter code[LISTEN_STEER_INSNS_MAX];
	static int cpus[SETTINGS_WORKERS_MAX];
	unsigned wrong = 0;

	listen_steer_program((const int[]){ 4, 2, 7 }, 3, code);
	is_int(run_program(code, 4, 0), 0, "the worker of CPU 4");
	is_int(run_program(code, 2, 0), 1, "of CPU 2");
	is_int(run_program(code, 7, 0), 2, "of CPU 7");
	is_int(run_program(code, 5, 0), 2, "a CPU without worker, modulo");
	listen_steer_program((const int[]){ 0, 1, 0, 1, 0 }, 5, code);
	is_int(run_program(code, 0, 3), 0, "three share CPU 0: first");
	is_int(run_program(code, 0, 1), 2, "second");
	is_int(run_program(code, 0, 2), 4, "third");
	is_int(run_program(code, 1, 7), 3, "two share CPU 1");
	for (int i = 0; i < SETTINGS_WORKERS_MAX; i++)
		cpus[i] = i / 2;
	ok(listen_steer_program(cpus, SETTINGS_WORKERS_MAX, code) <=
		   LISTEN_STEER_INSNS_MAX,
	   "the longest program fits");
	for (unsigned i = 0; i < SETTINGS_WORKERS_MAX; i++)
		wrong += run_program(code, i / 2, i % 2) != i;
	is_int(wrong, 0, "and finds each of %d workers", SETTINGS_WORKERS_MAX);
	for (int i = 0; i < SETTINGS_WORKERS_MAX; i++)
		cpus[i] = 3;
	listen_steer_program(cpus, SETTINGS_WORKERS_MAX, code);
	for (unsigned i = 0; i < SETTINGS_WORKERS_MAX; i++)
		wrong += run_program(code, 3, i) != i;
	is_int(wrong, 0, "also when all share one CPU");
}

static struct settings
settings_for(struct listen_address *address, int family, unsigned workers)
{
	struct settings settings;

	memset(&settings, 0, sizeof settings);
	memset(address, 0, sizeof *address);
	address->address.ss_family = (sa_family_t)family;
	address->address_len = family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);
	settings.listen = address;
	settings.listen_count = 1;
	settings.workers.count = workers;
	settings.dns.rcvbuf_kb = 64;
	return settings;
}

/* Find a port for it; the sockets stay open. */
static struct listen_set
open_somewhere(struct settings *settings)
{
	struct listen_address *address = settings->listen;
	struct listen_set set;

	for (unsigned try = 0; try < 200; try++) {
		in_port_t port =
			htons((in_port_t)(20000 +
					  ((unsigned)getpid() * 7u + try * 13u) % 20000));

		if (address->address.ss_family == AF_INET6)
			((struct sockaddr_in6 *)(void *)&address->address)->sin6_port =
				port;
		else
			((struct sockaddr_in *)(void *)&address->address)->sin_port =
				port;
		snprintf(address->text, sizeof address->text, "test port %u",
			 ntohs(port));
		if (listen_open(settings, &set) == 0)
			return set;
		free(set.pairs);
		free(set.drops);
	}
	bail_out("no port: %s", last_line);
}

static void
close_set(struct listen_set *set)
{
	for (size_t i = 0; i < set->address_count * set->worker_count; i++) {
		close(set->pairs[i].udp_fd);
		close(set->pairs[i].tcp_fd);
	}
	free(set->pairs);
	free(set->drops);
}

/* A failed start leaves what it had: the test goes on. */
static int
open_in_vain(const struct settings *settings)
{
	struct listen_set set;
	int result = listen_open(settings, &set);

	free(set.pairs);
	free(set.drops);
	return result;
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void
test_options(void)
{
	struct listen_address address;
	struct settings settings = settings_for(&address, AF_INET, 2);
	struct listen_set set, other;
	int udp;

	set = open_somewhere(&settings); /* 0.0.0.0 */
	udp = set.pairs[1].udp_fd;
	is_int(option(udp, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT, "no path MTU");
	is_int(option(udp, IPPROTO_IP, IP_PKTINFO), 1, "wildcard: PKTINFO");
	is_int(option(udp, SOL_SOCKET, SO_REUSEPORT), 1, "shared port");
	is_int(option(set.pairs[1].tcp_fd, SOL_SOCKET, SO_ACCEPTCONN), 1, "TCP listens");
	is_int(set.rcvbuf_kb, 64, "the receive buffer is granted");
	listen_set_rcvbuf(&set, 32);
	is_int(option(udp, SOL_SOCKET, SO_RCVBUF), 2 * 32 * 1024, "and can be changed");

	is_int(open_in_vain(&settings), ERR_BUSY, "the port is in use");
	ok(strstr(last_line, address.text) && strstr(last_line, "is in use over UDP"),
	   "one line says so: %s", last_line);
	for (unsigned i = 0; i < 2; i++)
		close(set.pairs[i].udp_fd);
	is_int(open_in_vain(&settings), ERR_BUSY, "in use over TCP only");
	ok(strstr(last_line, "over TCP"), "one line says so: %s", last_line);
	close_set(&set);

	((struct sockaddr_in *)(void *)&address.address)->sin_addr.s_addr =
		htonl(0xc0000201);
	is_int(open_in_vain(&settings), ERR_IO, "an address that is not ours");
	ok(strstr(last_line, "freebind"), "names the cure: %s", last_line);
	address.freebind = true;
	ok(listen_open(&settings, &other) == 0, "with freebind it works");
	is_int(option(other.pairs[0].udp_fd, IPPROTO_IP, IP_PKTINFO), 0, "no PKTINFO");
	close_set(&other);
}

static void
test_v6(void)
{
	struct listen_address address;
	struct settings settings = settings_for(&address, AF_INET6, 1);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 loopback = { .sin6_family = AF_INET6,
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct listen_set set;

	if (fd < 0 || bind(fd, (struct sockaddr *)&loopback, sizeof loopback) != 0) {
		skip(3, "no IPv6 here");
		return;
	}
	close(fd);
	set = open_somewhere(&settings);
	is_int(option(set.pairs[0].udp_fd, IPPROTO_IPV6, IPV6_V6ONLY), 1, "IPv6 only");
	is_int(option(set.pairs[0].udp_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1, "PKTINFO");
	is_int(option(set.pairs[0].udp_fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	       IPV6_PMTUDISC_OMIT, "no path MTU");
	close_set(&set);
}

static void
send_from(const struct listen_address *to, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		char text[1000] = "";

		if (sendto(fd, text, sizeof text, 0,
			   (const struct sockaddr *)&to->address, to->address_len) < 0)
			diag("sendto: %s", strerror(errno));
		close(fd);
	}
}

static unsigned
drain(int fd)
{
	unsigned count = 0;
	char text[2000];

	while (recv(fd, text, sizeof text, MSG_DONTWAIT) >= 0)
		count++;
	return count;
}

static void
test_waiting(void)
{
	struct listen_address address;
	struct settings settings = settings_for(&address, AF_INET, 1);
	struct listen_set set = open_somewhere(&settings);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned got;

	ok(!listen_has_waiting(&set, 0), "nothing waits");
	is_int(listen_take_drops(&set), 0, "nothing was dropped");
	send_from(&address, 1);
	ok(listen_has_waiting(&set, 0), "a datagram waits");
	send_from(&address, 500);
	got = drain(set.pairs[0].udp_fd);
	ok(got > 1 && got < 501, "%u of 501 datagrams fit", got);
	is_int(listen_take_drops(&set), 501 - got, "the others are counted");
	is_int(listen_take_drops(&set), 0, "once");
	ok(!listen_has_waiting(&set, 0), "nothing waits any more");
	if (connect(fd, (struct sockaddr *)&address.address, address.address_len) == 0)
		ok(listen_has_waiting(&set, 0), "a connection waits");
	else
		ok(false, "connect: %s", strerror(errno));
	close(fd);
	close_set(&set);
}

/* On loopback the sending CPU also receives. */
static void
test_steer(void)
{
	struct listen_address address;
	struct settings settings = settings_for(&address, AF_INET, 2);
	struct listen_set set;
	int cpus[2], found = 0;
	cpu_set_t allowed, one;

	sched_getaffinity(0, sizeof allowed, &allowed);
	for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET((size_t)i, &allowed))
			cpus[found++] = i;
	if (found < 2) {
		skip(2, "only one CPU");
		return;
	}
	settings.workers.cpus = (int[]){ cpus[1], cpus[0] };
	settings.workers.cpu_count = 2;
	settings.workers.steer = STEER_CPU;
	set = open_somewhere(&settings);
	for (unsigned worker = 0; worker < 2; worker++) {
		CPU_ZERO(&one);
		CPU_SET((size_t)settings.workers.cpus[worker], &one);
		sched_setaffinity(0, sizeof one, &one);
		send_from(&address, 20);
		is_int(drain(set.pairs[worker].udp_fd), 20,
		       "all from CPU %d reach worker %u", settings.workers.cpus[worker],
		       worker);
		drain(set.pairs[!worker].udp_fd);
	}
	sched_setaffinity(0, sizeof allowed, &allowed);
	close_set(&set);
}

int
main(void)
{
	log_to_sink(keep_line);
	test_program();
	test_options();
	test_v6();
	test_waiting();
	test_steer();
	return done_testing();
}
