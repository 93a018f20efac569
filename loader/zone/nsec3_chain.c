/* Which NSEC3 records make up the chain. */
#include "loader/zone/nsec3_chain.h"

#include <string.h>

#include "shm/rrtype.h"
#include "shm/wire.h"

enum {
	HASH_TEXT_LEN = 32, /* of 20 octets in base32hex */
	FLAGS_AT = 1,
	ITERATIONS_AT = 2,
	SALT_LEN_AT = 4,
	SALT_AT = 5,
	FLAG_OPT_OUT = 1,
};

/* Do NSEC3 and NSEC3PARAM rdata agree in algorithm, iterations and salt? */
static bool
same_params(const struct zone_record *nsec3, const uint8_t *params)
{
	const uint8_t *rdata = nsec3->rdata;

	return nsec3->rdata_len >= SALT_AT + params[SALT_LEN_AT] &&
	       rdata[0] == params[0] &&
	       memcmp(rdata + ITERATIONS_AT, params + ITERATIONS_AT,
		      SALT_AT - ITERATIONS_AT + (size_t)params[SALT_LEN_AT]) == 0;
}

/* RFC 5155, section 4.1.2: an NSEC3PARAM with flags is not for use. */
static bool
is_usable(const struct zone_record *param)
{
	return param->type == RRTYPE_NSEC3PARAM && param->rdata_len >= SALT_AT &&
	       param->rdata_len >= SALT_AT + param->rdata[SALT_LEN_AT] &&
	       param->rdata[0] == NSEC3_SHA1 && param->rdata[FLAGS_AT] == 0;
}

static uint64_t
count_records(const struct zone_records *zone, const uint8_t *params)
{
	uint64_t count = 0;

	for (size_t i = 0; i < zone->count; i++)
		if (zone->records[i].type == RRTYPE_NSEC3 &&
		    same_params(&zone->records[i], params))
			count++;
	return count;
}

/* The usable NSEC3PARAM with the most records; counted only when there are several. */
static const uint8_t *
choose_params(const struct zone_records *zone, const struct zone_record *first,
	      const struct zone_record *end)
{
	const uint8_t *best = NULL;
	uint64_t best_count = 0;

	for (const struct zone_record *at = first; at < end; at++) {
		uint64_t count;

		if (!is_usable(at))
			continue;
		if (!best) {
			best = at->rdata;
			continue;
		}
		if (best_count == 0)
			best_count = count_records(zone, best);
		count = count_records(zone, at->rdata);
		if (count > best_count) {
			best = at->rdata;
			best_count = count;
		}
	}
	return best;
}

void
nsec3_chain_choose(struct nsec3_chain *chain, const struct zone_records *zone,
		   const struct zone_record *first, const struct zone_record *end)
{
	*chain = (struct nsec3_chain){ .apex_len = zone->origin_len };
	chain->params = choose_params(zone, first, end);
	if (!chain->params)
		return;
	chain->iterations = wire_get_u16(chain->params + ITERATIONS_AT);
	chain->salt_len = chain->params[SALT_LEN_AT];
	chain->salt = chain->params + SALT_AT;
}

/* Is the first label a hash in base32hex, and the apex right behind it? */
static bool
is_hash_owner(const struct nsec3_chain *chain, const struct zone_record *record)
{
	const uint8_t *label = record->owner;

	if (label[0] != HASH_TEXT_LEN ||
	    record->owner_len != HASH_TEXT_LEN + 1 + chain->apex_len)
		return false;
	for (unsigned i = 1; i <= HASH_TEXT_LEN; i++)
		if (!(label[i] >= '0' && label[i] <= '9') &&
		    !(label[i] >= 'a' && label[i] <= 'v'))
			return false;
	return true;
}

bool
nsec3_chain_holds(const struct nsec3_chain *chain, const struct zone_record *first,
		  const struct zone_record *end)
{
	if (!chain->params || !is_hash_owner(chain, first))
		return false;
	for (const struct zone_record *at = first; at < end; at++)
		if (at->type == RRTYPE_NSEC3 && same_params(at, chain->params))
			return true;
	return false;
}

void
nsec3_chain_count(struct nsec3_chain *chain, const struct zone_record *first,
		  const struct zone_record *end)
{
	chain->seen++;
	if (!nsec3_chain_holds(chain, first, end))
		return;
	chain->count++;
	for (const struct zone_record *at = first; at < end; at++)
		if (at->type == RRTYPE_NSEC3 && same_params(at, chain->params) &&
		    (at->rdata[FLAGS_AT] & FLAG_OPT_OUT))
			chain->has_opt_out = true;
}
