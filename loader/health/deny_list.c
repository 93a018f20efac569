/* Addresses, and the IPv4 addresses within them. */
#include "loader/health/deny_list.h"

#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

enum { V4_LEN = 4, V4_AT_END = 12 };

int
deny_list_init(struct deny_list *list, const struct setting_texts *texts)
{
	list->count = 0;
	list->networks = calloc(texts->count + 1, sizeof *list->networks);
	if (!list->networks)
		return ERR_NOMEM;
	for (size_t i = 0; i < texts->count; i++)
		if (network_parse(texts->items[i], &list->networks[list->count]))
			list->count++;
	return ERR_OK;
}

void
deny_list_fini(struct deny_list *list)
{
	free(list->networks);
	*list = (struct deny_list){ .count = 0 };
}

static bool
is_listed(const struct deny_list *list, const uint8_t address[16])
{
	for (size_t i = 0; i < list->count; i++)
		if (network_holds(&list->networks[i], address))
			return true;
	return false;
}

/* The same for the IPv4 address at `octets`, each exclusive-or'ed with `mask`. */
static bool
is_v4_listed(const struct deny_list *list, const uint8_t *octets, uint8_t mask)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

	for (unsigned i = 0; i < V4_LEN; i++)
		address[V4_AT_END + i] = octets[i] ^ mask;
	return is_listed(list, address);
}

/* Where IPv6 holds an IPv4 address: the prefix, and the place behind it. */
static const struct {
	uint8_t prefix[12];
	uint8_t prefix_len, at, mask;
} forms[] = {
	{ { 0 }, 12, 12, 0 }, /* IPv4-compatible, RFC 4291 */
	{ { 0, 0x64, 0xff, 0x9b }, 12, 12, 0 }, /* NAT64, RFC 6052 */
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 6, 12, 0 }, /* NAT64, RFC 8215 */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 12, 0 }, /* SIIT, RFC 2765 */
	{ { 0x20, 0x02 }, 2, 2, 0 }, /* 6to4, RFC 3056 */
	{ { 0x20, 0x01, 0, 0 }, 4, 4, 0 }, /* Teredo, its server, RFC 4380 */
	{ { 0x20, 0x01, 0, 0 }, 4, 12, 0xff }, /* and its client */
};

/* ISATAP, RFC 5214: an interface identifier. */
static bool
is_isatap(const uint8_t address[16])
{
	return (address[8] & 0xfd) == 0 && address[9] == 0 && address[10] == 0x5e &&
	       address[11] == 0xfe;
}

bool
deny_list_holds(const struct deny_list *list, const uint8_t address[16])
{
	if (is_listed(list, address))
		return true;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (memcmp(address, forms[i].prefix, forms[i].prefix_len) == 0 &&
		    is_v4_listed(list, address + forms[i].at, forms[i].mask))
			return true;
	return is_isatap(address) && is_v4_listed(list, address + V4_AT_END, 0);
}
