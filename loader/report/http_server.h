/* Requests over HTTP, taken by libmicrohttpd in the caller's own loop.
 *
 * Only GET and HEAD, without a body, from HTTP_CONNECTIONS_MAX connections; headers of
 * HTTP_HEADER_MAX octets; who takes longer than HTTP_READ_MS to send a request, or than
 * HTTP_WRITE_MS to take the response, is hung up on.  All of it is counted. */
#ifndef LOADER_REPORT_HTTP_SERVER_H
#define LOADER_REPORT_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shm/region_report.h"

enum {
	HTTP_CONNECTIONS_MAX = 32,
	HTTP_HEADER_MAX = 16384,
	HTTP_READ_MS = 5000,
	HTTP_WRITE_MS = 15000,
	HTTP_HOST_MAX = 300, /* with its port */
};

struct http_request {
	const char *path; /* unescaped, without what follows a '?' */
	const char *seconds; /* behind "?seconds=", any octets; NULL: none */
	const char *host; /* the header, NULL: none, as HTTP/1.0 allows; or that of the
			   * target in absolute form, which counts instead (RFC 9112 3.2.2) */
	char target_host[HTTP_HOST_MAX + 1]; /* where `host` may point to */
	bool is_repeated_host;
	bool is_foreign; /* a browser tells that a page of somebody else asks */
	struct sockaddr_storage local; /* where it was connected to */
	uint64_t begun_ms; /* when its first line had come */
};

struct http_reply {
	unsigned status;
	const char *type; /* of the body */
	const char *body; /* copied */
	size_t len;
	uint64_t age_ms; /* of the figures in it, told in a header */
};

/* Make the reply.  returns false when it cannot be made yet: the request waits until
 * http_server_wake, and then this is called again. */
typedef bool http_answer_fn(void *arg, const struct http_request *request,
			    struct http_reply *reply);

struct http_server;

/* Serve on the listening socket `fd`.  returns NULL after having logged why not. */
__attribute__((nonnull, warn_unused_result)) struct http_server *
http_server_new(int fd, struct region_report *report, http_answer_fn *answer, void *arg);

/* To be polled for reading; http_server_turn is due at the latest after so many ms. */
__attribute__((nonnull)) int http_server_fd(const struct http_server *server);
__attribute__((nonnull)) int http_server_wait_ms(const struct http_server *server,
						 int limit_ms);

/* Do what can be done now. */
__attribute__((nonnull)) void http_server_turn(struct http_server *server);

/* What requests wait for may have come. */
__attribute__((nonnull)) void http_server_wake(struct http_server *server);

#endif
