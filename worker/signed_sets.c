/* Asking the signer. */
#include "worker/signed_sets.h"

#include "shm/heritage.h"

void
signed_sets_init(struct signed_sets *sets, const struct heritage *heritage, unsigned id)
{
	*sets = (struct signed_sets){
		.cache = heritage->steered_cache,
		.signer = &heritage->region->signer,
	};
	steered_cache_protect(heritage->steered_cache);
	ring_open_writer(&sets->requests, &heritage->region->slots[id].steered_ring,
			 heritage->steered_rings + (size_t)id * STEERED_RING_LEN,
			 STEERED_RING_LEN);
}

void
signed_sets_ask(struct signed_sets *sets, const struct steered *steered,
		const struct node *node, const struct steered_records *set,
		const struct steered_records *group, struct stats_block *stats)
{
	const struct steered_key key = {
		.mark = steered->mark,
		.of = *set,
		.type = steered->rrset.type,
	};
	struct steered_request *request;
	uint64_t *asked, room, hash;

	if (ring_waiting(sets->requests.ends) == 0)
		memset(sets->asked, 0, sizeof sets->asked);
	hash = steered_cache_hash(sets->cache, &key);
	asked = &sets->asked[hash % SIGNED_SETS_ASKED];
	if (*asked == hash)
		return;
	request = (void *)ring_room(&sets->requests, sizeof *request, &room);
	if (room < sizeof *request) {
		stats_add(stats, STAT_steered_requests_lost, 1);
		return;
	}
	*request = (struct steered_request){
		.record_len = sizeof *request,
		.zone_id = node->head.zone_id,
		.mark = steered->mark,
		.set = *set,
		.group = *group,
		.type = steered->rrset.type,
		.owner_len = node->head.owner_len,
	};
	memcpy(request->owner, node_owner(node), node->head.owner_len);
	ring_publish(&sets->requests, sizeof *request);
	stats_add(stats, STAT_steered_requests, 1);
	*asked = hash;
	sets->has_asked = true;
}

void
signed_sets_stand_in(const struct signed_sets *sets, const struct steered *steered,
		     const struct node *node, const struct steered_records *group,
		     uint8_t *to, struct steered_records *set)
{
	unsigned len = steered->rrset.head.sig_len;
	const struct steered_key key = {
		.mark = steered->mark,
		.of = *group,
		.type = steered->rrset.type,
		.entry = STEERED_ENTRY_GROUP,
		.owner_len = node->head.owner_len,
		.owner = node_owner(node),
	};

	if (sets && steered->sets &&
	    steered_cache_holds(sets->cache, key.owner_len, len) &&
	    steered_cache_get(sets->cache, &key, len, set, to))
		return;
	*set = *group;
	if (signed_sets_find(sets, steered, node, group, to))
		return;
	memcpy(to, steered->rrset.wire + steered->rrset.head.wire_len, len);
	memset(set, 0, sizeof *set);
	for (unsigned i = 0; i < steered->rrset.head.rr_count; i++)
		set->bits[i / 64] |= UINT64_C(1) << i % 64;
}

void
signed_sets_tell(struct signed_sets *sets)
{
	if (!sets->has_asked)
		return;
	sets->has_asked = false;
	region_signer_wake(sets->signer);
}
