/* Domain names in wire form (RFC 1035, section 3.1): uncompressed labels, each
 * led by its length, the root label last.  Names that serve as keys are
 * lower-cased (A-Z only, RFC 4343); label octets may have any value. */
#ifndef SHM_DNAME_H
#define SHM_DNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	DNAME_MAX = 255,		/* octets, root label included */
	DNAME_LABEL_MAX = 63,
	DNAME_LABELS_MAX = 127,		/* without the root label */
	DNAME_TEXT_MAX = 1016,		/* worst case of \DDD escapes, final dot, NUL */
	DNAME_KEY_MAX = 508,		/* zone id and escaped name, see dname_key */
	DNAME_KEY_PREFIX = 4,		/* the zone id of a key */
};

/* Length of the name at `in`, root label included.
 * returns 1..DNAME_MAX, or 0 when the name runs past `in_len`, is longer than
 * DNAME_MAX, or holds a compression pointer. */
__attribute__((nonnull, warn_unused_result))
size_t dname_len(const uint8_t *in, size_t in_len);

/* Are these octets a name, and nothing but that?  None are none. */
__attribute__((nonnull))
static inline bool
dname_is_whole(const uint8_t *octets, size_t len)
{
	return len > 0 && dname_len(octets, len) == len;
}

/* Labels of a valid name, the root label not counted: 0..127. */
__attribute__((nonnull, pure))
unsigned dname_label_count(const uint8_t *name);

/* Lower-case `len` octets of a name in place; length octets are never letters. */
__attribute__((nonnull))
void dname_lower(uint8_t *name, size_t len);

/* The suffix of `name` that is left when `labels` labels are taken off the
 * front; borrowed from `name`.  `labels` is at most dname_label_count(name). */
__attribute__((nonnull, pure))
const uint8_t *dname_skip(const uint8_t *name, unsigned labels);

/* Does `name` stand at or below `ancestor`?  Both valid and lower-cased. */
__attribute__((nonnull, pure))
bool dname_is_subdomain(const uint8_t *name, size_t name_len,
			const uint8_t *ancestor, size_t ancestor_len);

static inline uint64_t
dname_octets_differ(const uint8_t *a, const uint8_t *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x ^ y;
}

/* Are two names of `len` octets equal?  Inline, since names are short. */
__attribute__((nonnull))
static inline bool
dname_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t at = 0;

	if (len < 8)
		return memcmp(a, b, len) == 0;
	for (; at + 8 < len; at += 8)
		if (dname_octets_differ(a + at, b + at))
			return false;
	return dname_octets_differ(a + len - 8, b + len - 8) == 0;
}

/* Is the first label the single octet '*'? */
__attribute__((nonnull, pure))
bool dname_is_wildcard(const uint8_t *name);

/* Canonical order (RFC 4034, section 6.1) of two valid, lower-cased names:
 * negative, 0 or positive. */
__attribute__((nonnull, pure))
int dname_compare(const uint8_t *a, const uint8_t *b);

/* The presentation form (RFC 1035, section 5.1), NUL-terminated, absolute with
 * the final dot; unprintable octets as \DDD.  returns strlen(out). */
__attribute__((nonnull))
size_t dname_to_text(const uint8_t *name, char out[DNAME_TEXT_MAX]);

/* Parse presentation form; a missing final dot is taken as given (absolute).
 * Case is kept.  returns the length in wire form, or 0 when `text` is no name. */
__attribute__((nonnull, warn_unused_result))
size_t dname_from_text(const char *text, uint8_t out[DNAME_MAX]);

/* The key of (zone id, name) in the store: 4 octets of zone id, big-endian, then
 * the labels from the root down, each octet 0 written 1 1 and 1 written 1 2, each
 * label ended by 0.  memcmp order of keys is zone id, then canonical order.
 * returns the key's length, 4..DNAME_KEY_MAX. */
__attribute__((nonnull))
size_t dname_key(uint32_t zone_id, const uint8_t *name, uint8_t out[DNAME_KEY_MAX]);

/* What the keys of a zone id begin with: the first of them, or below it. */
__attribute__((nonnull))
void dname_key_prefix(uint32_t zone_id, uint8_t out[DNAME_KEY_PREFIX]);

#endif
