/* libmicrohttpd, and what it leaves to us: deadlines for whole requests, counting. */
#include "loader/report/http_server.h"

#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shm/clock.h"
#include "shm/log.h"

enum {
	SWEEP_MS = 250,
	/* of a connection, without pages until they are written to: headers, for each of
	 * them, of 4 octets at least, some 72 octets of the library, and the response's;
	 * what does not fit there it refuses itself */
	MEMORY_MAX = 32 * HTTP_HEADER_MAX,
};

enum connection_state {
	CONNECTION_FREE,
	CONNECTION_IDLE, /* between requests, or before the first */
	CONNECTION_READING,
	CONNECTION_WAITING, /* for the answer to be made */
	CONNECTION_WRITING,
};

struct connection {
	enum connection_state state;
	struct MHD_Connection *handle;
	int fd;
	bool has_asked,
		has_nul; /* an octet 0 in the target, where what is decoded ends */
	uint64_t since_ms; /* of this state */
	uint64_t begun_ms; /* of the request */
};

struct http_server {
	struct MHD_Daemon *daemon;
	int fd;
	struct region_report *report;
	http_answer_fn *answer;
	void *arg;
	uint64_t swept_ms;
	bool is_woken;
	struct connection connections[HTTP_CONNECTIONS_MAX];
};

static void
enter(struct connection *connection, enum connection_state state)
{
	connection->state = state;
	connection->since_ms = clock_now_ms();
}

static struct connection *
connection_of(struct MHD_Connection *handle)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* ---- connections ---- */

static struct connection *
free_place(struct http_server *server)
{
	for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		if (server->connections[i].state == CONNECTION_FREE)
			return &server->connections[i];
	return NULL;
}

static enum MHD_Result
on_accept(void *arg, const struct sockaddr *address, socklen_t len)
{
	struct http_server *server = arg;

	(void)address;
	(void)len;
	region_report_count(server->report, REPORT_connections);
	if (free_place(server))
		return MHD_YES;
	region_report_count(server->report, REPORT_refused_full);
	return MHD_NO;
}

static void
open_connection(struct http_server *server, struct MHD_Connection *handle, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = free_place(server);

	*context = connection;
	if (!connection || !info)
		return;
	connection->handle = handle;
	connection->fd = info->connect_fd;
	connection->has_asked = false;
	enter(connection, CONNECTION_IDLE);
}

/* Has the library sent anything?  Without a request that is its own refusal. */
static bool
has_sent(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_bytes_sent > 0;
}

static void
on_connection(void *arg, struct MHD_Connection *handle, void **context,
	      enum MHD_ConnectionNotificationCode what)
{
	struct http_server *server = arg;
	struct connection *connection = *context;
	uint64_t open = region_report_get(server->report, REPORT_open);

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		open_connection(server, handle, context);
		region_report_set(server->report, REPORT_open, open + 1);
		return;
	}
	region_report_set(server->report, REPORT_open, open - 1);
	if (!connection)
		return;
	if (!connection->has_asked && has_sent(connection->fd))
		region_report_count(server->report, REPORT_malformed);
	connection->state = CONNECTION_FREE;
}

/* The first line of a request is there; it has as long again for its headers. */
static void *
on_request_line(void *arg, const char *line, struct MHD_Connection *handle)
{
	struct connection *connection = connection_of(handle);

	(void)arg;
	if (!connection)
		return NULL;
	connection->has_nul = strstr(line, "%00") != NULL;
	enter(connection, CONNECTION_READING);
	connection->begun_ms = connection->since_ms;
	return NULL;
}

static void
on_completed(void *arg, struct MHD_Connection *handle, void **context,
	     enum MHD_RequestTerminationCode how)
{
	struct connection *connection = connection_of(handle);

	(void)arg;
	(void)how;
	(void)context;
	if (connection)
		enter(connection, CONNECTION_IDLE);
}

/* ---- requests ---- */

static enum MHD_Result
count_host(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	(void)value;
	*(unsigned *)arg += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
	return MHD_YES;
}

static const char *
header(struct MHD_Connection *handle, const char *name)
{
	return MHD_lookup_connection_value(handle, MHD_HEADER_KIND, name);
}

