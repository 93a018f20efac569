/* One message on its way through the answering core, and the decoding of it. */
#ifndef WORKER_QUERY_H
#define WORKER_QUERY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/name_hash.h"

enum {
	QUERY_HEADER_LEN = 12,
	QUERY_UDP_MIN = 512,		/* response size without EDNS, RFC 1035, section 4.2.1 */
	QUERY_MESSAGE_MAX = 65535,
	QUERY_COOKIE_LEN = 24,		/* of those that we make */
};

enum query_flag {
	QUERY_TCP = 1 << 0,		/* set by the caller: came over a stream */
	QUERY_IPV6 = 1 << 1,		/* set by the caller, for the counters */
	QUERY_EDNS = 1 << 2,
	QUERY_DO = 1 << 3,
	QUERY_NSID = 1 << 4,
	QUERY_BADVERS = 1 << 5,
	QUERY_ECS = 1 << 6,		/* EDNS Client Subnet: `subnet` is set */
	QUERY_ECS_BAD = 1 << 7,		/* there is one, malformed */
	QUERY_COOKIE = 1 << 8,		/* DNS cookie: cookie_at and cookie_len are set */
	QUERY_COOKIE_BAD = 1 << 9,	/* there is one, malformed */
	QUERY_COOKIE_VALID = 1 << 10,	/* ours, for this client: see worker/cookie.h */
	QUERY_COOKIE_REPLY = 1 << 11,	/* `cookie` goes into the response */
	/* The client's limit has counted it: set by the core; by the caller for a query that
	 * is answered once more. */
	QUERY_CHARGED = 1 << 12,
};

/* What became of decoding. */
/* What most are: looked up in class IN, and at most a cookie is to be answered beside that. */
enum query_common { QUERY_UNCOMMON = 0, QUERY_COMMON = 1, QUERY_COMMON_COOKIE = 2 };

enum query_verdict {
	QUERY_LOOKUP = 0,		/* a question of class IN: look it up */
	QUERY_CHAOS,			/* a question of class CH */
	QUERY_ERROR,			/* answered by `rcode` alone */
	QUERY_DROP,			/* not answered at all */
};

/* What a response is of, in the question's name. */
enum query_source {
	SOURCE_OWNER = 0,		/* all of it */
	SOURCE_WILDCARD,		/* the closest encloser of the wildcard */
	SOURCE_CUT,			/* a zone cut */
	SOURCE_DNAME,			/* the owner of a DNAME */
};

/* Where a message spells a name: its first head_len octets at head_at, what follows at
 * tail_at, of which tail_len octets are known to stand there in one run. */
struct name_place {
	uint16_t head_at, head_len, tail_at, tail_len;
};

/* The offset in the message of the name without its first `skip` octets (whole labels);
 * 0 when it is nowhere, or where no pointer reaches. */
static inline uint16_t
name_place_suffix(const struct name_place *place, unsigned skip)
{
	unsigned at = 0;

	if (skip < place->head_len)
		at = place->head_at + skip;
	else if (skip - place->head_len < place->tail_len)
		at = place->tail_at + (skip - place->head_len);
	return at > 0x3fff ? 0 : (uint16_t)at;
}

/* EDNS Client Subnet (RFC 7871) as it was asked with. */
struct query_subnet {
	uint8_t family;			/* 1 IPv4, 2 IPv6; 0 with source_len 0: none is told */
	uint8_t source_len;		/* bits */
	uint8_t address[16];		/* zeros behind source_len bits */
};

struct query {
	/* set by the caller */
	uint8_t *packet;		/* the message; the response is written over it */
	uint32_t received_len;		/* octets of the message in `packet` */
	uint32_t room;			/* octets of `packet` for the response, 512 or more */
	uint32_t flags;			/* enum query_flag */
	/* who asks, of either family by sin6_family; NULL: unknown */
	const struct sockaddr_in6 *client;
	/* set by the core */
	uint32_t response_len;		/* octets to be sent; 0: drop, send nothing */
	/* Of the name in the question, whatever it leads to: the node of its zone's apex, NULL
	 * without one; and its own node, or that of its closest encloser, NULL when it was not
	 * looked for.  Borrowed from the store until the batch ends; see shm/node.h. */
	const uint8_t *apex, *closest;

	/* private to the core from here on */
	uint8_t verdict;		/* enum query_verdict */
	uint8_t rcode;			/* enum dns_rcode, its low 4 bits unless BADVERS */
	uint8_t common;			/* enum query_common */
	uint16_t class, type;
	uint16_t question_end;		/* offset behind the question; 12 when it has none */
	uint16_t limit;			/* largest response that the client takes */
	uint16_t tsig_at;		/* with RCODE_NOTAUTH: offset of the TSIG */

	/* The name being looked up: the question's, then the targets of a chain. */
	uint8_t name_len;
	uint8_t label_count;
	struct name_place place;	/* where the message spells it */
	uint8_t name[DNAME_MAX + 1 + 4 * NAME_PAD]; /* lower-cased; 4 * NAME_PAD readable behind */
	/* Offsets in `name` of its labels, first to last, then of the root label. */
	uint8_t label_start[DNAME_LABELS_MAX + 1];
	/* name_hash states; state[n] is that of the suffix of n labels, [0] the root's. */
	uint64_t state[DNAME_LABELS_MAX + 1];

	uint8_t source;			/* enum query_source; with another than SOURCE_OWNER, */
	uint8_t source_len;		/* octets of that suffix, and its state */
	uint64_t source_state;

	struct query_subnet subnet;	/* with QUERY_ECS */
	uint8_t scope_len;		/* what goes back with it */
	uint16_t cookie_at;		/* offset in the message, */
	uint8_t cookie_len;		/* and octets, of the cookie that was sent */
	uint8_t cookie[QUERY_COOKIE_LEN];	/* with QUERY_COOKIE_REPLY */
};

/* The suffix of `labels` labels of the name, and its length. */
static inline const uint8_t *
query_suffix(const struct query *q, unsigned labels)
{
	return q->name + q->label_start[q->label_count - labels];
}

static inline unsigned
query_suffix_len(const struct query *q, unsigned labels)
{
	return q->name_len - (unsigned)q->label_start[q->label_count - labels];
}

/* The response is of the suffix of `labels` labels; the name is still the question's. */
static inline void
query_set_source(struct query *q, enum query_source source, unsigned labels)
{
	q->source = (uint8_t)source;
	q->source_len = (uint8_t)query_suffix_len(q, labels);
	q->source_state = q->state[labels];
}

/* The name is the question's. */
static inline void
query_place_question(struct query *q)
{
	q->place = (struct name_place){ QUERY_HEADER_LEN, q->name_len, 0, 0 };
}

/* Set label_start and label_count from name and name_len. */
void query_index_labels(struct query *q);

/* Compute `state` for all suffixes; any octets may stand behind the name. */
static inline void
query_hash_labels(struct query *q, const struct hash_seed *seed)
{
	const struct hash_seed own = *seed; /* in registers, whatever is written below */
	uint64_t state = name_hash_root(&own), *out = q->state;

	*out = state;
	for (const uint8_t *start = q->label_start + q->label_count; start != q->label_start;) {
		state = name_hash_label(&own, state, q->name + *--start);
		*++out = state;
	}
}

/* What query_decode (worker/query_common.h) does with a query that is not common. */
void query_decode_uncommon(struct query *q, uint16_t udp_size);

#endif
