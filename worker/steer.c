/* The chain of choices. */
#include "worker/steer.h"

#include <string.h>
#include <sys/random.h>

#include "shm/errcode.h"
#include "worker/geo.h"

enum { WORDS = STEERED_MAX / 64 };

int
steerer_init(struct steerer *steerer, struct geo *geo)
{
	steerer->geo = geo;
	steerer->no_match = NO_MATCH_ALL;
	if (getrandom(&steerer->random, sizeof steerer->random, 0) !=
	    (ssize_t)sizeof steerer->random)
		return ERR_IO;
	return ERR_OK;
}

/* ---- sets ---- */

static void
set_fill(struct steer_set *set, unsigned count)
{
	memset(set, 0, sizeof *set);
	for (unsigned word = 0; word < count / 64; word++)
		set->bits[word] = ~UINT64_C(0);
	if (count % 64)
		set->bits[count / 64] = (UINT64_C(1) << count % 64) - 1;
}

static unsigned
set_count(const struct steer_set *set)
{
	unsigned count = 0;

	for (unsigned word = 0; word < WORDS; word++)
		count += (unsigned)__builtin_popcountll(set->bits[word]);
	return count;
}

/* The member of this rank, which it has: 0 is the first. */
static unsigned
set_member(const struct steer_set *set, unsigned rank)
{
	unsigned word = 0, count;
	uint64_t bits;

	while ((count = (unsigned)__builtin_popcountll(set->bits[word])) <= rank) {
		rank -= count;
		word++;
	}
	for (bits = set->bits[word]; rank > 0; rank--)
		bits &= bits - 1;
	return 64 * word + (unsigned)__builtin_ctzll(bits);
}

static inline void
set_add(struct steer_set *set, unsigned member)
{
	set->bits[member / 64] |= UINT64_C(1) << member % 64;
}

/* Leave those of `left` that are in `other`.  returns whether there are any; else all stay. */
static bool
set_keep(struct steer_set *left, const struct steer_set *other)
{
	struct steer_set both;
	uint64_t any = 0;

	for (unsigned word = 0; word < WORDS; word++) {
		both.bits[word] = left->bits[word] & other->bits[word];
		any |= both.bits[word];
	}
	if (any)
		*left = both;
	return any != 0;
}

/* ---- who is left ---- */

/* After a step: those that match, else those that are the default, else see steer.h. */
static void
leave(const struct steerer *steerer, struct steer_set *left,
      const struct steer_set *matching, const struct steer_set *otherwise)
{
	if (set_keep(left, matching) || set_keep(left, otherwise))
		return;
	if (steerer->no_match == NO_MATCH_NONE)
		memset(left, 0, sizeof *left);
}

static void
leave_asn(const struct steerer *steerer, const struct steered *steered, uint32_t asn,
	  struct steer_set *left)
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } };

	for (unsigned i = 0; i < steered->asn_count; i++) {
		struct steered_asn place = steered_asn(steered, i);

		if (place.asn == 0)
			set_add(&otherwise, place.candidate);
		else if (place.asn == asn)
			set_add(&matching, place.candidate);
	}
	leave(steerer, left, &matching, &otherwise);
}

static void
leave_country(const struct steerer *steerer, const struct steered *steered,
	      const char country[2], struct steer_set *left)
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } };

	for (unsigned i = 0; i < steered->country_count; i++) {
		struct steered_country place = steered_country(steered, i);

		if (place.code[0] == '\0')
			set_add(&otherwise, place.candidate);
		else if (memcmp(place.code, country, sizeof place.code) == 0)
			set_add(&matching, place.candidate);
	}
	leave(steerer, left, &matching, &otherwise);
}

/* The location of a candidate's own address; NULL when it is not known. */
static const double *
point_of(const struct steerer *steerer, const struct steered *steered, unsigned candidate)
{
	struct geo_address address = { { [10] = 0xff, [11] = 0xff } };
	unsigned record = steered_record(steered, candidate);
	unsigned len = steered->rr_len - STEERED_RR_HEAD_LEN;
	const struct geo_facts *facts;

	if (record >= steered->rrset.head.rr_count)
		return NULL;
	memcpy(address.octets + sizeof address.octets - len,
	       steered_address(steered, record), len);
	facts = geo_find(steerer->geo, &address, true);
	return facts->has_location ? facts->point : NULL;
}

static void
leave_nearest(const struct steerer *steerer, const struct steered *steered,
	      const struct geo_facts *facts, struct steer_set *left)
{
	const double client[3] = { facts->point[0], facts->point[1], facts->point[2] };
	struct steer_set nearest = { { 0 } };
	double best = -2; /* of cosines */

	if (!facts->has_location)
		return;
	for (unsigned word = 0; word < WORDS; word++)
		for (uint64_t bits = left->bits[word]; bits; bits &= bits - 1) {
			unsigned at = 64 * word + (unsigned)__builtin_ctzll(bits);
			const double *point = point_of(steerer, steered, at);
			double cosine;

			if (!point)
				continue;
			cosine = client[0] * point[0] + client[1] * point[1] +
				 client[2] * point[2];
			if (cosine > best) {
				memset(&nearest, 0, sizeof nearest);
				best = cosine;
			}
			if (cosine >= best)
				set_add(&nearest, at);
		}
	(void)set_keep(left, &nearest);
}

