/* Requests to sync, with the peer's connection. */
#include "master/sync_link.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/poll_set.h"
#include "shm/errcode.h"

/* Sync has hung up: its end will be told by SIGCHLD. */
static void
on_hangup(void *arg, short events)
{
	struct sync_link *link = arg;

	(void)events;
	poll_set_remove(link->fd);
	close(link->fd);
	link->fd = -1;
}

void
sync_link_open(struct sync_link *link, int fd)
{
	link->fd = fd;
	poll_set_add(fd, 0, on_hangup, link);
}

void
sync_link_close(struct sync_link *link)
{
	if (link->fd >= 0)
		on_hangup(link, 0);
}

int
sync_link_send(struct sync_link *link, const void *args, size_t len, int peer_fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof peer_fd)] = { 0 };
	struct iovec piece = { .iov_len = len };
	struct msghdr head = { .msg_iov = &piece, .msg_iovlen = 1 };
	struct cmsghdr *rights;

	if (link->fd < 0)
		return ERR_CLOSED;
	memcpy(&piece.iov_base, &args, sizeof args); /* sendmsg only reads it */
	if (peer_fd >= 0) {
		head.msg_control = control;
		head.msg_controllen = sizeof control;
		rights = CMSG_FIRSTHDR(&head);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof peer_fd);
		memcpy(CMSG_DATA(rights), &peer_fd, sizeof peer_fd);
	}
	if (sendmsg(link->fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_BUSY;
}

void
sync_link_sweep(struct sync_link *link, pid_t pid)
{
	char args[32];
	int len = snprintf(args, sizeof args, "sweep%c%d", '\0', (int)pid);

	if (sync_link_send(link, args, (size_t)len + 1, -1) != 0)
		return; /* it sweeps at its next start */
}

bool
sync_link_is_empty(const struct sync_link *link)
{
	struct pollfd wait = { .fd = link->fd };
	int unread = 0;

	if (link->fd < 0 || ioctl(link->fd, SIOCOUTQ, &unread) != 0 || unread > 0)
		return false;
	/* asked in this order: a sync that dies hangs up before what it has not read
	 * is thrown away */
	return poll(&wait, 1, 0) == 0;
}
