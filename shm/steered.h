/* Steered RRsets: those of which a worker chooses records for each query.
 *
 * BLOCK_STEERED of a node (shm/node.h), its type A or AAAA, stands in the place of a
 * BLOCK_RRSET of that type, and the node has NODE_HAS_STEERED: who looks for plain RRsets
 * finds none and looks again, here.
 *
 *	+--------------+----------------------------+-----------+-----------+-- - -
 *	| steered_head | the RRset, as in a         | part 0    | part 1    |
 *	|              | BLOCK_RRSET: all records   |           |           |
 *	+ 16 ----------+ rrset_len -----------------+-----------+-----------+-- - -
 *
 *	+--------------+-----------------+
 *	| part_head    | payload         |	ascending kinds, each at most once;
 *	+ 8 -----------+ len ------------+	unknown ones are skipped
 *
 * The RRset has no patches and targets, and its records are all of one length: record i
 * stands at i * STEERED_RR_LEN(type).  They are in the order of their source, no two alike.
 * In a zone that we sign its signatures are those over all records; those over some are in
 * STEERED_SIGNED and shm/steered_cache.h.
 *
 * What is chosen from are candidates, in the order of the source; most often candidate i
 * is record i.  A source may name one address twice, each time with other properties: then
 * STEERED_CANDIDATES says which record each is.  Properties stand in one part for each
 * kind, for all candidates together, so that a step of the choice walks one array.
 *
 * As elsewhere in nodes, numbers are in the machine's byte order and nothing is aligned.
 * To add a property: a new kind of part.  It needs REDIS_RULES_VERSION + 1, so that what
 * is served is read anew, and GENERATION_VERSION + 1 when an older reader that skips the
 * part would answer what nobody wants. */
#ifndef SHM_STEERED_H
#define SHM_STEERED_H

#include "shm/dns.h"
#include "shm/node.h"

enum {
	STEERED_MAX = 256,		/* candidates; a source with more is in error */
	STEERED_PLACES_MAX = 1024,	/* entries of a kind of place: the same */
	STEERED_SETS_MAX = 14,		/* signed ahead, besides all records and none */
	STEERED_RR_HEAD_LEN = 12,	/* owner pointer, type, class, TTL, rdata length */
	STEERED_RR_LEN_A = STEERED_RR_HEAD_LEN + 4,
	STEERED_RR_LEN_AAAA = STEERED_RR_HEAD_LEN + 16,
};
#define STEERED_RR_LEN(type) \
	((type) == TYPE_A ? (unsigned)STEERED_RR_LEN_A : (unsigned)STEERED_RR_LEN_AAAA)
#define STEERED_WEIGHT_MAX UINT32_C(0x80000000)

/* How many of those that are left are answered; other values count as the first. */
enum steered_count {
	STEERED_MULTI = 0,		/* all, the first being the one that `order` drew */
	STEERED_SINGLE = 1,		/* that one alone */
};

/* Which one is first; those behind it follow in stored order, the earlier ones come last.
 * Other values count as the first. */
enum steered_order {
	STEERED_AS_STORED = 0,		/* the first one */
	STEERED_RR = 1,			/* each equally often, at random */
	STEERED_WEIGHTED = 2,		/* each as often as its weight says: never with weight
					 * 0, unless all have that, which is as STEERED_RR */
};

/* By what place candidates are left: see worker/steer.h.  Other values count as the first. */
enum steered_geo {
	STEERED_ANYWHERE = 0,
	STEERED_BY_COUNTRY = 1,
	STEERED_BY_ASN = 2,
	STEERED_BY_ASN_COUNTRY = 3,	/* the former, then among those the one before */
	STEERED_BY_LOCATION = 4,	/* the nearest */
};

enum steered_flag {
	STEERED_STICKY = 1 << 0,	/* the client's network decides which one is first: see
					 * worker/steer.h */
};

