/* Prefixes of addresses on two lists: on which is an address?  The longest prefix that
 * covers it decides; of two that are the same, the black one. */
#ifndef WORKER_PREFIX_TABLE_H
#define WORKER_PREFIX_TABLE_H

#include "shm/limit_config.h"

enum prefix_list { PREFIX_NONE = 0, PREFIX_WHITE, PREFIX_BLACK };

__extension__ typedef unsigned __int128 prefix_number; /* an address, IPv4 ones mapped */

/* From start[i] to before start[i + 1] all addresses are on list[i]. */
struct prefix_table {
	unsigned count; /* 0: all are on none */
	prefix_number start[2 * LIMIT_PREFIXES_MAX + 1];
	uint8_t list[2 * LIMIT_PREFIXES_MAX + 1]; /* enum prefix_list */
};

/* count  LIMIT_PREFIXES_MAX at most */
__attribute__((nonnull)) void prefix_table_make(struct prefix_table *table,
						const struct limit_prefix *prefixes,
						unsigned count);

__attribute__((nonnull, pure)) enum prefix_list
prefix_table_find(const struct prefix_table *table, prefix_number address);

/* 16 octets in network order. */
__attribute__((nonnull, pure)) prefix_number prefix_number_of(const uint8_t address[16]);

/* Bits of an address that a prefix of `len` (0..128) leaves. */
static inline prefix_number
prefix_mask(unsigned len)
{
	return len == 0 ? 0 : ~(prefix_number)0 << (128 - len);
}

#endif
