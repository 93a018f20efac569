/* Targets for health checks: answers every HTTP request on a port of all addresses, and
 * accepts what says nothing.  usage: http_targets PORT */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BACKLOG = 4096 };

static int
listen_on(unsigned port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		perror("http_targets");
		exit(1);
	}
	return fd;
}

static void
answer(int fd)
{
	static const char reply[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	char request[2048];
	ssize_t len = read(fd, request, sizeof request);

	if (len < 0 && errno == EAGAIN)
		return;
	if (len > 0 && write(fd, reply, sizeof reply - 1) < 0)
		perror("write");
	close(fd);
}

int
main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? (unsigned)atoi(argv[1]) : 8080);
	int poll = epoll_create1(0), ready;
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	event.data.fd = listener;
	epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
	while ((ready = epoll_wait(poll, events, EVENTS, -1)) >= 0 || errno == EINTR)
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				answer(fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				event.data.fd = fd;
				epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
			}
		}
	return 1;
}
