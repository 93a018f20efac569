/* The search tree of a database in MaxMind's format: two records a node, of 24, 28 or 32
 * bits.  A record below the number of nodes is a node; that number itself: nothing is known;
 * behind it: where an entry is.  Walking is the better part of a look-up, hence here, with
 * each size in a loop of its own. */
#ifndef SHM_GEO_TREE_H
#define SHM_GEO_TREE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

struct geo_tree {
	const uint8_t *nodes; /* and 4 octets behind them */
	uint32_t node_count;
	uint16_t record_bits; /* 24, 28 or 32 */
};

static inline uint32_t
geo_tree_u32(const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof number);
	return be32toh(number);
}

static inline uint32_t
geo_tree_record(const struct geo_tree *tree, unsigned record_bits, uint32_t node,
		unsigned right)
{
	const uint8_t *at = tree->nodes + (size_t)node * (record_bits / 4);

	switch (record_bits) {
	case 24:
		return geo_tree_u32(at + 3u * right) >> 8;
	case 28:
		/* the octet in the middle has the highest bits of both */
		if (right)
			return geo_tree_u32(at + 3) & 0x0fffffff;
		return (uint32_t)(at[3] & 0xf0) << 20 | geo_tree_u32(at) >> 8;
	}
	return geo_tree_u32(at + 4u * right);
}

__attribute__((always_inline)) static inline uint32_t
geo_tree_walk_bits(const struct geo_tree *tree, unsigned record_bits, uint32_t node,
		   uint64_t bits, unsigned count, unsigned *walked)
{
	const uint32_t node_count = tree->node_count;
	unsigned left = count;

	for (; left > 0 && node < node_count; left--, bits <<= 1)
		node = geo_tree_record(tree, record_bits, node, (unsigned)(bits >> 63));
	*walked = count - left;
	return node;
}

/* Walk on from `node` by the first `count` (0..64) of `bits`.  returns the record that it ends
 * at; *walked receives how many bits were used. */
static inline uint32_t
geo_tree_walk(const struct geo_tree *tree, uint32_t node, uint64_t bits, unsigned count,
	      unsigned *walked)
{
	switch (tree->record_bits) {
	case 24:
		return geo_tree_walk_bits(tree, 24, node, bits, count, walked);
	case 28:
		return geo_tree_walk_bits(tree, 28, node, bits, count, walked);
	}
	return geo_tree_walk_bits(tree, 32, node, bits, count, walked);
}

#endif
