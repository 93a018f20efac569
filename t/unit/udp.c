/* Receiving, answering and sending batches of datagrams, over loopback, with a core of
 * our own that does what the query's octet 12 says. */
#include "worker/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/clock.h"
#include "t/tap.h"

enum { QUERY_LEN = 20, REPLY = 'r', SILENCE = 's', LONG_REPLY = 'l' };

static struct udp_server server;
static struct zone_store empty; /* nothing is looked up in it */
static struct store_keeper keeper = { .store = &empty };
static struct answer_options options;
static struct stage_clock stage_clock;
static struct serving serving = { .keeper = &keeper,
				  .options = &options,
				  .clock = &stage_clock };
static unsigned largest_batch;
static uint32_t last_received_len, last_flags;

void
answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
	     const struct answer_options *with, struct stats_block *stats)
{
	(void)store;
	(void)with;
	(void)stats;
	if (count > largest_batch)
		largest_batch = count;
	for (unsigned i = 0; i < count; i++) {
		struct query *q = &queries[i];

		last_received_len = q->received_len;
		last_flags = q->flags;
		q->packet[2] |= 0x80;
		q->response_len = q->received_len;
		if (q->received_len < QUERY_LEN || q->packet[12] == SILENCE)
			q->response_len = 0;
		else if (q->packet[12] == LONG_REPLY)
			q->response_len = q->room;
	}
}

/* What the next calls of sendmmsg do in place of sending: an errno, or with 0 send at
 * most `at_most` messages. */
static struct {
	int error;
	unsigned times, at_most;
} obstacle;

int
sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	if (obstacle.times > 0) {
		obstacle.times--;
		if (obstacle.error) {
			errno = obstacle.error;
			return -1;
		}
		count = count < obstacle.at_most ? count : obstacle.at_most;
	}
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

static uint64_t
counted(enum stat_id which)
{
	return atomic_load(&serving.stats->value[which]);
}

static int
bound_socket(struct sockaddr_storage *address, socklen_t *len)
{
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)address, *len) != 0 ||
	    getsockname(fd, (struct sockaddr *)address, len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
bound_to(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(address, &in, sizeof in);
		*len = sizeof in;
	} else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
		memcpy(address, &in6, sizeof in6);
		*len = sizeof in6;
	} else {
		bail_out("%s is no address", text);
	}
	return bound_socket(address, len);
}

static int
connected_to(const struct sockaddr_storage *address, socklen_t len)
{
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, len) != 0)
		bail_out("connect: %s", strerror(errno));
	return fd;
}

static void
ask(int fd, uint16_t id, char what)
{
	uint8_t query[QUERY_LEN] = { (uint8_t)(id >> 8), (uint8_t)id };

	query[12] = (uint8_t)what;
	memset(query + 13, id & 0xff, sizeof query - 13);
	if (send(fd, query, sizeof query, 0) != sizeof query)
		bail_out("send: %s", strerror(errno));
}

/* The next response's length, 0 when none comes; *id is its first two octets. */
static size_t
response(int fd, uint16_t *id)
{
	static uint8_t message[8192];
	ssize_t len = recv(fd, message, sizeof message, MSG_DONTWAIT);

	if (len <= 0)
		return 0;
	*id = (uint16_t)(message[0] << 8 | message[1]);
	if (message[2] != 0x80 || message[13] != (*id & 0xff))
		bail_out("response %u is mangled", *id);
	return (size_t)len;
}

/* Send `count` queries, answer them batch by batch, check what comes back: answers in
 * order to those that `pattern` (repeated) does not silence. */
static bool
round_trip(struct udp_socket *served, int client, unsigned count, const char *pattern)
{
	size_t period = strlen(pattern);
	unsigned done = 0;
	uint16_t id = 0;

	for (unsigned i = 0; i < count; i++)
		ask(client, (uint16_t)i, pattern[i % period]);
	while (done < count) {
		unsigned got = udp_serve(&server, served);

		if (got == 0)
			return false;
		for (unsigned end = done + got; done < end; done++) {
			char what = pattern[done % period];
			size_t want = what == LONG_REPLY ? UDP_MESSAGE_MAX : QUERY_LEN;

			if (what != SILENCE &&
			    (response(client, &id) != want || id != done))
				return false;
		}
	}
	return response(client, &id) == 0;
}

static void
test_batches(const char *text, const char *name)
{
	static const char *patterns[] = { "r", "s", "rs", "sr", "rrsssr", "lsssssr" };
	static const unsigned counts[] = { 1, 2, 63, 64, 65, 200 };
	struct sockaddr_storage address;
	struct udp_socket served;
	socklen_t len;
	int fd = bound_to(text, &address, &len), client;
	unsigned wrong = 0;

	if (fd < 0) {
		skip(1, "no address %s here", text);
		return;
	}
	served = udp_socket_of(fd, &address);
	client = connected_to(&address, len);
	for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++)
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
			if (!round_trip(&served, client, counts[c], patterns[p])) {
				diag("%u queries %s", counts[c], patterns[p]);
				wrong++;
			}
	is_int(wrong, 0, "%s: every response and no other, in order", name);
	close(client);
	close(fd);
}

