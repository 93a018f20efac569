/* One message on its way through the answering core, and the decoding of it. */
#ifndef WORKER_QUERY_H
#define WORKER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/name_hash.h"

enum {
	QUERY_HEADER_LEN = 12,
	QUERY_UDP_MIN = 512,		/* response size without EDNS, RFC 1035, section 4.2.1 */
	QUERY_MESSAGE_MAX = 65535,
};

enum query_flag {
	QUERY_TCP = 1 << 0,		/* set by the caller: came over a stream */
	QUERY_IPV6 = 1 << 1,		/* set by the caller, for the counters */
	QUERY_EDNS = 1 << 2,
	QUERY_DO = 1 << 3,
	QUERY_NSID = 1 << 4,
	QUERY_BADVERS = 1 << 5,
};

/* What became of decoding. */
enum query_verdict {
	QUERY_LOOKUP = 0,		/* a question of class IN: look it up */
	QUERY_CHAOS,			/* a question of class CH */
	QUERY_ERROR,			/* answered by `rcode` alone */
	QUERY_DROP,			/* not answered at all */
};

struct query {
	/* set by the caller */
	uint8_t *packet;		/* the message; the response is written over it */
	uint32_t received_len;		/* octets of the message in `packet` */
	uint32_t room;			/* octets that `packet` has for the response */
	uint32_t flags;			/* enum query_flag */
	/* set by the core */
	uint32_t response_len;		/* octets to be sent; 0: drop, send nothing */

	/* private to the core from here on */
	uint8_t verdict;		/* enum query_verdict */
	uint8_t rcode;
	uint8_t name_len;
	uint8_t label_count;
	uint16_t type, class;
	uint16_t question_end;		/* offset behind the question; 12 when it has none */
	uint16_t limit;			/* largest response that the client takes */
	uint8_t name[DNAME_MAX + 1 + NAME_PAD];	/* lower-cased, zero-padded */
	/* label_at[n]: offset in `name` of the suffix of n labels; [0] is the root */
	uint8_t label_at[DNAME_LABELS_MAX + 1];
	uint64_t state[DNAME_LABELS_MAX + 1];	/* name_hash state of the suffix of n labels */
};

/* Parse header, question and EDNS of `q->packet`; fills the private part, `state`
 * excepted.  `udp_size` is the configured largest response over UDP. */
void query_decode(struct query *q, uint16_t udp_size);

#endif
