/* Opens the listening sockets and looks after them. */
#include "master/listen.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/listen_steer.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LISTEN_BACKLOG = 1024,
	LISTEN_SNDBUF = 1 << 20,
};

static unsigned
port_of(const struct listen_address *address)
{
	const struct sockaddr_storage *any = &address->address;

	if (any->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)any)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)any)->sin_port);
}

/* One line that names the address and the cure. */
static int
explain(const struct listen_address *address, int type, const char *step)
{
	const char *protocol = type == SOCK_DGRAM ? "UDP" : "TCP";
	int saved = errno;

	switch (saved) {
	case EADDRINUSE:
		log_errorx(
			"%s is in use over %s: end the other server (`ss -lnp 'sport = "
			":%u'` names it) or listen elsewhere",
			address->text, protocol, port_of(address));
		break;
	case EACCES:
	case EPERM:
		log_errorx("no right to listen on %s: start as root, or give the service "
			   "AmbientCapabilities=CAP_NET_BIND_SERVICE, or run `setcap "
			   "cap_net_bind_service=+ep` on martletd",
			   address->text);
		break;
	case EADDRNOTAVAIL:
		log_errorx(
			"no interface has the address of %s: add it, or set freebind = "
			"true in its entry of listen",
			address->text);
		break;
	case EAFNOSUPPORT:
		log_errorx("this machine has no IPv6: take %s out of listen",
			   address->text);
		break;
	case EMFILE:
	case ENFILE:
		log_errorx("too many open files for one socket per address and worker: "
			   "raise LimitNOFILE= of the service (or `ulimit -n`)");
		break;
	default:
		log_error("cannot listen on %s over %s: %s", address->text, protocol,
			  step);
	}
	return errcode_from_errno(saved);
}

static bool
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool
is_wildcard(const struct sockaddr_storage *any)
{
	if (any->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(
			&((const struct sockaddr_in6 *)(const void *)any)->sin6_addr);
	return ((const struct sockaddr_in *)(const void *)any)->sin_addr.s_addr ==
	       htonl(INADDR_ANY);
}

static bool
set_common(int fd, const struct listen_address *address)
{
	bool is_v6 = address->address.ss_family == AF_INET6;

	if (is_v6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		return false;
	if (!address->freebind)
		return true;
	return is_v6 ? set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
		     : set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
}

/* Answers over UDP are never larger than udp_size: fragments are left to the routers,
 * and no ICMP message can shrink them (IP_PMTUDISC_OMIT).  On a wildcard address the
 * answer must leave from the address that was asked. */
static bool
set_udp(int fd, const struct listen_address *address)
{
	bool wildcard = is_wildcard(&address->address);

	set_option(fd, SOL_SOCKET, SO_SNDBUF, LISTEN_SNDBUF);
	if (address->address.ss_family == AF_INET6)
		return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
				  IPV6_PMTUDISC_OMIT) &&
		       (!wildcard || set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
	return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT) &&
	       (!wildcard || set_option(fd, IPPROTO_IP, IP_PKTINFO, 1));
}

/* returns the descriptor, or an error code after having said why. */
static int
open_socket(const struct listen_address *address, int type, bool is_shared)
{
	int fd = socket(address->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);
	const char *step = "socket";
	int result;

	if (fd < 0)
		return explain(address, type, step);
	step = "socket options";
	if (set_common(fd, address) &&
	    (!is_shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	    (type == SOCK_DGRAM ? set_udp(fd, address)
				: set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1))) {
		step = "bind";
		if (bind(fd, (const struct sockaddr *)&address->address,
			 address->address_len) == 0) {
			step = "listen";
			if (type == SOCK_DGRAM || !is_shared ||
			    listen(fd, LISTEN_BACKLOG) == 0)
				return fd;
		}
	}
	result = explain(address, type, step);
	close(fd);
	return result;
}

/* With SO_REUSEPORT two servers would share a port in silence: bind once without. */
static int
probe(const struct listen_address *address)
{
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };

	for (size_t i = 0; i < 2; i++) {
		int fd = open_socket(address, types[i], false);

		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

static int
open_pair(const struct listen_address *address, struct listen_pair *pair)
{
	pair->udp_fd = open_socket(address, SOCK_DGRAM, true);
	if (pair->udp_fd < 0)
		return pair->udp_fd;
	pair->tcp_fd = open_socket(address, SOCK_STREAM, true);
	return pair->tcp_fd < 0 ? pair->tcp_fd : 0;
}

static struct listen_pair *
pair_at(const struct listen_set *set, size_t worker, size_t address)
{
	return &set->pairs[worker * set->address_count + address];
}

/* KiB that the kernel grants; it books twice of what is asked for. */
static unsigned
grant_rcvbuf(int fd, unsigned rcvbuf_kb)
{
	int bytes = (int)rcvbuf_kb * 1024;
	socklen_t len = sizeof bytes;

	if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len) != 0)
		return 0;
	return (unsigned)bytes / 2 / 1024;
}

