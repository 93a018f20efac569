/* What all passes over a zone need: how a complaint reads, where a set ends. */
#include "loader/zone/zone_rules.h"

#include "shm/rrtype.h"

void
zone_rules_complain(const struct zone_records *zone, const struct zone_record *record,
		    struct zone_messages *messages, enum zone_severity severity,
		    const char *what)
{
	char owner[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	const char *path = zone_records_path(zone, record);

	if (zone_messages_only_count(messages, severity))
		return;
	if (record->file != 0 && record->line != 0) {
		zone_messages_add(messages, severity, path, record->line, "%s", what);
		return;
	}
	dname_to_text(record->owner, owner);
	rrtype_to_text(record->type, type);
	zone_messages_add(messages, severity, path, record->line, "%s: %s %s", what,
			  owner, type);
}

size_t
zone_rules_owner_end(const struct zone_records *zone, size_t at)
{
	const uint8_t *owner = zone->records[at].owner;

	while (at < zone->count && zone->records[at].owner == owner)
		at++;
	return at;
}

size_t
zone_rules_rrset_end(const struct zone_records *zone, size_t at)
{
	const uint8_t *owner = zone->records[at].owner;
	uint16_t type = zone->records[at].type;

	while (at < zone->count && zone->records[at].owner == owner &&
	       zone->records[at].type == type)
		at++;
	return at;
}
