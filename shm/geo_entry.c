/* Values of MaxMind's format, version 2: a control octet of type and size, then as many
 * octets, or values. */
#include "shm/geo_entry.h"

enum {
	TYPE_EXTENDED = 0,
	TYPE_POINTER = 1,
	TYPE_MAP = 7,
	TYPE_ARRAY = 11,
	TYPE_BOOL = 14,
	SIZE_OF_ONE = 29, /* and this plus the next octet; 30, 31: two, three octets */
};

struct value {
	unsigned type;
	uint32_t size;
};

/* Take the head of the value at *at, which goes on behind it. */
static bool
take_head(const uint8_t *data, size_t len, size_t *at, struct value *out)
{
	static const uint32_t base[] = { 29, 285, 65821 };
	uint32_t size;

	if (*at >= len)
		return false;
	size = data[*at] & 0x1f;
	out->type = data[(*at)++] >> 5;
	if (out->type == TYPE_POINTER) {
		out->size = (size >> 3) + 1;
		return true;
	}
	if (out->type == TYPE_EXTENDED) {
		if (*at >= len)
			return false;
		out->type = 7u + data[(*at)++];
	}
	out->size = size;
	if (size >= SIZE_OF_ONE) {
		unsigned octets = size - SIZE_OF_ONE + 1;

		if (octets > len - *at)
			return false;
		out->size = 0;
		for (unsigned i = 0; i < octets; i++)
			out->size = out->size << 8 | data[(*at)++];
		out->size += base[octets - 1];
	}
	return true;
}

bool
geo_entry_walk(const uint8_t *data, size_t len, size_t at, uint64_t *left)
{
	uint64_t wanted = 1;

	for (; wanted > 0; wanted--) {
		struct value value;

		if (wanted > *left || !take_head(data, len, &at, &value))
			return false;
		--*left;
		if (value.type == TYPE_MAP)
			wanted += 2 * (uint64_t)value.size;
		else if (value.type == TYPE_ARRAY)
			wanted += value.size;
		else if (value.type != TYPE_BOOL && value.size > len - at)
			return false;
		else if (value.type != TYPE_BOOL)
			at += value.size;
	}
	return true;
}
