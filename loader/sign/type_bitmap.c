/* See type_bitmap.h. */
#include "loader/sign/type_bitmap.h"

#include <string.h>

size_t
type_bitmap_take(struct type_bitmap *bitmap, uint8_t out[TYPE_BITMAP_MAX])
{
	size_t len = 0;

	for (unsigned window = 0; window < TYPE_BITMAP_WINDOWS; window++) {
		uint8_t used = bitmap->used[window];

		if (used == 0)
			continue;
		out[len++] = (uint8_t)window;
		out[len++] = used;
		memcpy(out + len, bitmap->bits[window], used);
		memset(bitmap->bits[window], 0, used);
		bitmap->used[window] = 0;
		len += used;
	}
	return len;
}

size_t
type_bitmap_without(uint8_t *bitmap, size_t len, uint16_t type)
{
	unsigned window = type >> 8, octet = (type & 255u) / 8;
	uint8_t *at = bitmap, *end = bitmap + len;

	while (end - at > 2 && *at < window && at[1] + 2 <= end - at)
		at += at[1] + 2;
	if (end - at <= 2 || *at != window || at[1] + 2 > end - at || octet >= at[1])
		return len;
	at[2 + octet] &= (uint8_t) ~(0x80 >> (type & 7));
	while (at[1] > 0 && at[1 + at[1]] == 0) {
		uint8_t *last = at + 1 + at[1];

		memmove(last, last + 1, (size_t)(end - last - 1));
		end--;
		at[1]--;
	}
	if (at[1] > 0)
		return (size_t)(end - bitmap);
	memmove(at, at + 2, (size_t)(end - at - 2));
	return (size_t)(end - bitmap - 2);
}