static void
test_counters(void)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd = bound_to("127.0.0.1", &address, &len);
	struct udp_socket served = udp_socket_of(fd, &address);
	int client = connected_to(&address, len);
	const struct histogram *took = stage_clock.times->took;

	memset(serving.stats, 0, sizeof *serving.stats);
	largest_batch = 0;
	is_int(udp_serve(&server, &served), 0, "nothing there, nothing done");
	ok(round_trip(&served, client, 100, "rrrs"), "100 queries, a quarter unanswered");
	is_int(counted(STAT_udp_queries), 100, "udp_queries");
	is_int(counted(STAT_udp_responses), 75, "udp_responses");
	is_int(counted(STAT_udp_send_failed), 0, "udp_send_failed");
	is_int(counted(STAT_batches), 2, "batches");
	is_int(counted(STAT_ipv6_queries), 0, "ipv6_queries");
	is_int(largest_batch, ANSWER_BATCH, "a full batch was used");
	is_int(histogram_count(&took[STAGE_SERVED]), 100, "each has its latency");
	is_int(histogram_count(&took[STAGE_RECEIVE]), 100, "each was received");
	is_int(histogram_count(&took[STAGE_SEND]), 100, "and went through sending");
	ok(atomic_load(&took[STAGE_SERVED].sum_ns) >=
		   atomic_load(&took[STAGE_SEND].sum_ns),
	   "which is part of it");
	is_int(last_flags, 0, "no flags of IPv6 or TCP");
	close(client);
	close(fd);
}

static void
test_odd_lengths(void)
{
	static uint8_t big[65507]; /* as long as datagrams over IPv4 get */
	struct sockaddr_storage address;
	socklen_t len;
	int fd = bound_to("127.0.0.1", &address, &len);
	struct udp_socket served = udp_socket_of(fd, &address);
	int client = connected_to(&address, len);

	ok(send(client, big, 0, 0) == 0 && udp_serve(&server, &served) == 1,
	   "an empty datagram");
	is_int(last_received_len, 0, "has length 0");
	big[12] = LONG_REPLY;
	ok(send(client, big, sizeof big, 0) > 0 && udp_serve(&server, &served) == 1,
	   "a giant one");
	is_int(last_received_len, sizeof big, "comes whole");
	ok(recv(client, big, sizeof big, 0) == UDP_MESSAGE_MAX, "and is answered");
	ok(round_trip(&served, client, 70, "r"), "the next ones are as ever");
	close(client);
	close(fd);
}

/* A wildcard socket answers from the address that was asked. */
static void
test_wildcard(const char *any, const char *asked, const char *name)
{
	struct sockaddr_storage address, target, from;
	struct udp_socket served;
	socklen_t len, target_len, from_len = sizeof from;
	uint8_t message[64];
	int fd = bound_to(any, &address, &len), client, probe;

	if (fd < 0 || (probe = bound_to(asked, &target, &target_len)) < 0) {
		skip(2, "no address %s here", asked);
		return;
	}
	close(probe);
	client = bound_to(asked, &from, &from_len);
	served = udp_socket_of(fd, &address);
	/* the port lies at the same place in both families */
	((struct sockaddr_in6 *)&target)->sin6_port =
		((struct sockaddr_in6 *)&address)->sin6_port;
	if (sendto(client, "0123456789012rrrrrrr", QUERY_LEN, 0,
		   (struct sockaddr *)&target, target_len) != QUERY_LEN)
		bail_out("send: %s", strerror(errno));
	is_int(udp_serve(&server, &served), 1, "%s: a query to a wildcard socket", name);
	from_len = sizeof from;
	memset(&from, 0, sizeof from);
	ok(recvfrom(client, message, sizeof message, 0, (struct sockaddr *)&from,
		    &from_len) == QUERY_LEN &&
		   memcmp(&from, &target, target_len) == 0,
	   "%s: is answered from the address asked", name);
	close(client);
	close(fd);
}

