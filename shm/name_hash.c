/* The index hash of a whole name, for the builder and for single look-ups. */
#include "shm/name_hash.h"

#include "shm/dname.h"

uint64_t
name_hash_rest(uint64_t seed_b, uint64_t state, const uint8_t *label, size_t left)
{
	uint64_t piece;

	for (; left > 8; left -= 8, label += 8) {
		memcpy(&piece, label, 8);
		state = name_hash_fold(state ^ piece, seed_b);
	}
	memcpy(&piece, label, 8);
	return name_hash_fold(state ^ (piece & name_hash_mask(left)), seed_b + left);
}

uint64_t
name_hash(const struct hash_seed *seed, uint32_t zone_id, const uint8_t *name)
{
	uint8_t starts[DNAME_LABELS_MAX + 1];
	unsigned count = 0;
	uint64_t state = name_hash_root(seed);

	for (unsigned at = 0; name[at] != 0 && count < DNAME_LABELS_MAX;
	     at += name[at] + 1u)
		starts[count++] = (uint8_t)at;
	while (count > 0)
		state = name_hash_label(seed, state, name + starts[--count]);
	return name_hash_key(seed, state, zone_id);
}
