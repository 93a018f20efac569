/* RRsets with health checks, in zones that tests make. */
#ifndef T_WATCHED_MAKER_H
#define T_WATCHED_MAKER_H

#include "shm/health_target.h"
#include "shm/steered.h"
#include "t/steered_maker.h"

enum { WATCHED_RECORDS = 2 };

static inline uint8_t *
watched_put(uint8_t *at, const void *octets, size_t len)
{
	memcpy(at, octets, len);
	return at + len;
}

static inline uint8_t *
watched_put_part(uint8_t *at, enum steered_part_kind kind, const void *octets, size_t len)
{
	const struct steered_part_head head = { .kind = (uint16_t)kind, .len = (uint32_t)len };

	return watched_put(watched_put(at, &head, sizeof head), octets, len);
}

/* Two AAAA records, 2001:db8::`last` and the one behind it, probed over TCP at `port`; with
 * no port not probed, but steered. */
static inline void
zone_put_watched(struct zone_records *zone, const char *owner, uint8_t last, uint16_t port)
{
	struct {
		struct steered_health head;
		uint64_t keys[WATCHED_RECORDS];
	} health = { .head = { .up_count = 3, .down_count = -3 } };
	struct health_check check = { .protocol = HEALTH_TCP, .port = port };
	uint8_t spec[HEALTH_CHECK_LEN_MAX], name[DNAME_MAX], address[16];
	uint8_t records[WATCHED_RECORDS * STEERED_RR_LEN_AAAA], payload[1024];
	size_t name_len = dname_from_text(owner, name), spec_len;
	const struct rrset_head rrset = {
		.ttl = 60, .rr_count = WATCHED_RECORDS, .wire_len = sizeof records,
	};
	const struct steered_head head = {
		.rrset_len = sizeof rrset + sizeof records, .order = STEERED_RR,
	};
	uint8_t *at;

	dname_lower(name, name_len);
	health_check_settle(&check);
	spec_len = health_check_write(&check, spec);
	for (unsigned i = 0; i < WATCHED_RECORDS; i++) {
		static const uint8_t rr[STEERED_RR_HEAD_LEN] = { 0xc0, 12, 0, 28, 0, 1,
								 0,    0,  0, 60, 0, 16 };

		steered_address_of(RRTYPE_AAAA, last + i, address);
		zone_put_rdata(zone, owner, 60, RRTYPE_AAAA, address, sizeof address);
		memcpy(records + i * STEERED_RR_LEN_AAAA, rr, sizeof rr);
		memcpy(records + i * STEERED_RR_LEN_AAAA + sizeof rr, address, sizeof address);
		health.keys[i] = health_target_key(address, spec, spec_len);
	}
	at = watched_put(payload, &head, sizeof head);
	at = watched_put(at, &rrset, sizeof rrset);
	at = watched_put(at, records, sizeof records);
	if (port != 0) {
		at = watched_put_part(at, STEERED_HEALTH, &health, sizeof health);
		at = watched_put_part(at, STEERED_PROBE, spec, spec_len);
	}
	if (zone_records_add_mark(zone, name, name_len, ZONE_MARK_STEERED, RRTYPE_AAAA, payload,
				  (size_t)(at - payload)) != 0)
		bail_out("no memory");
}

#endif