/* Some records of an RRset: bit i % 64 of word i / 64 is record i. */
enum { STEERED_WORDS = STEERED_MAX / 64 };
struct steered_records {
	uint64_t bits[STEERED_WORDS];
};

/* Words for so many records. */
static inline unsigned
steered_words(unsigned records)
{
	return (records + 63) / 64;
}

/* The words of sources for these, by their values. */
enum { STEERED_COUNTS = 2, STEERED_ORDERS = 3, STEERED_GEOS = 5 };
extern const char *const steered_count_words[STEERED_COUNTS];
extern const char *const steered_order_words[STEERED_ORDERS];
extern const char *const steered_geo_words[STEERED_GEOS];

struct steered_head {
	uint32_t rrset_len;
	uint8_t count;			/* enum steered_count */
	uint8_t order;			/* enum steered_order */
	uint8_t geo;			/* enum steered_geo */
	uint8_t flags;			/* enum steered_flag; unknown ones are ignored */
	uint16_t first;			/* at most so many records are answered; 0: no limit */
	uint8_t more_reserved[6];	/* 0 */
};
_Static_assert(sizeof(struct steered_head) == 16, "as it is stored");

enum steered_part_kind {
	STEERED_CANDIDATES = 1,		/* uint8_t each: its record */
	STEERED_WEIGHTS = 2,		/* uint32_t each: its weight; without: all 0 */
	STEERED_COUNTRIES = 3,		/* struct steered_country, any number for each */
	STEERED_ASNS = 4,		/* struct steered_asn, the same */
	STEERED_SUBNETS = 5,		/* struct steered_subnet, the same */
	STEERED_REGIONS = 6,		/* struct steered_region, the same */
	STEERED_CONTINENTS = 7,		/* struct steered_country, the same: its code is that of
					 * a continent */
	STEERED_FALLBACK = 8,		/* a bit each, the lowest of the first octet first: kept
					 * out while any other is left */
	STEERED_HEALTH = 9,		/* struct steered_health, then uint64_t each: the key of
					 * its target on the status board; 0: not probed */
	STEERED_PROBE = 10,		/* how the targets are probed, the same for all
					 * candidates: see shm/health_target.h */
	STEERED_SIGNED = 11,		/* struct steered_signed, then for each of its sets the
					 * records in it (a bit each, in whole uint64_t), then
					 * for each its signatures, as many octets as those
					 * over all records have, by the same keys */
	STEERED_DENIAL = 12,		/* a node: the name's NSEC, or the NSEC3 of it, without
					 * the type, signed: for when nothing is chosen */
};

/* This candidate is for clients there; for all others whom nothing matches: 0. */
struct steered_country {
	uint8_t candidate;
	uint8_t reserved;		/* 0 */
	char code[2];			/* ISO 3166-1, upper case; of a continent as GeoIP has
					 * it: AF AN AS EU NA OC SA; there a candidate
					 * without any is a default too */
};
_Static_assert(sizeof(struct steered_country) == 4, "as it is stored");

struct steered_asn {
	uint32_t asn;
	uint8_t candidate;
	uint8_t reserved[3];		/* 0 */
};
_Static_assert(sizeof(struct steered_asn) == 8, "as it is stored");

/* ... for clients in this network; a candidate without any is for the others. */
struct steered_subnet {
	uint8_t candidate;
	uint8_t len;			/* 0..128: IPv4 is in ::ffff:0:0/96 */
	uint8_t network[16];		/* 0 behind `len` bits */
};
_Static_assert(sizeof(struct steered_subnet) == 18, "as it is stored");

struct steered_region {
	uint8_t candidate;
	uint8_t reserved;		/* 0 */
	char code[6];			/* ISO 3166-2, upper case ("US-CA"), 0 behind it; all 0:
					 * for all others, as a candidate without any */
};
_Static_assert(sizeof(struct steered_region) == 8, "as it is stored");

/* What is answered when all candidates are down.  Other values count as the first. */
enum steered_policy {
	STEERED_OPEN = 0,		/* all */
	STEERED_CLOSED = 1,		/* none */
	STEERED_LAST = 2,		/* those that were the last to be up; if none was: all */
};

