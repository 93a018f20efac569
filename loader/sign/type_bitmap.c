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
