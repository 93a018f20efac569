/* Names as they are written in Redis: hosts, mailboxes, and labels below a zone.
 *
 * Backslash escapes are those of zone files (RFC 1035, section 5.1).  Octets that no one
 * means in a name, spaces, control characters and those beyond ASCII, must be escaped. */
#ifndef LOADER_ZONE_NAME_TEXT_H
#define LOADER_ZONE_NAME_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

/* An absolute name, with the final dot or without; case is kept.
 * text     `len` octets, NUL-terminated besides.
 * reason   set on failure: what is wrong, the rest of a sentence that begins with the
 *          text; static.
 * returns  the length in wire form, 0 on failure. */
__attribute__((nonnull, warn_unused_result))
size_t name_text_parse(const char *text, size_t len, uint8_t out[DNAME_MAX],
		       const char **reason);

/* A mailbox as a name (RFC 1035, section 8), or with the first '@' as people write it,
 * what stands before it then being one label.  Else as name_text_parse. */
__attribute__((nonnull, warn_unused_result))
size_t name_text_parse_mailbox(const char *text, size_t len, uint8_t out[DNAME_MAX],
			       const char **reason);

/* The owner that a label of redins or z42 means: labels relative to the zone, separated
 * by dots; "@" alone is the zone itself.
 * origin   lower-cased wire form.
 * out      lower-cased.
 * Else as name_text_parse. */
__attribute__((nonnull, warn_unused_result))
size_t name_text_parse_label(const char *text, size_t len, const uint8_t *origin,
			     size_t origin_len, uint8_t out[DNAME_MAX], const char **reason);

/* The label that names `owner`, at or below `origin`: what name_text_parse_label reads.
 * returns its length. */
__attribute__((nonnull))
size_t name_text_print_label(const uint8_t *owner, const uint8_t *origin,
			     char out[DNAME_TEXT_MAX]);

#endif
