/* Clients and their places. */
#include "master/explain/explain_place.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { V4_BITS_BEFORE = 96 };

void
explain_place_network(const uint8_t address[16], unsigned len,
		      char out[EXPLAIN_NETWORK_MAX])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_v4 = len >= V4_BITS_BEFORE && memcmp(address, mapped, sizeof mapped) == 0;
	char text[INET6_ADDRSTRLEN];
	uint8_t network[16] = { 0 };
	unsigned whole = len / 8;

	memcpy(network, address, whole);
	if (len % 8)
		network[whole] = address[whole] & (uint8_t)(0xff00u >> len % 8);
	if (is_v4)
		inet_ntop(AF_INET, network + 12, text, sizeof text);
	else
		inet_ntop(AF_INET6, network, text, sizeof text);
	snprintf(out, EXPLAIN_NETWORK_MAX, "%s/%u", text,
		 is_v4 ? len - V4_BITS_BEFORE : len);
}

/* Why the place is not known. */
static const char *
unknown_reason(const struct explain_steps *steps, bool is_subnet,
	       const struct client_place *place)
{
	if (!is_subnet)
		return "no --client was given";
	if (steps->question->client.subnet.source_len == 0)
		return "the prefix has no bits";
	return place->scope_len ? "such networks are everywhere" : "nothing is known";
}

static void
put_address(const struct client_place *place, char out[EXPLAIN_NETWORK_MAX])
{
	explain_place_network(place->address.octets, 128, out);
	out[strcspn(out, "/")] = '\0';
}

void
explain_place_client(struct explain_steps *steps, const struct trace_event *event)
{
	const struct client_place *place = &event->client;
	bool is_subnet =
		steps->question->client.has_subnet && steps->explainer->options.ecs;
	const char *from = is_subnet ? "client subnet" : "sender";
	const char *off = steps->question->client.has_subnet && !is_subnet
				  ? "; geoip.ecs is off, the subnet is not looked at"
				  : "";
	char address[EXPLAIN_NETWORK_MAX];

	if (place->is_known) {
		put_address(place, address);
		explain_steps_begin(steps, "client", "%s, by the %s%s", address, from,
				    off);
	} else {
		explain_steps_begin(steps, "client",
				    "the place of the %s is not known: %s%s", from,
				    unknown_reason(steps, is_subnet, place), off);
	}
	json_out_text(steps->json, "by", is_subnet ? "ecs" : "sender");
	json_out_bool(steps->json, "known", place->is_known);
	json_out_text(steps->json, "address", place->is_known ? address : NULL);
	json_out_text(steps->json, "reason",
		      place->is_known ? NULL : unknown_reason(steps, is_subnet, place));
	json_out_end_object(steps->json);
}

/* ---- the databases ---- */

/* The last client that was told. */
static const struct client_place *
last_client(const struct explain_steps *steps, const struct trace_event *event)
{
	const struct trace_event *at = event;

	while (at > steps->explainer->trace.events)
		if ((--at)->kind == TRACE_CLIENT)
			return &at->client;
	return NULL;
}

/* The network in a database that holds for the client; "" where that is not known. */
static void
put_network(bool has_db, const struct client_place *client, unsigned len,
	    char out[EXPLAIN_NETWORK_MAX])
{
	out[0] = '\0';
	if (has_db && client && client->is_known)
		explain_place_network(client->address.octets, len, out);
}

/* A figure of a database, for the sentence: "DE (192.0.2.0/24)". */
static void
put_figure(const char *figure, bool has_db, const char *network, char out[96])
{
	if (!has_db)
		snprintf(out, 96, "unknown without a database");
	else if (*network)
		snprintf(out, 96, "%s (%s)", *figure ? figure : "unknown", network);
	else
		snprintf(out, 96, "%s", *figure ? figure : "unknown");
}

static void
print_location(struct explain_steps *steps, const struct client_place *client)
{
	const double degree = 3.14159265358979323846 / 180;
	const double *point =
		client && client->is_known
			? geo_client_point(&steps->explainer->geo, &client->address)
			: NULL;

	if (!point) {
		json_out_null(steps->json, "latitude");
		json_out_null(steps->json, "longitude");
		return;
	}
	json_out_double(steps->json, "latitude", asin(point[2]) / degree, 3);
	json_out_double(steps->json, "longitude", atan2(point[1], point[0]) / degree, 3);
}

/* What the country database says besides. */
static void
print_region(struct explain_steps *steps, const struct client_place *client)
{
	struct geo_facts facts = { .country_len = 0 };

	if (client && client->is_known)
		facts = *geo_find(&steps->explainer->geo, &client->address, true);
	explain_steps_text(steps->json, "continent", facts.continent,
			   strnlen(facts.continent, sizeof facts.continent));
	explain_steps_text(steps->json, "region", facts.region,
			   strnlen(facts.region, sizeof facts.region));
}

void
explain_place_facts(struct explain_steps *steps, const struct trace_event *event)
{
	const struct geo_facts *facts = &event->facts;
	const struct client_place *client = last_client(steps, event);
	char country[3] = "", asn[16] = "", figures[2][96];
	char networks[2][EXPLAIN_NETWORK_MAX];

	memcpy(country, facts->country, sizeof facts->country);
	if (facts->asn)
		snprintf(asn, sizeof asn, "%u", (unsigned)facts->asn);
	put_network(facts->has_country_db, client, facts->country_len, networks[0]);
	put_network(facts->has_asn_db, client, facts->asn_len, networks[1]);
	put_figure(country, facts->has_country_db, networks[0], figures[0]);
	put_figure(asn, facts->has_asn_db, networks[1], figures[1]);
	explain_steps_begin(steps, "geoip", "country %s, ASN %s", figures[0], figures[1]);
	json_out_text(steps->json, "country", country[0] ? country : NULL);
	json_out_text(steps->json, "country_network",
		      networks[0][0] ? networks[0] : NULL);
	if (facts->asn)
		json_out_uint(steps->json, "asn", facts->asn);
	else
		json_out_null(steps->json, "asn");
	json_out_text(steps->json, "asn_network", networks[1][0] ? networks[1] : NULL);
	print_region(steps, client);
	print_location(steps, client);
	json_out_end_object(steps->json);
}
