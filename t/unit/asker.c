/* What the reporter asks the master: replies in pieces, broken ones, and none. */
#include "loader/report/asker.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/ctl_proto.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { TIMEOUT_MS = 200, LIMIT_MS = 5000 };

static unsigned settled;

static void
on_settled(void *arg)
{
	(void)arg;
	settled++;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(fd, 8) != 0)
		bail_out("no socket at %s", path);
	return fd;
}

static size_t
put_frame(uint8_t *out, uint8_t kind, unsigned status, const char *text)
{
	struct ctl_head head = { .magic_be = htons(CTL_MAGIC),
				 .version = CTL_VERSION,
				 .kind = kind,
				 .status_be = htons((uint16_t)status),
				 .len_be = htonl((uint32_t)strlen(text)) };

	memcpy(out, &head, sizeof head);
	memcpy(out + sizeof head, text, strlen(text));
	return sizeof head + strlen(text);
}

/* Let it work until it is settled; the master's side is played by `reply`, which is sent by
 * pieces of `step` octets, and, if it is to end, hung up after. */
static void
play(struct asker *asker, int fd, const uint8_t *reply, size_t len, size_t step,
     bool ends)
{
	uint64_t begun_ms = clock_now_ms();
	unsigned before = settled;
	int peer = -1;
	size_t at = 0;

	asker_turn(asker);
	while (settled == before && clock_now_ms() - begun_ms < LIMIT_MS) {
		if (peer < 0)
			peer = accept(fd, NULL, NULL);
		if (peer >= 0 && at < len) {
			size_t piece = len - at < step ? len - at : step;

			if (send(peer, reply + at, piece, MSG_NOSIGNAL) < 0)
				at = len;
			else
				at += piece;
		} else if (peer >= 0 && ends) {
			shutdown(peer, SHUT_RDWR);
		} else {
			poll(NULL, 0, 5);
		}
		asker_turn(asker);
	}
	if (peer >= 0)
		close(peer);
}

int
main(void)
{
	static uint8_t reply[4096];
	struct answer answers[2] = {
		{ .args = { "status" }, .fresh_ms = 60000, .timeout_ms = TIMEOUT_MS },
		{ .args = { "profile", "cpu", "5" }, .timeout_ms = TIMEOUT_MS },
	};
	char *dir = scratch_dir_make();
	const char *path = scratch_path(dir, "control");
	static struct asker *asker; /* for the life of a process */
	short events;
	size_t len;
	int fd;

	fd = listen_at(path);
	asker = asker_new(path, answers, 2, on_settled, NULL);
	is_int(asker_fd(asker, &events), -1, "nothing is under way");
	asker_turn(asker);
	is_int(asker_fd(asker, &events), -1, "nobody wants anything");

	len = put_frame(reply, CTL_PROGRESS, 0, "patience");
	len += put_frame(reply + len, CTL_DATA, 0, "{\"a\":");
	len += put_frame(reply + len, CTL_DATA, 0, "1}");
	len += put_frame(reply + len, CTL_END, 1, "");
	for (size_t step = 1; step <= len; step += step < 40 ? 1 : len) {
		answers[0].told_ms = 0;
		ok(!asker_has(asker, &answers[0], clock_now_ms()), "asked, by %zu", step);
		play(asker, fd, reply, len, step, false);
		ok(answers[0].len == 7 && memcmp(answers[0].text, "{\"a\":1}", 7) == 0,
		   "told");
		is_int(answers[0].status, 1, "with its status");
		ok(!answers[0].has_failed, "it is no failure");
	}
	ok(asker_has(asker, &answers[0], clock_now_ms() + 1), "it is fresh for a while");
	ok(!asker_has(asker, &answers[1], clock_now_ms()), "another one is not there");
	play(asker, fd, reply, len, len, false);
	ok(asker_has(asker, &answers[1], answers[1].asked_ms), "then it is");
	ok(!asker_has(asker, &answers[1], clock_now_ms() + 1), "for who asked before");

	/* broken ones; each settles it, and keeps nothing of the last answer */
	static const struct {
		const char *what;
		size_t len, at;
		uint8_t octet;
		bool ends;
	} broken[] = {
		{ "no answer in time", 0, 0, 0x4d, false },
		{ "hung up at once", 0, 0, 0x4d, true },
		{ "hung up in a head", 7, 0, 0x4d, true },
		{ "hung up in data", 15, 0, 0x4d, true },
		{ "no end", 47, 0, 0x4d, true },
		{ "another protocol", 200, 0, 'H', false },
		{ "another version", 200, 2, 9, false },
		{ "a frame too long", 200, 8, 0x7f, false },
	};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		uint8_t bad[sizeof reply];

		memcpy(bad, reply, len);
		bad[broken[i].at] = broken[i].octet;
		answers[1].told_ms = 0;
		ok(!asker_has(asker, &answers[1], clock_now_ms()), "%s", broken[i].what);
		play(asker, fd, bad, broken[i].len < len ? broken[i].len : len, len,
		     broken[i].ends);
		ok(answers[1].has_failed && !answers[1].text, "is a failure");
		is_int(asker_fd(asker, &events), -1, "and over");
	}
	close(fd);
	unlink(path);
	answers[0].told_ms = 0;
	ok(!asker_has(asker, &answers[0], clock_now_ms()), "nobody listens");
	asker_turn(asker);
	ok(answers[0].has_failed, "is a failure too");
	scratch_dir_free(dir);
	return done_testing();
}
