/* Telling how records were chosen. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "master/explain/explain_place.h"
#include "master/explain/explain_steps.h"
#include "shm/rrtype.h"
#include "worker/response.h"
#include "worker/steer.h"

/* ---- candidates ---- */

static void
address_of(const struct steered *steered, unsigned candidate, char out[INET6_ADDRSTRLEN])
{
	int family = steered->rrset.type == RRTYPE_A ? AF_INET : AF_INET6;
	unsigned record = steered_record(steered, candidate);

	snprintf(out, INET6_ADDRSTRLEN, "(damage)");
	if (record < steered->rrset.head.rr_count)
		inet_ntop(family, steered_address(steered, record), out,
			  INET6_ADDRSTRLEN);
}

static bool
has(const uint64_t set[TRACE_SET_WORDS], unsigned member)
{
	return set[member / 64] >> member % 64 & 1;
}

/* Those in a set, as a list of texts. */
static void
print_set(struct explain_steps *steps, const char *member,
	  const uint64_t set[TRACE_SET_WORDS])
{
	char address[INET6_ADDRSTRLEN];

	json_out_begin_array(steps->json, member);
	for (unsigned i = 0; i < steps->steered.candidate_count; i++)
		if (has(set, i)) {
			address_of(&steps->steered, i, address);
			json_out_text(steps->json, NULL, address);
		}
	json_out_end_array(steps->json);
}

/* The same for the sentence, "192.0.2.1 192.0.2.2", "none"; shortened where many. */
static void
put_set(const struct steered *steered, const uint64_t set[TRACE_SET_WORDS], char *out,
	size_t room)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < steered->candidate_count; i++) {
		if (!has(set, i))
			continue;
		address_of(steered, i, address);
		if (len + strlen(address) + sizeof " and more" > room) {
			snprintf(out + len, room - len, " and more");
			return;
		}
		len += (size_t)snprintf(out + len, room - len, "%s%s", len ? " " : "",
					address);
	}
	if (len == 0)
		snprintf(out, room, "none");
}

/* Countries or continents: `count` struct steered_country. */
static void
print_codes(struct json_out *json, const char *key, const uint8_t *places, unsigned count,
	    unsigned candidate)
{
	json_out_begin_array(json, key);
	for (unsigned i = 0; i < count; i++) {
		struct steered_country place = steered_country_at(places, i);

		if (place.candidate == candidate)
			json_out_text_len(json, NULL, place.code, place.code[0] ? 2 : 0);
	}
	json_out_end_array(json);
}

static void
print_places(struct explain_steps *steps, unsigned candidate)
{
	const struct steered *steered = &steps->steered;
	struct json_out *json = steps->json;

	print_codes(json, "country", steered->countries, steered->country_count,
		    candidate);
	json_out_begin_array(json, "asn");
	for (unsigned i = 0; i < steered->asn_count; i++) {
		struct steered_asn place = steered_asn(steered, i);

		if (place.candidate == candidate)
			json_out_uint(json, NULL, place.asn);
	}
	json_out_end_array(json);
	print_codes(json, "continent", steered->continents, steered->continent_count,
		    candidate);
}

static void
print_networks(struct explain_steps *steps, unsigned candidate)
{
	const struct steered *steered = &steps->steered;
	struct json_out *json = steps->json;
	char text[EXPLAIN_NETWORK_MAX];

	json_out_begin_array(json, "region");
	for (unsigned i = 0; i < steered->region_count; i++) {
		struct steered_region place = steered_region(steered, i);

		if (place.candidate == candidate)
			json_out_text_len(json, NULL, place.code,
					  strnlen(place.code, sizeof place.code));
	}
	json_out_end_array(json);
	json_out_begin_array(json, "subnet");
	for (unsigned i = 0; i < steered->subnet_count; i++) {
		struct steered_subnet place = steered_subnet(steered, i);

		if (place.candidate != candidate)
			continue;
		explain_place_network(place.network, place.len, text);
		json_out_text(json, NULL, text);
	}
	json_out_end_array(json);
}

