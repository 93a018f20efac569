/* The step by which a client's network decides which record is first: rendezvous hashing, so
 * that a record that goes moves none but those who had it.
 *
 * Each record's score for the network is -ln(u) / weight, u being a hash of both from 0 to 1;
 * the lowest one wins, with a chance of its share of the weights.  Servers that share data
 * choose alike, since nothing else goes in. */
#include <math.h>
#include <string.h>

#include "worker/steer_run.h"

enum { V4_PREFIX = 96 + 24, V6_PREFIX = 56 };

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)(hash ^ value ^ UINT64_C(0xa0761d6478bd642f)) *
		       UINT64_C(0xe7037ed1a0b428db);

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static uint64_t
mix_octets(uint64_t hash, const uint8_t *octets, unsigned len)
{
	uint64_t words[2] = { 0, 0 };

	memcpy(words, octets, len);
	return mix(mix(hash, words[0]), words[1]);
}

/* What clients of one network share. */
static uint64_t
hash_network(const struct geo_address *client, unsigned len)
{
	uint8_t network[16] = { 0 };

	memcpy(network, client->octets, len / 8);
	return mix_octets(len, network, sizeof network);
}

static unsigned
network_len(const struct geo_address *client)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(client->octets, mapped, sizeof mapped) == 0 ? V4_PREFIX : V6_PREFIX;
}

/* The lower the better; `occurrence`: how often its address stood before it. */
static double
score(const struct steer_run *run, uint64_t network, unsigned candidate,
      unsigned occurrence, double weight)
{
	unsigned record = steered_record(run->steered, candidate);
	unsigned len = run->steered->rr_len - STEERED_RR_HEAD_LEN;
	uint64_t hash;

	if (record >= run->steered->rrset.head.rr_count)
		return INFINITY;
	hash = mix_octets(network, steered_address(run->steered, record), len);
	hash = mix(mix(hash, occurrence), len);
	return -log(((double)(hash >> 11) + 0.5) * 0x1p-53) / weight;
}

/* Do weights count, and has any that is left one? */
static bool
is_weighted(const struct steer_run *run)
{
	if (run->steered->head.order != STEERED_WEIGHTED)
		return false;
	for (unsigned word = 0; word < run->words; word++)
		for (uint64_t bits = run->left.bits[word]; bits; bits &= bits - 1)
			if (steered_weight(run->steered, steer_set_at(word, bits)) > 0)
				return true;
	return false;
}

unsigned
steer_stick(struct steer_run *run, const struct geo_address *client)
{
	unsigned len = network_len(client), best = steer_set_first(&run->left);
	uint64_t network = hash_network(client, len);
	uint8_t seen[STEERED_MAX] = { 0 };
	bool weighted = is_weighted(run);
	double least = INFINITY;

	for (unsigned at = 0; at < run->steered->candidate_count; at++) {
		unsigned occurrence =
			seen[steered_record(run->steered, at) % STEERED_MAX]++;
		double weight = weighted ? steered_weight(run->steered, at) : 1, here;

		if (!steer_set_has(&run->left, at) || weight == 0)
			continue;
		here = score(run, network, at, occurrence, weight);
		if (here < least) {
			least = here;
			best = at;
		}
	}
	steer_run_note_place(run, (uint8_t)len);
	steer_run_trace(run, TRACE_STICKY, TRACE_MATCHED);
	if (run->steerer)
		trace_draw(run->steerer->trace, best, 0, 0);
	return best;
}
