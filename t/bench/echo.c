/* echo - what any server of UDP pays at least: packets received and sent in batches, with
 * nothing done between but setting QR.
 *
 *	echo PORT
 *
 * On 127.0.0.1, until it is killed. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, ROOM = 1232, HEADER = 12, SOCKET_BUFFER = 4 << 20 };

static uint8_t packets[BATCH][ROOM];
static struct sockaddr_in peers[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static void
prepare(void)
{
	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ packets[i], ROOM };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &peers[i];
		messages[i].msg_hdr.msg_namelen = sizeof peers[i];
	}
}

/* Replies take the place of what is no query; they are few. */
static void
turn(int fd)
{
	int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);

	for (int i = 0; i < count; i++) {
		parts[i].iov_len = messages[i].msg_len;
		if (parts[i].iov_len >= HEADER)
			packets[i][2] |= 0x80;
	}
	for (int sent = 0; sent < count;) {
		int step = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);

		sent += step > 0 ? step : 1;
	}
	for (int i = 0; i < count; i++) {
		parts[i].iov_len = ROOM;
		messages[i].msg_hdr.msg_namelen = sizeof peers[i];
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = SOCKET_BUFFER;

	if (argc != 2 || fd < 0) {
		fputs("usage: echo PORT\n", stderr);
		return 2;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		perror("echo: bind");
		return 1;
	}
	prepare();
	for (;;)
		turn(fd);
}
