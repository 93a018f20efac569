/* The chain of choices, for everybody at once: each step makes of a group of candidates those
 * of all kinds of clients. */
#include "loader/sign/steered_sets.h"

#include <stdlib.h>

enum { GROUPS_MAX = 64 };

struct groups {
	unsigned count;
	struct steered_records of[GROUPS_MAX]; /* candidates */
};

/* Candidates by what they say of one kind of place. */
struct places {
	struct groups named; /* those of each place */
	struct steered_records others; /* the defaults */
};

/* ---- sets ---- */

static void
add(struct steered_records *set, unsigned member)
{
	set->bits[member / 64] |= UINT64_C(1) << member % 64;
}

static bool
has(const struct steered_records *set, unsigned member)
{
	return set->bits[member / 64] >> member % 64 & 1;
}

static bool
is_empty(const struct steered_records *set)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < STEERED_WORDS; i++)
		any |= set->bits[i];
	return any == 0;
}

static struct steered_records
common(const struct steered_records *a, const struct steered_records *b)
{
	struct steered_records out;

	for (unsigned i = 0; i < STEERED_WORDS; i++)
		out.bits[i] = a->bits[i] & b->bits[i];
	return out;
}

static unsigned
count_of(const struct steered_records *set)
{
	unsigned count = 0;

	for (unsigned i = 0; i < STEERED_WORDS; i++)
		count += (unsigned)__builtin_popcountll(set->bits[i]);
	return count;
}

