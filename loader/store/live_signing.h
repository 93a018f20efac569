/* What an edit of a signed zone keeps until its end; used by live*.c only. */
#ifndef LOADER_STORE_LIVE_SIGNING_H
#define LOADER_STORE_LIVE_SIGNING_H

#include "loader/sign/node_sign.h"
#include "loader/store/live_private.h"
#include "shm/nsec3_hash.h"

/* A name that was put or dropped, or whose signatures are due.  In the arena. */
struct live_touched {
	const uint8_t *name;
	size_t len;
	struct node old;		/* before the edit; bytes NULL: it was not there */
	struct node node;		/* as the edit leaves it; the same */
	size_t number;			/* in the order of the edit */
	bool is_hidden;			/* below a cut or DNAME */
	bool is_whole;			/* has records, or its source says that it exists */
	struct node_sign_job *job;
};

/* A name's place in a chain of denial: that of an NSEC is the name itself, that of an NSEC3
 * its hash. */
struct live_link {
	const uint8_t *place;
	size_t place_len;
	const struct node *node;	/* what it stands for; NULL: gone */
	struct live_touched *touched;	/* its name; NULL: the apex, or one above those */
	struct node old;		/* the node of the NSEC3; the NSEC's for NSEC */
	bool was, is;			/* a member before, and behind the edit */
	bool is_cut;
	const uint8_t *next;		/* the place of the next member */
	struct node_sign_job *job;
};

/* A member that is not touched, but what comes next behind it. */
struct live_neighbour {
	struct node node;
	bool is_wildcard;		/* the name of an NSEC3: its steered RRsets follow */
	const uint8_t *next;
	struct node_sign_job *job;
};

struct live_signing {
	const struct settings *settings; /* borrowed */
	struct node_sign *sign;
	/* of the edit under way */
	enum denial denial;
	struct signing_facts facts;	/* with what has changed so far */
	uint32_t negative_ttl, soa_ttl;
	struct node apex;		/* before the edit */
	struct node new_apex;
	struct node_sign_job *apex_job;
	struct live_touched **touched;	/* owned; in canonical order once the edit ends */
	size_t touched_count, touched_room;
	struct live_link *links;	/* owned; in the order of the chain */
	size_t link_count, link_room;
	struct live_neighbour *neighbours; /* owned */
	size_t neighbour_count, neighbour_room;
};

/* Begin with a signed zone.  returns 0; ERR_FORMAT: it is to be put as a whole; as
 * sign_session_start. */
__attribute__((nonnull, warn_unused_result))
int live_sign_start(struct live_edit *edit, const struct node *apex, bool is_renewal);

/* A name is about to be put or dropped; `old` as it stands, or NULL.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull(1, 2), warn_unused_result))
int live_sign_touch(struct live_edit *edit, const uint8_t *name, size_t len,
		    const struct node *old);

/* All names are as they will be, live->writer holds the apex: sign them, write them, and
 * leave the apex, signed, in live->writer.  returns 0; ERR_FORMAT as above. */
__attribute__((nonnull, warn_unused_result))
int live_sign_end(struct live_edit *edit);

/* The same, but for the apex. */
__attribute__((nonnull, warn_unused_result))
int live_sign_names(struct live_edit *edit);

/* Hand everything that the edit has noted to the signer. */
__attribute__((nonnull, warn_unused_result))
int live_jobs_add(struct live_edit *edit);

/* All is signed: put the nodes; leave the apex in live->writer. */
__attribute__((nonnull, warn_unused_result))
int live_jobs_write(struct live_edit *edit);
__attribute__((nonnull, warn_unused_result))
int live_jobs_write_apex(struct live_edit *edit);

/* Put a node in the place of `present` (bytes NULL: none), and count it; `old` is what had
 * signatures before the edit. */
__attribute__((nonnull, warn_unused_result))
int live_sign_put(struct live_edit *edit, const struct node_sign_job *job,
		  const struct node *present, const struct node *old);

/* The zone's first signature ends then: all of them have been looked at. */
__attribute__((nonnull))
void live_sign_restart_facts(struct live_edit *edit, int64_t first_end_s);

/* Write the apex of the job, with nothing but other signatures. */
__attribute__((nonnull, warn_unused_result))
int live_sign_put_apex(struct live_edit *edit);

/* Store what is known of the signatures in the apex node in live->writer. */
__attribute__((nonnull))
void live_sign_set_facts(struct live_edit *edit);

static inline bool
live_uses_nsec3(const struct live_signing *signing)
{
	return signing->denial != DENIAL_NSEC;
}

/* The space in which the chain's records are. */
static inline uint32_t
live_chain_id(const struct live_edit *edit)
{
	return live_uses_nsec3(edit->live->signing) ? edit->facts.zone_id | NSEC3_SPACE
						    : edit->facts.zone_id;
}

/* The place that a hash makes, in the arena; NULL without memory or room. */
__attribute__((nonnull, warn_unused_result))
const uint8_t *live_hash_place(struct live_edit *edit, const uint8_t hash[NSEC3_HASH_LEN],
			       size_t *len);

/* Links by their places. */
__attribute__((nonnull, pure))
int live_compare_links(const void *a, const void *b);

/* The links are made: join them, and find neighbours. */
__attribute__((nonnull, warn_unused_result))
int live_runs_join(struct live_edit *edit);

/* Find what the edit does to the chain: links, their successors, neighbours. */
__attribute__((nonnull, warn_unused_result))
int live_links_make(struct live_edit *edit);

/* The member of a sealed chain that stands last before `place`; NULL: the last one.
 * returns 0; ERR_NOTFOUND; ERR_DAMAGED. */
__attribute__((nonnull(1, 4), warn_unused_result))
int live_sealed_before(const struct live *live, uint32_t zone_id, const uint8_t *place,
		       struct node *out);

/* Is it a name that its NSEC3 tells of (BLOCK_HASHED_NAME)? */
__attribute__((nonnull, warn_unused_result))
bool live_is_hashed_name(const struct node *node);

/* Does the chain have the name of this node? */
__attribute__((nonnull, warn_unused_result))
bool live_links_hold(struct live_edit *edit, const struct node *node);

/* Note what is hidden from now on, or no more.  returns 0; ERR_FORMAT: too much is to be
 * signed that was hidden; or as usual. */
__attribute__((nonnull, warn_unused_result))
int live_hidden_touch(struct live_edit *edit);

/* Take at most `max` hidden names out of the chain, and write the apex: a step of `renewal`. */
__attribute__((nonnull, warn_unused_result))
int live_hidden_tidy(struct live_edit *edit, struct live_renewal *renewal, size_t max);

/* live_cursor_open before the last name that was looked at. */
__attribute__((nonnull, warn_unused_result))
int live_renewal_open(struct live *live, const struct live_renewal *renewal,
		      uint32_t zone_id, struct store_cursor **out);

/* Is the name below a cut or DNAME of the zone? */
__attribute__((nonnull, warn_unused_result))
bool live_is_hidden(struct live_edit *edit, const uint8_t *name, size_t len);

/* Copy a node into the arena of the edit.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int live_keep_node(struct live_edit *edit, const struct node *node, struct node *out);

/* The rdata of a node's record of a chain; NULL when it has none. */
__attribute__((nonnull, warn_unused_result))
const uint8_t *live_chain_rdata(const struct node *node, uint16_t type, size_t *len);

#endif
