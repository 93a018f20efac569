/* Errors and warnings about one zone, bounded in number and length. */
#include "loader/zone/zone_messages.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"

void
zone_message_printable(const char *text, char *out, size_t room)
{
	size_t len = 0;

	for (; *text != '\0' && len + 5 <= room; text++) {
		unsigned char octet = (unsigned char)*text;

		if (octet >= 0x20 && octet < 0x7f)
			out[len++] = *text;
		else
			len += (size_t)snprintf(out + len, 5, "\\%03u", octet);
	}
	out[len] = '\0';
}

static struct zone_message *
next_message(struct zone_messages *messages)
{
	struct zone_message *kept = grow_items(messages->kept, &messages->room,
					       messages->kept_count + 1, sizeof *kept);

	if (!kept)
		return NULL;
	messages->kept = kept;
	return &kept[messages->kept_count];
}

bool
zone_messages_only_count(struct zone_messages *messages, enum zone_severity severity)
{
	if (messages->counts[severity] < ZONE_MESSAGES_KEPT)
		return false;
	messages->counts[severity]++;
	return true;
}

void
zone_messages_add(struct zone_messages *messages, enum zone_severity severity,
		  const char *path, uint32_t line, const char *format, ...)
{
	char raw[ZONE_REASON_MAX], reason[ZONE_REASON_MAX];
	struct zone_message *message;
	va_list args;

	if (zone_messages_only_count(messages, severity))
		return;
	messages->counts[severity]++;
	message = next_message(messages);
	if (!message)
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	zone_message_printable(raw, reason, sizeof reason);
	*message = (struct zone_message){
		.severity = severity,
		.line = line,
		.path = strdup(path),
		.reason = strdup(reason),
	};
	if (message->path && message->reason) {
		messages->kept_count++;
	} else {
		free(message->path);
		free(message->reason);
	}
}

size_t
zone_messages_lost(const struct zone_messages *messages, enum zone_severity severity)
{
	size_t kept = 0;

	for (size_t i = 0; i < messages->kept_count; i++)
		kept += messages->kept[i].severity == severity;
	return messages->counts[severity] - kept;
}

const struct zone_message *
zone_messages_first_error(const struct zone_messages *messages)
{
	for (size_t i = 0; i < messages->kept_count; i++)
		if (messages->kept[i].severity == ZONE_ERROR)
			return &messages->kept[i];
	return NULL;
}

void
zone_message_to_text(const struct zone_message *message, char *out, size_t room)
{
	char path[PATH_MAX];

	zone_message_printable(message->path, path, sizeof path);
	if (message->line)
		snprintf(out, room, "%s:%u: %s", path, (unsigned)message->line,
			 message->reason);
	else if (path[0] != '\0')
		snprintf(out, room, "%s: %s", path, message->reason);
	else
		snprintf(out, room, "%s", message->reason);
}

void
zone_messages_fini(struct zone_messages *messages)
{
	for (size_t i = 0; i < messages->kept_count; i++) {
		free(messages->kept[i].path);
		free(messages->kept[i].reason);
	}
	free(messages->kept);
	*messages = (struct zone_messages){ 0 };
}
