/* Control requests: heads, arguments, and a peer that sends and reads piece by piece. */
#include "master/ctl_request.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/ctl_peer.h"
#include "shm/errcode.h"
#include "t/tap.h"

static struct ctl_head
head(uint32_t len)
{
	return (struct ctl_head){ .magic_be = htons(CTL_MAGIC),
				  .version = CTL_VERSION,
				  .kind = CTL_REQUEST,
				  .len_be = htonl(len) };
}

static const char *
check(struct ctl_head it)
{
	size_t len = 0;

	return ctl_request_check_head((const uint8_t *)&it, &len);
}

static void
test_heads(void)
{
	struct ctl_head it = head(65536);
	size_t len = 0;

	ok(!ctl_request_check_head((const uint8_t *)&it, &len), "64 KiB are fine");
	is_int(len, 65536, "the length");
	is(check(head(65537)), "the request is longer than 64 KiB", "one more is not");
	is(check(head(0)), "the request is empty", "nothing is not");
	it = head(7);
	it.magic_be = htons(0x4745);
	is(check(it), "this is no request of martletctl", "another protocol");
	it = head(7);
	it.version = 2;
	ok(strstr(check(it), "another version"), "another version");
	it = head(7);
	it.kind = CTL_DATA;
	is(check(it), "this is no request", "another kind");
}

static void
test_split(void)
{
	uint8_t text[] = "reload\0example.com.", empties[200] = { 0 };
	struct ctl_request request;

	ok(!ctl_request_split(text, sizeof text, &request), "two arguments");
	is_int(request.arg_count, 2, "are counted");
	is(request.args[0], "reload", "first");
	is(request.args[1], "example.com.", "second");
	is(ctl_request_split(text, sizeof text - 1, &request),
	   "the request does not end with a NUL", "cut");
	ok(!ctl_request_split(empties, CTL_ARGS_MAX, &request), "64 empty arguments");
	is_int(request.arg_count, CTL_ARGS_MAX, "are counted");
	is(ctl_request_split(empties, CTL_ARGS_MAX + 1, &request),
	   "the request has too many arguments", "65 are too many");
}

static void
test_peer(void)
{
	struct ctl_head it = head(7), reply;
	uint8_t octets[sizeof it + 7];
	char text[64] = "";
	const char *reason = NULL;
	struct ctl_peer peer;
	int ends[2], result = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		bail_out("socketpair");
	memcpy(octets, &it, sizeof it);
	memcpy(octets + sizeof it, "status", 7);
	ctl_peer_open(&peer, ends[0]);
	for (size_t i = 0; i < sizeof octets; i++) {
		is_int(result, 0, "more must come after %zu octets", i);
		if (write(ends[1], octets + i, 1) != 1)
			bail_out("write");
		result = ctl_peer_read(&peer, &reason);
	}
	is_int(result, 1, "the request is complete");
	is(peer.request.args[0], "status", "and whole");

	ctl_peer_put_error(&peer, "no \"way\"");
	is_int(ctl_peer_write(&peer), 0, "a reply is sent");
	is_int(peer.state, CTL_PEER_LEAVING, "all of it");
	ok(read(ends[1], &reply, sizeof reply) == sizeof reply, "a head comes");
	is_int(reply.kind, CTL_DATA, "of data");
	ok(read(ends[1], text, ntohl(reply.len_be)) > 0, "then the data");
	is(text, "{\"error\":\"no \\\"way\\\"\"}", "an object with the error");
	ok(read(ends[1], &reply, sizeof reply) == sizeof reply, "another head comes");
	is_int(reply.kind, CTL_END, "the end");
	is_int(ntohs(reply.status_be), 1, "with exit status 1");
	is_int(read(ends[1], text, 1), 0, "and nothing more");
	close(ends[1]);
	ctl_peer_close(&peer);
}

static void
test_slow_reader(void)
{
	static char data[CTL_DATA_MAX], sink[CTL_DATA_MAX];
	struct ctl_peer peer;
	size_t got = 0;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
		bail_out("socketpair");
	ctl_peer_open(&peer, ends[0]);
	for (unsigned i = 0; i < 32; i++)
		ctl_peer_put(&peer, CTL_DATA, data, sizeof data, 0);
	is_int(ctl_peer_write(&peer), 0, "2 MiB to a peer that does not read");
	is_int(peer.state, CTL_PEER_WRITING, "wait");
	while (peer.state == CTL_PEER_WRITING) {
		ssize_t len = read(ends[1], sink, sizeof sink);

		got += len > 0 ? (size_t)len : 0;
		if (ctl_peer_write(&peer) != 0)
			bail_out("the peer is gone");
	}
	for (ssize_t len; (len = read(ends[1], sink, sizeof sink)) > 0;)
		got += (size_t)len;
	is_int(got, 32 * (sizeof data + sizeof(struct ctl_head)), "until all is read");
	close(ends[1]);
	is_int(ctl_peer_write(&peer), 0, "nothing is left");
	ctl_peer_put(&peer, CTL_END, NULL, 0, 0);
	is_int(ctl_peer_write(&peer), ERR_CLOSED, "a peer that has gone");
	ctl_peer_close(&peer);
}

int
main(void)
{
	test_heads();
	test_split();
	test_peer();
	test_slow_reader();
	return done_testing();
}
