/* Record data in presentation form: a zone of one line, so that what is right in a zone
 * file is right here too. */
#include "loader/zone/rdata_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

/* What would make a second line of it, or end it early. */
static const char *
bad_octets(const char *text, size_t len)
{
	if (len > RDATA_TEXT_MAX)
		return "is longer than 300000 characters";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\t')
			return "contains a line end or another control character";
	return NULL;
}

/* "OWNER TTL TYPE DATA"; NULL without memory, else to be freed. */
static char *
make_line(uint16_t type, const char *text, size_t len, size_t *line_len)
{
	char head[sizeof ". 0 TYPE65535 "];
	size_t head_len =
		(size_t)snprintf(head, sizeof head, ". 0 TYPE%u ", (unsigned)type);
	char *line = malloc(head_len + len + 1);

	if (!line)
		return NULL;
	memcpy(line, head, head_len);
	memcpy(line + head_len, text, len);
	line[head_len + len] = '\n';
	*line_len = head_len + len + 1;
	return line;
}

static void
take_reason(const struct zone_messages *messages, char reason[RDATA_TEXT_REASON_MAX])
{
	const struct zone_message *message = zone_messages_first_error(messages);

	snprintf(reason, RDATA_TEXT_REASON_MAX, "%s",
		 message ? message->reason : "is not the data of one record");
}

/* The one record's data of a zone, or what kept it from being one. */
static int
take_rdata(const struct zone_records *zone, uint16_t type, uint8_t *out)
{
	const struct zone_record *record = zone->records;

	if (zone->count != 1 || record->type != type)
		return ERR_SYNTAX;
	memcpy(out, record->rdata, record->rdata_len);
	return record->rdata_len;
}

int
rdata_text_parse(struct zone_text *scanner, uint16_t type, const char *text, size_t len,
		 uint8_t *out, char reason[RDATA_TEXT_REASON_MAX])
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	const char *bad = bad_octets(text, len);
	size_t line_len;
	char *line;
	int code;

	if (bad) {
		snprintf(reason, RDATA_TEXT_REASON_MAX, "%s", bad);
		return ERR_SYNTAX;
	}
	line = make_line(type, text, len, &line_len);
	if (!line)
		return ERR_NOMEM;
	code = zone_text_parse(scanner, "", line, line_len, (const uint8_t *)"", 1, &zone,
			       &messages);
	if (code == ERR_OK)
		code = take_rdata(zone, type, out);
	if (code == ERR_SYNTAX)
		take_reason(&messages, reason);
	zone_records_free(zone);
	zone_messages_fini(&messages);
	free(line);
	return code;
}
