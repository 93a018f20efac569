/* What martlet-flood is asked to do: its command line, checked. */
#ifndef T_FLOOD_OPTIONS_H
#define T_FLOOD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shm/network.h"

enum {
	FLOOD_NAMES_MAX = 64,
	FLOOD_SOCKETS_MAX = 1024,
	FLOOD_CONNECTIONS_MAX = 1024,
	FLOOD_THREADS_MAX = 64,
	FLOOD_WINDOW_MAX = 16384,
	FLOOD_SECONDS_MAX = 86400,
	FLOOD_IDS = 65536, /* of a socket */
};

enum flood_cookies { COOKIES_NONE, COOKIES_CLIENT, COOKIES_FULL };
enum flood_ecs { ECS_NONE, ECS_FIXED, ECS_RANDOM };

struct flood_options {
	struct sockaddr_storage target;
	socklen_t target_len;
	const char *server; /* as it was given */
	uint16_t port;

	const char *queries_path; /* NULL: none */
	const char *random_names[FLOOD_NAMES_MAX]; /* fresh labels below these */
	unsigned random_count;
	uint16_t random_type;

	double seconds;
	double rate; /* a second, of all threads; 0: closed loop */
	uint64_t count; /* of queries; UINT64_MAX: as many as fit the time */
	unsigned sockets, window, threads;
	double timeout_s, interval_s, give_up_s; /* give_up_s 0: never */

	uint16_t edns_size; /* 0: no EDNS */
	bool has_do;
	enum flood_ecs ecs;
	struct network ecs_network;
	enum flood_cookies cookies;

	double tcp_share; /* 0 .. 1 */
	unsigned tcp_connections;
	uint64_t tcp_queries; /* of a connection; 0: no limit */

	struct network sources; /* its octets are the first address */
	uint64_t source_count; /* at most 2^31; 0: the system chooses */

	uint64_t seed;
	bool is_spinning, is_json, is_quiet, is_owner;
	const char *svg_path; /* NULL: none */
};

/* Read the command line.  returns -1 when there is something to do; else the exit status,
 * after help, version, or a line on standard error that says what is wrong. */
int flood_options_read(struct flood_options *options, int argc, char **argv);

/* The same for what belongs together; makes the target, and as many sockets as needed. */
int flood_options_check(struct flood_options *options);

/* Say what is wrong.  returns the exit status. */
int flood_options_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Slots for the unanswered queries of a socket, a power of 2: twice those that a rate has
 * on the way until they are lost; in a closed loop enough for those behind a lost one. */
unsigned flood_options_slots(const struct flood_options *options);

#endif
