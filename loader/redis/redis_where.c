/* Printing where values stand. */
#include "loader/redis/redis_where.h"

#include <string.h>

#include "loader/zone/name_text.h"

/* Keys have types in lower case. */
static void
print_type(const char *type, char out[REDIS_TYPE_MAX + 1])
{
	size_t len = 0;

	for (; type[len] != '\0' && len < REDIS_TYPE_MAX; len++)
		out[len] = type[len] >= 'A' && type[len] <= 'Z' ? (char)(type[len] | 0x20)
								: type[len];
	out[len] = '\0';
}

size_t
redis_where_print(const struct redis_keys *keys, const uint8_t *origin,
		  const uint8_t *owner, const char *type, char out[REDIS_WHERE_MAX])
{
	char zone_text[DNAME_TEXT_MAX], label_text[DNAME_TEXT_MAX];
	char type_text[REDIS_TYPE_MAX + 1];
	const struct redis_text zone = { zone_text, dname_to_text(origin, zone_text) };
	const struct redis_text label = { label_text, name_text_print_label(owner, origin,
									    label_text) };
	size_t len;

	if (keys->schema == REDIS_SCHEMA_Z42) {
		print_type(type, type_text);
		len = redis_keys_rrset(keys, zone, label, type_text, out);
		out[len] = '\0';
		return len;
	}
	len = redis_keys_zone(keys, zone, out);
	out[len++] = ' ';
	memcpy(out + len, label_text, label.len + 1);
	return len + label.len;
}