/* "up" and "down" are where a status stops of one check after the other. */
static const char *
state_word(const struct steered *steered, struct board_status status)
{
	if (status.flags & BOARD_DENIED)
		return "denied";
	if (status.status >= steered->health.up_count)
		return "up";
	if (status.status <= steered->health.down_count)
		return "down";
	return status.status > 0 ? "rising" : status.status < 0 ? "falling" : "unknown";
}

/* What the status board says of a candidate; null when it is not probed. */
static void
print_health(struct explain_steps *steps, unsigned candidate)
{
	const struct steered *steered = &steps->steered;
	uint64_t target = steered_target(steered, candidate);
	struct json_out *json = steps->json;
	struct board_status status;

	if (target == 0) {
		json_out_null(json, "health");
		json_out_null(json, "status");
		json_out_null(json, "last_up");
		return;
	}
	status = board_get(steps->explainer->steerer.board, target);
	json_out_text(json, "health", state_word(steered, status));
	json_out_int(json, "status", status.status);
	explain_steps_time(json, "last_up", status.up_s);
}

static void
print_candidates(struct explain_steps *steps)
{
	struct json_out *json = steps->json;
	char address[INET6_ADDRSTRLEN];

	json_out_begin_array(json, "records");
	for (unsigned i = 0; i < steps->steered.candidate_count; i++) {
		address_of(&steps->steered, i, address);
		json_out_begin_object(json, NULL);
		json_out_text(json, "address", address);
		json_out_uint(json, "weight", steered_weight(&steps->steered, i));
		print_places(steps, i);
		print_networks(steps, i);
		print_health(steps, i);
		json_out_bool(json, "fallback", steered_is_fallback(&steps->steered, i));
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

static const char *
order_word(const struct steered *steered)
{
	return steered->head.flags & STEERED_STICKY ? "sticky"
						    : steered_order_word(&steered->head);
}

static void
tell_steered(struct explain_steps *steps, const struct trace_event *event)
{
	char type[RRTYPE_TEXT_MAX];
	const struct steered *steered = &steps->steered;

	steps->has_steered = steered_open(&event->block, &steps->steered);
	if (!steps->has_steered)
		return;
	rrtype_to_text(event->block.head.type, type);
	explain_steps_begin(steps, "filter",
			    "%s: %u record%s to choose from; count %s, order %s, "
			    "geo_filter %s",
			    type, steered->candidate_count,
			    steered->candidate_count == 1 ? "" : "s",
			    steered_count_word(&steered->head), order_word(steered),
			    steered_geo_word(&steered->head));
	json_out_text(steps->json, "type", type);
	json_out_text(steps->json, "count", steered_count_word(&steered->head));
	json_out_text(steps->json, "order", order_word(steered));
	json_out_text(steps->json, "geo_filter", steered_geo_word(&steered->head));
	if (steered->head.first)
		json_out_uint(steps->json, "first", steered->head.first);
	else
		json_out_null(steps->json, "first");
	print_candidates(steps);
	json_out_end_object(steps->json);
}

/* ---- steps of the chain ---- */

static const char *const step_names[] = {
	[TRACE_HEALTH] = "health",       [TRACE_FALLBACK] = "fallback",
	[TRACE_SUBNET] = "subnet",       [TRACE_ASN] = "asn",
	[TRACE_REGION] = "region",       [TRACE_COUNTRY] = "country",
	[TRACE_CONTINENT] = "continent", [TRACE_NEAREST] = "nearest",
	[TRACE_STICKY] = "sticky",
};

static const struct {
	const char *word, *text;
} hows[] = {
	[TRACE_MATCHED] = { "matched", "those that match" },
	[TRACE_DEFAULT] = { "default", "none matches, the default ones" },
	[TRACE_KEPT_ALL] = { "all", "none matches, and all are kept" },
	[TRACE_KEPT_NONE] = { "none", "none matches, and none is kept" },
	[TRACE_SKIPPED] = { "skipped", "not known, left out" },
};

/* What a step did, in its own words where it has some. */
static const char *
how_text(uint64_t step, unsigned how)
{
	static const char *const health[] = {
		[TRACE_MATCHED] = "those that are up, or not known to be down",
		[TRACE_DEFAULT] = "all are down: those that were up last",
		[TRACE_KEPT_ALL] = "all are down, and all are kept",
		[TRACE_KEPT_NONE] = "all are down, and none is kept",
	};
	static const char *const fallback[] = {
		[TRACE_MATCHED] = "those that are no fallback",
		[TRACE_DEFAULT] = "only fallbacks are left",
	};

	if (step == TRACE_HEALTH && how <= TRACE_KEPT_NONE)
		return health[how];
	if (step == TRACE_FALLBACK && how <= TRACE_DEFAULT)
		return fallback[how];
	if (step == TRACE_NEAREST && how == TRACE_MATCHED)
		return "those nearest to the client";
	if (step == TRACE_STICKY)
		return "the client's network decides among";
	return hows[how].text;
}

static void
tell_step(struct explain_steps *steps, const struct trace_event *event)
{
	const char *name = event->value < sizeof step_names / sizeof *step_names
				   ? step_names[event->value]
				   : "step";
	char left[256];

	if (event->how >= sizeof hows / sizeof *hows)
		return;
	put_set(&steps->steered, event->left, left, sizeof left);
	explain_steps_begin(steps, name, "%s: %s", how_text(event->value, event->how),
			    left);
	json_out_text(steps->json, "result", hows[event->how].word);
	print_set(steps, "kept", event->left);
	json_out_end_object(steps->json);
}

static void
tell_draw(struct explain_steps *steps, const struct trace_event *event)
{
	char address[INET6_ADDRSTRLEN];

	address_of(&steps->steered, (unsigned)event->value, address);
	if (event->bound)
		explain_steps_begin(
			steps, "draw",
			"%s is first in this draw: %" PRIu64 " below %" PRIu64 ", %s",
			address, event->drawn, event->bound,
			steered_weight(&steps->steered, (unsigned)event->value) &&
					steps->steered.head.order == STEERED_WEIGHTED
				? "sum of weights"
				: "number of records");
	else
		explain_steps_begin(steps, "draw", "%s is first, without a draw",
				    address);
	json_out_text(steps->json, "first", address);
	if (event->bound) {
		json_out_uint(steps->json, "drawn", event->drawn);
		json_out_uint(steps->json, "below", event->bound);
	} else {
		json_out_null(steps->json, "drawn");
		json_out_null(steps->json, "below");
	}
	json_out_end_object(steps->json);
}

/* The event has records, not candidates. */
static void
tell_chosen(struct explain_steps *steps, const struct trace_event *event)
{
	struct steered plain = steps->steered;
	char text[256];

	plain.candidates = NULL;
	plain.candidate_count = plain.rrset.head.rr_count;
	put_set(&plain, event->left, text, sizeof text);
	explain_steps_begin(steps, "chosen", "%s", text);
	steps->steered = plain;
	print_set(steps, "records", event->left);
	json_out_end_object(steps->json);
}

/* Why the scope is what it is (RFC 7871, section 7.2.1). */
static void
tell_scope(struct explain_steps *steps, const struct trace_event *event)
{
	const struct query_subnet *subnet = &steps->question->client.subnet;

	if (!steps->question->client.has_subnet || !steps->explainer->options.ecs)
		return;
	if (subnet->source_len == 0)
		explain_steps_begin(
			steps, "scope",
			"0: the prefix has no bits, the answer is for all who "
			"tell none");
	else
		explain_steps_begin(
			steps, "scope",
			"%" PRIu64
			": so many bits of the client's subnet decided, by the "
			"networks that were found above",
			event->value);
	json_out_uint(steps->json, "scope", event->value);
	json_out_end_object(steps->json);
}

void
explain_steer_event(struct explain_steps *steps, const struct trace_event *event)
{
	if (event->kind == TRACE_STEERED)
		tell_steered(steps, event);
	else if (event->kind == TRACE_CLIENT)
		explain_place_client(steps, event);
	else if (event->kind == TRACE_GEO)
		explain_place_facts(steps, event);
	else if (!steps->has_steered)
		return;
	else if (event->kind == TRACE_STEP)
		tell_step(steps, event);
	else if (event->kind == TRACE_DRAW)
		tell_draw(steps, event);
	else if (event->kind == TRACE_CHOSEN)
		tell_chosen(steps, event);
	else if (event->kind == TRACE_SCOPE)
		tell_scope(steps, event);
}
