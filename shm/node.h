/* Nodes: the stored form of one owner name, "answers" ready to be copied.
 *
 * The loader renders nodes, the worker reads them in place; both include only this
 * file to agree.  Numbers are in the machine's byte order (a generation names it);
 * what is "wire" is in network order.  Nothing is aligned: read headers with memcpy
 * (the node_ and block_ functions below do).  A node holds no reference to another
 * node, so that it can be copied as it stands.
 *
 *	+-----------+------------------+---------+---------+-- - -
 *	| node_head | owner, lower-case| block 0 | block 1 |
 *	+ 16 -------+ owner_len -------+---------+---------+-- - -
 *
 *	+------------+-----------------+
 *	| block_head | payload         |	Unknown kinds are skipped.
 *	+ 8 ---------+ len ------------+
 *
 * Every name of a zone has a node, empty non-terminals too (no RRset blocks).  The
 * key of a node is (zone id, owner).  The apex is the one exception: its node stands
 * in the catalogue, zone id CATALOGUE_ID, so that the probe that finds the zone also
 * finds its apex RRsets, its SOA and its facts.  NSEC3 records, whose owner names do
 * not exist for queries (RFC 5155, section 7.2.8), stand under zone id | NSEC3_SPACE.
 *
 * What hangs on an ancestor is never stored below it: names under a cut or a DNAME
 * are stored like others, and found to be occluded by probing for the cut.
 *
 * An RRset block:
 *
 *	+------------+------------------+------------------+---------+---------------+
 *	| rrset_head | wire: all RRs    | RRSIG RRs over it| patches | targets       |
 *	+ 16 --------+ wire_len --------+ sig_len ---------+ 4 each -+ 4 + prefix_len+
 *
 * `wire` stands as it would right behind a question for this very owner: it starts
 * at RRSET_BASE(owner_len), every RR's owner is the pointer 0xC00C to the question,
 * and names in rdata (only of the types of RFC 1035: RFC 3597, section 4) end in a
 * pointer to the owner, to the apex within the question, or to an earlier name of
 * the same RRset.  Placed there, it is copied and nothing else.  Placed elsewhere:
 * each RR's owner pointer is set anew by walking RRs, signatures included, and every
 * pointer inside rdata by the list of patches.  Signatures hold no pointers but
 * their owner's.
 *
 * To change this format: a new kind of block or a flag that readers may ignore needs
 * nothing; all else needs GENERATION_VERSION + 1 and a conversion at start. */
#ifndef SHM_NODE_H
#define SHM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	CATALOGUE_ID = 0,		/* zone id of apex nodes */
	ZONE_ID_FIRST = 1,		/* zones' own ids: 1 .. ZONE_ID_END - 1 */
	ZONE_ID_END = 0x3fff0000,	/* so that a key is never a note's, see
					 * shm/overlay_value.h */
};
#define NSEC3_SPACE UINT32_C(0x80000000)

/* Facts about a node's own data, so that the common case needs no scan.  All but
 * NODE_HAS_WILDCARD (a child named "*" exists) and NODE_FLATTENED follow from the node's own blocks. */
enum node_flag {
	NODE_APEX = 1 << 0,		/* has a BLOCK_ZONE, stands in the catalogue */
	NODE_HAS_NS = 1 << 1,		/* below the apex: a zone cut */
	NODE_HAS_DNAME = 1 << 2,
	NODE_HAS_CNAME = 1 << 3,
	NODE_HAS_WILDCARD = 1 << 4,
	NODE_IS_WILDCARD = 1 << 5,	/* first label is "*" */
	NODE_EMPTY = 1 << 6,		/* no data: no blocks, or BLOCK_PROVENANCE alone */
	NODE_DELETED = 1 << 7,		/* overlay only: a tombstone, the name is gone */
	NODE_HAS_STEERED = 1 << 8,	/* has a BLOCK_STEERED */
	NODE_HAS_ANAME = 1 << 9,	/* has a BLOCK_ANAME, or one that is unusable */
	NODE_FLATTENED = 1 << 10,	/* has a CNAME, in a zone that is ZONE_FLATTENED: for who
					 * sees the node alone */
};

