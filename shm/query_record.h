/* What a worker writes of a query for the query log: one record in its ring (shm/ring.h),
 * this head and then the question as it came, in the client's case.  All the rest, names,
 * places and texts, is the logger's work. */
#ifndef SHM_QUERY_RECORD_H
#define SHM_QUERY_RECORD_H

#include <stdint.h>

#include "shm/dname.h"

enum {
	QUERY_RING_LEN = 8 << 20,	/* octets of each worker's ring */
};

enum query_record_flag {
	QUERY_RECORD_TCP = 1 << 0,
	QUERY_RECORD_IPV6 = 1 << 1,
	QUERY_RECORD_ECS = 1 << 2,	/* EDNS Client Subnet: `subnet` is set */
	QUERY_RECORD_BADVERS = 1 << 3,	/* the RCODE is BADVERS, which the header cannot hold */
};

struct query_record {
	uint32_t record_len;		/* as shm/ring.h wants it */
	uint16_t question_len;		/* octets behind this head: name, type, class; 0: none */
	uint8_t flags;			/* enum query_record_flag */
	uint8_t zone_len;		/* octets of the name's suffix that is its zone; 0: none */
	uint64_t received_us;		/* Unix time of the batch */
	uint32_t took_ns;		/* from then until it was answered */
	uint32_t response_len;		/* octets that go out */
	uint8_t header[4];		/* of the response: id and flags */
	uint16_t port;			/* the client's, network order */
	uint8_t subnet_len, scope_len;	/* bits, asked with and answered */
	uint8_t client[16];		/* IPv4 as ::ffff:0:0/96; zeros: unknown */
	uint8_t subnet[16];		/* the same, zeros behind its bits */
	uint8_t question[];
};
_Static_assert(sizeof(struct query_record) == 64, "one line, and the question behind it");

enum { QUERY_RECORD_MAX = sizeof(struct query_record) + DNAME_MAX + 4 + 5 };
_Static_assert(QUERY_RECORD_MAX % 8 == 0, "as shm/ring.h wants it");

#endif