static bool
is_same(const struct steered_records *a, const struct steered_records *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Empty ones, those that are there and those beyond the bound are left out. */
static void
add_group(struct groups *groups, const struct steered_records *group)
{
	if (is_empty(group) || groups->count == GROUPS_MAX)
		return;
	for (unsigned i = 0; i < groups->count; i++)
		if (is_same(&groups->of[i], group))
			return;
	groups->of[groups->count++] = *group;
}

/* ---- places ---- */

static struct steered_records
all_candidates(const struct steered *steered)
{
	struct steered_records all = { { 0 } };

	for (unsigned i = 0; i < steered->candidate_count; i++)
		add(&all, i);
	return all;
}

/* Each group becomes those of every place, and those of all other clients. */
static void
split(struct groups *groups, const struct places *places)
{
	struct groups old = *groups;
	struct steered_records others;

	groups->count = 0;
	for (unsigned i = 0; i < old.count; i++) {
		for (unsigned j = 0; j < places->named.count; j++) {
			struct steered_records here =
				common(&old.of[i], &places->named.of[j]);

			add_group(groups, &here);
		}
		others = common(&old.of[i], &places->others);
		add_group(groups, is_empty(&others) ? &old.of[i] : &others);
	}
}

/* Entries of `entry_len` octets of which the first is the candidate, and `place_len` from
 * place_at on are the place; one that is all zero is for all others. */
struct entries {
	const uint8_t *at;
	unsigned count;
	size_t len, candidate_at, place_at, place_len;
	bool has_defaults; /* a candidate without any is one */
};

static const uint8_t *
place_of(const struct entries *entries, unsigned i)
{
	return entries->at + entries->len * i + entries->place_at;
}

static unsigned
candidate_of(const struct entries *entries, unsigned i)
{
	return entries->at[entries->len * i + entries->candidate_at];
}

static bool
is_default(const struct entries *entries, unsigned i)
{
	const uint8_t *place = place_of(entries, i);

	for (size_t at = 0; at < entries->place_len; at++)
		if (place[at] != 0)
			return false;
	return entries->has_defaults;
}

static void
split_by(struct groups *groups, const struct steered *steered,
	 const struct entries *entries)
{
	struct places places = { .named.count = 0 };
	struct steered_records without = all_candidates(steered), named;

	for (unsigned i = 0; i < entries->count; i++) {
		unsigned of = candidate_of(entries, i);

		without.bits[of / 64] &= ~(UINT64_C(1) << of % 64);
		if (is_default(entries, i)) {
			add(&places.others, of);
			continue;
		}
		memset(&named, 0, sizeof named);
		for (unsigned j = 0; j < entries->count; j++)
			if (memcmp(place_of(entries, i), place_of(entries, j),
				   entries->place_len) == 0)
				add(&named, candidate_of(entries, j));
		add_group(&places.named, &named);
	}
	for (unsigned i = 0; i < STEERED_WORDS; i++)
		places.others.bits[i] |= without.bits[i];
	split(groups, &places);
}

static void
split_by_places(struct groups *groups, const struct steered *steered)
{
	unsigned geo = steered->head.geo;
	const struct entries codes = {
		.len = sizeof(struct steered_country),
		.candidate_at = offsetof(struct steered_country, candidate),
		.place_at = offsetof(struct steered_country, code),
		.place_len = sizeof((struct steered_country){ 0 }.code),
		.has_defaults = true,
	};
	struct entries countries = codes, continents = codes;
	const struct entries subnets = {
		steered->subnets,
		steered->subnet_count,
		sizeof(struct steered_subnet),
		offsetof(struct steered_subnet, candidate),
		offsetof(struct steered_subnet, len),
		sizeof(struct steered_subnet) - offsetof(struct steered_subnet, len),
		false,
	};
	const struct entries asns = {
		steered->asns,
		steered->asn_count,
		sizeof(struct steered_asn),
		offsetof(struct steered_asn, candidate),
		offsetof(struct steered_asn, asn),
		sizeof(uint32_t),
		true,
	};
	const struct entries regions = {
		steered->regions,
		steered->region_count,
		sizeof(struct steered_region),
		offsetof(struct steered_region, candidate),
		offsetof(struct steered_region, code),
		sizeof((struct steered_region){ 0 }.code),
		true,
	};

	countries.at = steered->countries;
	countries.count = steered->country_count;
	continents.at = steered->continents;
	continents.count = steered->continent_count;
	if (subnets.count > 0)
		split_by(groups, steered, &subnets);
	if (geo == STEERED_BY_ASN || geo == STEERED_BY_ASN_COUNTRY)
		split_by(groups, steered, &asns);
	if (regions.count > 0)
		split_by(groups, steered, &regions);
	if (geo == STEERED_BY_COUNTRY || geo == STEERED_BY_ASN_COUNTRY)
		split_by(groups, steered, &countries);
	if (continents.count > 0)
		split_by(groups, steered, &continents);
}

/* ---- what is answered of a group ---- */

static void
add_set(const struct steered *steered, const struct steered_records *set,
	struct steered_sets *out)
{
	if (is_empty(set) || out->count == STEERED_SETS_MAX ||
	    count_of(set) >= steered->rrset.head.rr_count)
		return;
	for (unsigned i = 0; i < out->count; i++)
		if (is_same(&out->sets[i], set))
			return;
	out->sets[out->count++] = *set;
}

/* The records from the candidate `first` on, `most` of them, going around. */
static void
add_window(const struct steered *steered, const struct steered_records *group,
	   unsigned first, unsigned most, struct steered_sets *out)
{
	struct steered_records set = { { 0 } };

	for (unsigned i = 0; i < steered->candidate_count && count_of(&set) < most; i++) {
		unsigned at = (first + i) % steered->candidate_count;
		unsigned record = steered_record(steered, at);

		if (has(group, at) && record < steered->rrset.head.rr_count)
			add(&set, record);
	}
	add_set(steered, &set, out);
}

static bool
may_be_first(const struct steered *steered, unsigned candidate)
{
	return steered->head.order != STEERED_WEIGHTED || !steered->weights ||
	       steered_weight(steered, candidate) > 0;
}

static void
add_answers(const struct steered *steered, const struct steered_records *group,
	    struct steered_sets *out)
{
	unsigned most = steered->head.first > 0 ? steered->head.first : STEERED_MAX;
	bool any_first = steered->head.order != STEERED_AS_STORED ||
			 (steered->head.flags & STEERED_STICKY);

	if (steered->head.count == STEERED_SINGLE)
		most = 1;
	for (unsigned i = 0; i < steered->candidate_count; i++) {
		if (!has(group, i) || !may_be_first(steered, i))
			continue;
		add_window(steered, group, i, most, out);
		if (!any_first || most >= count_of(group))
			break;
	}
}

/* Who is nearest is known by the databases alone: each may be. */
static void
add_nearest(const struct steered *steered, const struct steered_records *group,
	    struct steered_sets *out)
{
	for (unsigned i = 0; i < steered->candidate_count; i++)
		if (has(group, i))
			add_window(steered, group, i, 1, out);
}

/* Fallbacks wait until all others are down. */
static void
leave_first_choice(const struct steered *steered, struct steered_records *left)
{
	struct steered_records first_choice = { { 0 } };

	for (unsigned i = 0; i < steered->candidate_count; i++)
		if (has(left, i) && !steered_is_fallback(steered, i))
			add(&first_choice, i);
	if (!is_empty(&first_choice))
		*left = first_choice;
}

void
steered_sets_find(const struct steered *steered, const struct steered_records *up,
		  struct steered_sets *out)
{
	struct groups groups = { .count = 1, .of = { all_candidates(steered) } };

	out->count = 0;
	if (up)
		groups.of[0] = common(&groups.of[0], up);
	leave_first_choice(steered, &groups.of[0]);
	if (is_empty(&groups.of[0]))
		return;
	split_by_places(&groups, steered);
	for (unsigned i = 0; i < groups.count; i++) {
		if (steered->head.geo == STEERED_BY_LOCATION)
			add_nearest(steered, &groups.of[i], out);
		add_answers(steered, &groups.of[i], out);
	}
}

static int
compare_rdata(const void *a, const void *b)
{
	const struct zone_record *one = a, *other = b;

	return memcmp(one->rdata, other->rdata, one->rdata_len);
}

size_t
steered_sets_records(const struct steered *steered, const struct steered_records *set,
		     struct zone_record out[STEERED_MAX])
{
	size_t count = 0;

	for (unsigned i = 0; i < steered->rrset.head.rr_count; i++)
		if (has(set, i))
			out[count++] = (struct zone_record){
				.rdata = steered_address(steered, i),
				.rdata_len =
					(uint16_t)(steered->rr_len - STEERED_RR_HEAD_LEN),
			};
	qsort(out, count, sizeof *out, compare_rdata);
	return count;
}

size_t
steered_sets_all(const struct steered *steered, struct zone_record out[STEERED_MAX])
{
	struct steered_records all = { { 0 } };

	for (unsigned i = 0; i < steered->rrset.head.rr_count; i++)
		add(&all, i);
	return steered_sets_records(steered, &all, out);
}
