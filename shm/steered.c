/* Taking steered RRsets apart. */
#include "shm/steered.h"

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

/* Take the next part, from *at on, before `end`.  returns false at the end, and at a part
 * that overruns it: then *at is not `end`. */
static bool
next_part(const uint8_t **at, const uint8_t *end, struct steered_part_head *head,
	  const uint8_t **payload)
{
	if ((size_t)(end - *at) < sizeof *head)
		return false;
	memcpy(head, *at, sizeof *head);
	if (head->len > (size_t)(end - *at) - sizeof *head)
		return false;
	*payload = *at + sizeof *head;
	*at = *payload + head->len;
	return true;
}

/* returns false when it has another length than it must have. */
static bool
take_part(struct steered *steered, const struct steered_part_head *head,
	  const uint8_t *payload)
{
	switch (head->kind) {
	case STEERED_CANDIDATES:
		steered->candidates = payload;
		steered->candidate_count = head->len;
		return head->len >= 1 && head->len <= STEERED_MAX;
	case STEERED_WEIGHTS:
		steered->weights = payload;
		return head->len == sizeof(uint32_t) * steered->candidate_count;
	case STEERED_COUNTRIES:
		steered->countries = payload;
		steered->country_count = head->len / sizeof(struct steered_country);
		return head->len % sizeof(struct steered_country) == 0 &&
		       steered->country_count <= STEERED_PLACES_MAX;
	case STEERED_ASNS:
		steered->asns = payload;
		steered->asn_count = head->len / sizeof(struct steered_asn);
		return head->len % sizeof(struct steered_asn) == 0 &&
		       steered->asn_count <= STEERED_PLACES_MAX;
	}
	return true;
}

static bool
take_rrset(const struct block *block, struct steered *out)
{
	struct block plain;

	if (!steered_plain_block(block, &plain) || !rrset_open(&plain, &out->rrset))
		return false;
	if (block->head.type != TYPE_A && block->head.type != TYPE_AAAA)
		return false;
	out->rr_len = STEERED_RR_LEN(block->head.type);
	out->candidate_count = out->rrset.head.rr_count;
	return out->candidate_count >= 1 && out->candidate_count <= STEERED_MAX &&
	       out->rrset.head.wire_len == out->candidate_count * out->rr_len;
}

bool
steered_open(const struct block *block, struct steered *out)
{
	const uint8_t *end = block->payload + block->head.len, *at, *payload;
	struct steered_part_head part;
	int last = 0;

	if (!take_rrset(block, out))
		return false;
	memcpy(&out->head, block->payload, sizeof out->head);
	out->candidates = out->weights = out->countries = out->asns = NULL;
	out->country_count = out->asn_count = 0;
	at = block->payload + sizeof out->head + out->head.rrset_len;
	for (; next_part(&at, end, &part, &payload); last = part.kind)
		if (part.kind <= last || !take_part(out, &part, payload))
			return false;
	return at == end;
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

/* Are all places those of candidates that are there? */
static bool
places_are_right(const struct steered *steered)
{
	for (unsigned i = 0; i < steered->country_count; i++)
		if (steered_country(steered, i).candidate >= steered->candidate_count)
			return false;
	for (unsigned i = 0; i < steered->asn_count; i++)
		if (steered_asn(steered, i).candidate >= steered->candidate_count)
			return false;
	return true;
}

const char *
steered_check(const struct block *block)
{
	struct steered steered;

	if (!steered_open(block, &steered))
		return "the lengths of a steered RRset contradict each other";
	if (steered.rrset.head.sig_count || steered.rrset.head.patch_count ||
	    steered.rrset.head.target_count)
		return "a steered RRset has more than its records";
	for (unsigned i = 0; i < steered.candidate_count; i++)
		if (steered_record(&steered, i) >= steered.rrset.head.rr_count)
			return "a candidate is no record of its RRset";
	if (!places_are_right(&steered))
		return "a place is of no candidate of its RRset";
	if (!addresses_differ(&steered))
		return "a steered RRset has an address twice";
	return NULL;
}
