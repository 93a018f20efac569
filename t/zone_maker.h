/* Zones for tests, made record by record.
 *
 *	struct zone_records *zone = zone_make("example.com");
 *	zone_put(zone, "www.example.com", 300, RRTYPE_MX, "2n", 10, "mail.example.com");
 *	zone_done(zone);
 *
 * Rdata is spelled item by item: 1 2 4 a number of so many octets, n a name, s a
 * character-string, x octets in hexadecimal. */
#ifndef T_ZONE_MAKER_H
#define T_ZONE_MAKER_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader/zone/zone_records.h"
#include "loader/zone/zone_sort.h"
#include "shm/rrtype.h"
#include "t/tap.h"

static inline size_t
zone_maker_number(uint8_t *to, unsigned octets, unsigned value)
{
	for (unsigned i = 0; i < octets; i++)
		to[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
	return octets;
}

static inline size_t
zone_maker_hex(uint8_t *to, const char *text)
{
	size_t len = 0;
	unsigned octet;

	for (; sscanf(text + 2 * len, "%2x", &octet) == 1; len++)
		to[len] = (uint8_t)octet;
	return len;
}

static inline size_t
zone_maker_rdata(uint8_t *to, const char *items, va_list args)
{
	size_t len = 0;

	for (; *items; items++) {
		const char *text;

		switch (*items) {
		case 'n':
			len += dname_from_text(va_arg(args, const char *), to + len);
			break;
		case 's':
			text = va_arg(args, const char *);
			to[len] = (uint8_t)strlen(text);
			memcpy(to + len + 1, text, to[len]);
			len += to[len] + 1u;
			break;
		case 'x':
			len += zone_maker_hex(to + len, va_arg(args, const char *));
			break;
		default:
			len += zone_maker_number(to + len, (unsigned)(*items - '0'),
						 va_arg(args, unsigned));
		}
	}
	return len;
}

static inline void
zone_put_rdata(struct zone_records *zone, const char *owner, uint32_t ttl, uint16_t type,
	       const uint8_t *rdata, size_t rdata_len)
{
	uint8_t name[DNAME_MAX];
	struct zone_record record = {
		.owner = name,
		.rdata = rdata,
		.ttl = ttl,
		.type = type,
		.rdata_len = (uint16_t)rdata_len,
	};

	record.owner_len = (uint8_t)dname_from_text(owner, name);
	dname_lower(name, record.owner_len);
	if (zone_records_add(zone, &record) != 0)
		bail_out("no memory");
}

static inline void
zone_put(struct zone_records *zone, const char *owner, uint32_t ttl, uint16_t type,
	 const char *items, ...)
{
	uint8_t rdata[4096];
	va_list args;
	size_t len;

	va_start(args, items);
	len = zone_maker_rdata(rdata, items, args);
	va_end(args);
	zone_put_rdata(zone, owner, ttl, type, rdata, len);
}

/* A signature over `type` that no key made. */
static inline void
zone_put_sig(struct zone_records *zone, const char *owner, uint32_t ttl, uint16_t type,
	     const char *signer)
{
	zone_put(zone, owner, ttl, RRTYPE_RRSIG, "211444" "2nx", type, 13, 2, ttl, 0x70000000,
		 0x60000000, 12345, signer, "00112233445566778899aabbccddeeff");
}

/* With SOA (TTL 3600, MINIMUM 300) and one NS outside. */
static inline struct zone_records *
zone_make(const char *origin)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);
	struct zone_records *zone;

	dname_lower(name, len);
	zone = zone_records_new(name, len);
	if (!zone || zone_records_add_path(zone, "/zones/test.zone") != 0)
		bail_out("no memory");
	zone->stamp = 42;
	zone->loaded_at_s = 1700000000;
	zone_put(zone, origin, 3600, RRTYPE_SOA, "nn44444", "ns.other.test",
		 "hostmaster.other.test", 2026010101, 7200, 3600, 1209600, 300);
	zone_put(zone, origin, 3600, RRTYPE_NS, "n", "ns.other.test");
	return zone;
}

static inline void
zone_done(struct zone_records *zone)
{
	if (zone_sort(zone) != 0)
		bail_out("no memory");
}

#endif
