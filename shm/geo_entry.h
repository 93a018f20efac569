/* How much an entry of a database in MaxMind's format holds, told from its octets alone: the
 * library walks an entry until it has found what is asked for, however large it is. */
#ifndef SHM_GEO_ENTRY_H
#define SHM_GEO_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Walk over the value at `at` and all that stands in it; pointers are not followed.
 *
 * left     how many values may be walked over; goes down by those that were
 * returns  false when it ends behind the data, or there are more than `left` values. */
__attribute__((nonnull, warn_unused_result))
bool geo_entry_walk(const uint8_t *data, size_t len, size_t at, uint64_t *left);

#endif
