/* Replies as servers send them, and as broken and hostile ones do. */
#include "loader/redis/redis_link.h"

#include "loader/redis/redis_filter.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { TIMEOUT_MS = 300 };

/* A server that sends `bytes` to whoever connects, `piece` at a time with a pause; then
 * it waits for the end, or closes. */
struct server {
	const char *bytes;
	size_t len, piece;
	unsigned pause_ms;
	bool closes;
	bool repeats; /* the last piece, until nobody takes it */
	int listener;
	pthread_t thread;
	char path[256];
};

static char *scratch;

static void *
serve(void *argument)
{
	struct server *server = argument;
	int fd = accept(server->listener, NULL, NULL);
	char sink[4096];

	for (size_t at = 0; fd >= 0 && at < server->len; at += server->piece) {
		size_t len = server->len - at < server->piece ? server->len - at
							      : server->piece;

		if (send(fd, server->bytes + at, len, MSG_NOSIGNAL) < 0)
			break;
		if (server->pause_ms)
			poll(NULL, 0, (int)server->pause_ms);
		if (server->repeats && at + len == server->len)
			at -= server->piece;
	}
	while (fd >= 0 && !server->closes && read(fd, sink, sizeof sink) > 0)
		;
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
start(struct server *server)
{
	static unsigned number;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(server->path, sizeof server->path, "%s/%u", scratch, number++);
	snprintf(address.sun_path, sizeof address.sun_path, "%.100s", server->path);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->piece == 0)
		server->piece = server->len ? server->len : 1;
	if (bind(server->listener, (const struct sockaddr *)(const void *)&address,
		 sizeof address) != 0 ||
	    listen(server->listener, 1) != 0 ||
	    pthread_create(&server->thread, NULL, serve, server) != 0)
		bail_out("no server");
}

