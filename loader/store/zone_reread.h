/* Served zones read back into records, when what is served is all that there is: of a
 * generation that is chosen again, to be signed by present keys. */
#ifndef LOADER_STORE_ZONE_REREAD_H
#define LOADER_STORE_ZONE_REREAD_H

#include "loader/store/live.h"
#include "loader/zone/zone_records.h"

/* Read all records of a zone, without signatures; of one that we have signed also without
 * keys and chain of denial.  Sorted.
 * out      owned by the caller, on success
 * returns  0; ERR_NOTFOUND: no such zone; ERR_DAMAGED; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int zone_reread(struct live *live, const uint8_t *origin, size_t origin_len,
		struct zone_records **out);

#endif
