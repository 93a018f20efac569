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
 *	| FF FF "n:" | name of a note      |		| the note                    |
 *	+ 4 ---------+---------------------+		+-----------------------------+
 *
 * A node stands for the generation's of that key, or is a tombstone (NODE_DELETED) that
 * hides it.
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

/* Notes stand behind all nodes: those begin with a zone id, which is below 0xffff0000. */
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
