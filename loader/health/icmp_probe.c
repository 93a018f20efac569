/* Echoes: one socket for each family, all probes share it; what comes back is known by its
 * sequence number, its sender, and octets that nobody else knows. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/health/probe.h"
#include "loader/health/probe_address.h"
#include "shm/errcode.h"
#include "shm/network.h"

enum {
	FAMILIES = 2,
	SEQUENCES = 65536,
	SECRET_LEN = 16,
	HEAD_LEN = 8, /* type, code, checksum, identifier, sequence */
	ECHO_LEN = HEAD_LEN + SECRET_LEN,
	PACKET_MAX = 512,
};

struct icmp_prober {
	struct probe_bed *bed;
	struct icmp_family {
		struct icmp_prober *prober;
		int fd;
		bool is_raw;
		struct event_watch *watch;
		uint16_t next;
		struct icmp_probe *waiting[SEQUENCES];
	} families[FAMILIES]; /* IPv4, IPv6 */
};

struct icmp_probe {
	struct icmp_family *family;
	struct probe *probe;
	struct event_timer *timer;
	uint16_t sequence;
	uint8_t secret[SECRET_LEN];
};

static void
give_up(struct icmp_probe *echo)
{
	echo->family->waiting[echo->sequence] = NULL;
	event_timer_free(echo->timer);
	echo->probe->way = NULL;
	free(echo);
}

static void
end(struct icmp_probe *echo, enum probe_outcome outcome, const char *why)
{
	struct probe_bed *bed = echo->family->prober->bed;
	struct probe *probe = echo->probe;

	give_up(echo);
	bed->end(probe, outcome, why);
}

static void
on_late(void *context)
{
	end(context, PROBE_DOWN, "no echo in time");
}

/* ---- what comes back ---- */

/* Raw IPv4 sockets give the IP header too. */
static const uint8_t *
skip_ip(const struct icmp_family *family, bool is_v4, const uint8_t *packet, size_t *len)
{
	size_t head_len;

	if (!family->is_raw || !is_v4)
		return packet;
	if (*len < sizeof(struct iphdr))
		return NULL;
	head_len = (packet[0] & 0x0fu) * 4u;
	if (head_len > *len)
		return NULL;
	*len -= head_len;
	return packet + head_len;
}

static void
take_packet(struct icmp_family *family, const uint8_t *packet, size_t len,
	    const struct sockaddr *from)
{
	bool is_v4 = from->sa_family == AF_INET;
	const uint8_t *icmp = skip_ip(family, is_v4, packet, &len);
	struct icmp_probe *echo;
	uint8_t address[16];

	if (!icmp || len < ECHO_LEN ||
	    icmp[0] != (is_v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || icmp[1] != 0)
		return;
	echo = family->waiting[icmp[6] << 8 | icmp[7]];
	network_octets(from, address);
	if (echo && memcmp(address, echo->probe->target->address, 16) == 0 &&
	    memcmp(icmp + HEAD_LEN, echo->secret, SECRET_LEN) == 0)
		end(echo, PROBE_UP, "");
}

static void
on_packets(void *context, unsigned events)
{
	enum { TURN = 64 };
	struct icmp_family *family = context;

	(void)events;
	for (unsigned i = 0; i < TURN; i++) {
		uint8_t packet[PACKET_MAX];
		struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
		socklen_t from_len = sizeof from;
		ssize_t len = recvfrom(family->fd, packet, sizeof packet, MSG_DONTWAIT,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			break;
		take_packet(family, packet, (size_t)len, (struct sockaddr *)&from);
	}
}

/* ---- what is sent ---- */

static uint16_t
checksum(const uint8_t *octets, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(octets[i] << 8 | octets[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int
send_echo(const struct icmp_probe *echo)
{
	bool is_v4 = probe_address_is_v4(echo->probe->target->address);
	uint8_t packet[ECHO_LEN] = { is_v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };
	uint16_t id = (uint16_t)getpid(), sum;
	struct sockaddr_storage address;
	socklen_t len = probe_address(echo->probe->target->address, 0, &address);

	packet[4] = (uint8_t)(id >> 8);
	packet[5] = (uint8_t)id;
	packet[6] = (uint8_t)(echo->sequence >> 8);
	packet[7] = (uint8_t)echo->sequence;
	memcpy(packet + HEAD_LEN, echo->secret, SECRET_LEN);
	if (is_v4) { /* of ICMPv6 the kernel does it */
		sum = checksum(packet, sizeof packet);
		packet[2] = (uint8_t)(sum >> 8);
		packet[3] = (uint8_t)sum;
	}
	if (sendto(echo->family->fd, packet, sizeof packet, MSG_DONTWAIT,
		   (const struct sockaddr *)&address, len) == (ssize_t)sizeof packet)
		return 0;
	return errno ? errno : EIO;
}

/* A number that nobody waits for; false when all are taken. */
static bool
take_sequence(struct icmp_family *family, struct icmp_probe *echo)
{
	for (unsigned i = 0; i < SEQUENCES; i++) {
		uint16_t sequence = family->next++;

		if (!family->waiting[sequence]) {
			echo->sequence = sequence;
			family->waiting[sequence] = echo;
			return true;
		}
	}
	return false;
}

int
icmp_probe_start(struct icmp_prober *prober, struct probe *probe, const char **why)
{
	bool is_v4 = probe_address_is_v4(probe->target->address);
	struct icmp_family *family = &prober->families[is_v4 ? 0 : 1];
	struct icmp_probe *echo;
	int error;

	*why = "there is no socket for ICMP: start as root, or allow our group in "
	       "net.ipv4.ping_group_range";
	if (family->fd < 0)
		return ERR_RIGHTS;
	*why = "not enough memory";
	echo = calloc(1, sizeof *echo);
	if (!echo || !take_sequence(family, echo)) {
		free(echo);
		return ERR_NOMEM;
	}
	echo->family = family;
	echo->probe = probe;
	probe->way = echo;
	echo->timer = event_timer_new(prober->bed->loop, on_late, echo);
	error = getentropy(echo->secret, sizeof echo->secret) != 0 ? errno
								   : send_echo(echo);
	if (!echo->timer || error) {
		*why = error ? strerror(error) : *why;
		give_up(echo);
		return error ? errcode_from_errno(error) : ERR_NOMEM;
	}
	event_timer_set(echo->timer, probe->target->check.timeout_ms);
	return ERR_OK;
}

void
icmp_probe_cancel(struct icmp_prober *prober, struct probe *probe)
{
	(void)prober;
	if (probe->way)
		give_up(probe->way);
}

/* ---- opening ---- */

static void
open_family(struct icmp_prober *prober, unsigned at, int fd)
{
	struct icmp_family *family = &prober->families[at];
	socklen_t len = sizeof(int);
	int type = SOCK_DGRAM;

	if (fd < 0)
		fd = socket(at == 0 ? AF_INET : AF_INET6,
			    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    at == 0 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	family->prober = prober;
	family->fd = fd;
	if (fd < 0)
		return;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	family->is_raw = type == SOCK_RAW;
	family->watch =
		event_watch_new(prober->bed->loop, fd, EVENT_READ, on_packets, family);
	if (!family->watch)
		family->fd = -1;
}

struct icmp_prober *
icmp_prober_new(struct probe_bed *bed, const int fds[2])
{
	struct icmp_prober *prober = calloc(1, sizeof *prober);

	if (!prober)
		return NULL;
	prober->bed = bed;
	for (unsigned i = 0; i < FAMILIES; i++)
		open_family(prober, i, fds[i]);
	return prober;
}
