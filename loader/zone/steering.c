/* From candidates to the stored form. */
#include "loader/zone/steering.h"

#include <string.h>

#include "shm/wire.h"

enum { RR_FIXED_LEN = 12 }; /* owner pointer, type, class, TTL, rdata length */

static size_t
address_len(const struct steering *steering)
{
	return STEERED_RR_LEN(steering->type) - RR_FIXED_LEN;
}

void
steering_begin(struct steering *steering, uint16_t type)
{
	steering->type = type;
	steering->count = STEERED_MULTI;
	steering->order = STEERED_AS_STORED;
	steering->geo = STEERED_ANYWHERE;
	steering->first = 0;
	steering->candidate_count = steering->record_count = 0;
	steering->country_count = steering->asn_count = 0;
	steering->placed_countries = steering->placed_asns = 0;
}

/* The record with this address, a new one if there is none. */
static unsigned
find_record(struct steering *steering, const uint8_t *address)
{
	size_t len = address_len(steering);
	unsigned record;

	for (record = 0; record < steering->record_count; record++)
		if (memcmp(steering->addresses[record], address, len) == 0)
			return record;
	memcpy(steering->addresses[record], address, len);
	steering->record_count++;
	return record;
}

void
steering_add_country(struct steering *steering, const char code[2])
{
	unsigned at = steering->country_count++;

	if (at < STEERED_PLACES_MAX)
		steering->countries[at] = (struct steered_country){
			.candidate = (uint8_t)steering->candidate_count,
			.code = { code[0], code[1] },
		};
}

void
steering_add_asn(struct steering *steering, uint32_t asn)
{
	unsigned at = steering->asn_count++;

	if (at < STEERED_PLACES_MAX)
		steering->asns[at] = (struct steered_asn){
			.asn = asn,
			.candidate = (uint8_t)steering->candidate_count,
		};
}

void
steering_drop_places(struct steering *steering)
{
	steering->country_count = steering->placed_countries;
	steering->asn_count = steering->placed_asns;
}

void
steering_add(struct steering *steering, const uint8_t *address, uint32_t weight)
{
	static const char nowhere[2] = { 0, 0 };
	unsigned at;

	if (steering_by_country(steering) &&
	    steering->country_count == steering->placed_countries)
		steering_add_country(steering, nowhere);
	if (steering_by_asn(steering) && steering->asn_count == steering->placed_asns)
		steering_add_asn(steering, 0);
	steering->placed_countries = steering->country_count;
	steering->placed_asns = steering->asn_count;
	at = steering->candidate_count++;

	if (at >= STEERED_MAX)
		return;
	steering->candidates[at] = (uint8_t)find_record(steering, address);
	steering->weights[at] = weight;
}

bool
steering_is_needed(const struct steering *steering)
{
	if (steering->geo != STEERED_ANYWHERE)
		return steering->candidate_count > 0;
	if (steering->first > 0 && steering->first < steering->candidate_count)
		return true;
	return steering->candidate_count > 1 &&
	       (steering->count != STEERED_MULTI || steering->order != STEERED_AS_STORED);
}

static uint8_t *
put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* returns where the next record goes. */
static uint8_t *
put_record(const struct steering *steering, unsigned record, uint32_t ttl, uint8_t *at)
{
	size_t len = address_len(steering);

	wire_put_u16(at, QNAME_POINTER);
	wire_put_u16(at + 2, steering->type);
	wire_put_u16(at + 4, CLASS_IN);
	wire_put_u32(at + 6, ttl);
	wire_put_u16(at + 10, (uint16_t)len);
	return put(at + RR_FIXED_LEN, steering->addresses[record], len);
}

static uint8_t *
put_part(uint8_t *at, enum steered_part_kind kind, const void *bytes, size_t len)
{
	const struct steered_part_head head = {
		.kind = (uint16_t)kind,
		.len = (uint32_t)len,
	};

	return put(put(at, &head, sizeof head), bytes, len);
}

static bool
has_weights(const struct steering *steering)
{
	for (unsigned i = 0; i < steering->candidate_count; i++)
		if (steering->weights[i] != 0)
			return steering->order == STEERED_WEIGHTED;
	return false;
}

size_t
steering_write(const struct steering *steering, uint32_t ttl,
	       uint8_t out[STEERING_LEN_MAX])
{
	unsigned count = steering->candidate_count, records = steering->record_count;
	const struct rrset_head rrset = {
		.ttl = ttl,
		.rr_count = (uint16_t)records,
		.wire_len = (uint16_t)(records * STEERED_RR_LEN(steering->type)),
	};
	const struct steered_head head = {
		.rrset_len = (uint32_t)sizeof rrset + rrset.wire_len,
		.count = (uint8_t)steering->count,
		.order = (uint8_t)steering->order,
		.geo = (uint8_t)steering->geo,
		.first = steering->first,
	};
	uint8_t *at = put(put(out, &head, sizeof head), &rrset, sizeof rrset);

	for (unsigned record = 0; record < records; record++)
		at = put_record(steering, record, ttl, at);
	if (records < count)
		at = put_part(at, STEERED_CANDIDATES, steering->candidates, count);
	if (has_weights(steering))
		at = put_part(at, STEERED_WEIGHTS, steering->weights,
			      count * sizeof steering->weights[0]);
	if (steering->country_count > 0)
		at = put_part(at, STEERED_COUNTRIES, steering->countries,
			      steering->country_count * sizeof steering->countries[0]);
	if (steering->asn_count > 0)
		at = put_part(at, STEERED_ASNS, steering->asns,
			      steering->asn_count * sizeof steering->asns[0]);
	return (size_t)(at - out);
}
