/* Accepts control peers, and carries their octets. */
#include "master/ctl_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/poll_set.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { GROUPS_MAX = 1024 };

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return address;
}

/* Does somebody listen on the socket file?  A full backlog is somebody. */
static bool
is_live(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool live;

	if (fd < 0)
		return true;
	live = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
	       errno != ECONNREFUSED;
	close(fd);
	return live;
}

/* Make way for our socket file.  returns 0 or an error code, logged. */
static int
clear_path(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0) {
		if (errno == ENOENT)
			return 0;
		log_error("control_socket: cannot look for %s: its directory must be "
			  "ours",
			  path);
		return errcode_from_errno(errno);
	}
	if (!S_ISSOCK(status.st_mode)) {
		log_errorx(
			"control_socket: %s exists and is no socket: remove it, or set "
			"another path",
			path);
		return ERR_EXISTS;
	}
	if (is_live(path)) {
		log_errorx(
			"control_socket: another server listens on %s: stop it, or set "
			"another path",
			path);
		return ERR_BUSY;
	}
	if (unlink(path) != 0) {
		log_error("control_socket: cannot replace the stale %s", path);
		return errcode_from_errno(errno);
	}
	return 0;
}

static int
bind_path(int fd, const char *path, bool has_group)
{
	const struct sockaddr_un address = address_of(path);
	mode_t before = umask(has_group ? 0117 : 0177);
	int result = bind(fd, (const struct sockaddr *)&address, sizeof address);

	umask(before);
	if (result == 0)
		return 0;
	log_error("control_socket: cannot make %s: its directory must exist and be ours",
		  path);
	return errcode_from_errno(errno);
}

/* Remember which file is ours, and give it to the group.  Through a descriptor: who may
 * write in the directory must not turn this to another file. */
static int
set_group(struct ctl_server *server, const char *path, const struct privilege *privilege)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int result = 0;

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) {
		log_error("control_socket: %s is gone again", path);
		result = ERR_IO;
	} else {
		server->device = status.st_dev;
		server->inode = status.st_ino;
	}
	if (!result && server->control_gid != (gid_t)-1 &&
	    fchownat(fd, "", (uid_t)-1, server->control_gid, AT_EMPTY_PATH) != 0) {
		log_error(
			"control_group: cannot give it %s: make user %s a member of the "
			"group, or start as root",
			path, privilege->name);
		result = ERR_RIGHTS;
	}
	if (fd >= 0)
		close(fd);
	return result;
}

int
ctl_server_open(struct ctl_server *server, const char *path,
		const struct privilege *privilege)
{
	int result;

	server->control_gid = privilege->control_gid;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0) {
		log_error("cannot make a control socket");
		return errcode_from_errno(errno);
	}
	privilege_assume(privilege);
	result = clear_path(path);
	if (!result)
		result = bind_path(server->fd, path, server->control_gid != (gid_t)-1);
	privilege_resume(privilege);
	if (!result)
		result = set_group(server, path, privilege);
	if (!result && listen(server->fd, CTL_PEERS_MAX) != 0) {
		log_error("control_socket: cannot listen on %s", path);
		result = errcode_from_errno(errno);
	}
	server->path = alloc_text(path);
	return result;
}

