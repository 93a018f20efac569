/* The stages of a batch: decode all, find all zones, find all owners.  What one stage
 * begins to fetch has arrived when the next one reads it. */
#ifndef WORKER_STAGE_H
#define WORKER_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/lookup.h"
#include "worker/query.h"
#include "worker/zone_store.h"

enum stage_status {
	STAGE_NO_ZONE = 0, /* none to be looked for, or none is served here */
	STAGE_DAMAGED,
	STAGE_AT_APEX, /* the name is its zone's apex */
	STAGE_BELOW_APEX, /* key and off are the owner's */
};

/* Where the look-ups of one query stand. */
struct stage {
	uint64_t hash; /* of the key: the zone's, then the owner's */
	const uint64_t *bucket; /* in which its look-up starts */
	uint64_t off; /* of its node, see lookup_fetch_node */
	const uint8_t *apex; /* checked; NULL without a zone */
	const struct zone_facts *facts; /* in it */
	uint8_t zone_labels; /* of the apex; before it is found, of the first key */
	uint8_t zone_start; /* where that suffix starts in the name */
	uint8_t status; /* enum stage_status */
	bool is_sealed; /* the apex can be read as worker/sealed.h does, its facts first */
};

/* Take `count` queries through all stages: `stages` then says what is known of each. */
void stage_batch(struct query *queries, struct stage *stages, unsigned count,
		 const struct zone_store *store, uint16_t udp_size);

#endif
