/* Chains of denial in the sealed generation: its order arrays. */
#include "loader/store/live_signing.h"
#include "shm/errcode.h"

/* How many items of an array, of which `node_of` gives the nodes, stand before `place`. */
struct sealed_order {
	const struct generation *gen;
	const uint64_t *order; /* NULL: `nsec3` it is */
	const struct index_nsec3 *nsec3;
	uint64_t count;
};

static bool
node_of(const struct sealed_order *order, uint64_t number, struct node *out)
{
	uint64_t off =
		order->order ? order->order[number] : order->nsec3[number].node_off;

	return generation_node_at(order->gen, off, out) &&
	       dname_len(node_owner(out), out->head.owner_len) == out->head.owner_len;
}

static bool
open_order(const struct live *live, uint32_t zone_id, struct sealed_order *out)
{
	const struct generation *gen = &live->gen;
	const struct index_zone *zone = generation_zone(gen, zone_id & ~NSEC3_SPACE);

	if (!zone)
		return false;
	*out = (struct sealed_order){ .gen = gen };
	if (zone_id & NSEC3_SPACE) {
		out->nsec3 = gen->nsec3 + zone->nsec3_first;
		out->count = zone->nsec3_count;
	} else {
		out->order = gen->order + zone->order_first;
		out->count = zone->order_count;
	}
	return true;
}

int
live_sealed_before(const struct live *live, uint32_t zone_id, const uint8_t *place,
		   struct node *out)
{
	struct sealed_order order;
	uint64_t low = 0, high;

	if (!open_order(live, zone_id, &order))
		return ERR_NOTFOUND;
	high = order.count;
	while (place && low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!node_of(&order, middle, out))
			return ERR_DAMAGED;
		if (dname_compare(node_owner(out), place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (high == 0)
		return ERR_NOTFOUND;
	return node_of(&order, high - 1, out) ? ERR_OK : ERR_DAMAGED;
}
