/* Signing ahead what is likely to be chosen of a steered RRset, and what denies its type when
 * nothing is: the payload of a BLOCK_STEERED (shm/steered.h) made anew, for zones that are
 * signed as a whole and for nodes that are signed one by one. */
#ifndef LOADER_SIGN_STEERED_SIGN_H
#define LOADER_SIGN_STEERED_SIGN_H

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/sign_session.h"
#include "loader/zone/arena.h"
#include "shm/steered.h"

/* With what it is signed; all borrowed. */
struct steered_signer {
	struct sign_session *session;	/* begun */
	const struct sign_keys *keys;
	const unsigned *roles;		/* of each key */
	const bool *is_known;		/* the key signed what is served */
	struct sign_clock *clock;
	struct arena *arena;		/* gets what is made */
	struct sign_buffer *buffer;
	const uint8_t *apex;
	size_t apex_len;
	int64_t first_end_s;		/* receives when the first signature ends, if any does
					 * earlier than it says; 0: none does */
	uint64_t made;			/* and is added to for each that is new */
};

/* What is to be signed. */
struct steered_source {
	const uint8_t *owner;
	size_t owner_len;
	struct block block;		/* what of it is signed is left out */
	size_t reserved_len;		/* octets kept free before the payload */
	/* for each key that signs data, in their order: the rdata of its signature over all
	 * records, at least up to the signature itself */
	const uint8_t *heads[SIGN_KEYS_MAX];
	bool is_taken_over;		/* they are all those of `served` */
	const struct steered *served;	/* the same records, as they are served; NULL: they are
					 * not */
	uint16_t denial_type;		/* NSEC or NSEC3; 0: nothing denies the type */
	uint32_t denial_ttl;
	const uint8_t *bitmap;		/* of the name's types, in wire form */
	size_t bitmap_len;
	/* of a wildcard, whose record also proves that the name itself is not there: the rdata
	 * of its record in the chain up to the bitmap; else NULL */
	const uint8_t *link;
	size_t link_len;
};

/* What becomes of it, in the arena. */
struct steered_made {
	uint8_t *payload;		/* behind the reserved octets */
	size_t len;
	size_t sigs_at, sig_len;	/* where the signatures over all records are to be put */
	size_t mark_at;
	bool keeps_mark;
};

/* returns 0; ERR_RANGE: it is too large; ERR_DAMAGED; as sign_session_add. */
__attribute__((nonnull, warn_unused_result))
int steered_sign_add(struct steered_signer *signer, const struct steered_source *source,
		     struct steered_made *out);

/* All signatures have come, those over all records stand in their place. */
__attribute__((nonnull))
void steered_sign_finish(const struct steered_made *made);

/* The head of an RRSIG in wire form, its owner being the question.  returns where its rdata
 * goes. */
__attribute__((nonnull, returns_nonnull))
uint8_t *steered_sign_put_head(uint8_t *at, uint16_t type, uint32_t ttl, size_t rdata_len);

/* The RRset of a served node, if it has the records and the TTL of this block. */
__attribute__((nonnull, warn_unused_result))
bool steered_sign_find(const struct node *node, const struct block *block,
		       struct steered *out);

#endif
