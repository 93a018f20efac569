/* One probe: a connection, a request or an echo to one target, and what came of it.
 *
 * A way to probe (HTTP by curl, TCP, ICMP) is started with a probe, which stays the caller's,
 * and tells probe_end once, never from within the start; or is cancelled, and tells nothing. */
#ifndef LOADER_HEALTH_PROBE_H
#define LOADER_HEALTH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/health/deny_list.h"
#include "loader/health/event_loop.h"
#include "shm/health_target.h"

enum probe_outcome {
	PROBE_UP,
	PROBE_DOWN,
	PROBE_UNKNOWN,			/* it could not be made: nothing is known of the target */
};

struct probe {
	const struct health_target *target; /* borrowed until the end */
	void *way;			/* what the way to probe keeps for it */
};

/* `why` is text for people, "" for PROBE_UP; borrowed for the call. */
typedef void probe_end_fn(struct probe *probe, enum probe_outcome outcome, const char *why);

/* What all ways share. */
struct probe_bed {
	struct event_loop *loop;
	const struct deny_list *deny;
	probe_end_fn *end;
	const char *ca_file;		/* "": the system's; borrowed */
};

/* Each returns 0 when it is under way; else an error code, with why: as PROBE_UNKNOWN. */
__attribute__((nonnull, warn_unused_result))
int tcp_probe_start(struct probe_bed *bed, struct probe *probe, const char **why);
__attribute__((nonnull))
void tcp_probe_cancel(struct probe *probe);

struct http_prober;
/* returns NULL when there is no memory. */
__attribute__((nonnull))
struct http_prober *http_prober_new(struct probe_bed *bed);
__attribute__((nonnull, warn_unused_result))
int http_probe_start(struct http_prober *prober, struct probe *probe, const char **why);
__attribute__((nonnull))
void http_probe_cancel(struct http_prober *prober, struct probe *probe);

struct icmp_prober;
/* Sockets for echoes over IPv4 and IPv6, opened for us before the rights were dropped; -1:
 * there is none, we try ourselves.  returns NULL when there is no memory. */
__attribute__((nonnull))
struct icmp_prober *icmp_prober_new(struct probe_bed *bed, const int fds[2]);
__attribute__((nonnull, warn_unused_result))
int icmp_probe_start(struct icmp_prober *prober, struct probe *probe, const char **why);
__attribute__((nonnull))
void icmp_probe_cancel(struct icmp_prober *prober, struct probe *probe);

#endif
