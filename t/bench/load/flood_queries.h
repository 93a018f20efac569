/* The queries of a load: read from a file of "name type" lines, or random names; and how
 * one of them becomes a message.
 *
 * A name whose first label is "zz-" and 12 letters gets fresh letters each time it is put.
 * Empty lines and those that begin with ';' or '#' are skipped. */
#ifndef T_FLOOD_QUERIES_H
#define T_FLOOD_QUERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "t/bench/load/flood_options.h"

enum {
	FLOOD_QUERY_ROOM = 512, /* any name, OPT with all options */
	FLOOD_CLIENT_COOKIE_LEN = 8,
	FLOOD_COOKIE_MAX = 40, /* with the server's part */
};

struct flood_query;

struct flood_queries {
	struct flood_query *queries;
	uint8_t *octets;
	uint64_t count;
	uint64_t room, octets_len, octets_room;
	uint8_t opt[64]; /* what each query ends with, but for a cookie */
	unsigned opt_len; /* 0: none */
	unsigned ecs_at; /* of the address in `opt` that is drawn; 0: none */
};

/* What differs from query to query, besides its id. */
struct flood_dress {
	uint64_t *random_state;
	const uint8_t *cookie; /* NULL: none */
	unsigned cookie_len;
};

/* Read and make all that `options` name.  returns 0; 1 after a line on standard error. */
int flood_queries_load(struct flood_queries *queries,
		       const struct flood_options *options);

void flood_queries_free(struct flood_queries *queries);

/* Put query `which`, counted round and round; the id stays 0.  returns its length. */
unsigned flood_queries_put(const struct flood_queries *queries, uint64_t which,
			   const struct flood_dress *dress,
			   uint8_t out[FLOOD_QUERY_ROOM]);

#endif