struct node_head {
	uint32_t node_len;		/* octets of the whole node, this header included */
	uint32_t zone_id;		/* of the key */
	uint16_t flags;			/* enum node_flag */
	uint8_t owner_len;		/* 1..255 */
	uint8_t label_count;		/* of the owner, 0..127 */
	uint32_t child_count;		/* nodes one label longer, in the same zone; 0 for
					 * owners of NSEC3 */
};
_Static_assert(sizeof(struct node_head) == 16, "as it is stored");

enum block_kind {
	BLOCK_RRSET = 1,		/* `type` is the RR type */
	BLOCK_ZONE = 2,			/* apex only, first block: struct zone_facts */
	BLOCK_NEGATIVE_SOA = 3,		/* apex only: laid out as BLOCK_RRSET of the SOA, its
					 * and its signatures' TTL min(TTL, MINIMUM), RFC 2308 */
	BLOCK_NSEC3PARAM = 4,		/* apex only: struct nsec3_facts, then the salt */
	BLOCK_SOURCE = 5,		/* apex only: struct source_facts, then paths */
	BLOCK_ERROR = 6,		/* apex only: text, no NUL: why the source's present
					 * state is not served */
	BLOCK_BAD_RRSET = 7,		/* `type`: this RRset is known to be unusable and
					 * answers SERVFAIL; payload is the reason as text.
					 * Behind a BLOCK_RRSET of the type: that is served,
					 * the block tells of what its source says now.
					 * BAD_RRSET_ALL: so is every type without an RRset;
					 * BAD_RRSET_OLD: all of an earlier state is served */
	BLOCK_FAULTS = 8,		/* apex only: struct rrset_fault_head, each with its
					 * texts: RRsets that are not served as the source has
					 * them, the first ones of many; in a zone from Redis
					 * what has no name, each name tells its own by
					 * BLOCK_BAD_RRSET */
	BLOCK_PROVENANCE = 9,		/* last block: struct provenance */
	BLOCK_REDIS = 10,		/* apex only: struct redis_facts */
	BLOCK_STEERED = 11,		/* `type` is A or AAAA: an RRset of which records are
					 * chosen for each query, see shm/steered.h; in the
					 * place of a BLOCK_RRSET of the type, also where
					 * older data are served behind a BLOCK_BAD_RRSET */
	BLOCK_ANAME = 12,		/* `type` is ANAME_TYPE: whose addresses are answered for
					 * those of A and AAAA that the name has no RRset of, see
					 * shm/aname.h */
	BLOCK_DOMAIN_ID = 14,		/* apex only: text, no NUL: what its owner calls the zone, for
					 * logs; after BLOCK_REDIS */
	BLOCK_NOTE = 13,		/* of a zone from Redis; about the RRset of `type`, which is
					 * served: an octet, FAULT_PARTIAL or FAULT_WARNING,
					 * then the reason as text; any number of them */
	BLOCK_SIGNING = 15,		/* apex only: struct signing_facts, we have signed it */
	BLOCK_RESOLVED = 16,		/* `type` is A or AAAA: the name's RRset of this type is not
					 * of its source, but what the ANAME, or the CNAME of a
					 * flattened zone, leads to, signed here; struct
					 * resolved_facts */
	BLOCK_UNSIGNED = 18,		/* apex only: struct signing_facts of which flags and denial
					 * count; it was made where the zone's keys were not, and is
					 * to be signed before it is served */
	BLOCK_HASHED_NAME = 17,		/* of the node of an NSEC3, if its name is a wildcard with a
					 * BLOCK_STEERED: the labels of that above the apex */
};

