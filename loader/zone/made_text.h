/* Text in the making, one growing buffer. */
#ifndef LOADER_ZONE_MADE_TEXT_H
#define LOADER_ZONE_MADE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"

/* All zero is a good start. */
struct made_text {
	char *bytes;			/* owned, not NUL-terminated */
	size_t len, room;
	bool failed;			/* no memory: nothing more is added */
};

static inline void
made_text_put(struct made_text *text, const char *bytes, size_t len)
{
	char *grown = NULL;

	if (!text->failed)
		grown = grow_items(text->bytes, &text->room, text->len + len, 1);
	text->failed = !grown;
	if (text->failed)
		return;
	text->bytes = grown;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static inline void
made_text_put_char(struct made_text *text, char octet)
{
	made_text_put(text, &octet, 1);
}

static inline void
made_text_puts(struct made_text *text, const char *string)
{
	made_text_put(text, string, strlen(string));
}

/* Give back the buffer and start anew. */
static inline void
made_text_fini(struct made_text *text)
{
	free(text->bytes);
	*text = (struct made_text){ 0 };
}

#endif
