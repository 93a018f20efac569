/* ICMP, as far as we may. */
#include "master/echo_sockets.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "shm/log.h"

/* Raw sockets get all that comes: let the kernel drop what is no echo. */
static void
set_filter(int fd, int family)
{
	enum { RAW_ICMP_FILTER = 1 }; /* ICMP_FILTER, of linux/icmp.h */
	const uint32_t v4 = ~(UINT32_C(1) << ICMP_ECHOREPLY);
	struct icmp6_filter v6;

	if (family == AF_INET) {
		setsockopt(fd, SOL_RAW, RAW_ICMP_FILTER, &v4, sizeof v4);
		return;
	}
	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof v6);
}

static int
open_socket(int family, int protocol)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(family, SOCK_DGRAM | flags, protocol);

	if (fd >= 0)
		return fd;
	fd = socket(family, SOCK_RAW | flags, protocol);
	if (fd >= 0)
		set_filter(fd, family);
	return fd;
}

void
echo_sockets_open(const struct settings *settings, int fds[2])
{
	bool is_wanted =
		settings->health.enable && settings->health.role == HEALTH_ROLE_PROBE;

	fds[0] = open_socket(AF_INET, IPPROTO_ICMP);
	fds[1] = open_socket(AF_INET6, IPPROTO_ICMPV6);
	if (is_wanted && fds[0] < 0 && fds[1] < 0)
		log_info("no sockets for ICMP: health checks by icmp stay unknown; start "
			 "as root, or allow our group in net.ipv4.ping_group_range");
}