/* Is the process that connected a member of the group? */
static bool
is_member(int fd, gid_t primary, gid_t wanted)
{
	static gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof groups;

	if (wanted == (gid_t)-1)
		return false;
	if (primary == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof *groups; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

static void
find_rights(const struct ctl_server *server, struct ctl_peer *peer)
{
	struct ucred who = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof who;

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return;
	peer->uid = who.uid;
	peer->may_change = who.uid == 0 || who.uid == geteuid();
	peer->may_read =
		peer->may_change || is_member(peer->fd, who.gid, server->control_gid);
}

void
ctl_server_drop(struct ctl_peer *peer)
{
	poll_set_remove(peer->fd);
	ctl_peer_close(peer);
}

static void
wait_for(const struct ctl_peer *peer, short events)
{
	poll_set_change(peer->fd, events);
}

void
ctl_server_reply(struct ctl_peer *peer)
{
	if (ctl_peer_write(peer) != 0)
		ctl_server_drop(peer);
	else
		wait_for(peer, peer->state == CTL_PEER_WRITING ? POLLOUT : 0);
}

void
ctl_server_refuse(struct ctl_peer *peer, const char *reason)
{
	ctl_peer_put_error(peer, reason);
	ctl_server_reply(peer);
}

void
ctl_server_park(struct ctl_peer *peer, enum ctl_peer_state state)
{
	peer->state = state;
	wait_for(peer, 0);
}

/* Nobody listens any more; a clerk's place is kept until it has ended, so that there
 * are never more clerks than places. */
static void
hung_up(struct ctl_peer *peer)
{
	if (peer->state != CTL_PEER_AT_CLERK) {
		ctl_server_drop(peer);
		return;
	}
	poll_set_remove(peer->fd);
	peer->is_gone = true;
	peer->server->end_clerk(peer->server->arg, peer->clerk);
}

static void
read_request(struct ctl_server *server, struct ctl_peer *peer)
{
	const char *reason = NULL;
	int result = ctl_peer_read(peer, &reason);

	if (result == ERR_CLOSED)
		ctl_server_drop(peer);
	else if (result < 0)
		ctl_server_refuse(peer, reason);
	else if (result > 0)
		server->request(server->arg, peer);
}

static void
on_peer(void *arg, short events)
{
	struct ctl_peer *peer = arg;

	if (peer->state == CTL_PEER_READING && (events & POLLIN))
		read_request(peer->server, peer);
	else if (events & (POLLHUP | POLLERR | POLLNVAL))
		hung_up(peer);
	else if (peer->state == CTL_PEER_WRITING)
		ctl_server_reply(peer);
}

static struct ctl_peer *
free_place(struct ctl_server *server)
{
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		if (server->peers[i].state == CTL_PEER_NONE)
			return &server->peers[i];
	return NULL;
}

/* One too many. */
static void
turn_away(int fd)
{
	struct ctl_peer peer;

	ctl_peer_open(&peer, fd);
	ctl_peer_put_error(&peer,
			   "too many connections to the control socket: try again");
	if (ctl_peer_write(&peer) != 0)
		log_debug("a control peer was turned away");
	ctl_peer_close(&peer);
}

static void
on_listen(void *arg, short events)
{
	struct ctl_server *server = arg;
	struct ctl_peer *peer;
	int fd;

	(void)events;
	while ((fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
	       0) {
		peer = free_place(server);
		if (!peer) {
			turn_away(fd);
			continue;
		}
		ctl_peer_open(peer, fd);
		peer->server = server;
		peer->arrival = server->arrivals++;
		find_rights(server, peer);
		poll_set_add(fd, POLLIN, on_peer, peer);
	}
	/* without descriptors the connection would wake us for ever: see expire */
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		poll_set_change(server->fd, 0);
}

void
ctl_server_start(struct ctl_server *server)
{
	poll_set_add(server->fd, POLLIN, on_listen, server);
}

void
ctl_server_expire(struct ctl_server *server)
{
	uint64_t now_ms = clock_now_ms();

	if (server->path)
		poll_set_change(server->fd, POLLIN);
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++) {
		struct ctl_peer *peer = &server->peers[i];

		if (!peer->deadline_ms || now_ms < peer->deadline_ms)
			continue;
		if (peer->state == CTL_PEER_READING)
			ctl_server_refuse(peer, "the request did not come within 5 s");
		else if (peer->state == CTL_PEER_WRITING ||
			 peer->state == CTL_PEER_LEAVING)
			ctl_server_drop(peer);
	}
}

void
ctl_server_close(struct ctl_server *server)
{
	struct stat status;

	if (!server->path)
		return;
	poll_set_remove(server->fd);
	close(server->fd);
	if (lstat(server->path, &status) == 0 && status.st_dev == server->device &&
	    status.st_ino == server->inode && unlink(server->path) != 0)
		log_warn("control_socket: cannot remove %s", server->path);
	free(server->path);
	server->path = NULL;
}

void
ctl_server_finish(struct ctl_server *server, int timeout_ms)
{
	uint64_t end_ms = clock_now_ms() + (uint64_t)timeout_ms;
	bool is_writing = true;

	while (is_writing && clock_now_ms() < end_ms) {
		is_writing = false;
		for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
			is_writing |= server->peers[i].state == CTL_PEER_WRITING;
		if (is_writing)
			poll_set_run(20);
	}
	for (unsigned i = 0; i < CTL_PEERS_MAX; i++)
		if (server->peers[i].state != CTL_PEER_NONE)
			ctl_server_drop(&server->peers[i]);
}