struct steered_health {
	int8_t up_count;		/* 1..127: a status is never above it */
	int8_t down_count;		/* -127..-1: and never below this, which is down */
	uint8_t policy;			/* enum steered_policy */
	uint8_t reserved[5];		/* 0 */
};
_Static_assert(sizeof(struct steered_health) == 8, "as it is stored");

/* Of what is signed ahead. */
struct steered_signed {
	uint64_t mark;			/* another one whenever the signatures are others */
	uint16_t set_count;		/* at most STEERED_SETS_MAX; none is of all records */
	uint16_t reserved[3];		/* 0 */
};
_Static_assert(sizeof(struct steered_signed) == 16, "as it is stored");

struct steered_part_head {
	uint16_t kind;			/* enum steered_part_kind */
	uint16_t reserved;		/* 0 */
	uint32_t len;			/* octets of the payload */
};
_Static_assert(sizeof(struct steered_part_head) == 8, "as it is stored");

static inline const char *
steered_count_word(const struct steered_head *head)
{
	return steered_count_words[head->count < STEERED_COUNTS ? head->count : 0];
}

static inline const char *
steered_order_word(const struct steered_head *head)
{
	return steered_order_words[head->order < STEERED_ORDERS ? head->order : 0];
}

static inline const char *
steered_geo_word(const struct steered_head *head)
{
	return steered_geo_words[head->geo < STEERED_GEOS ? head->geo : 0];
}

/* A BLOCK_STEERED taken apart; all borrowed from the map, lengths checked. */
struct steered {
	struct steered_head head;
	struct rrset rrset;
	unsigned rr_len;		/* octets of each record */
	unsigned candidate_count;	/* 1..STEERED_MAX */
	const uint8_t *candidates;	/* candidate_count of them; NULL: candidate i is record i */
	const uint8_t *weights;		/* candidate_count uint32_t, unaligned; NULL: all 0 */
	const uint8_t *countries, *asns; /* unaligned */
	const uint8_t *subnets, *regions, *continents; /* unaligned */
	unsigned country_count, asn_count, subnet_count, region_count, continent_count;
	const uint8_t *fallback;	/* a bit each; NULL: none is */
	const uint8_t *targets;		/* candidate_count uint64_t, unaligned; NULL: not probed,
					 * and then `health` means nothing */
	struct steered_health health;
	const uint8_t *probe;		/* not looked at here; NULL: none */
	unsigned probe_len;
	const uint8_t *sets;		/* set_count * steered_words() uint64_t, unaligned; NULL:
					 * no part of them is signed ahead or on demand */
	const uint8_t *set_signatures;	/* rrset.head.sig_len octets for each */
	unsigned set_count;
	uint64_t mark;			/* as in struct steered_signed */
	const uint8_t *denial;		/* not looked at here; NULL: none */
	unsigned denial_len;
};

/* returns false when lengths contradict each other: damage.  The candidates' records are
 * not looked at: see steered_record. */
__attribute__((nonnull, warn_unused_result))
bool steered_open(const struct block *block, struct steered *out);

/* The record of a candidate; rr_count or more on damage. */
static inline unsigned
steered_record(const struct steered *steered, unsigned candidate)
{
	return steered->candidates ? steered->candidates[candidate] : candidate;
}

static inline uint32_t
steered_weight(const struct steered *steered, unsigned candidate)
{
	uint32_t weight = 0;

	if (steered->weights)
		memcpy(&weight, steered->weights + sizeof weight * candidate, sizeof weight);
	return weight;
}

/* One of an array of countries or continents. */
static inline struct steered_country
steered_country_at(const uint8_t *places, unsigned at)
{
	struct steered_country place;

	memcpy(&place, places + sizeof place * at, sizeof place);
	return place;
}

static inline struct steered_country
steered_country(const struct steered *steered, unsigned at)
{
	return steered_country_at(steered->countries, at);
}

