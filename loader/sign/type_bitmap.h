/* Type bitmaps of NSEC and NSEC3 (RFC 4034, section 4.1.2). */
#ifndef LOADER_SIGN_TYPE_BITMAP_H
#define LOADER_SIGN_TYPE_BITMAP_H

#include <stddef.h>
#include <stdint.h>

enum {
	TYPE_BITMAP_WINDOWS = 256,
	TYPE_BITMAP_BLOCK = 32,
	TYPE_BITMAP_MAX = TYPE_BITMAP_WINDOWS * (2 + TYPE_BITMAP_BLOCK),
};

/* A set of types; all zero is empty. */
struct type_bitmap {
	uint8_t used[TYPE_BITMAP_WINDOWS];	/* octets of each window */
	uint8_t bits[TYPE_BITMAP_WINDOWS][TYPE_BITMAP_BLOCK];
};

static inline void
type_bitmap_add(struct type_bitmap *bitmap, uint16_t type)
{
	unsigned window = type >> 8, at = (type & 255u) / 8;

	bitmap->bits[window][at] |= (uint8_t)(0x80 >> (type & 7));
	if (bitmap->used[window] < at + 1)
		bitmap->used[window] = (uint8_t)(at + 1);
}

/* Write the set in wire form, and empty it.  returns the length. */
__attribute__((nonnull, warn_unused_result))
size_t type_bitmap_take(struct type_bitmap *bitmap, uint8_t out[TYPE_BITMAP_MAX]);

/* Take a type out of a bitmap in wire form.  returns the length that is left. */
__attribute__((nonnull, warn_unused_result))
size_t type_bitmap_without(uint8_t *bitmap, size_t len, uint16_t type);

#endif
