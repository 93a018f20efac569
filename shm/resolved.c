/* Entries of the resolved store. */
#include "shm/resolved.h"

#include <assert.h>
#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"

size_t
resolved_key(uint16_t type, const uint8_t *name, size_t name_len,
	     uint8_t out[RESOLVED_KEY_MAX])
{
	wire_put_u16(out, type);
	memcpy(out + 2, name, name_len);
	return 2 + name_len;
}

bool
resolved_key_open(const void *key, size_t len, uint16_t *type, const uint8_t **name,
		  size_t *name_len)
{
	const uint8_t *bytes = key;

	if (len < 3 || len > RESOLVED_KEY_MAX)
		return false;
	*type = wire_get_u16(bytes);
	*name = bytes + 2;
	*name_len = len - 2;
	return (*type == TYPE_A || *type == TYPE_AAAA) &&
	       dname_is_whole(*name, *name_len);
}

static bool
are_names(const struct resolved *entry)
{
	size_t at = 0, room = entry->head.names_len;

	for (unsigned i = 0; i < entry->head.name_count; i++) {
		size_t len = at < room ? dname_len(entry->names + at, room - at) : 0;

		if (len == 0)
			return false;
		at += len;
	}
	return at == room;
}

bool
resolved_open(const void *value, size_t len, uint16_t type, struct resolved *out)
{
	const uint8_t *bytes = value;
	size_t addresses_len;

	if (len < sizeof out->head)
		return false;
	memcpy(&out->head, bytes, sizeof out->head);
	out->address_len = type == TYPE_A ? 4 : 16;
	addresses_len = (size_t)out->head.address_count * out->address_len;
	if (out->head.address_count > RESOLVED_ADDRESSES_MAX ||
	    out->head.name_count > RESOLVED_NAMES_MAX ||
	    len != sizeof out->head + addresses_len + out->head.names_len +
			    out->head.reason_len)
		return false;
	out->addresses = bytes + sizeof out->head;
	out->names = out->addresses + addresses_len;
	out->reason = (const char *)out->names + out->head.names_len;
	return are_names(out);
}

static uint8_t *
put(uint8_t *at, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(at, bytes, len);
	return at + len;
}

size_t
resolved_write(const struct resolved *entry, uint8_t out[RESOLVED_VALUE_MAX])
{
	const struct resolved_head *head = &entry->head;
	uint8_t *at;

	assert(head->address_count <= RESOLVED_ADDRESSES_MAX &&
	       head->names_len <= RESOLVED_NAMES_MAX * DNAME_MAX &&
	       head->reason_len <= RESOLVED_REASON_MAX);
	at = put(out, head, sizeof *head);
	at = put(at, entry->addresses, (size_t)head->address_count * entry->address_len);
	at = put(at, entry->names, head->names_len);
	at = put(at, entry->reason, head->reason_len);
	return (size_t)(at - out);
}
