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

/* The facts about a client that is not known: which databases there are. */
static void
forget_client(struct geo_facts *facts)
{
	struct geo_facts unknown = { .has_country_db = facts->has_country_db,
				     .has_asn_db = facts->has_asn_db };

	*facts = unknown;
}

void
steer_by_place(struct steer_run *run, const struct geo_address *client)
{
	static const struct geo_address nowhere;
	unsigned geo = run->steered->head.geo;
	struct geo_facts facts = *geo_find(run->steerer->geo, client ? client : &nowhere,
					   geo == STEERED_BY_LOCATION);

	if (!client)
		forget_client(&facts);
	trace_facts(run->steerer->trace, &facts);
	if (geo == STEERED_BY_LOCATION && facts.has_country_db) {
		steer_run_note_place(run, facts.country_len);
		steer_by_distance(run, &facts);
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
