/* Canonical order of a zone's records. */
#ifndef LOADER_ZONE_ZONE_SORT_H
#define LOADER_ZONE_ZONE_SORT_H

#include "loader/zone/zone_records.h"

/* Sort by owner (canonical order, RFC 4034 section 6.1), type, rdata (section 6.3, names
 * compared as canonical_names.h says), then file and line; let equal owners share one
 * pointer.  Linear when the owners are in order already; n log n at worst, however
 * alike the names are.  Every owner must be at or below the origin.
 * returns 0, or ERR_NOMEM (order undefined, nothing lost). */
__attribute__((nonnull, warn_unused_result))
int zone_sort(struct zone_records *zone);

/* The order of two rdata of one type: negative, 0 for duplicates, or positive. */
__attribute__((nonnull, pure))
int zone_sort_compare_rdata(const struct zone_record *a, const struct zone_record *b);

#endif
