/* What a person should know about one zone's source: errors and warnings, bounded. */
#ifndef LOADER_ZONE_ZONE_MESSAGES_H
#define LOADER_ZONE_ZONE_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_severity {
	ZONE_ERROR,			/* the zone is not served from this source */
	ZONE_DROPPED,			/* an error that costs what it names, not the zone */
	ZONE_WARNING,
	ZONE_SEVERITIES
};

enum {
	ZONE_MESSAGES_KEPT = 100,	/* of each severity */
	ZONE_REASON_MAX = 512,		/* octets, NUL included; longer ones are cut */
};

struct zone_message {
	enum zone_severity severity;
	uint32_t line;			/* 0: concerns the file as a whole */
	char *path;			/* "": concerns no file; owned, as the reason */
	char *reason;			/* printable ASCII, no line end */
};

/* All zero is a good start. */
struct zone_messages {
	struct zone_message *kept;	/* in the order in which they came; owned */
	size_t kept_count, room;
	size_t counts[ZONE_SEVERITIES];	/* all that came, kept or not */
};

/* Note a message; the text is made printable (control characters and octets beyond
 * ASCII become \DDD).  Without memory it is only counted. */
__attribute__((nonnull, format(printf, 5, 6)))
void zone_messages_add(struct zone_messages *messages, enum zone_severity severity,
		       const char *path, uint32_t line, const char *format, ...);

/* When a further message of this severity would not be kept: count it and return true,
 * so that its text need not be made. */
__attribute__((nonnull, warn_unused_result))
bool zone_messages_only_count(struct zone_messages *messages, enum zone_severity severity);

/* How many of one severity came but were not kept. */
__attribute__((nonnull, pure))
size_t zone_messages_lost(const struct zone_messages *messages, enum zone_severity severity);

/* The first message that keeps the zone from being served, or NULL; borrowed until
 * the next change. */
__attribute__((nonnull, pure))
const struct zone_message *zone_messages_first_error(const struct zone_messages *messages);

/* "PATH:LINE: reason", without LINE when it is 0; cut to `room`, NUL included. */
__attribute__((nonnull))
void zone_message_to_text(const struct zone_message *message, char *out, size_t room);

/* Copy `text` with control characters and octets beyond ASCII as \DDD, cut to `room`,
 * NUL included. */
__attribute__((nonnull))
void zone_message_printable(const char *text, char *out, size_t room);

/* Give back what is owned and start anew. */
__attribute__((nonnull))
void zone_messages_fini(struct zone_messages *messages);

#endif
