/* What node_sign.c and node_sign_write.c share. */
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

#endif