static uint16_t
sum16(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Send a query with a forged source, which only root can. */
static void
forge(int raw, uint32_t source, uint16_t port, const struct sockaddr_in *to)
{
	uint8_t packet[20 + 8 + QUERY_LEN] = { 0x45, 0,  0, sizeof packet, 0, 0, 0,
					       0,    64, 17 };
	uint16_t len_be = htons(8 + QUERY_LEN), port_be = htons(port), sum_be;

	source = htonl(source);
	memcpy(packet + 12, &source, 4);
	memcpy(packet + 16, &to->sin_addr, 4);
	sum_be = htons(sum16(packet, 20));
	memcpy(packet + 10, &sum_be, 2);
	memcpy(packet + 20, &port_be, 2);
	memcpy(packet + 22, &to->sin_port, 2);
	memcpy(packet + 24, &len_be, 2);
	packet[28 + 12] = REPLY;
	if (sendto(raw, packet, sizeof packet, 0, (const struct sockaddr *)to,
		   sizeof *to) != sizeof packet)
		bail_out("raw send: %s", strerror(errno));
}

static void
test_unsendable(void)
{
	struct sockaddr_storage address;
	struct sockaddr_in to;
	struct udp_socket served;
	socklen_t len;
	uint16_t id;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW),
	    fd = bound_to("127.0.0.1", &address, &len), client;

	if (raw < 0) {
		skip(5, "no right to forge packets");
		return;
	}
	memcpy(&to, &address, sizeof to);
	served = udp_socket_of(fd, &address);
	client = connected_to(&address, len);
	memset(serving.stats, 0, sizeof *serving.stats);
	ask(client, 1, REPLY);
	forge(raw, INADDR_LOOPBACK, 0, &to);
	ask(client, 2, REPLY);
	forge(raw, 0x7fffffff, 5353, &to);
	ask(client, 3, REPLY);
	is_int(udp_serve(&server, &served), 5,
	       "port 0 and a broadcast address among the peers");
	ok(response(client, &id) && id == 1 && response(client, &id) && id == 2 &&
		   response(client, &id) && id == 3,
	   "the others get their responses");
	is_int(counted(STAT_udp_responses), 3, "udp_responses");
	is_int(counted(STAT_udp_send_failed), 1,
	       "udp_send_failed: not tried with port 0");
	ok(round_trip(&served, client, 64, "r"), "the next batch is whole");
	close(raw);
	close(client);
	close(fd);
}

static void
test_obstacles(void)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd = bound_to("127.0.0.1", &address, &len);
	struct udp_socket served = udp_socket_of(fd, &address);
	int client = connected_to(&address, len);
	uint64_t start_ms;
	uint16_t id;

	memset(serving.stats, 0, sizeof *serving.stats);
	obstacle.times = 1;
	obstacle.error = EINTR;
	ok(round_trip(&served, client, 64, "rs"), "sending is interrupted");
	obstacle.times = 1;
	obstacle.error = ENOBUFS;
	ok(round_trip(&served, client, 64, "r"), "no buffer for a moment");
	obstacle.times = 100;
	obstacle.error = 0;
	obstacle.at_most = 7;
	ok(round_trip(&served, client, 64, "r"), "seven are sent at a time");
	is_int(counted(STAT_udp_send_failed), 0, "nothing has failed so far");

	obstacle.times = 1;
	obstacle.error = EPERM;
	for (uint16_t i = 0; i < 3; i++)
		ask(client, i, REPLY);
	is_int(udp_serve(&server, &served), 3, "the first of three is forbidden");
	ok(response(client, &id) && id == 1 && response(client, &id) && id == 2,
	   "the others are sent");
	is_int(counted(STAT_udp_send_failed), 1, "udp_send_failed");

	obstacle.times = 1000;
	obstacle.error = EAGAIN;
	for (uint16_t i = 0; i < 64; i++)
		ask(client, i, REPLY);
	start_ms = clock_now_ms();
	is_int(udp_serve(&server, &served), 64, "the send buffer stays full");
	ok(clock_now_ms() - start_ms < 1000, "which is not waited for");
	is_int(counted(STAT_udp_send_failed), 65, "all 64 are counted as failed");
	obstacle.times = 0;
	ok(round_trip(&served, client, 64, "r"), "the next batch is sent");
	close(client);
	close(fd);
}

int
main(void)
{
	struct region *region;
	size_t size = sizeof *region + sizeof region->slots[0];

	region = aligned_alloc(128, (size + 127) / 128 * 128);
	if (!region)
		bail_out("no memory");
	memset(region, 0, size);
	region->worker_count = 1;
	keeper.region = region;
	keeper.slot = &region->slots[0];
	serving.stats = &region->slots[0].stats;
	stage_clock_init(&stage_clock, &region->slots[0].times);
	udp_init(&server, &serving);

	test_counters();
	test_batches("127.0.0.1", "IPv4");
	test_batches("::1", "IPv6");
	is_int(last_flags, QUERY_IPV6, "IPv6 is flagged");
	test_batches("0.0.0.0", "IPv4 wildcard");
	test_batches("::", "IPv6 wildcard");
	test_wildcard("0.0.0.0", "127.0.0.9", "IPv4");
	test_wildcard("::", "::1", "IPv6");
	test_odd_lengths();
	test_unsendable();
	test_obstacles();
	free(region);
	return done_testing();
}
