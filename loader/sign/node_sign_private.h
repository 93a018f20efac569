/* What node_sign*.c share. */
#ifndef LOADER_SIGN_NODE_SIGN_PRIVATE_H
#define LOADER_SIGN_NODE_SIGN_PRIVATE_H

#include "loader/sign/node_sign.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/steered_sign.h"

enum { SIG_HEAD = 12 };			/* owner pointer, type, class, TTL, rdata length */

/* The signatures of an RRset, as they are stored. */
struct node_sign_sigs {
	struct node_sign_sigs *next;
	uint8_t *octets;
	size_t len;
	uint16_t type, count;
};

/* A steered RRset with what is signed of it ahead; those over all records are among the
 * signatures of the job. */
struct node_sign_steered {
	struct node_sign_steered *next;
	struct steered_made made;
	uint16_t type;
};

struct node_sign_job {
	struct node_sign_wish wish;	/* its `node` and `old` are below */
	struct node wish_node, old;	/* old.bytes NULL: there is none */
	bool is_same;
	struct node_sign_sigs *first, **tail;
	struct node_sign_steered *steered;
};

struct node_sign {
	struct sign_session *session;
	struct sign_keys keys;
	unsigned roles[SIGN_KEYS_MAX];
	bool is_known[SIGN_KEYS_MAX];	/* signed what is served */
	struct sign_clock clock;
	struct arena *arena;
	struct sign_buffer buffer;
	uint8_t origin[DNAME_MAX];
	size_t origin_len;
	bool is_nsec3;
	uint32_t negative_ttl;
	int64_t first_end_s;
	uint64_t made;
};

/* One that is to be signed. */
struct node_sign_rrset {
	struct node_sign_job *job;
	const struct rrset *stored;	/* of the wish's node; NULL: the record of the chain */
	struct sign_rrset rrset;	/* its records are read when they are needed */
	struct rrset old;
	bool is_same;			/* as `old` */
	struct node_sign_sigs *sigs;
};

/* Have an RRset signed, which takes wire_len octets itself.  returns as node_sign_add. */
__attribute__((nonnull, warn_unused_result))
int node_sign_add_rrset(struct node_sign *sign, struct node_sign_rrset *s, size_t wire_len);

/* The same of a BLOCK_STEERED. */
__attribute__((nonnull, warn_unused_result))
int node_sign_add_steered(struct node_sign *sign, struct node_sign_job *job,
			  const struct block *block);

#endif