static void
note_place(struct steer_choice *out, uint8_t len)
{
	out->by_place = true;
	if (len > out->place_len)
		out->place_len = len;
}

static void
leave_by_place(const struct steerer *steerer, const struct steered *steered,
	       const struct geo_address *client, struct steer_set *left,
	       struct steer_choice *out)
{
	static const struct geo_address nowhere;
	unsigned geo = steered->head.geo;
	const struct geo_facts *facts = geo_find(steerer->geo, client ? client : &nowhere,
						 geo == STEERED_BY_LOCATION);
	struct geo_facts unknown;

	if (!client) {
		memset(&unknown, 0, sizeof unknown);
		unknown.has_country_db = facts->has_country_db;
		unknown.has_asn_db = facts->has_asn_db;
		facts = &unknown;
	}

	if (geo == STEERED_BY_LOCATION && facts->has_country_db) {
		note_place(out, facts->country_len);
		leave_nearest(steerer, steered, facts, left);
		return;
	}
	if ((geo == STEERED_BY_ASN || geo == STEERED_BY_ASN_COUNTRY) &&
	    facts->has_asn_db) {
		note_place(out, facts->asn_len);
		leave_asn(steerer, steered, facts->asn, left);
	}
	if ((geo == STEERED_BY_COUNTRY || geo == STEERED_BY_ASN_COUNTRY) &&
	    facts->has_country_db) {
		note_place(out, facts->country_len);
		leave_country(steerer, steered, facts->country, left);
	}
}

/* ---- which one is first ---- */

static uint64_t
draw(struct steerer *steerer, uint64_t bound)
{
	return steerer ? random_below(&steerer->random, bound) : 0;
}

static unsigned
draw_evenly(struct steerer *steerer, const struct steer_set *left)
{
	return set_member(left, (unsigned)draw(steerer, set_count(left)));
}

/* The sum of the weights of those that are left; less than 2^40. */
static uint64_t
sum_weights(const struct steered *steered, const struct steer_set *left)
{
	uint64_t sum = 0;

	for (unsigned word = 0; word < WORDS; word++)
		for (uint64_t bits = left->bits[word]; bits; bits &= bits - 1)
			sum += steered_weight(
				steered, 64 * word + (unsigned)__builtin_ctzll(bits));
	return sum;
}

static unsigned
draw_by_weight(struct steerer *steerer, const struct steered *steered,
	       const struct steer_set *left)
{
	uint64_t sum = sum_weights(steered, left), point;

	if (sum == 0)
		return draw_evenly(steerer, left);
	point = draw(steerer, sum);
	for (unsigned word = 0; word < WORDS; word++)
		for (uint64_t bits = left->bits[word]; bits; bits &= bits - 1) {
			unsigned at = 64 * word + (unsigned)__builtin_ctzll(bits);
			uint32_t weight = steered_weight(steered, at);

			if (point < weight)
				return at;
			point -= weight;
		}
	return set_member(left, 0);
}

static unsigned
draw_first(struct steerer *steerer, const struct steered *steered,
	   const struct steer_set *left)
{
	switch (steered->head.order) {
	case STEERED_RR:
		return draw_evenly(steerer, left);
	case STEERED_WEIGHTED:
		return draw_by_weight(steerer, steered, left);
	}
	return set_member(left, 0);
}

/* ---- the answer ---- */

/* Take the members of `left` in [from, to), up to `most` records in all.
 * returns false on damage. */
static bool
take_members(const struct steered *steered, const struct steer_set *left, unsigned from,
	     unsigned to, struct steer_set *taken, unsigned most,
	     struct steer_choice *out)
{
	for (unsigned at = from; at < to && out->count < most; at++) {
		unsigned record;

		if (!(left->bits[at / 64] >> at % 64 & 1))
			continue;
		record = steered_record(steered, at);
		if (record >= steered->rrset.head.rr_count)
			return false;
		if (taken->bits[record / 64] >> record % 64 & 1)
			continue;
		taken->bits[record / 64] |= UINT64_C(1) << record % 64;
		out->records[out->count++] = (uint8_t)record;
	}
	return true;
}

bool
steer_choose(struct steerer *steerer, const struct steered *steered,
	     const struct geo_address *client, struct steer_choice *out)
{
	unsigned first, most = STEERED_MAX;
	struct steer_set left, taken = { { 0 } };

	out->count = 0;
	out->by_place = false;
	out->place_len = 0;
	set_fill(&left, steered->candidate_count);
	if (steered->head.geo != STEERED_ANYWHERE && steerer && steerer->geo)
		leave_by_place(steerer, steered, client, &left, out);
	if (set_count(&left) == 0)
		return true;
	first = draw_first(steerer, steered, &left);
	if (steered->head.count == STEERED_SINGLE)
		most = 1;
	else if (steered->head.first > 0)
		most = steered->head.first;
	return take_members(steered, &left, first, steered->candidate_count, &taken, most,
			    out) &&
	       take_members(steered, &left, 0, first, &taken, most, out);
}
