/* $GENERATE, as BIND has it: "$GENERATE start-stop[/step] owner [TTL] [class] type rdata" is
 * one record for each number.  In owner and rdata `$` stands for the number,
 * `${offset[,width[,base]]}` for the number plus an offset, padded to a width, in base
 * d, o, x, X, or n, N (nibbles, lowest first, with dots; the width counts those too);
 * `$$` and `\$` for a dollar.  Rdata of more than one word is put in quotes as a whole. */
#ifndef LOADER_ZONE_ZONE_GENERATE_H
#define LOADER_ZONE_ZONE_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/zone/made_text.h"

enum {
	GENERATE_LINE_MAX = 4096,	/* octets of the directive, and of each record */
	GENERATE_WIDTH_MAX = 255,
};

/* A directive that is being worked off. */
struct zone_generate {
	const char *rest, *end;		/* borrowed: from the owner to the end of the entry */
	int64_t next, stop, step;
	bool is_rdata_quoted;		/* as a whole: the quotes are not part of it */
};

/* Is the entry a $GENERATE? */
__attribute__((nonnull))
bool zone_generate_is(const char *entry, const char *end);

/* Take the entry [entry, end) apart.
 * returns NULL, or what is wrong (borrowed for ever). */
__attribute__((nonnull, warn_unused_result))
const char *zone_generate_start(struct zone_generate *generate, const char *entry,
				const char *end);

__attribute__((nonnull, pure))
bool zone_generate_is_done(const struct zone_generate *generate);

/* Append the next record's line to `out`.
 * returns NULL, or what is wrong (borrowed for ever). */
__attribute__((nonnull, warn_unused_result))
const char *zone_generate_next(struct zone_generate *generate, struct made_text *out);

#endif
