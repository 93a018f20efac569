/* From a client's address to its cells. */
#include "shm/client_count.h"

#include <netinet/in.h>
#include <string.h>

#include "shm/name_hash.h"

/* What counts as one client, 8 octets: the /64 of an IPv6 address, or an IPv4 address
 * in the place of a /64 below ::/16, which is nobody's. */
static uint64_t
client_key(const struct sockaddr_storage *address)
{
	uint8_t octets[8] = { 0, 0, 0xff, 0xff };
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	uint64_t key;

	if (address->ss_family == AF_INET) {
		memcpy(&in, address, sizeof in);
		memcpy(octets + 4, &in.sin_addr, 4);
	} else {
		memcpy(&in6, address, sizeof in6);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			memcpy(octets + 4, in6.sin6_addr.s6_addr + 12, 4);
		else
			memcpy(octets, in6.sin6_addr.s6_addr, sizeof octets);
	}
	memcpy(&key, octets, sizeof key);
	return key;
}

struct client_cells
client_cells_of(const struct client_seed *seed, const struct sockaddr_storage *address)
{
	uint64_t a = seed->a ^ UINT64_C(0x9e3779b97f4a7c15);
	uint64_t b = seed->b ^ UINT64_C(0xbf58476d1ce4e5b9);
	uint64_t hash = name_hash_fold(name_hash_fold(client_key(address) ^ a, b) ^ b, a);

	return (struct client_cells){
		.cell = { (uint32_t)(hash & (CLIENT_COUNT_CELLS - 1)),
			  (uint32_t)(hash >> 32 & (CLIENT_COUNT_CELLS - 1)) },
	};
}

void
client_count_clear(struct client_count *own)
{
	if (!atomic_load_explicit(&own->used, memory_order_relaxed))
		return;
	for (unsigned row = 0; row < CLIENT_COUNT_ROWS; row++)
		for (unsigned i = 0; i < CLIENT_COUNT_CELLS; i++)
			atomic_store_explicit(&own->row[row][i], 0, memory_order_relaxed);
	atomic_store_explicit(&own->used, 0, memory_order_relaxed);
}
