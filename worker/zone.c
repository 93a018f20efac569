/* Finding the zone that a name belongs to. */
#include "worker/answering.h"

enum lookup_result
zone_find(const struct zone_store *store, const struct query *q, unsigned labels,
	  struct zone *out)
{
	unsigned depth = store->deepest_apex[labels];

	while (depth != ZONE_STORE_NO_APEX) {
		unsigned apex_labels = depth;
		uint64_t hash = name_hash_key(&store->gen.head.seed,
					      q->state[apex_labels], CATALOGUE_ID);
		enum lookup_result found =
			lookup(store, hash, CATALOGUE_ID, query_suffix(q, apex_labels),
			       query_suffix_len(q, apex_labels), &out->apex);

		if (found == LOOKUP_FOUND)
			return zone_open(out, apex_labels) ? LOOKUP_FOUND
							   : LOOKUP_DAMAGED;
		if (found == LOOKUP_DAMAGED)
			return LOOKUP_DAMAGED;
		if (depth == 0)
			break;
		depth = store->deepest_apex[apex_labels - 1];
	}
	return LOOKUP_MISSING;
}