enum { BAD_RRSET_ALL = 0, BAD_RRSET_OLD = 255 };

/* Stands for ANAME, which has no number of its own: that of an obsolete kind of question,
 * which no RRset can have. */
enum { ANAME_TYPE = 254 };

struct block_head {
	uint16_t kind;			/* enum block_kind */
	uint16_t type;			/* RR type, else 0 */
	uint32_t len;			/* payload octets behind this header */
};
_Static_assert(sizeof(struct block_head) == 8, "as it is stored");

struct rrset_head {
	uint32_t ttl;
	uint16_t rr_count;		/* RRs in `wire`, 1.. */
	uint16_t sig_count;
	uint16_t wire_len;
	uint16_t sig_len;
	uint16_t patch_count;
	uint16_t target_count;
};
_Static_assert(sizeof(struct rrset_head) == 16, "as it is stored");

/* One pointer inside rdata.  `at` is its offset from the start of `wire`. */
struct rrset_patch {
	uint16_t at;
	uint16_t to;			/* kind in the top two bits, offset in the others */
};
_Static_assert(sizeof(struct rrset_patch) == 4, "as it is stored");

enum patch_kind {
	PATCH_OWNER = 0,		/* to the RRset's owner; never in a wildcard's node */
	PATCH_APEX = 1,			/* to the zone's apex */
	PATCH_SELF = 2,			/* to offset (to & PATCH_OFFSET) from the start of `wire` */
};
#define PATCH_KIND_SHIFT 14
#define PATCH_OFFSET 0x3fff

/* A name in rdata whose addresses belong into the additional section, listed only
 * when it stands at or below this zone's apex; in RR order, duplicates left out.
 * Followed by `prefix_len` octets: its labels above the apex, lower-cased. */
struct rrset_target {
	uint16_t at;			/* offset of the name from the start of `wire` */
	uint8_t prefix_len;		/* octets, 0 when the target is the apex */
	uint8_t prefix_labels;
};
_Static_assert(sizeof(struct rrset_target) == 4, "as it is stored");

/* Where the first RR behind a question for an owner of `owner_len` octets starts. */
#define RRSET_BASE(owner_len) (12u + (owner_len) + 4u)
#define QNAME_POINTER 0xC00Cu
#define POINTER_MAX 0x3fffu		/* last offset that a pointer can name */

enum zone_flag {
	ZONE_SIGNED = 1 << 0,		/* has RRSIGs and a chain of denial */
	ZONE_NSEC = 1 << 1,
	ZONE_NSEC3 = 1 << 2,
	ZONE_BROKEN = 1 << 3,		/* nothing good is known: SERVFAIL below the apex */
	ZONE_OPTOUT = 1 << 4,		/* some NSEC3 has the opt-out flag */
	ZONE_FLATTENED = 1 << 5,	/* A and AAAA at a CNAME: what it leads to is answered
					 * under the name itself */
	ZONE_NOTED = 1 << 6,		/* a name has, or had, a BLOCK_NOTE, or BLOCK_FAULTS lists a
					 * warning */
	ZONE_TO_BE_SIGNED = 1 << 7,	/* and is not: by command, or for want of a key */
};

/* Packed, so that it can be read in place, where nothing is aligned. */
struct __attribute__((packed)) zone_facts {
	uint32_t zone_id;		/* under which the names below the apex are keyed */
	uint32_t flags;			/* enum zone_flag */
	uint32_t serial;
	uint32_t fault_count;		/* what BLOCK_FAULTS lists, or would, but warnings; in a
					 * zone from Redis BLOCK_BAD_RRSETs too, and RRsets with
					 * a BLOCK_NOTE of FAULT_PARTIAL */
	uint64_t record_count;		/* RRs of the zone, RRSIGs included */
	uint64_t name_count;		/* nodes, NSEC3 not counted */
	uint64_t cut_depths[2];		/* bit n: some cut has n labels (bit 0 of [0] is n = 0) */
	uint64_t dname_depths[2];	/* the same for DNAMEs, the apex's own included */
	int64_t loaded_at_s;		/* Unix time at which the source was read */
};
_Static_assert(sizeof(struct zone_facts) == 72, "as it is stored");