/* "none": it was typed in, or is a bookmark. */
static bool
is_foreign(const char *site)
{
	return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

/* "http://host/path".  A host that is longer than any name is cut, and so is none of ours. */
static void
take_absolute_form(struct http_request *request)
{
	static const char scheme[] = "http://";
	const char *host;
	size_t len;

	if (strncasecmp(request->path, scheme, strlen(scheme)) != 0)
		return;
	host = request->path + strlen(scheme);
	len = strcspn(host, "/");
	request->path = host[len] ? host + len : "/";
	request->host = request->target_host;
	if (len > HTTP_HOST_MAX)
		len = HTTP_HOST_MAX;
	memcpy(request->target_host, host, len);
}

static void
read_request(struct MHD_Connection *handle, const struct connection *connection,
	     const char *path, struct http_request *out)
{
	socklen_t len = sizeof out->local;
	unsigned hosts = 0;

	memset(out, 0, sizeof *out);
	out->path = connection->has_nul ? "" : path;
	out->seconds =
		MHD_lookup_connection_value(handle, MHD_GET_ARGUMENT_KIND, "seconds");
	out->host = header(handle, MHD_HTTP_HEADER_HOST);
	take_absolute_form(out);
	MHD_get_connection_values(handle, MHD_HEADER_KIND, count_host, &hosts);
	out->is_foreign = is_foreign(header(handle, "Sec-Fetch-Site"));
	out->is_repeated_host = hosts > 1;
	out->begun_ms = connection->begun_ms;
	if (getsockname(connection->fd, (struct sockaddr *)&out->local, &len) != 0)
		out->local.ss_family = AF_UNSPEC;
}

static void
add_headers(struct MHD_Response *response, const struct http_reply *reply)
{
	static const char *const always[][2] = {
		{ "Content-Security-Policy",
		  "default-src 'self'; base-uri 'none'; form-action 'none'; "
		  "frame-ancestors 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
	};
	char age[24];

	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		MHD_add_response_header(response, always[i][0], always[i][1]);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	snprintf(age, sizeof age, "%llu", (unsigned long long)reply->age_ms);
	MHD_add_response_header(response, "Martlet-Age-Ms", age);
}

static enum MHD_Result
put_reply(struct http_server *server, struct connection *connection,
	  const struct http_reply *reply)
{
	/* it is copied; the declaration wants it writable */
	union {
		const char *read;
		void *write;
	} body = { .read = reply->body };
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->len, body.write, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(response, reply);
	enter(connection, CONNECTION_WRITING);
	region_report_count(server->report, REPORT_requests);
	result = MHD_queue_response(connection->handle, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
refuse(struct http_server *server, struct connection *connection,
       enum report_figure figure, unsigned status, const char *why)
{
	const struct http_reply reply = { .status = status,
					  .type = "text/plain; charset=utf-8",
					  .body = why,
					  .len = strlen(why) };

	region_report_count(server->report, figure);
	return put_reply(server, connection, &reply);
}

/* Not by the library, which hangs up where headers have left it no room for a response. */
static enum MHD_Result
refuse_headers(struct http_server *server, struct connection *connection)
{
	static const char text[] = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 0\r\n\r\n";

	region_report_count(server->report, REPORT_malformed);
	region_report_count(server->report, REPORT_requests);
	(void)send(connection->fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return MHD_NO;
}

static bool
has_body(struct MHD_Connection *handle)
{
	const char *len = header(handle, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header(handle, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (len && strcmp(len, "0") != 0);
}

static enum MHD_Result
check_request(struct http_server *server, struct connection *connection,
	      const char *method)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection->handle, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(server, connection, REPORT_refused_method,
			      MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (has_body(connection->handle))
		return refuse(server, connection, REPORT_refused_method,
			      MHD_HTTP_CONTENT_TOO_LARGE, "a request has no body here\n");
	if (!info || info->header_size > HTTP_HEADER_MAX)
		return refuse_headers(server, connection);
	return MHD_YES;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *handle, const char *path, const char *method,
	   const char *version, const char *upload, size_t *upload_len, void **context)
{
	struct http_server *server = arg;
	struct connection *connection = connection_of(handle);
	struct http_reply reply = { .status = MHD_HTTP_OK };
	struct http_request request;

	(void)version;
	(void)upload;
	if (!connection)
		return MHD_NO;
	connection->has_asked = true;
	/* the headers are there; what is answered now ends the connection */
	if (!*context) {
		*context = connection;
		return check_request(server, connection, method);
	}
	if (*upload_len > 0)
		return MHD_NO;
	read_request(handle, connection, path, &request);
	if (server->answer(server->arg, &request, &reply))
		return put_reply(server, connection, &reply);
	connection->state = CONNECTION_WAITING;
	MHD_suspend_connection(handle);
	return MHD_YES;
}

/* ---- the loop ---- */

struct http_server *
http_server_new(int fd, struct region_report *report, http_answer_fn *answer, void *arg)
{
	struct http_server *server = calloc(1, sizeof *server);
	const union MHD_DaemonInfo *info = NULL;

	if (!server)
		return NULL;
	server->report = report;
	server->answer = answer;
	server->arg = arg;
	region_report_set(report, REPORT_open, 0);
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, server,
		on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
		/* one more, so that it is we who refuse it, and count */
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX + 1,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (server->daemon)
		info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info) {
		log_errorx("nothing can be told over HTTP: libmicrohttpd does not start");
		free(server);
		return NULL;
	}
	server->fd = info->epoll_fd;
	return server;
}

int
http_server_fd(const struct http_server *server)
{
	return server->fd;
}

int
http_server_wait_ms(const struct http_server *server, int limit_ms)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (server->is_woken)
		return 0;
	if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES &&
	    wait_ms < (MHD_UNSIGNED_LONG_LONG)limit_ms)
		return (int)wait_ms;
	return limit_ms;
}

/* Who only rests between two requests has done nothing wrong. */
static void
hang_up(struct http_server *server, struct connection *connection)
{
	if (connection->state != CONNECTION_IDLE || !connection->has_asked)
		region_report_count(server->report, REPORT_timeouts);
	/* counted once, as this */
	connection->has_asked = true;
	/* not closed: its owner finds it ended */
	shutdown(connection->fd, SHUT_RDWR);
	enter(connection, CONNECTION_IDLE);
}

static void
sweep(struct http_server *server, uint64_t now_ms)
{
	for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		uint64_t limit_ms = connection->state == CONNECTION_WRITING
					    ? HTTP_WRITE_MS
					    : HTTP_READ_MS;

		if (connection->state != CONNECTION_FREE &&
		    connection->state != CONNECTION_WAITING &&
		    now_ms - connection->since_ms >= limit_ms)
			hang_up(server, connection);
	}
}

void
http_server_turn(struct http_server *server)
{
	uint64_t now_ms;

	server->is_woken = false;
	MHD_run(server->daemon);
	/* behind it: no connection is younger than now */
	now_ms = clock_now_ms();
	if (now_ms - server->swept_ms < SWEEP_MS)
		return;
	server->swept_ms = now_ms;
	sweep(server, now_ms);
}

void
http_server_wake(struct http_server *server)
{
	for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->state != CONNECTION_WAITING)
			continue;
		enter(connection, CONNECTION_READING);
		MHD_resume_connection(connection->handle);
		server->is_woken = true;
	}
}
