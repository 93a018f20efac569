/* Whose place counts for a query: that of the subnet that it tells of (RFC 7871), else that
 * of its sender. */
#ifndef WORKER_CLIENT_PLACE_H
#define WORKER_CLIENT_PLACE_H

#include "shm/geo_db.h"
#include "worker/query.h"

struct client_place {
	bool is_known;			/* where it is */
	bool has_address;		/* which may be private */
	struct geo_address address;
	uint8_t scope_len;		/* of a subnet that is not known: what that holds for */
};

/* `ecs`: is a subnet honoured?  One without an address (/0), and one that is private,
 * loopback or link-local, is an unknown place. */
void client_place_find(const struct query *q, bool ecs, struct client_place *out);

/* The scope to be answered, for what was found by an address and holds for a prefix of
 * `place_len` (0..128, IPv4 as in struct geo_address): so long, or longer, since it never
 * holds for places that are known and those that are not. */
__attribute__((pure))
unsigned client_place_scope(const struct query *q, const struct client_place *place,
			    unsigned place_len);

#endif
