/* Networks from text, and what is in them. */
#include "shm/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { V4_AT = 12, V4_BITS = 32, BITS = 128 };

static const uint8_t mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

/* The length behind the slash, at most `max`; returns false when it is none. */
static bool
parse_length(const char *text, unsigned max, unsigned *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return false;
	*out = (unsigned)strtoul(text, NULL, 10);
	return *out <= max;
}

static void
mask(struct network *network)
{
	for (unsigned bit = network->len; bit < BITS; bit++)
		network->octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

/* As network_parse, but with all bits. */
static bool
parse_whole(const char *text, struct network *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	bool is_v4;
	unsigned bits;

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	is_v4 = inet_pton(AF_INET, address, out->octets + V4_AT) == 1;
	if (is_v4)
		memcpy(out->octets, mapped, sizeof mapped);
	else if (inet_pton(AF_INET6, address, out->octets) != 1)
		return false;
	bits = is_v4 ? V4_BITS : BITS;
	if (slash && !parse_length(slash + 1, bits, &bits))
		return false;
	out->len = (uint8_t)(is_v4 ? bits + BITS - V4_BITS : bits);
	return true;
}

bool
network_parse(const char *text, struct network *out)
{
	if (!parse_whole(text, out))
		return false;
	mask(out);
	return true;
}

bool
network_has_rest(const char *text)
{
	struct network whole, masked;

	if (!parse_whole(text, &whole))
		return false;
	masked = whole;
	mask(&masked);
	return memcmp(whole.octets, masked.octets, sizeof whole.octets) != 0;
}

bool
network_holds(const struct network *network, const uint8_t address[16])
{
	unsigned whole = network->len / 8u, rest = network->len % 8u;

	if (memcmp(address, network->octets, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ network->octets[whole]) >> (8 - rest) == 0;
}

void
network_octets(const struct sockaddr *from, uint8_t out[16])
{
	memset(out, 0, 16);
	if (from->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, from, sizeof v4);
		memcpy(out, mapped, sizeof mapped);
		memcpy(out + V4_AT, &v4.sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, from, sizeof v6);
		memcpy(out, &v6.sin6_addr, 16);
	}
}