void
listen_set_rcvbuf(struct listen_set *set, unsigned rcvbuf_kb)
{
	set->rcvbuf_kb = rcvbuf_kb;
	for (size_t i = 0; i < set->address_count * set->worker_count; i++) {
		unsigned granted = grant_rcvbuf(set->pairs[i].udp_fd, rcvbuf_kb);

		if (granted < set->rcvbuf_kb)
			set->rcvbuf_kb = granted;
	}
}

static int
open_address(const struct settings *settings, struct listen_set *set, size_t index)
{
	const struct listen_address *address = &settings->listen[index];
	int result = 0;

	for (size_t worker = 0; worker < set->worker_count && !result; worker++)
		result = open_pair(address, pair_at(set, worker, index));
	if (!result && settings->workers.steer == STEER_CPU)
		result = listen_steer_attach(settings, pair_at(set, 0, index),
					     address->text);
	return result;
}

int
listen_open(const struct settings *settings, struct listen_set *out)
{
	size_t pair_count = settings->listen_count * settings->workers.count;
	int result = 0;

	out->address_count = settings->listen_count;
	out->worker_count = settings->workers.count;
	out->pairs = alloc_zero(pair_count, sizeof *out->pairs);
	out->drops = alloc_zero(pair_count, sizeof *out->drops);
	for (size_t i = 0; i < out->address_count && !result; i++)
		result = probe(&settings->listen[i]);
	for (size_t i = 0; i < out->address_count && !result; i++)
		result = open_address(settings, out, i);
	if (!result)
		listen_set_rcvbuf(out, settings->dns.rcvbuf_kb);
	return result;
}

static bool
get_meminfo(int fd, uint32_t out[SK_MEMINFO_VARS])
{
	socklen_t len = SK_MEMINFO_VARS * sizeof *out;

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, out, &len) == 0 &&
	       len > SK_MEMINFO_DROPS * sizeof *out;
}

uint64_t
listen_take_drops(struct listen_set *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->address_count * set->worker_count; i++) {
		uint32_t meminfo[SK_MEMINFO_VARS];

		if (!get_meminfo(set->pairs[i].udp_fd, meminfo))
			continue;
		sum += meminfo[SK_MEMINFO_DROPS] - set->drops[i];
		set->drops[i] = meminfo[SK_MEMINFO_DROPS];
	}
	return sum;
}

/* Connections that wait to be accepted; the kernel tells it in this place. */
static bool
has_connections(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof info;

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_unacked > 0;
}

bool
listen_has_waiting(const struct listen_set *set, unsigned worker)
{
	for (size_t i = 0; i < set->address_count; i++) {
		const struct listen_pair *pair = pair_at(set, worker, i);
		uint32_t meminfo[SK_MEMINFO_VARS];

		if (get_meminfo(pair->udp_fd, meminfo) &&
		    meminfo[SK_MEMINFO_RMEM_ALLOC] > 0)
			return true;
		if (has_connections(pair->tcp_fd))
			return true;
	}
	return false;
}
