/* Who is one client: an IPv4 address, or an IPv6 /64, since who has one address of a /64 has
 * all. */
#ifndef WORKER_CLIENT_KEY_H
#define WORKER_CLIENT_KEY_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* 8 octets that tell one client from another: the /64 of an IPv6 address, or an IPv4
 * address in the place of a /64 below ::/16, which is nobody's; 0: it is unknown. */
static inline uint64_t
client_key(const struct sockaddr_in6 *client)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t octets[8] = { 0, 0, 0xff, 0xff };
	uint64_t key;

	if (client->sin6_family == AF_INET6 &&
	    memcmp(&client->sin6_addr, mapped, sizeof mapped) == 0)
		memcpy(octets + 4, client->sin6_addr.s6_addr + 12, 4);
	else if (client->sin6_family == AF_INET6)
		memcpy(octets, &client->sin6_addr, 8);
	else if (client->sin6_family == AF_INET)
		memcpy(octets + 4, (const uint8_t *)client + 4, 4);
	else
		return 0;
	memcpy(&key, octets, sizeof key);
	/* ::/64, which holds ::1 */
	return key ? key : 1;
}

#endif
