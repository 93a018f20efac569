/* The steps that leave records by the client's network and country. */
#include <string.h>

#include "worker/steer_run.h"

static void
leave_by_asn(struct steer_run *run, uint32_t asn)
{
	struct steer_set matching = { { 0 } }, otherwise = { { 0 } };

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

	for (unsigned i = 0; i < run->steered->country_count; i++) {
		struct steered_country place = steered_country(run->steered, i);

		if (place.code[0] == '\0')
			steer_set_add(&otherwise, place.candidate);
		else if (memcmp(place.code, country, sizeof place.code) == 0)
			steer_set_add(&matching, place.candidate);
	}
	steer_run_leave(run, TRACE_COUNTRY, &matching, &otherwise);
}

/* What is known of the client; of one that is not, which databases there are. */
static struct geo_facts
facts_about(struct geo *geo, const struct geo_address *client, bool with_region)
{
	static const struct geo_address nowhere;
	const struct geo_facts *facts =
		geo_find(geo, client ? client : &nowhere, with_region);

	if (client)
		return *facts;
	return (struct geo_facts){ .has_country_db = facts->has_country_db,
				   .has_asn_db = facts->has_asn_db };
}

void
steer_by_place(struct steer_run *run, const struct geo_address *client)
{
	unsigned geo = run->steered->head.geo;
	struct geo_facts facts = facts_about(run->steerer->geo, client, false);

	trace_facts(run->steerer->trace, &facts);
	if (geo == STEERED_BY_LOCATION && facts.has_country_db) {
		steer_run_note_place(run, facts.country_len);
		steer_by_distance(run, client);
		return;
	}
	if ((geo == STEERED_BY_ASN || geo == STEERED_BY_ASN_COUNTRY) &&
	    facts.has_asn_db) {
		steer_run_note_place(run, facts.asn_len);
		leave_by_asn(run, facts.asn);
	}
	if ((geo == STEERED_BY_COUNTRY || geo == STEERED_BY_ASN_COUNTRY) &&
	    facts.has_country_db) {
		steer_run_note_place(run, facts.country_len);
		leave_by_country(run, facts.country);
	}
}