enum fault_kind {
	FAULT_SERVFAIL = 1,		/* answers SERVFAIL */
	FAULT_UNSIGNED = 2,		/* is served without its signatures */
	FAULT_IGNORED = 3,		/* the source has something here that means nothing */
	FAULT_PARTIAL = 4,		/* is served without some of its records */
	FAULT_WARNING = 5,		/* is served; a word that steers it means nothing */
};

/* Followed by owner (lower-cased wire form), path and reason (texts without NUL). */
struct rrset_fault_head {
	uint32_t line;			/* 0: unknown */
	uint16_t type;
	uint8_t kind;			/* enum fault_kind; unknown ones are told as they come */
	uint8_t owner_len;
	uint16_t path_len;		/* 0: no file */
	uint16_t reason_len;
};
_Static_assert(sizeof(struct rrset_fault_head) == 12, "as it is stored");

struct nsec3_facts {
	uint8_t algorithm;		/* 1, SHA-1 */
	uint8_t salt_len;
	uint16_t iterations;
};
_Static_assert(sizeof(struct nsec3_facts) == 4, "as it is stored");

enum source_kind {
	SOURCE_FILE = 1,
	SOURCE_REDIS = 2,
};

struct source_facts {
	uint32_t kind;			/* enum source_kind */
	uint32_t path_count;		/* NUL-terminated paths that follow: the zone file, then
					 * every file that it includes */
	uint64_t stamp;			/* changes whenever one of the files does */
};
_Static_assert(sizeof(struct source_facts) == 16, "as it is stored");

/* Where a name in Redis comes from.  A node that has it exists because Redis says so,
 * even without RRsets; one without it and without RRsets is an empty non-terminal, and
 * goes with the last name below it. */
struct provenance {
	uint64_t value_hash;		/* sum over its keys or fields, see struct redis_facts */
	uint64_t change_ms, change_seq;	/* id of the stream entry that brought it; when it came
					 * otherwise: the time it was seen (Unix, ms) and 0 */
};
_Static_assert(sizeof(struct provenance) == 24, "as it is stored");

/* A zone in Redis as it was read last.  Packed: it may stand anywhere. */
struct __attribute__((packed)) redis_facts {
	uint64_t config_hash;		/* of the config's raw value, see loader/redis/redis_read.h; 0
					 * without a config */
	uint64_t raw_digest;		/* sum modulo 2^64 of config_hash and, for each RRset of
					 * z42 or label of redins, the same of its own: bad
					 * values included, order does not matter */
	uint64_t change_ms, change_seq;	/* the last change, as in struct provenance */
	uint32_t flags;			/* for the source's use */
	uint32_t reserved;
};
_Static_assert(sizeof(struct redis_facts) == 40, "as it is stored");

enum signing_flag {
	SIGNING_OWN_DENIAL = 1 << 0,	/* `denial` is the zone's own choice, not the settings' */
	SIGNING_BY_SIDECAR = 1 << 1,	/* its sidecar says that it is signed */
	SIGNING_LEAVING = 1 << 2,	/* it is to be unsigned, when the parent has no DS */
	SIGNING_UNTIDY = 1 << 3,	/* its chain of denial has names that a cut or DNAME hides */
};

/* How a zone was signed here.  Packed: it may stand anywhere. */
struct __attribute__((packed)) signing_facts {
	uint64_t mark;			/* changes with the keys' states and the kind of denial */
	int64_t renew_at_s;		/* Unix time at which something is to be signed again */
	int64_t ends_at_s;		/* when the first signature ends */
	uint64_t signatures;
	uint16_t flags;			/* enum signing_flag */
	uint16_t denial;		/* enum denial, shm/settings.h */
	uint32_t longest_ttl;		/* of what is signed, or was since all was signed */
	uint32_t made_count;		/* of zone_facts.record_count, what the signer has made:
					 * signatures, chain, DNSKEYs */
	uint32_t reserved;
};
_Static_assert(sizeof(struct signing_facts) == 48, "as it is stored");

