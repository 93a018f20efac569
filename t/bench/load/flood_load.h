/* One thread of the load: its sockets, its connections, and every n-th query.
 *
 * At a constant rate query k is due at start + k / rate, whatever became of those before
 * it, and its latency counts from then: a server that stands still for a second is charged
 * with what it was to answer meanwhile (no coordinated omission). */
#ifndef T_FLOOD_LOAD_H
#define T_FLOOD_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "t/bench/load/flood_figures.h"
#include "t/bench/load/flood_options.h"
#include "t/bench/load/flood_pending.h"
#include "t/bench/load/flood_queries.h"

enum { FLOOD_BATCH = 64, FLOOD_RESPONSE_ROOM = 4096, FLOOD_BACKLOG = 4096 };

struct flood_socket {
	int fd;
	uint32_t source; /* when the system has chosen: its own number */
	struct flood_pending pending;
};

struct flood_connection; /* flood_tcp.c */
struct flood_messages; /* flood_udp.c */

/* What the server has given to a source. */
struct flood_cookie {
	uint8_t octets[FLOOD_COOKIE_MAX];
	uint8_t len; /* 0: nothing yet */
};

/* Queries that are due and wait for a connection with room. */
struct flood_backlog {
	uint64_t numbers[FLOOD_BACKLOG];
	unsigned first, count;
};

struct flood_load {
	const struct flood_options *options;
	const struct flood_queries *queries;
	unsigned index; /* of the threads */
	struct flood_socket *sockets;
	unsigned socket_count, next_socket;
	struct flood_connection *connections;
	unsigned connection_count, next_connection;
	struct flood_backlog backlog;
	struct flood_messages *messages;
	struct flood_cookie *cookies; /* of each source; NULL: none are kept */
	uint64_t random_state;
	uint64_t done; /* queries of this thread so far */
	uint64_t start_ns, end_ns, now_ns, tended_ns;
	int epoll;
	int send_errno; /* why the last query could not be sent; 0 */
	const int *stopping; /* not 0: end now */
	bool is_ending; /* nothing more is asked */
	int is_over; /* set last */
	struct flood_figures figures;
};

/* Open all that one thread needs.  returns 0; 1 after a line on standard error. */
int flood_load_open(struct flood_load *load);

/* Ask from start_ns to end_ns, and wait for what is still unanswered then. */
void flood_load_run(struct flood_load *load);

void flood_load_close(struct flood_load *load);

/* ---- for those who ask ---- */

/* The number among all threads' of the query that this one asks next. */
static inline uint64_t
flood_load_number(const struct flood_load *load)
{
	return load->done * load->options->threads + load->index;
}

/* When query `number` is due. */
uint64_t flood_load_due_ns(const struct flood_load *load, uint64_t number);

/* Is query `number` among those that are to be asked, by count and time? */
bool flood_load_is_asked(const struct flood_load *load, uint64_t number);

/* Is this one asked over TCP?  Spread evenly. */
bool flood_load_is_tcp(const struct flood_load *load, uint64_t number);

/* Write query `number` of `source`, its id not yet. */
unsigned flood_load_put(struct flood_load *load, uint64_t number, uint32_t source,
			uint8_t *out);

/* Note that query `number` goes out now.  returns its id. */
uint16_t flood_load_note(struct flood_load *load, struct flood_pending *pending,
			 uint64_t number, uint32_t source);

/* Match a response to its query and count it. */
void flood_load_take(struct flood_load *load, struct flood_pending *pending,
		     const uint8_t *message, unsigned len, bool is_tcp);

#endif
