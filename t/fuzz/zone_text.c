/* Any text, read as a zone of "example.": no crash, and whatever comes out keeps the
 * promises of zone_records.h that readers of memory rely on. */
#include "loader/zone/zone_text.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_check.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/rdata.h"
#include "shm/rrtype.h"
#include "t/fuzz/target.h"

static void
check_promises(const struct zone_records *zone)
{
	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		demand(dname_len(record->owner, record->owner_len) == record->owner_len);
		demand(dname_is_subdomain(record->owner, record->owner_len, zone->origin,
					  zone->origin_len));
		demand(rdata_is_valid(record->type, record->rdata, record->rdata_len));
		demand(!rrtype_is_meta(record->type));
		demand(record->ttl <= INT32_MAX);
		if (i > 0 && record[-1].owner == record->owner) {
			demand(record[-1].type <= record->type);
			demand(record[-1].type != record->type ||
			       zone_sort_compare_rdata(&record[-1], record) < 0);
		} else if (i > 0) {
			demand(dname_compare(record[-1].owner, record->owner) < 0);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t origin[] = "\007example";
	static struct zone_text *text;
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *exact = malloc(size + !size);

	if (!text)
		text = zone_text_new();
	if (!text || !exact)
		abort();
	memcpy(exact, data, size);
	if (zone_text_parse(text, "fuzz", exact, size, origin, sizeof origin, &zone,
			    &messages) == ERR_OK) {
		demand(messages.counts[ZONE_ERROR] == 0);
		demand(zone_sort(zone) == ERR_OK);
		if (zone_check(zone, &messages) == ERR_OK)
			demand(zone->count > 0 &&
			       zone->records[0].owner_len == sizeof origin);
		check_promises(zone);
	} else {
		demand(messages.counts[ZONE_ERROR] > 0);
	}
	free(exact);
	zone_records_free(zone);
	zone_messages_fini(&messages);
	return 0;
}
