/* Addresses of clients. */
#include "worker/client_place.h"

#include <string.h>

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, V4_BITS_BEFORE = 96 };

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Networks that are everywhere, as struct geo_address has them. */
static const struct {
	uint8_t head[16];
	uint8_t len;
} anywhere[] = {
	{ { [10] = 0xff, [11] = 0xff, 0 }, 96 + 8 },
	{ { [10] = 0xff, [11] = 0xff, 10 }, 96 + 8 },
	{ { [10] = 0xff, [11] = 0xff, 127 }, 96 + 8 },
	{ { [10] = 0xff, [11] = 0xff, 100, 64 }, 96 + 10 },
	{ { [10] = 0xff, [11] = 0xff, 172, 16 }, 96 + 12 },
	{ { [10] = 0xff, [11] = 0xff, 169, 254 }, 96 + 16 },
	{ { [10] = 0xff, [11] = 0xff, 192, 168 }, 96 + 16 },
	{ { 0 }, 96 },
	{ { 0xfc }, 7 },
	{ { 0xfe, 0x80 }, 10 },
};

/* The length of the network that is everywhere and has this address; 0: it has a place. */
static unsigned
anywhere_len(const struct geo_address *address)
{
	for (unsigned i = 0; i < sizeof anywhere / sizeof *anywhere; i++)
		if (geo_address_is_within(address, anywhere[i].head, anywhere[i].len))
			return anywhere[i].len;
	return 0;
}

/* How many bits of both are the same, from the first on. */
static unsigned
common_len(const uint8_t a[16], const uint8_t b[16])
{
	unsigned at = 0;

	while (at < 16 && a[at] == b[at])
		at++;
	return 8 * at +
	       (at < 16 ? (unsigned)__builtin_clz((unsigned)(a[at] ^ b[at]) << 24) : 0);
}

/* The shortest network with this address, which has a place, in which nothing is anywhere:
 * what is answered for a wider one would be taken for those within, who get another answer
 * (RFC 7871, section 7.2.1). */
static unsigned
placed_len(const struct geo_address *address)
{
	unsigned most = 0;

	for (unsigned i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
		unsigned len = common_len(address->octets, anywhere[i].head) + 1;

		if (len > most)
			most = len;
	}
	return most;
}

/* Is a network of this length, with an address that has a place, never too wide? */
static inline bool
is_narrow(const struct geo_address *address, unsigned len)
{
	return len >= 16 && (address->octets[0] != 0 || len >= V4_BITS_BEFORE + 16);
}

static void
take_subnet(const struct query *q, struct client_place *out)
{
	const struct query_subnet *subnet = &q->subnet;
	unsigned len;

	if (subnet->source_len == 0)
		return;
	memcpy(out->address.octets, mapped, sizeof mapped);
	if (subnet->family == FAMILY_IPV4)
		memcpy(out->address.octets + sizeof mapped, subnet->address, 4);
	else
		memcpy(out->address.octets, subnet->address, 16);
	len = anywhere_len(&out->address);
	out->is_known = len == 0;
	out->has_address = true;
	out->scope_len = (uint8_t)len;
}

static void
take_sender(const struct query *q, struct client_place *out)
{
	struct sockaddr_in in;

	if (!q->client)
		return;
	if (q->client->sin6_family == AF_INET6) {
		memcpy(out->address.octets, &q->client->sin6_addr, 16);
		out->is_known = out->has_address = true;
	} else if (q->client->sin6_family == AF_INET) {
		memcpy(&in, q->client, sizeof in);
		memcpy(out->address.octets, mapped, sizeof mapped);
		memcpy(out->address.octets + sizeof mapped, &in.sin_addr, 4);
		out->is_known = out->has_address = true;
	}
}

void
client_place_find(const struct query *q, bool ecs, struct client_place *out)
{
	out->is_known = out->has_address = false;
	out->scope_len = 0;
	if (ecs && (q->flags & QUERY_ECS))
		take_subnet(q, out);
	else
		take_sender(q, out);
}

unsigned
client_place_scope(const struct query *q, const struct client_place *place,
		   unsigned place_len)
{
	if (!(q->flags & QUERY_ECS) || q->subnet.source_len == 0)
		return 0;
	if (!place->is_known) {
		place_len = place_len > place->scope_len ? place_len : place->scope_len;
	} else if (!is_narrow(&place->address, place_len)) {
		unsigned least = placed_len(&place->address);

		place_len = place_len > least ? place_len : least;
	}
	if (q->subnet.family != FAMILY_IPV4)
		return place_len;
	return place_len > V4_BITS_BEFORE ? place_len - V4_BITS_BEFORE : 0;
}
