/* What the LMDB environment of an overlay holds, as its writer and its readers must
 * agree on it.
 *
 * Beside a generation stands its overlay, the live changes since it was sealed:
 *
 *	<generation>/overlay/data.mdb, lock.mdb		this, opened by lmdb_env.h
 *	<generation>/overlay/filter			overlay_filter.h
 *
 *	key						value
 *	+---------+------------------------+		+--------+--------+-----------+
 *	| zone id | owner, see dname_key   |		| commit | node   | 0 ... 0   |
 *	+ 4 ------+------------------------+		+ 8 -----+--------+ 32 -------+
 *	| chain id| owner, see dname_key   |		(nothing)
 *	+ 4 ------+------------------------+
 *	| FF FF "n:" | name of a note      |		| the note                    |
 *	+ 4 ---------+---------------------+		+-----------------------------+
 *
 * A node stands for the generation's of that key, or is a tombstone (NODE_DELETED) that
 * hides it.
 *
 * The order of a chain of denial: for each node here that has an NSEC there is a key under
 * zone id | CHAIN_SPACE, its apex's (of which the node stands in the catalogue) included; for
 * each that has an NSEC3 under zone id | NSEC3_SPACE | CHAIN_SPACE.  No tombstone has one, so
 * that whichever key comes next leads to a member: but for the apex's, the node's own key is
 * that without CHAIN_SPACE.  Who adds a member to a chain, or takes one out, puts its
 * predecessor in the same transaction.  Thus the predecessor of a name is the later one of
 *	- the last owner at or before the name in the generation's order, unless the overlay
 *	  has that deleted or without its record (then the true one was put here), and
 *	- the last key at or before it here.
 * The filter has (zone id | CHAIN_SPACE, root) when a chain has a key here, for NSEC3 (zone
 * id | NSEC3_SPACE | CHAIN_SPACE, root).
 *
 * `commit` is the number of the commit that wrote the node: a uint64_t in the machine's
 * byte order, unaligned.  The octets behind the node are there so that it can be read in
 * large steps, wherever LMDB's file ends. */
#ifndef SHM_OVERLAY_VALUE_H
#define SHM_OVERLAY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"

#define OVERLAY_DIR "overlay"

/* Set in a zone id: the order of what has an NSEC or, with NSEC3_SPACE, an NSEC3. */
#define CHAIN_SPACE UINT32_C(0x40000000)

/* Notes stand behind all nodes: those begin with a zone id, which is below ZONE_ID_END, and
 * the two bits. */
#define OVERLAY_NOTE_PREFIX "\xff\xffn:"

enum {
	OVERLAY_VALUE_HEAD = 8,		/* octets before the node */
	OVERLAY_VALUE_TAIL = 32,	/* and behind it */
};

/* The node in a value of `len` octets; borrowed.  returns false when it holds none:
 * damage. */
static inline bool
overlay_value_open(const void *value, size_t len, struct node *out)
{
	const size_t frame = OVERLAY_VALUE_HEAD + OVERLAY_VALUE_TAIL;

	return len >= frame &&
	       node_open((const uint8_t *)value + OVERLAY_VALUE_HEAD, len - frame, out);
}

#endif
