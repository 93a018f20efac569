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
	static const struct steering_list none;

	steering->type = type;
	steering->count = STEERED_MULTI;
	steering->order = STEERED_AS_STORED;
	steering->geo = STEERED_ANYWHERE;
	steering->first = 0;
	steering->is_sticky = steering->has_ttl = steering->is_probed = false;
	steering->is_next_fallback = false;
	steering->candidate_count = steering->record_count = 0;
	steering->fallback_count = 0;
	steering->country_list = steering->asn_list = steering->subnet_list =
		steering->region_list = steering->continent_list = none;
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

/* Where the next entry of a kind of place goes; STEERED_PLACES_MAX: there is no room. */
static unsigned
next_place(struct steering_list *list)
{
	unsigned at = list->count++;

	return at < STEERED_PLACES_MAX ? at : STEERED_PLACES_MAX;
}

void
steering_add_country(struct steering *steering, const char code[2])
{
	unsigned at = next_place(&steering->country_list);

	if (at < STEERED_PLACES_MAX)
		steering->countries[at] = (struct steered_country){
			.candidate = (uint8_t)steering->candidate_count,
			.code = { code[0], code[1] },
		};
}

void
steering_add_asn(struct steering *steering, uint32_t asn)
{
	unsigned at = next_place(&steering->asn_list);

	if (at < STEERED_PLACES_MAX)
		steering->asns[at] = (struct steered_asn){
			.asn = asn,
			.candidate = (uint8_t)steering->candidate_count,
		};
}

void
steering_add_continent(struct steering *steering, const char code[2])
{
	unsigned at = next_place(&steering->continent_list);

	if (at < STEERED_PLACES_MAX)
		steering->continents[at] = (struct steered_country){
			.candidate = (uint8_t)steering->candidate_count,
			.code = { code[0], code[1] },
		};
}

void
steering_add_region(struct steering *steering, const char code[6])
{
	unsigned at = next_place(&steering->region_list);
	struct steered_region region = {
		.candidate = (uint8_t)steering->candidate_count,
	};

	if (at >= STEERED_PLACES_MAX)
		return;
	memcpy(region.code, code, sizeof region.code);
	steering->regions[at] = region;
}

void
steering_add_subnet(struct steering *steering, const uint8_t network[16], uint8_t len)
{
	unsigned at = next_place(&steering->subnet_list);
	struct steered_subnet subnet = {
		.candidate = (uint8_t)steering->candidate_count,
		.len = len,
	};

	if (at >= STEERED_PLACES_MAX)
		return;
	memcpy(subnet.network, network, sizeof subnet.network);
	steering->subnets[at] = subnet;
}

static void
drop_places(struct steering_list *list)
{
	list->count = list->placed;
}

void
steering_drop_next(struct steering *steering)
{
	steering->is_next_fallback = false;
	drop_places(&steering->country_list);
	drop_places(&steering->asn_list);
	drop_places(&steering->subnet_list);
	drop_places(&steering->region_list);
	drop_places(&steering->continent_list);
}

static bool
has_no_place(const struct steering_list *list)
{
	return list->count == list->placed;
}

static void
place(struct steering_list *list)
{
	list->placed = list->count;
}

/* All of its places are there.  Networks, regions and continents are asked for when any
 * candidate has one: there a candidate without is a default, and has no entry. */
static void
settle_places(struct steering *steering)
{
	static const char nowhere[2] = { 0, 0 };

	if (steering_by_country(steering) && has_no_place(&steering->country_list))
		steering_add_country(steering, nowhere);
	if (steering_by_asn(steering) && has_no_place(&steering->asn_list))
		steering_add_asn(steering, 0);
	place(&steering->country_list);
	place(&steering->asn_list);
	place(&steering->subnet_list);
	place(&steering->region_list);
	place(&steering->continent_list);
}

static void
set_fallback(struct steering *steering, unsigned at)
{
	uint8_t *octet = &steering->fallback[at / 8];

	if (at % 8 == 0)
		*octet = 0;
	if (steering->is_next_fallback)
		*octet |= (uint8_t)(1u << at % 8);
	steering->fallback_count += steering->is_next_fallback;
	steering->is_next_fallback = false;
}

void
steering_add(struct steering *steering, const uint8_t *address, uint32_t weight)
{
	unsigned at;

	settle_places(steering);
	at = steering->candidate_count++;
	if (at >= STEERED_MAX)
		return;
	set_fallback(steering, at);
	steering->candidates[at] = (uint8_t)find_record(steering, address);
	steering->weights[at] = weight;
}

