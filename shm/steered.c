/* Taking steered RRsets apart. */
#include "shm/steered.h"

#include "shm/dname.h"
#include "shm/health_target.h"

const char *const steered_count_words[] = {
	[STEERED_MULTI] = "multi",
	[STEERED_SINGLE] = "single",
};
const char *const steered_order_words[] = {
	[STEERED_AS_STORED] = "none",
	[STEERED_RR] = "rr",
	[STEERED_WEIGHTED] = "weighted",
};
const char *const steered_geo_words[] = {
	[STEERED_ANYWHERE] = "none",        [STEERED_BY_COUNTRY] = "country",
	[STEERED_BY_ASN] = "asn",           [STEERED_BY_ASN_COUNTRY] = "asn+country",
	[STEERED_BY_LOCATION] = "location",
};

bool
steered_plain_block(const struct block *block, struct block *out)
{
	struct steered_head head;

	if (block->head.len < sizeof head)
		return false;
	memcpy(&head, block->payload, sizeof head);
	if (head.rrset_len > block->head.len - sizeof head)
		return false;
	out->head = (struct block_head){
		.kind = BLOCK_RRSET,
		.type = block->head.type,
		.len = head.rrset_len,
	};
	out->payload = block->payload + sizeof head;
	return true;
}

/* Entries of a kind of place. */
static bool
take_places(const uint8_t **places, unsigned *count, const uint8_t *payload, size_t len,
	    size_t entry_len)
{
	*places = payload;
	*count = (unsigned)(len / entry_len);
	return len % entry_len == 0 && len / entry_len <= STEERED_PLACES_MAX;
}

static bool
take_health(struct steered *steered, const uint8_t *payload, size_t len)
{
	size_t targets_len = sizeof(uint64_t) * steered->candidate_count;

	if (len != sizeof steered->health + targets_len)
		return false;
	memcpy(&steered->health, payload, sizeof steered->health);
	steered->targets = payload + sizeof steered->health;
	return steered->health.up_count > 0 && steered->health.down_count < 0;
}

static bool
take_signed(struct steered *steered, const uint8_t *payload, size_t len)
{
	size_t words_len = sizeof(uint64_t) * steered_words(steered->rrset.head.rr_count);
	struct steered_signed head;

	if (len < sizeof head)
		return false;
	memcpy(&head, payload, sizeof head);
	steered->mark = head.mark;
	steered->set_count = head.set_count;
	steered->sets = payload + sizeof head;
	steered->set_signatures = steered->sets + words_len * head.set_count;
	return head.set_count <= STEERED_SETS_MAX && steered->rrset.head.sig_len > 0 &&
	       len == sizeof head + (words_len + steered->rrset.head.sig_len) *
					    (size_t)head.set_count;
}

/* returns false when it has another length than it must have. */
static inline bool
take_part(struct steered *steered, unsigned kind, uint32_t len, const uint8_t *payload)
{
	switch (kind) {
	case STEERED_CANDIDATES:
		steered->candidates = payload;
		steered->candidate_count = len;
		return len >= 1 && len <= STEERED_MAX;
	case STEERED_WEIGHTS:
		steered->weights = payload;
		return len == sizeof(uint32_t) * steered->candidate_count;
	case STEERED_COUNTRIES:
		return take_places(&steered->countries, &steered->country_count, payload,
				   len, sizeof(struct steered_country));
	case STEERED_ASNS:
		return take_places(&steered->asns, &steered->asn_count, payload, len,
				   sizeof(struct steered_asn));
	case STEERED_SUBNETS:
		return take_places(&steered->subnets, &steered->subnet_count, payload,
				   len, sizeof(struct steered_subnet));
	case STEERED_REGIONS:
		return take_places(&steered->regions, &steered->region_count, payload,
				   len, sizeof(struct steered_region));
	case STEERED_CONTINENTS:
		return take_places(&steered->continents, &steered->continent_count,
				   payload, len, sizeof(struct steered_country));
	case STEERED_FALLBACK:
		steered->fallback = payload;
		return len == (steered->candidate_count + 7) / 8;
	case STEERED_HEALTH:
		return take_health(steered, payload, len);
	case STEERED_PROBE:
		steered->probe = payload;
		steered->probe_len = len;
		return true;
	case STEERED_SIGNED:
		return take_signed(steered, payload, len);
	case STEERED_DENIAL:
		steered->denial = payload;
		steered->denial_len = len;
		return true;
	}
	return true;
}

