/* Looking for a zone's DS at every server of its parent: these are found through the
 * configured resolvers, and then asked themselves. */
#ifndef LOADER_RESOLVE_DS_LOOK_H
#define LOADER_RESOLVE_DS_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/settings.h"

enum {
	DS_RDATA_MAX = 68,		/* SHA-512 and what stands before it */
	DS_LOOK_MAX = 32,		/* different records that are told apart */
	DS_LOOK_REASON_MAX = 512,
};

/* A record, and how many servers have it. */
struct ds_seen {
	unsigned servers;
	uint8_t rdata_len;
	uint8_t rdata[DS_RDATA_MAX];
};

struct ds_view {
	bool is_known;			/* every server was heard */
	unsigned servers;		/* that were */
	unsigned count;
	struct ds_seen seen[DS_LOOK_MAX];
	unsigned at_last, most;		/* records that the last one has, and that one has at most */
	uint32_t ttl_s;			/* the longest of them; 0: nobody has any */
	char reason[DS_LOOK_REASON_MAX]; /* if not: who was not, and why */
};

struct ds_look;

/* For one process, not for long: it waits for answers.  returns NULL without memory. */
__attribute__((nonnull, warn_unused_result))
struct ds_look *ds_look_new(const struct settings *settings);

/* NULL is allowed. */
void ds_look_free(struct ds_look *look);

/* Ask for the DS of `zone`, lower-cased; adds to what `out` has. */
__attribute__((nonnull))
void ds_look_at(struct ds_look *look, const uint8_t *zone, size_t len, struct ds_view *out);

/* What was seen elsewhere, too: a server, then each of its records. */
__attribute__((nonnull))
void ds_view_server(struct ds_view *view);
__attribute__((nonnull))
void ds_view_record(struct ds_view *view, uint32_t ttl, const uint8_t *rdata, size_t len);

#endif