static bool
asks_for_places(const struct steering *steering)
{
	return steering->geo != STEERED_ANYWHERE || steering->subnet_list.count > 0 ||
	       steering->region_list.count > 0 || steering->continent_list.count > 0;
}

bool
steering_is_needed(const struct steering *steering)
{
	if (asks_for_places(steering) || steering->is_probed)
		return steering->candidate_count > 0;
	if (steering->first > 0 && steering->first < steering->candidate_count)
		return true;
	return steering->candidate_count > 1 &&
	       (steering->count != STEERED_MULTI ||
		steering->order != STEERED_AS_STORED || steering->is_sticky ||
		steering->fallback_count > 0);
}

bool
steering_is_beyond(const struct steering *steering)
{
	const unsigned most = STEERED_PLACES_MAX;

	return steering->country_list.count > most || steering->asn_list.count > most ||
	       steering->subnet_list.count > most || steering->region_list.count > most ||
	       steering->continent_list.count > most;
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

static uint8_t *
put_records(const struct steering *steering, uint32_t ttl, uint8_t *at)
{
	unsigned records = steering->record_count;
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
		.flags = steering->is_sticky ? STEERED_STICKY : 0,
		.first = steering->first,
	};

	at = put(put(at, &head, sizeof head), &rrset, sizeof rrset);
	for (unsigned record = 0; record < records; record++)
		at = put_record(steering, record, ttl, at);
	return at;
}

static uint8_t *
put_list(uint8_t *at, enum steered_part_kind kind, const struct steering_list *list,
	 const void *entries, size_t entry_len)
{
	return list->count > 0 ? put_part(at, kind, entries, list->count * entry_len)
			       : at;
}

static uint8_t *
put_places(const struct steering *steering, uint8_t *at)
{
	at = put_list(at, STEERED_COUNTRIES, &steering->country_list, steering->countries,
		      sizeof steering->countries[0]);
	at = put_list(at, STEERED_ASNS, &steering->asn_list, steering->asns,
		      sizeof steering->asns[0]);
	at = put_list(at, STEERED_SUBNETS, &steering->subnet_list, steering->subnets,
		      sizeof steering->subnets[0]);
	at = put_list(at, STEERED_REGIONS, &steering->region_list, steering->regions,
		      sizeof steering->regions[0]);
	return put_list(at, STEERED_CONTINENTS, &steering->continent_list,
			steering->continents, sizeof steering->continents[0]);
}

/* The address of a candidate as a target has it. */
static void
target_address(const struct steering *steering, unsigned candidate,
	       uint8_t out[HEALTH_ADDRESS_LEN])
{
	static const uint8_t mapped[HEALTH_ADDRESS_LEN] = { [10] = 0xff, [11] = 0xff };
	size_t len = address_len(steering);

	memcpy(out, mapped, sizeof mapped);
	memcpy(out + HEALTH_ADDRESS_LEN - len,
	       steering->addresses[steering->candidates[candidate]], len);
}

static uint8_t *
put_health(const struct steering *steering, uint8_t *at)
{
	uint8_t check[HEALTH_CHECK_LEN_MAX], address[HEALTH_ADDRESS_LEN];
	size_t len = health_check_write(&steering->check, check);
	unsigned count = steering->candidate_count;
	const struct steered_health head = {
		.up_count = (int8_t)steering->check.up_count,
		.down_count = (int8_t)steering->check.down_count,
		.policy = (uint8_t)steering->policy,
	};
	const struct steered_part_head part = {
		.kind = STEERED_HEALTH,
		.len = (uint32_t)(sizeof head + count * sizeof(uint64_t)),
	};

	at = put(put(at, &part, sizeof part), &head, sizeof head);
	for (unsigned i = 0; i < count; i++) {
		uint64_t key;

		target_address(steering, i, address);
		key = health_target_key(address, check, len);
		at = put(at, &key, sizeof key);
	}
	return put_part(at, STEERED_PROBE, check, len);
}

size_t
steering_write(const struct steering *steering, uint32_t ttl,
	       uint8_t out[STEERING_LEN_MAX])
{
	unsigned count = steering->candidate_count;
	uint8_t *at = put_records(steering, ttl, out);

	if (steering->record_count < count)
		at = put_part(at, STEERED_CANDIDATES, steering->candidates, count);
	if (has_weights(steering))
		at = put_part(at, STEERED_WEIGHTS, steering->weights,
			      count * sizeof steering->weights[0]);
	at = put_places(steering, at);
	if (steering->fallback_count > 0 && count > 1)
		at = put_part(at, STEERED_FALLBACK, steering->fallback, (count + 7) / 8);
	if (steering->is_probed)
		at = put_health(steering, at);
	return (size_t)(at - out);
}
