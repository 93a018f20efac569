/* Steered RRsets in zones that tests make (t/zone_maker.h). */
#ifndef T_STEERED_MAKER_H
#define T_STEERED_MAKER_H

#include "loader/zone/steering.h"
#include "t/zone_maker.h"

/* 192.0.2.`last` or 2001:db8::`last`.  returns its length. */
static inline size_t
steered_address_of(uint16_t type, unsigned last, uint8_t address[16])
{
	static const uint8_t v4[4] = { 192, 0, 2 }, v6[16] = { 0x20, 1, 0xd, 0xb8 };
	size_t len = type == RRTYPE_A ? sizeof v4 : sizeof v6;

	memcpy(address, type == RRTYPE_A ? v4 : v6, len);
	address[len - 1] = (uint8_t)last;
	return len;
}

/* Records of `count` addresses that end in lasts[i], with these weights, and places by
 * their last octets; a plain RRset when nothing is chosen. */
static inline void
zone_put_steered(struct zone_records *zone, const char *owner, uint32_t ttl, uint16_t type,
		 enum steered_count how_many, enum steered_order order,
		 enum steered_geo geo, uint16_t first, unsigned count,
		 const uint8_t *lasts, const uint32_t *weights)
{
	static struct steering steering;
	static uint8_t payload[STEERING_LEN_MAX];
	uint8_t name[DNAME_MAX], address[16];
	size_t name_len = dname_from_text(owner, name);

	dname_lower(name, name_len);
	steering_begin(&steering, type);
	steering.count = how_many;
	steering.order = order;
	steering.geo = geo;
	steering.first = first;
	for (unsigned i = 0; i < count; i++) {
		size_t len = steered_address_of(type, lasts[i], address);
		unsigned records = steering.record_count;

		if (steering_by_country(&steering))
			steering_add_country(&steering, lasts[i] % 2 ? "DE" : "\0\0");
		if (steering_by_asn(&steering))
			steering_add_asn(&steering, lasts[i] % 3);

		steering_add(&steering, address, weights[i]);
		if (steering.record_count > records)
			zone_put_rdata(zone, owner, ttl, type, address, len);
	}
	if (steering_is_needed(&steering) &&
	    zone_records_add_mark(zone, name, name_len, ZONE_MARK_STEERED, type, payload,
				  steering_write(&steering, ttl, payload)) != 0)
		bail_out("no memory");
}

#endif
