/* One record looked at alone, and the order of the passes over a zone. */
#include "loader/zone/zone_check.h"

#include "loader/zone/zone_faults.h"
#include "loader/zone/zone_rules.h"
#include "shm/errcode.h"
#include "shm/rdata.h"
#include "shm/rrtype.h"

#define TTL_MAX UINT32_C(0x7fffffff) /* RFC 2181, section 8 */

bool
zone_check_record(const struct zone_records *zone, const struct zone_record *record,
		  struct zone_messages *messages)
{
	enum zone_severity severity = ZONE_ERROR;
	const char *what = NULL;

	if (!dname_is_subdomain(record->owner, record->owner_len, zone->origin,
				zone->origin_len)) {
		severity = ZONE_WARNING;
		what = "the owner is outside the zone, the record is left out";
	} else if (rrtype_is_meta(record->type)) {
		what = "a type that cannot stand in a zone";
	} else if (record->ttl > TTL_MAX) {
		what = "the TTL is larger than 2147483647";
	} else if (!rdata_is_valid(record->type, record->rdata, record->rdata_len)) {
		what = "the data is not what this type has";
	}
	if (what)
		zone_rules_complain(zone, record, messages, severity, what);
	return what == NULL;
}

int
zone_check(struct zone_records *zone, struct zone_messages *messages)
{
	int rc;

	zone_rules_rrsets(zone, messages);
	zone_rules_owners(zone, messages);
	zone_rules_targets(zone, messages);
	rc = messages->counts[ZONE_ERROR] ? ERR_OK : zone_faults_find(zone, messages);
	if (rc != ERR_OK)
		zone_messages_add(messages, ZONE_ERROR, "", 0, "%s", errcode_text(rc));
	return messages->counts[ZONE_ERROR] ? ERR_SYNTAX : ERR_OK;
}