struct resolved_facts {
	uint32_t signed_ttl;		/* the TTL that its signatures are over (RFC 4034, section
					 * 3.1.4): it is answered with at most that */
};
_Static_assert(sizeof(struct resolved_facts) == 4, "as it is stored");

/* A node that was checked to lie in its map.  Borrowed from the map. */
struct node {
	const uint8_t *bytes;		/* the node_head */
	struct node_head head;
};

struct block {
	struct block_head head;
	const uint8_t *payload;		/* head.len octets */
};

/* An RRset block taken apart; all pointers are borrowed from the map and checked. */
struct rrset {
	struct rrset_head head;
	uint16_t type;
	const uint8_t *wire;		/* wire_len octets, then sig_len of signatures */
	const uint8_t *patches;		/* patch_count struct rrset_patch, unaligned */
	const uint8_t *targets;
	const uint8_t *targets_end;
};

/* One entry of BLOCK_FAULTS; all borrowed from the map. */
struct rrset_fault {
	struct rrset_fault_head head;
	const uint8_t *owner;
	const char *path, *reason;
};

/* Open the node at `bytes`, of which `room` octets are readable.
 * returns false when it does not fit into `room`: damage. */
static inline bool
node_open(const uint8_t *bytes, uint64_t room, struct node *out)
{
	if (room < sizeof out->head)
		return false;
	memcpy(&out->head, bytes, sizeof out->head);
	out->bytes = bytes;
	return out->head.node_len <= room && out->head.owner_len != 0 &&
	       out->head.node_len >= sizeof out->head + out->head.owner_len;
}

static inline const uint8_t *
node_owner(const struct node *node)
{
	return node->bytes + sizeof node->head;
}

/* Walk the blocks: start with *at = 0; each call fills `out` and advances.
 * returns false at the end, and at a block that overruns the node. */
static inline bool
node_next_block(const struct node *node, uint32_t *at, struct block *out)
{
	uint32_t off = *at ? *at : (uint32_t)sizeof node->head + node->head.owner_len;

	if (node->head.node_len - off < sizeof out->head)
		return false;
	memcpy(&out->head, node->bytes + off, sizeof out->head);
	off += (uint32_t)sizeof out->head;
	if (out->head.len > node->head.node_len - off)
		return false;
	out->payload = node->bytes + off;
	*at = off + out->head.len;
	return true;
}

/* Find the first block of (kind, type).  returns false when there is none. */
static inline bool
node_find_block(const struct node *node, enum block_kind kind, uint16_t type, struct block *out)
{
	const uint8_t *end = node->bytes + node->head.node_len;
	const uint8_t *at = node->bytes + sizeof node->head + node->head.owner_len;

	while ((size_t)(end - at) >= sizeof out->head) {
		memcpy(&out->head, at, sizeof out->head);
		at += sizeof out->head;
		if (out->head.len > (size_t)(end - at))
			return false;
		if (out->head.kind == kind && out->head.type == type) {
			out->payload = at;
			return true;
		}
		at += out->head.len;
	}
	return false;
}

/* Is the RRset of this type one with a BLOCK_RESOLVED? */
static inline bool
node_is_resolved(const struct node *node, uint16_t type)
{
	struct block block;

	return node_find_block(node, BLOCK_RESOLVED, type, &block);
}

/* The TTL that signatures over an RRset of the node are over, which has this one. */
static inline uint32_t
node_signed_ttl(const struct node *node, uint16_t type, uint32_t ttl)
{
	struct resolved_facts facts;
	struct block block;

	if (!node_find_block(node, BLOCK_RESOLVED, type, &block) ||
	    block.head.len < sizeof facts)
		return ttl;
	memcpy(&facts, block.payload, sizeof facts);
	return facts.signed_ttl;
}

