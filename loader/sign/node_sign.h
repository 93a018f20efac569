/* Signing nodes one by one, as they are stored: after live changes, for renewals, and where
 * data are taken back but not keys.
 *
 *	node_sign_new, node_sign_start(zone)
 *	node_sign_add ...			what is to be signed is on its way
 *	node_sign_finish
 *	node_sign_write ...			the nodes with their signatures
 *	node_sign_forget, or node_sign_start again
 *
 * Signatures that a node has, over RRsets that are the same, are taken over unless they end
 * soon. */
#ifndef LOADER_SIGN_NODE_SIGN_H
#define LOADER_SIGN_NODE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_session.h"
#include "loader/sign/type_bitmap.h"
#include "loader/zone/arena.h"
#include "loader/zone/node_writer.h"
#include "shm/node.h"
#include "shm/settings.h"

struct node_sign;

/* signer_fd, is_paced: see sign_session_new.  returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct node_sign *node_sign_new(int signer_fd, bool is_paced);

/* NULL is allowed. */
void node_sign_free(struct node_sign *sign);

/* Begin with a zone.
 * apex     as it is served: signatures by keys that its DNSKEY RRset has may be taken over;
 *          not borrowed
 * returns  0; ERR_NOTFOUND: no key is active; as sign_session_start */
__attribute__((nonnull, warn_unused_result))
int node_sign_start(struct node_sign *sign, const struct settings *settings, int64_t now_s,
		    bool is_renewal, const struct node *apex);

/* The zone's keys. */
__attribute__((nonnull, returns_nonnull))
const struct sign_keys *node_sign_keys(const struct node_sign *sign);

/* How a node is to stand. */
struct node_sign_wish {
	const struct node *node;	/* its blocks; borrowed until it is written */
	const struct node *old;		/* whose signatures may be taken over; may be NULL */
	bool is_bare;			/* nothing is signed there: it is occluded */
	bool is_cut;			/* DS and its NSEC alone are signed */
	bool is_chain_only;		/* all but the record of the chain stays as it is */
	bool keeps_chain;		/* its record of the chain stays, with new signatures if
					 * they are due; else `chain` takes its place */
	uint16_t chain_type;		/* NSEC or NSEC3; 0: the node gets none */
	const uint8_t *chain;		/* rdata; borrowed until it is written */
	size_t chain_len;
	uint32_t chain_ttl;
	/* of a wildcard in a zone with NSEC3: the rdata of its record, to what comes next;
	 * NULL: it is what it was */
	const uint8_t *nsec3;
};

/* A node on its way, in the arena of `sign`. */
struct node_sign_job;

/* returns 0; ERR_NOMEM; ERR_DAMAGED; ERR_RANGE: an RRset fits no message with its
 * signatures; as sign_session_add. */
__attribute__((nonnull, warn_unused_result))
int node_sign_add(struct node_sign *sign, const struct node_sign_wish *wish,
		  struct node_sign_job **out);

/* Would nothing change: is every signature there, and does none end soon? */
__attribute__((nonnull, pure))
bool node_sign_is_same(const struct node_sign_job *job);

/* Wait until all is signed; to be called also after a failure.  returns as
 * sign_session_finish. */
__attribute__((nonnull, warn_unused_result))
int node_sign_finish(struct node_sign *sign);

/* Write the node; the caller ends it.  returns 0 or ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int node_sign_write(const struct node_sign_job *job, struct node_writer *writer);

/* When the first signature ends of those that were made or taken over since the start; 0:
 * there was none.  How many were made. */
__attribute__((nonnull, pure))
int64_t node_sign_first_end(const struct node_sign *sign);
__attribute__((nonnull, pure))
uint64_t node_sign_made(const struct node_sign *sign);

/* Memory that lives until the next start or forget. */
__attribute__((nonnull, returns_nonnull))
struct arena *node_sign_arena(struct node_sign *sign);

/* Give back all that was added since the start; the zone stays. */
__attribute__((nonnull, warn_unused_result))
int node_sign_forget(struct node_sign *sign);

/* What the bitmap of a node lists (RFC 4034, section 4.1.2; RFC 5155, section 3.2.1). */
__attribute__((nonnull))
void node_sign_types(const struct node *node, bool is_cut, bool is_nsec3,
		     struct type_bitmap *out);

#endif