static void
end(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static struct redis_link *
connect_to(struct server *server)
{
	struct redis_link *link = redis_link_new(TIMEOUT_MS);

	start(server);
	if (!link || redis_link_dial(link, server->path) != 0 ||
	    redis_link_step(link) != 0)
		bail_out("cannot connect");
	return link;
}

/* A reply as text: "[text:a, nil, 5, error:ERR x, long:7]". */
static size_t
describe(const struct redis_reply *reply, char *out, size_t room)
{
	size_t len = 0;

	switch (redis_reply_kind(reply)) {
	case REDIS_NIL:
		return (size_t)snprintf(out, room, "nil");
	case REDIS_NUMBER:
		return (size_t)snprintf(out, room, "%lld", redis_reply_number(reply));
	case REDIS_TEXT:
		return (size_t)snprintf(out, room, "text:%s",
					redis_reply_text(reply).bytes);
	case REDIS_ERROR:
		return (size_t)snprintf(out, room, "error:%s",
					redis_reply_text(reply).bytes);
	case REDIS_LONG:
		return (size_t)snprintf(out, room, "long:%zu", redis_reply_len(reply));
	case REDIS_LIST:
		break;
	}
	len = (size_t)snprintf(out, room, "%zu[", redis_reply_count(reply));
	for (reply = redis_reply_first(reply); reply; reply = redis_reply_next(reply)) {
		len += describe(reply, out + len, room - len);
		len += (size_t)snprintf(out + len, room - len, ",");
	}
	return len + (size_t)snprintf(out + len, room - len, "]");
}

static void
reply_is(const char *bytes, size_t piece, const char *want)
{
	struct server server = { .bytes = bytes, .len = strlen(bytes), .piece = piece };
	struct redis_link *link = connect_to(&server);
	struct arena *arena = arena_new();
	const struct redis_reply *reply = redis_link_ask(link, arena, "PING");
	char got[512] = "none";

	if (reply)
		describe(reply, got, sizeof got);
	is(got, want, "%.40s", want);
	arena_free(arena);
	redis_link_free(link);
	end(&server);
}

static void
test_replies(void)
{
	reply_is("+PONG\r\n", 0, "text:PONG");
	reply_is("$0\r\n\r\n", 0, "text:");
	reply_is("$-1\r\n", 0, "nil");
	reply_is("*-1\r\n", 0, "nil");
	reply_is(":-42\r\n", 0, "-42");
	reply_is("-NOAUTH x\r\n", 0, "error:NOAUTH x");
	reply_is("*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n*0\r\n", 0,
		 "3[text:a,2[1,nil,],0[],]");
	reply_is("*2\r\n$3\r\nabc\r\n$3\r\ndef\r\n", 1, "2[text:abc,text:def,]");
}

static void
fails(const char *bytes, const char *want, bool closes)
{
	struct server server = { .bytes = bytes, .len = strlen(bytes), .closes = closes };
	struct redis_link *link = connect_to(&server);
	struct arena *arena = arena_new();

	ok(!redis_link_ask(link, arena, "PING") && !redis_link_is_open(link) &&
		   strstr(redis_link_reason(link), want) &&
		   strncmp(redis_link_reason(link), "Redis /", 7) == 0,
	   "%s", redis_link_reason(link));
	ok(!redis_link_ask(link, arena, "PING"), "and then nothing can be asked");
	arena_free(arena);
	redis_link_free(link);
	end(&server);
}

static void
test_failures(void)
{
	fails("", "no whole reply in 300 ms", false);
	fails("*2147483647\r\n", "no whole reply", false);
	fails("*99999999999999999999\r\n", "not the protocol", false);
	fails("$99999999999999999999\r\n", "not the protocol", false);
	fails("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	      "not the protocol", false);
	fails("HTTP/1.1 400 Bad Request\r\n", "not the protocol", false);
	fails("$10\r\nabc", "connection", true);
}

/* An octet now and then is no progress: the whole reply has its time. */
static void
test_drip(void)
{
	struct server server = {
		.bytes = "$100\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		.len = 40,
		.piece = 1,
		.pause_ms = 20,
		.closes = true
	};
	struct redis_link *link = connect_to(&server);
	struct arena *arena = arena_new();
	uint64_t begun_ms = clock_now_ms();

	ok(!redis_link_ask(link, arena, "PING"), "a reply in drips: %s",
	   redis_link_reason(link));
	ok(clock_now_ms() - begun_ms < 2 * TIMEOUT_MS, "ends in time");
	arena_free(arena);
	redis_link_free(link);
	end(&server);
}

/* A text of `len` octets in a list with another one behind it. */
static char *
make_long(size_t len, size_t *whole)
{
	char *bytes = malloc(len + 64);
	size_t at;

	if (!bytes)
		bail_out("no memory");
	at = (size_t)sprintf(bytes, "*2\r\n$%zu\r\n", len);
	memset(bytes + at, 'x', len);
	at += len;
	at += (size_t)sprintf(bytes + at, "\r\n$2\r\nok\r\n");
	*whole = at;
	return bytes;
}

static void
test_long(void)
{
	size_t len;
	char *bytes = make_long(REDIS_TEXT_LEN_MAX + 1, &len), got[64] = "none";
	struct server server = { .bytes = bytes, .len = len };
	struct redis_link *link = connect_to(&server);
	struct arena *arena = arena_new();
	const struct redis_reply *reply = redis_link_ask(link, arena, "GET x");

	if (reply)
		describe(reply, got, sizeof got);
	is(got, "2[long:5242881,text:ok,]", "of a long text the length is kept");
	ok(redis_link_is_open(link), "and the link");
	ok(arena_bytes(arena) < 4096, "and nothing else");
	arena_free(arena);
	redis_link_free(link);
	end(&server);
	free(bytes);
}

/* What has no end is given up, and nobody waits for it. */
static void
test_endless(void)
{
	enum { HEAD = 1 << 17, PIECE = 1 << 17 };
	char *bytes = malloc(HEAD + PIECE);
	struct server server = {
		.bytes = bytes, .len = HEAD + PIECE, .piece = PIECE, .repeats = true
	};
	const struct redis_reply *reply;
	struct redis_link *link;
	struct arena *arena = arena_new();
	char got[64] = "none";
	unsigned calls = 0;

	memset(bytes, 'x', HEAD + PIECE);
	bytes[0] = '+';
	link = connect_to(&server);
	ok(!redis_link_ask(link, arena, "PING") &&
		   strstr(redis_link_reason(link), "a line of more than 64 KB"),
	   "a line without an end: %s", redis_link_reason(link));
	end(&server);

	memcpy(bytes, "$9000000000000000000\r\n", 22);
	redis_link_free(link);
	link = connect_to(&server);
	reply = redis_link_ask(link, arena, "GET x");
	if (reply)
		describe(reply, got, sizeof got);
	is(got, "long:4294967295", "a text without an end");
	while (calls < 4 && redis_link_try(link, arena, &reply) == ERR_BUSY)
		calls++;
	is_int(calls, 4, "whoever polls is not kept");
	ok(!redis_link_receive(link, arena) && redis_link_was_flooded(link),
	   "whoever waits is not kept for ever: %s", redis_link_reason(link));
	ok(arena_bytes(arena) < 4096, "and it takes no memory");
	redis_link_free(link);
	end(&server);
	arena_free(arena);
	free(bytes);
}

/* Two replies in pieces, taken without waiting, each into an arena of its own. */
static void
test_try(void)
{
	const char bytes[] = "*2\r\n$3\r\nabc\r\n:1\r\n+second\r\n";
	struct server server = {
		.bytes = bytes, .len = sizeof bytes - 1, .piece = 3, .pause_ms = 5
	};
	struct redis_link *link = connect_to(&server);
	const char *want[] = { "2[text:abc,1,]", "text:second" };
	unsigned taken = 0, empty = 0;

	while (taken < 2) {
		struct pollfd wait = { .fd = redis_link_fd(link),
				       .events = redis_link_events(link) };
		struct arena *arena = arena_new();
		const struct redis_reply *reply;
		int code = redis_link_try(link, arena, &reply);
		char got[64] = "none";

		if (code == ERR_OK) {
			describe(reply, got, sizeof got);
			is(got, want[taken], "%s in pieces", want[taken]);
			taken++;
		} else if (code == ERR_BUSY) {
			empty++;
			poll(&wait, 1, 1000);
		} else {
			bail_out("%s", redis_link_reason(link));
		}
		arena_free(arena);
	}
	ok(empty > 2, "and each wait was somebody else's");
	redis_link_free(link);
	end(&server);
}

static int
collect(void *context, const char *bytes, size_t len)
{
	size_t used = strlen(context);

	snprintf((char *)context + used, 256 - used, "%.*s", (int)len, bytes);
	return 0;
}

/* However the stream is cut, the parser sees the same. */
static void
test_filter(void)
{
	static const char stream[] = "*3\r\n$3\r\n$9\r\r\n$-1\r\n+$5\r\n$0\r\n\r\n:1\r\n"
				     "$1234567890123456789012345678901234567890\r\n";

	for (size_t piece = 1; piece < sizeof stream; piece++) {
		struct redis_filter filter = { .body = 0 };
		char got[256] = "";

		for (size_t at = 0; at < sizeof stream - 1; at += piece) {
			size_t rest = sizeof stream - 1 - at;

			if (redis_filter_feed(&filter, stream + at,
					      rest < piece ? rest : piece, collect,
					      got) != 0)
				bail_out("cannot feed");
		}
		is(got, stream, "in pieces of %zu", piece);
	}
}

/* ---- hosts ---- */

enum { SLOW_MS = 30000 };

/* In place of the C library's: the resolver of a bad day. */
int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	    struct addrinfo **out)
{
	bool is_numeric = strspn(host, "0123456789.:") == strlen(host);
	static struct sockaddr_in addresses[2];
	static struct addrinfo items[2];

	if (!is_numeric && (hints->ai_flags & AI_NUMERICHOST))
		return EAI_NONAME;
	if (strcmp(host, "slow.test") == 0)
		poll(NULL, 0, SLOW_MS);
	if (strcmp(host, "crash.test") == 0)
		raise(SIGKILL);
	if (!is_numeric && strcmp(host, "two.test") != 0)
		return EAI_AGAIN;
	for (int i = 0; i < 2; i++) {
		addresses[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(i == 0 ? 1 : (uint16_t)atoi(service)),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		items[i] = (struct addrinfo){
			.ai_family = AF_INET,
			.ai_addrlen = sizeof addresses[i],
			.ai_addr = (struct sockaddr *)(void *)&addresses[i],
			.ai_next = i == 0 && !is_numeric ? &items[1] : NULL,
		};
	}
	*out = items;
	return 0;
}

void
freeaddrinfo(struct addrinfo *found)
{
	(void)found;
}

/* Poll as sync's loop does until it is connected or has failed. */
static int
connect_by_poll(struct redis_link *link, const char *address)
{
	int code = redis_link_dial(link, address);

	while (code == ERR_OK && !redis_link_is_open(link)) {
		struct pollfd wait = { .fd = redis_link_fd(link),
				       .events = redis_link_events(link) };

		poll(&wait, 1, redis_link_due_ms(link));
		code = redis_link_step(link);
		code = code == ERR_BUSY ? ERR_OK : code;
	}
	return code;
}

static bool
has_children(void)
{
	return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static void
test_hosts(void)
{
	struct redis_link *link = redis_link_new(TIMEOUT_MS);
	struct sockaddr_in bound = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof bound;
	uint64_t begun_ms = clock_now_ms();
	char address[64];

	is_int(redis_link_dial(link, "slow.test:6379"), 0, "a slow resolver: dialled");
	ok(clock_now_ms() - begun_ms < SLOW_MS / 10, "without waiting for it");
	is_int(redis_link_step(link), ERR_BUSY, "under way");
	ok(redis_link_fd(link) >= 0 && redis_link_due_ms(link) <= TIMEOUT_MS,
	   "there is something to poll, and a time when it is over");
	ok(connect_by_poll(link, "slow.test:6379") != 0 &&
		   strstr(redis_link_reason(link),
			  "slow.test:6379: the host cannot be looked up: no answer in "),
	   "given up: %s", redis_link_reason(link));
	ok(clock_now_ms() - begun_ms < SLOW_MS / 2, "in time");
	ok(!has_children(), "and nobody asks it any more");

	ok(connect_by_poll(link, "fails.test:6379") != 0 &&
		   strstr(redis_link_reason(link), "cannot be looked up: Temporary"),
	   "a resolver that fails: %s", redis_link_reason(link));
	ok(connect_by_poll(link, "crash.test:6379") != 0 &&
		   strstr(redis_link_reason(link), "cannot be looked up: "),
	   "one that crashes: %s", redis_link_reason(link));

	if (bind(listener, (struct sockaddr *)(void *)&bound, sizeof bound) != 0 ||
	    listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)(void *)&bound, &len) != 0)
		bail_out("cannot listen");
	snprintf(address, sizeof address, "two.test:%u", ntohs(bound.sin_port));
	is_int(connect_by_poll(link, address), 0,
	       "two addresses, and nobody listens at the first");
	ok(!has_children(), "no child is left");
	close(listener);
	redis_link_free(link);
}

static void
test_dial(void)
{
	struct redis_link *link = redis_link_new(TIMEOUT_MS);
	struct arena *arena = arena_new();

	ok(redis_link_dial(link, "/nowhere/redis.sock") != 0, "no such socket: %s",
	   redis_link_reason(link));
	ok(redis_link_dial(link, "127.0.0.1:1") != 0 || redis_link_step(link) != 0,
	   "nobody listens: %s", redis_link_reason(link));
	is_int(redis_link_send(link, "PING"), ERR_CLOSED, "nothing can be sent");
	ok(!redis_link_receive(link, arena), "nor received");
	arena_free(arena);
	redis_link_free(link);
}

int
main(void)
{
	scratch = scratch_dir_make();
	test_replies();
	test_failures();
	test_drip();
	test_long();
	test_endless();
	test_try();
	test_filter();
	test_hosts();
	test_dial();
	scratch_dir_free(scratch);
	return done_testing();
}
