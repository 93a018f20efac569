/* From the octets of a target to what sockets take, and to text. */
#ifndef LOADER_HEALTH_PROBE_ADDRESS_H
#define LOADER_HEALTH_PROBE_ADDRESS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static inline bool
probe_address_is_v4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof mapped) == 0;
}

/* returns the length. */
static inline socklen_t
probe_address(const uint8_t address[16], uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(out, 0, sizeof *out);
	if (probe_address_is_v4(address)) {
		memcpy(&v4.sin_addr, address + 12, 4);
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(&v6.sin6_addr, address, 16);
	memcpy(out, &v6, sizeof v6);
	return sizeof v6;
}

static inline void
probe_address_print(const uint8_t address[16], char out[INET6_ADDRSTRLEN])
{
	bool is_v4 = probe_address_is_v4(address);

	inet_ntop(is_v4 ? AF_INET : AF_INET6, address + (is_v4 ? 12 : 0), out,
		  INET6_ADDRSTRLEN);
}

#endif
