/* Reading files that come through the control connection. */
#include "master/explain/simulate_input.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "shm/file_write.h"

void
simulate_input_open(struct simulate_input *input, int fd)
{
	input->fd = fd;
	input->is_over = input->is_failed = false;
	input->at = input->len = 0;
}

static void
fail(struct simulate_input *input)
{
	input->is_over = input->is_failed = true;
	input->at = input->len = 0;
}

/* returns false when nothing came in time. */
static bool
wait_readable(const struct simulate_input *input)
{
	struct pollfd wait = { .fd = input->fd, .events = POLLIN };

	for (unsigned left_s = SIMULATE_WAIT_S; left_s > 0; left_s--) {
		int ready = poll(&wait, 1, 1000);

		alarm(SIMULATE_IDLE_S);
		if (ready > 0 || (ready < 0 && errno != EINTR))
			return ready > 0;
	}
	return false;
}

static void
receive(struct simulate_input *input, void *out, size_t len)
{
	char *at = out;

	while (len > 0 && !input->is_failed) {
		ssize_t got = recv(input->fd, at, len, MSG_DONTWAIT);

		if (got > 0) {
			at += got;
			len -= (size_t)got;
		} else if (got == 0 || (errno != EAGAIN && errno != EINTR) ||
			   !wait_readable(input)) {
			fail(input);
		}
	}
}

/* returns false at the end of a file, and of all. */
static bool
next_piece(struct simulate_input *input)
{
	struct ctl_head head = { .len_be = 0 };

	input->at = input->len = 0;
	if (input->is_over)
		return false;
	receive(input, &head, sizeof head);
	if (input->is_failed)
		return false;
	if (head.kind == CTL_END) {
		input->is_over = true;
		return false;
	}
	if (ntohs(head.magic_be) != CTL_MAGIC || head.version != CTL_VERSION ||
	    head.kind != CTL_INPUT || ntohl(head.len_be) > sizeof input->piece) {
		fail(input);
		return false;
	}
	receive(input, input->piece, ntohl(head.len_be));
	if (!input->is_failed)
		input->len = ntohl(head.len_be);
	return input->len > 0;
}

int
simulate_input_save(struct simulate_input *input)
{
	int fd = memfd_create("simulate", MFD_CLOEXEC), result = ERR_OK;
	size_t room = (size_t)SIMULATE_DB_MAX_MB << 20;

	if (fd < 0)
		return ERR_NOMEM;
	while (result == ERR_OK && next_piece(input)) {
		if (input->len > room)
			result = ERR_RANGE;
		else if (file_write(fd, input->piece, input->len) != ERR_OK)
			result = ERR_NOMEM;
		room -= result == ERR_OK ? input->len : 0;
	}
	if (input->is_failed)
		result = ERR_CLOSED;
	if (result == ERR_OK)
		return fd;
	close(fd);
	return result;
}

bool
simulate_input_line(struct simulate_input *input, char line[SIMULATE_LINE_MAX])
{
	size_t len = 0;

	for (;;) {
		const char *from = input->piece + input->at, *end;
		size_t left = input->len - input->at, take;

		if (left == 0) {
			if (next_piece(input))
				continue;
			line[len] = '\0';
			return len > 0;
		}
		end = memchr(from, '\n', left);
		take = end ? (size_t)(end - from) : left;
		input->at += take + (end ? 1 : 0);
		if (take > SIMULATE_LINE_MAX - 1 - len)
			take = SIMULATE_LINE_MAX - 1 - len;
		memcpy(line + len, from, take);
		len += take;
		if (end) {
			line[len] = '\0';
			return true;
		}
	}
}

void
simulate_input_drain(struct simulate_input *input)
{
	while (!input->is_over)
		(void)next_piece(input);
}
