/* Places looked at several at a time, against one after the other: lists with an entry for
 * each candidate in order, with more or fewer, in any order, of all lengths. */
#include "worker/steer_match.h"

#include "t/draw.h"

enum { LISTS = 20000, ENTRIES = 100 };

static const char codes[][2] = { { 0, 0 }, { 'D', 'E' }, { 'U', 'S' } };

static unsigned
draw_candidate(unsigned at, bool in_order)
{
	return in_order ? at % 64 : draw(64);
}

static bool
asns_are_right(unsigned count, bool in_order)
{
	struct steered_asn entries[ENTRIES];
	uint32_t wanted = draw(4) ? draw(3) : UINT32_MAX - draw(2);
	struct steer_match want = { 0, 0 }, got;

	memset(entries, 0, sizeof entries);
	for (unsigned i = 0; i < count; i++) {
		uint64_t bit;

		entries[i].asn = draw(4) ? draw(3) : UINT32_MAX - draw(2);
		entries[i].candidate = (uint8_t)draw_candidate(i, in_order);
		bit = UINT64_C(1) << entries[i].candidate;
		if (entries[i].asn == 0)
			want.otherwise |= bit;
		else if (entries[i].asn == wanted)
			want.matching |= bit;
	}
	got = steer_match_asns((const uint8_t *)entries, count, wanted);
	return got.matching == want.matching && got.otherwise == want.otherwise;
}

static bool
codes_are_right(unsigned count, bool in_order)
{
	struct steered_country entries[ENTRIES];
	const char *wanted = codes[draw(3)];
	struct steer_match want = { 0, 0 }, got;

	memset(entries, 0, sizeof entries);
	for (unsigned i = 0; i < count; i++) {
		uint64_t bit;

		memcpy(entries[i].code, codes[draw(3)], sizeof entries[i].code);
		entries[i].candidate = (uint8_t)draw_candidate(i, in_order);
		bit = UINT64_C(1) << entries[i].candidate;
		if (entries[i].code[0] == '\0')
			want.otherwise |= bit;
		else if (memcmp(entries[i].code, wanted, 2) == 0)
			want.matching |= bit;
	}
	got = steer_match_codes((const uint8_t *)entries, count, steer_code(wanted));
	return got.matching == want.matching && got.otherwise == want.otherwise;
}

int
main(void)
{
	bool asns = true, countries = true;

	plan(2);
	draw_seed();
	for (unsigned i = 0; i < LISTS; i++) {
		unsigned count = draw(draw(2) ? 20 : ENTRIES + 1);
		bool in_order = draw(3) > 0;

		asns = asns && asns_are_right(count, in_order);
		countries = countries && codes_are_right(count, in_order);
	}
	ok(asns, "networks");
	ok(countries, "countries");
	return done_testing();
}