static inline struct steered_asn
steered_asn(const struct steered *steered, unsigned at)
{
	struct steered_asn asn;

	memcpy(&asn, steered->asns + sizeof asn * at, sizeof asn);
	return asn;
}

static inline struct steered_subnet
steered_subnet(const struct steered *steered, unsigned at)
{
	struct steered_subnet subnet;

	memcpy(&subnet, steered->subnets + sizeof subnet * at, sizeof subnet);
	return subnet;
}

static inline struct steered_region
steered_region(const struct steered *steered, unsigned at)
{
	struct steered_region region;

	memcpy(&region, steered->regions + sizeof region * at, sizeof region);
	return region;
}

static inline struct steered_country
steered_continent(const struct steered *steered, unsigned at)
{
	return steered_country_at(steered->continents, at);
}

static inline bool
steered_is_fallback(const struct steered *steered, unsigned candidate)
{
	return steered->fallback &&
	       (steered->fallback[candidate / 8] >> candidate % 8 & 1) != 0;
}

/* The key of a candidate's target on the status board; 0: it is not probed. */
static inline uint64_t
steered_target(const struct steered *steered, unsigned candidate)
{
	uint64_t target = 0;

	if (steered->targets)
		memcpy(&target, steered->targets + sizeof target * candidate,
		       sizeof target);
	return target;
}

/* The address in a record, of the length that its type has. */
static inline const uint8_t *
steered_address(const struct steered *steered, unsigned record)
{
	return steered->rrset.wire + record * steered->rr_len + STEERED_RR_HEAD_LEN;
}

/* The signatures over these records alone, all of them too; NULL when they are not in the
 * block. */
static inline const uint8_t *
steered_signatures(const struct steered *steered, const struct steered_records *of)
{
	size_t words_len = sizeof(uint64_t) * steered_words(steered->rrset.head.rr_count);
	unsigned count = 0;

	for (unsigned i = 0; i < words_len / sizeof(uint64_t); i++)
		count += (unsigned)__builtin_popcountll(of->bits[i]);
	if (count == steered->rrset.head.rr_count)
		return steered->rrset.wire + steered->rrset.head.wire_len;
	for (unsigned i = 0; i < steered->set_count; i++)
		if (memcmp(steered->sets + words_len * i, of->bits, words_len) == 0)
			return steered->set_signatures +
			       (size_t)steered->rrset.head.sig_len * i;
	return NULL;
}

/* The node of STEERED_DENIAL.  returns false when there is none, or it is damaged. */
static inline bool
steered_denial(const struct steered *steered, struct node *out)
{
	return steered->denial && node_open(steered->denial, steered->denial_len, out) &&
	       out->head.node_len == steered->denial_len;
}

/* The parts that say how it is steered, those that are signed left out; NULL on damage. */
__attribute__((nonnull))
const uint8_t *steered_own_parts(const struct block *block, size_t *len);

/* The block of the RRset inside, as if it stood alone.  returns false as above. */
__attribute__((nonnull, warn_unused_result))
bool steered_plain_block(const struct block *block, struct block *out);

/* Has the block all records of an RRset: is it plain or steered? */
static inline bool
block_holds_rrset(const struct block *block)
{
	return block->head.kind == BLOCK_RRSET || block->head.kind == BLOCK_STEERED;
}

/* All records of such a block, whatever is chosen from them.  returns false on damage. */
static inline bool
block_open_rrset(const struct block *block, struct rrset *out)
{
	struct block plain;

	if (block->head.kind != BLOCK_STEERED)
		return rrset_open(block, out);
	return steered_plain_block(block, &plain) && rrset_open(&plain, out);
}

/* What node_check does not know of a BLOCK_STEERED, its RRset apart: parts that tile the
 * rest, candidates that are there.
 * returns NULL, or what is wrong (borrowed for ever). */
__attribute__((nonnull))
const char *steered_check(const struct block *block);

#endif
