/* Zones and messages as text, for tests that compare them. */
#ifndef T_UNIT_ZONE_DUMP_H
#define T_UNIT_ZONE_DUMP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"
#include "shm/rrtype.h"

/* "owner TTL TYPE hex" for each record, each ended by "|", marks left out; malloc'ed. */
static inline char *
dump_records(const struct zone_records *zone)
{
	char *out, owner[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		if (record->type == ZONE_MARK_TYPE)
			continue;
		dname_to_text(record->owner, owner);
		rrtype_to_text(record->type, type);
		fprintf(stream, "%s %u %s ", owner, (unsigned)record->ttl, type);
		for (unsigned at = 0; at < record->rdata_len; at++)
			fprintf(stream, "%02x", record->rdata[at]);
		fputc('|', stream);
	}
	fclose(stream);
	return out;
}

/* "E7: reason|" for each message, E, D or W by severity, file names left out but for
 * those of included files ("E sub.inc 7: ..."); malloc'ed. */
static inline char *
dump_messages(const struct zone_messages *messages, const char *main_path)
{
	char *out;
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	for (size_t i = 0; i < messages->kept_count; i++) {
		const struct zone_message *message = &messages->kept[i];
		const char *slash = strrchr(message->path, '/');

		fputc("EDW"[message->severity], stream);
		if (strcmp(message->path, main_path) != 0)
			fprintf(stream, " %s ", slash ? slash + 1 : message->path);
		fprintf(stream, "%u: %s|", (unsigned)message->line, message->reason);
	}
	fclose(stream);
	return out;
}

#endif
