/* What was read: its hashes and its order. */
#include "loader/redis/redis_read.h"

#include <string.h>

int
redis_text_compare(struct redis_text a, struct redis_text b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.bytes, b.bytes, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

uint64_t
redis_values_hash(const struct redis_value *first, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += first[i].hash;
	return sum;
}

uint64_t
redis_raw_digest(const struct redis_raw *raw)
{
	uint64_t sum = raw->config.hash;

	return raw->count > 0 ? sum + redis_values_hash(raw->values, raw->count) : sum;
}

size_t
redis_values_of_label(const struct redis_value *first, const struct redis_value *end)
{
	const struct redis_value *at = first + 1;

	while (at < end && at->label.bytes == first->label.bytes)
		at++;
	return (size_t)(at - first);
}
