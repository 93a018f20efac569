/* The step that leaves records by lists of networks. */
#include <string.h>

#include "worker/steer_run.h"

enum { V4_BITS_BEFORE = 96 };

/* How many bits two addresses share, 0..128. */
static unsigned
shared_len(const uint8_t *a, const uint8_t *b)
{
	unsigned octet = 0;

	while (octet < 16 && a[octet] == b[octet])
		octet++;
	return octet == 16
		       ? 128
		       : 8 * octet + (unsigned)__builtin_clz(a[octet] ^ b[octet]) - 24;
}

static bool
is_v4(const struct geo_address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address->octets, mapped, sizeof mapped) == 0;
}

/* The networks of an RRset by a client. */
struct match {
	struct steer_set
		matching; /* those with the longest network that holds the client */
	struct steer_set named; /* those with any network */
	unsigned len; /* of the longest; 0 may also be none */
	bool is_found;
};

static void
take_match(struct match *match, unsigned words, unsigned candidate, unsigned len)
{
	if (match->is_found && len < match->len)
		return;
	if (!match->is_found || len > match->len)
		steer_set_clear(&match->matching, words);
	match->is_found = true;
	match->len = len;
	steer_set_add(&match->matching, candidate);
}

/* A network of IPv6, however wide, holds no client of IPv4. */
static void
find_match(const struct steer_run *run, const struct geo_address *client,
	   struct match *match)
{
	unsigned least = client && is_v4(client) ? V4_BITS_BEFORE : 0;

	for (unsigned i = 0; i < run->steered->subnet_count; i++) {
		struct steered_subnet subnet = steered_subnet(run->steered, i);

		steer_set_add(&match->named, subnet.candidate);
		if (client && subnet.len >= least &&
		    steer_set_has(&run->left, subnet.candidate) &&
		    geo_address_is_within(client, subnet.network, subnet.len))
			take_match(match, run->words, subnet.candidate, subnet.len);
	}
}

/* The shortest prefix of the client all of whose addresses are in the network that matched,
 * and in no longer one. */
static unsigned
prefix_of(const struct steer_run *run, const struct geo_address *client,
	  const struct match *match)
{
	unsigned len = is_v4(client) && match->len < V4_BITS_BEFORE ? V4_BITS_BEFORE
								    : match->len;

	for (unsigned i = 0; i < run->steered->subnet_count; i++) {
		struct steered_subnet subnet = steered_subnet(run->steered, i);
		unsigned apart = shared_len(client->octets, subnet.network) + 1;

		if (apart > len && apart <= subnet.len)
			len = apart;
	}
	return len;
}

void
steer_by_subnet(struct steer_run *run, const struct geo_address *client)
{
	struct match match = { .len = 0 };
	struct steer_set otherwise;

	find_match(run, client, &match);
	if (client)
		steer_run_note_place(run, (uint8_t)prefix_of(run, client, &match));
	else
		steer_run_note_place(run, 0);
	for (unsigned word = 0; word < run->words; word++)
		otherwise.bits[word] = ~match.named.bits[word];
	steer_run_leave(run, TRACE_SUBNET, &match.matching, &otherwise);
}