static inline bool
take_rrset(const struct block *block, struct steered *out)
{
	struct block plain = { .head.type = block->head.type };

	if (block->head.len < sizeof out->head)
		return false;
	memcpy(&out->head, block->payload, sizeof out->head);
	plain.head.len = out->head.rrset_len;
	plain.payload = block->payload + sizeof out->head;
	if (plain.head.len > block->head.len - sizeof out->head ||
	    !rrset_open(&plain, &out->rrset) ||
	    (block->head.type != TYPE_A && block->head.type != TYPE_AAAA))
		return false;
	out->rr_len = STEERED_RR_LEN(block->head.type);
	out->candidate_count = out->rrset.head.rr_count;
	return out->candidate_count >= 1 && out->candidate_count <= STEERED_MAX &&
	       out->rrset.head.wire_len == out->candidate_count * out->rr_len;
}

bool
steered_open(const struct block *block, struct steered *out)
{
	const uint8_t *end = block->payload + block->head.len, *at;
	struct steered_part_head part;
	int last = 0;

	if (!take_rrset(block, out))
		return false;
	out->candidates = out->weights = out->countries = out->asns = NULL;
	out->subnets = out->regions = out->continents = NULL;
	out->fallback = out->targets = out->probe = NULL;
	out->sets = out->set_signatures = out->denial = NULL;
	out->set_count = 0;
	out->country_count = out->asn_count = 0;
	out->subnet_count = out->region_count = out->continent_count = 0;
	at = block->payload + sizeof out->head + out->head.rrset_len;
	for (; (size_t)(end - at) >= sizeof part; at += part.len, last = part.kind) {
		memcpy(&part, at, sizeof part);
		at += sizeof part;
		if (part.len > (size_t)(end - at) || part.kind <= last ||
		    !take_part(out, part.kind, part.len, at))
			return false;
	}
	return at == end;
}

const uint8_t *
steered_own_parts(const struct block *block, size_t *len)
{
	const uint8_t *end = block->payload + block->head.len, *first, *at;
	struct steered_part_head part;
	struct steered_head head;

	if (block->head.len < sizeof head)
		return NULL;
	memcpy(&head, block->payload, sizeof head);
	if (head.rrset_len > block->head.len - sizeof head)
		return NULL;
	first = at = block->payload + sizeof head + head.rrset_len;
	while ((size_t)(end - at) >= sizeof part) {
		memcpy(&part, at, sizeof part);
		if (part.kind >= STEERED_SIGNED ||
		    part.len > (size_t)(end - at) - sizeof part)
			break;
		at += sizeof part + part.len;
	}
	*len = (size_t)(at - first);
	return first;
}

