/* Zones in RFC 1035 master-file format, through libzscanner: every type that it knows,
 * $ORIGIN, $TTL, $INCLUDE, and the unknown types of RFC 3597; $GENERATE
 * (loader/zone/zone_generate.h), and what else BIND and NSD take (loader/zone/zone_mend.h).
 *
 * A record without a TTL takes that of $TTL, else the last one stated, else the SOA's
 * MINIMUM (RFC 2308, section 4).
 *
 * $INCLUDE stays below the directory of the zone file (zone_file.h), at most
 * ZONE_TEXT_DEPTH_MAX deep, and never includes a file that is being read.  Origin,
 * owner and TTLs of the including file are in force again behind it.  No message
 * quotes an included file's text. */
#ifndef LOADER_ZONE_ZONE_TEXT_H
#define LOADER_ZONE_ZONE_TEXT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"

enum {
	ZONE_TEXT_DEPTH_MAX = 8,	/* files inside files */
	ZONE_TEXT_INCLUDES_MAX = 4096,	/* $INCLUDEs that one zone may follow */
	ZONE_TEXT_GENERATED_MAX = 1 << 20, /* records that its $GENERATEs may make */
};
#define ZONE_TEXT_INCLUDED_MAX (UINT64_C(4) << 30) /* octets of included text */

/* A scanner and its buffers, about 400 KB: one a thread, used for zone after zone. */
struct zone_text;

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct zone_text *zone_text_new(void);

/* NULL is allowed. */
void zone_text_free(struct zone_text *text);

/* From now on add the octets scanned to `bytes`, now and then, so that others can see
 * progress; borrowed until zone_text_free. */
__attribute__((nonnull))
void zone_text_count_into(struct zone_text *text, _Atomic uint64_t *bytes);

/* Read the records of one zone, in the order of the file, not yet checked as a whole.
 * origin   lower-cased wire form.
 * out      the records, with paths, stamp and loaded_at_s; owned by the caller.
 *          Untouched on failure.
 * messages gets what is wrong; after an error reading goes on, so that one run shows
 *          many errors.
 * returns  0 when every line was good (records outside the zone are left out, with
 *          a warning), else an error code and at least one ZONE_ERROR message. */
__attribute__((nonnull, warn_unused_result))
int zone_text_load(struct zone_text *text, const char *path, const uint8_t *origin,
		   size_t origin_len, struct zone_records **out,
		   struct zone_messages *messages);

/* The same for text in memory, whose $INCLUDEs are errors.  `path` is for messages. */
__attribute__((nonnull, warn_unused_result))
int zone_text_parse(struct zone_text *text, const char *path, const char *bytes, size_t len,
		    const uint8_t *origin, size_t origin_len, struct zone_records **out,
		    struct zone_messages *messages);

#endif
