/* An RRset of a node put behind its question and read back, by a small parser that shares
 * no code with the server's, to be compared with the records that it was made from. */
#ifndef T_RRSET_READER_H
#define T_RRSET_READER_H

#include <string.h>

#include "loader/zone/zone_records.h"
#include "shm/dname.h"
#include "shm/node.h"
#include "shm/rrtype.h"

/* The name at `at`, decompressed and lower-cased; returns its length and moves *at
 * behind it.  0: a pointer that leads forward, outside or into the header. */
static inline unsigned
rrset_read_name(const uint8_t *message, unsigned len, unsigned *at, uint8_t out[DNAME_MAX])
{
	unsigned here = *at, limit = *at, used = 0;
	bool jumped = false;

	for (;;) {
		unsigned octet = here < len ? message[here] : 0x80;

		if (octet >= 0xc0) {
			unsigned to = (octet & 0x3f) << 8 | message[here + 1];

			if (to >= limit || to < 12)
				return 0;
			if (!jumped)
				*at = here + 2;
			jumped = true;
			here = limit = to;
			continue;
		}
		if (octet > 63 || used + octet + 1 > DNAME_MAX)
			return 0;
		memcpy(out + used, message + here, octet + 1);
		used += octet + 1;
		here += octet + 1;
		if (octet == 0)
			break;
	}
	if (!jumped)
		*at = here;
	dname_lower(out, used);
	return used;
}

/* Fixed octets before names, and how many names, of the types in these tests. */
static inline void
rrset_read_layout(uint16_t type, unsigned *before, unsigned *names)
{
	*before = type == RRTYPE_MX ? 2 : type == RRTYPE_SRV ? 6 : 0;
	*names = type == RRTYPE_SOA ? 2
		 : type == RRTYPE_NS || type == RRTYPE_CNAME || type == RRTYPE_DNAME ||
				 type == RRTYPE_PTR || type == RRTYPE_MX ||
				 type == RRTYPE_SRV
			 ? 1
			 : 0;
}

/* The rdata at [at, end) with names expanded; returns its length, 0 when malformed. */
static inline unsigned
rrset_read_rdata(const uint8_t *message, unsigned at, unsigned end, uint16_t type,
	     uint8_t *out)
{
	unsigned before, names, used;

	rrset_read_layout(type, &before, &names);
	memcpy(out, message + at, before);
	used = before;
	at += before;
	while (names-- > 0) {
		unsigned len = rrset_read_name(message, end, &at, out + used);

		if (len == 0)
			return 0;
		used += len;
	}
	if (at > end)
		return 0;
	memcpy(out + used, message + at, end - at);
	return used + end - at;
}

static inline bool
rrset_read_same(const struct zone_record *record, const uint8_t *rdata, unsigned len)
{
	uint8_t lower[65536];
	unsigned before, names;

	rrset_read_layout(record->type, &before, &names);
	memcpy(lower, record->rdata, record->rdata_len);
	if (names > 0 && record->type != RRTYPE_SOA)
		dname_lower(lower + before, record->rdata_len - before);
	return record->rdata_len == len && memcmp(lower, rdata, len) == 0;
}

/* Read one RR at *at and compare it with `record`. */
static inline bool
rrset_read_rr(const uint8_t *message, unsigned len, unsigned *at,
      const struct zone_record *record, uint32_t ttl)
{
	static uint8_t rdata[4 * 65536];
	uint8_t owner[DNAME_MAX];
	unsigned owner_len = rrset_read_name(message, len, at, owner), rdata_len, expanded;
	const uint8_t *fixed = message + *at;

	if (owner_len != record->owner_len ||
	    memcmp(owner, record->owner, owner_len) != 0)
		return false;
	if ((fixed[0] << 8 | fixed[1]) != record->type || fixed[2] != 0 || fixed[3] != 1)
		return false;
	if (((uint32_t)fixed[4] << 24 | (uint32_t)fixed[5] << 16 |
	     (uint32_t)fixed[6] << 8 | fixed[7]) != ttl)
		return false;
	rdata_len = (unsigned)fixed[8] << 8 | fixed[9];
	*at += 10;
	if (*at + rdata_len > len)
		return false;
	expanded = rrset_read_rdata(message, *at, *at + rdata_len, record->type, rdata);
	*at += rdata_len;
	return rrset_read_same(record, rdata, expanded);
}

/* Put owner as the question and the RRset behind it; returns the length. */
static inline unsigned
rrset_read_place(const struct node *node, const struct rrset *rrset, const uint8_t *wire,
	     unsigned wire_len, uint8_t *message)
{
	unsigned at = 12;

	memset(message, 0, 12);
	memcpy(message + at, node_owner(node), node->head.owner_len);
	at += node->head.owner_len;
	message[at++] = (uint8_t)(rrset->type >> 8);
	message[at++] = (uint8_t)rrset->type;
	message[at++] = 0;
	message[at++] = 1;
	memcpy(message + at, wire, wire_len);
	return at + wire_len;
}

/* Records [first, first + n) of the zone that are of this owner and type. */
static inline const struct zone_record *
rrset_read_records(const struct zone_records *zone, const struct node *node, uint16_t type,
	     size_t *count)
{
	const struct zone_record *first = NULL;

	*count = 0;
	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		if (record->type != type || record->owner_len != node->head.owner_len ||
		    memcmp(record->owner, node_owner(node), record->owner_len) != 0)
			continue;
		first = first ? first : record;
		(*count)++;
	}
	return first;
}

static inline bool
rrset_read_wire(const struct node *node, const struct rrset *rrset,
	const struct zone_record *records, size_t count, uint32_t ttl)
{
	static uint8_t message[3 * 65536];
	unsigned len =
		rrset_read_place(node, rrset, rrset->wire, rrset->head.wire_len, message);
	unsigned at = RRSET_BASE(node->head.owner_len);

	for (size_t i = 0; i < count; i++)
		if (!rrset_read_rr(message, len, &at, &records[i], ttl))
			return false;
	return at == len;
}

static inline bool
rrset_read_sigs(const struct node *node, const struct rrset *rrset,
	 const struct zone_records *zone, uint32_t ttl)
{
	static uint8_t message[3 * 65536];
	unsigned len = rrset_read_place(node, rrset, rrset->wire + rrset->head.wire_len,
				    rrset->head.sig_len, message);
	unsigned at = RRSET_BASE(node->head.owner_len), seen = 0;
	const struct zone_record *sigs;
	size_t count;

	sigs = rrset_read_records(zone, node, RRTYPE_RRSIG, &count);
	for (size_t i = 0; i < count; i++) {
		if ((sigs[i].rdata[0] << 8 | sigs[i].rdata[1]) != rrset->type)
			continue;
		if (!rrset_read_rr(message, len, &at, &sigs[i], ttl))
			return false;
		seen++;
	}
	return at == len && seen == rrset->head.sig_count;
}

#endif