static bool
addresses_differ(const struct steered *steered)
{
	size_t len = steered->rr_len - STEERED_RR_HEAD_LEN;

	for (unsigned i = 1; i < steered->rrset.head.rr_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (memcmp(steered_address(steered, i),
				   steered_address(steered, j), len) == 0)
				return false;
	return true;
}

static bool
has_candidate(const struct steered *steered, unsigned candidate)
{
	return candidate < steered->candidate_count;
}

/* Is the network one, 0 behind its length? */
static bool
subnet_is_right(const struct steered_subnet *subnet)
{
	unsigned whole = subnet->len / 8u, rest = subnet->len % 8u;

	if (subnet->len > 128)
		return false;
	if (rest && (uint8_t)(subnet->network[whole] << rest) != 0)
		return false;
	for (unsigned i = whole + (rest != 0); i < sizeof subnet->network; i++)
		if (subnet->network[i] != 0)
			return false;
	return true;
}

static bool
subnets_are_right(const struct steered *steered)
{
	for (unsigned i = 0; i < steered->subnet_count; i++) {
		struct steered_subnet subnet = steered_subnet(steered, i);

		if (!subnet_is_right(&subnet) ||
		    !has_candidate(steered, subnet.candidate))
			return false;
	}
	return true;
}

/* Are all places those of candidates that are there? */
static bool
places_are_right(const struct steered *steered)
{
	for (unsigned i = 0; i < steered->country_count; i++)
		if (!has_candidate(steered, steered_country(steered, i).candidate))
			return false;
	for (unsigned i = 0; i < steered->asn_count; i++)
		if (!has_candidate(steered, steered_asn(steered, i).candidate))
			return false;
	for (unsigned i = 0; i < steered->region_count; i++)
		if (!has_candidate(steered, steered_region(steered, i).candidate))
			return false;
	for (unsigned i = 0; i < steered->continent_count; i++)
		if (!has_candidate(steered, steered_continent(steered, i).candidate))
			return false;
	return subnets_are_right(steered);
}

static bool
probe_is_right(const struct steered *steered)
{
	struct health_check check;

	if (!steered->probe)
		return !steered->targets;
	return steered->targets &&
	       health_check_read(steered->probe, steered->probe_len, &check);
}

/* Is every set some of the records, and not all? */
static bool
sets_are_right(const struct steered *steered)
{
	unsigned records = steered->rrset.head.rr_count, words = steered_words(records);

	for (unsigned i = 0; i < steered->set_count; i++) {
		struct steered_records set = { { 0 } };
		unsigned count = 0;

		memcpy(set.bits, steered->sets + sizeof(uint64_t) * words * i,
		       sizeof(uint64_t) * words);
		for (unsigned word = 0; word < words; word++)
			count += (unsigned)__builtin_popcountll(set.bits[word]);
		if (count == 0 || count >= records ||
		    (records % 64 && set.bits[words - 1] >> records % 64))
			return false;
	}
	return true;
}

/* Is it a node with one NSEC or NSEC3, and nothing else? */
static bool
denial_is_right(const struct steered *steered)
{
	struct node node;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	if (!steered->denial)
		return true;
	return steered_denial(steered, &node) && node_next_block(&node, &at, &block) &&
	       at == node.head.node_len && block.head.kind == BLOCK_RRSET &&
	       (block.head.type == TYPE_NSEC || block.head.type == TYPE_NSEC3) &&
	       dname_len(node_owner(&node), node.head.owner_len) == node.head.owner_len &&
	       rrset_open(&block, &rrset) && rrset.head.patch_count == 0 &&
	       rrset.head.target_count == 0;
}

const char *
steered_check(const struct block *block)
{
	struct steered steered;

	if (!steered_open(block, &steered))
		return "the lengths of a steered RRset contradict each other";
	if (steered.rrset.head.patch_count || steered.rrset.head.target_count)
		return "a steered RRset has more than its records";
	for (unsigned i = 0; i < steered.candidate_count; i++)
		if (steered_record(&steered, i) >= steered.rrset.head.rr_count)
			return "a candidate is no record of its RRset";
	if (!places_are_right(&steered))
		return "a place is of no candidate of its RRset";
	if (!addresses_differ(&steered))
		return "a steered RRset has an address twice";
	if (!probe_is_right(&steered))
		return "a steered RRset does not say how its targets are probed";
	if (!sets_are_right(&steered))
		return "a set that is signed is no part of its RRset";
	if (!denial_is_right(&steered))
		return "what denies a steered RRset is no NSEC or NSEC3";
	return NULL;
}