/* Is a BLOCK_BAD_RRSET about all that its name has, not one type? */
static inline bool
bad_rrset_is_of_all(const struct block *block)
{
	return block->head.type == BAD_RRSET_ALL || block->head.type == BAD_RRSET_OLD;
}

/* Take an RRset-shaped block apart.  returns false when its lengths contradict. */
static inline bool
rrset_open(const struct block *block, struct rrset *out)
{
	uint32_t need;

	if (block->head.len < sizeof out->head)
		return false;
	memcpy(&out->head, block->payload, sizeof out->head);
	need = (uint32_t)sizeof out->head + out->head.wire_len + out->head.sig_len +
	       (uint32_t)sizeof(struct rrset_patch) * out->head.patch_count;
	if (need > block->head.len)
		return false;
	out->type = block->head.type;
	out->wire = block->payload + sizeof out->head;
	out->patches = out->wire + out->head.wire_len + out->head.sig_len;
	out->targets = out->patches + sizeof(struct rrset_patch) * out->head.patch_count;
	out->targets_end = block->payload + block->head.len;
	return true;
}

/* The RRset of one type.  returns false when the node has none (or it is damaged). */
static inline bool
node_find_rrset(const struct node *node, uint16_t type, struct rrset *out)
{
	struct block block;

	return node_find_block(node, BLOCK_RRSET, type, &block) && rrset_open(&block, out);
}

/* The facts of an apex node, in place: its first block.  NULL when `node` is no apex. */
static inline const struct zone_facts *
node_facts(const struct node *node)
{
	uint32_t at = 0;
	struct block block;

	if (!node_next_block(node, &at, &block) || block.head.kind != BLOCK_ZONE ||
	    block.head.len < sizeof(struct zone_facts))
		return NULL;
	return (const struct zone_facts *)(const void *)block.payload;
}

/* A copy of the same.  returns false when `node` is no apex. */
static inline bool
node_zone_facts(const struct node *node, struct zone_facts *out)
{
	const struct zone_facts *facts = node_facts(node);

	if (!facts)
		return false;
	*out = *facts;
	return true;
}

/* The payload of a block of fixed size.  returns false when the node has none, or it is
 * too short. */
static inline bool
node_copy_block(const struct node *node, enum block_kind kind, void *out, size_t len)
{
	struct block block;

	if (!node_find_block(node, kind, 0, &block) || block.head.len < len)
		return false;
	memcpy(out, block.payload, len);
	return true;
}

/* The node_flag that an RRset of this type, served or unusable, means for its owner; 0 for
 * none.  At an apex NS is no cut: leave NODE_HAS_NS out there. */
__attribute__((const))
uint16_t node_type_flag(uint16_t type);

/* Note in a zone's facts at what depths a node of these flags is looked for. */
__attribute__((nonnull))
void zone_facts_add_depths(struct zone_facts *facts, uint16_t flags, unsigned labels);

/* Walk a BLOCK_FAULTS: start with *at = 0; each call fills `out` and advances.
 * returns false at the end, and at an entry that is not whole (then *at is not yet the
 * block's length). */
bool rrset_fault_next(const struct block *block, uint32_t *at, struct rrset_fault *out);

/* Check everything that a reader relies on: blocks that tile the node, RRs that
 * tile `wire` and the signatures, patches and targets that lie inside.  For
 * verifying a generation; readers stay memory-safe without it.
 * returns NULL, or what is wrong as text for people (borrowed for ever). */
const char *node_check(const struct node *node);

/* The same of a name that is gone (NODE_DELETED), which has a place in overlays alone. */
__attribute__((nonnull, pure))
const char *node_check_tombstone(const struct node *node);

#endif
