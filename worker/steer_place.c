/* The steps that leave records by the client's ASN, region, country and continent. */
#include <string.h>

#include "worker/steer_match.h"
#include "worker/steer_run.h"

/* What was found by one word, as sets. */
static void
leave_matching(struct steer_run *run, enum trace_step_name step, struct steer_match match)
{
	struct steer_set matching = { { match.matching } },
			 otherwise = { { match.otherwise } };

	steer_run_leave(run, step, &matching, &otherwise);
}

static void
leave_by_asn(struct steer_run *run, uint32_t asn)
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } };

	if (run->words == 1) {
		leave_matching(run, TRACE_ASN,
			       steer_match_asns(run->steered->asns,
						run->steered->asn_count, asn));
		return;
	}
	for (unsigned i = 0; i < run->steered->asn_count; i++) {
		struct steered_asn place = steered_asn(run->steered, i);

		if (place.asn == 0)
			steer_set_add(&otherwise, place.candidate);
		else if (place.asn == asn)
			steer_set_add(&matching, place.candidate);
	}
	steer_run_leave(run, TRACE_ASN, &matching, &otherwise);
}

static void
leave_by_country(struct steer_run *run, const char country[2])
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } };

	if (run->words == 1) {
		leave_matching(run, TRACE_COUNTRY,
			       steer_match_codes(run->steered->countries,
						 run->steered->country_count,
						 steer_code(country)));
		return;
	}
	for (unsigned i = 0; i < run->steered->country_count; i++) {
		struct steered_country place = steered_country(run->steered, i);

		if (place.code[0] == '\0')
			steer_set_add(&otherwise, place.candidate);
		else if (memcmp(place.code, country, sizeof place.code) == 0)
			steer_set_add(&matching, place.candidate);
	}
	steer_run_leave(run, TRACE_COUNTRY, &matching, &otherwise);
}

/* "US-CA"; nothing when it is not known. */
static void
name_region(const struct geo_facts *facts, char out[6])
{
	memset(out, 0, 6);
	if (facts->country[0] == '\0' || facts->region[0] == '\0')
		return;
	memcpy(out, facts->country, sizeof facts->country);
	out[2] = '-';
	memcpy(out + 3, facts->region, sizeof facts->region);
}

static void
leave_by_region(struct steer_run *run, const struct geo_facts *facts)
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } }, named = { { 0 } };
	char code[6];

	name_region(facts, code);
	for (unsigned i = 0; i < run->steered->region_count; i++) {
		struct steered_region place = steered_region(run->steered, i);

		steer_set_add(&named, place.candidate);
		if (place.code[0] == '\0')
			steer_set_add(&otherwise, place.candidate);
		else if (memcmp(place.code, code, sizeof place.code) == 0)
			steer_set_add(&matching, place.candidate);
	}
	for (unsigned word = 0; word < run->words; word++)
		otherwise.bits[word] |= ~named.bits[word];
	steer_run_leave(run, TRACE_REGION, &matching, &otherwise);
}

static void
leave_by_continent(struct steer_run *run, const char continent[2])
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } }, named = { { 0 } };

	for (unsigned i = 0; i < run->steered->continent_count; i++) {
		struct steered_country place = steered_continent(run->steered, i);

		steer_set_add(&named, place.candidate);
		if (place.code[0] == '\0')
			steer_set_add(&otherwise, place.candidate);
		else if (memcmp(place.code, continent, sizeof place.code) == 0)
			steer_set_add(&matching, place.candidate);
	}
	for (unsigned word = 0; word < run->words; word++)
		otherwise.bits[word] |= ~named.bits[word];
	steer_run_leave(run, TRACE_CONTINENT, &matching, &otherwise);
}

/* What is known of the client; of one that is not, which databases there are. */
static const struct geo_facts *
facts_about(struct geo *geo, const struct geo_address *client, bool with_region)
{
	static const struct geo_facts unknown[2][2] = {
		{ { 0 }, { .has_asn_db = true } },
		{ { .has_country_db = true },
		  { .has_country_db = true, .has_asn_db = true } },
	};
	static const struct geo_address nowhere;
	const struct geo_facts *facts;

	if (client)
		return geo_find(geo, client, with_region);
	facts = geo_find(geo, &nowhere, with_region);
	return &unknown[facts->has_country_db][facts->has_asn_db];
}

static bool
asks_for(unsigned geo, enum steered_geo word)
{
	return geo == word || geo == STEERED_BY_ASN_COUNTRY;
}

static void
leave_by_asn_or_country(struct steer_run *run, const struct geo_facts *facts)
{
	unsigned geo = run->steered->head.geo;

	if (asks_for(geo, STEERED_BY_ASN) && facts->has_asn_db) {
		steer_run_note_place(run, facts->asn_len);
		leave_by_asn(run, facts->asn);
	}
	if (run->steered->region_count > 0 && facts->has_country_db) {
		steer_run_note_place(run, facts->country_len);
		leave_by_region(run, facts);
	}
	if (asks_for(geo, STEERED_BY_COUNTRY) && facts->has_country_db) {
		steer_run_note_place(run, facts->country_len);
		leave_by_country(run, facts->country);
	}
}

void
steer_by_place(struct steer_run *run, const struct geo_address *client)
{
	const struct steered *steered = run->steered;
	bool with_region = (steered->region_count | steered->continent_count) != 0;
	const struct geo_facts *facts =
		facts_about(run->steerer->geo, client, with_region);

	trace_facts(run->steerer->trace, facts);
	leave_by_asn_or_country(run, facts);
	if (!facts->has_country_db)
		return;
	if (steered->continent_count > 0) {
		steer_run_note_place(run, facts->country_len);
		leave_by_continent(run, facts->continent);
	}
	if (steered->head.geo == STEERED_BY_LOCATION) {
		steer_run_note_place(run, facts->country_len);
		steer_by_distance(run, client);
	}
}
