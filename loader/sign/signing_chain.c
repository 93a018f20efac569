/* What signing takes out of a zone, and what it puts in before there are signatures. */
#include <string.h>

#include "loader/sign/ds_digest.h"
#include "loader/sign/roll.h"
#include "loader/sign/signing.h"
#include "loader/sign/zone_denial.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum { DNSKEYS_LEN_MAX = 60000 }; /* octets, so that they fit a message */

/* Do we tell the parent which DS the zone is to have? */
static bool
has_cds(const struct sign_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].in_cds)
			return true;
	return keys->goal == ROLL_LEAVE;
}

/* What a signer before us has left, or what is for us to say.  A digest of the zone (RFC
 * 8976) is over records that the zone has no more. */
static bool
is_replaced(const struct signing *s, const struct zone_record *record)
{
	bool is_apex = record->owner_len == s->zone->origin_len;

	if (record->type == RRTYPE_CDS || record->type == RRTYPE_CDNSKEY)
		return is_apex && has_cds(s->keys);
	if (record->type == RRTYPE_ZONEMD)
		return is_apex;
	return record->type == RRTYPE_RRSIG || record->type == RRTYPE_NSEC ||
	       record->type == RRTYPE_NSEC3 || record->type == RRTYPE_NSEC3PARAM;
}

void
signing_strip(struct signing *s)
{
	struct zone_records *zone = s->zone;
	size_t to = 0, count = zone->count;

	for (size_t i = 0; i < count; i++)
		if (!is_replaced(s, &zone->records[i]))
			zone->records[to++] = zone->records[i];
	zone->count = s->given_count = to;
	if (to < count)
		zone_messages_add(s->messages, ZONE_WARNING, s->path, 0,
				  "%zu records of type RRSIG, NSEC, NSEC3, "
				  "NSEC3PARAM, ZONEMD%s are replaced or left out: the "
				  "zone is signed here",
				  count - to,
				  has_cds(s->keys) ? ", CDS and CDNSKEY" : "");
}

static const struct zone_record *
find_at_apex(const struct zone_records *zone, uint16_t type, const uint8_t *rdata,
	     size_t rdata_len)
{
	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		if (record->owner_len != zone->origin_len)
			break;
		if (record->type == type &&
		    (!rdata || (record->rdata_len == rdata_len &&
				memcmp(record->rdata, rdata, rdata_len) == 0)))
			return record;
	}
	return NULL;
}

/* The TTL of the DNSKEY RRset: the shortest that a key or the file names; else the SOA's. */
static uint32_t
key_ttl(const struct signing *s)
{
	const struct zone_record *there = find_at_apex(s->zone, RRTYPE_DNSKEY, NULL, 0);
	const struct zone_record *soa = find_at_apex(s->zone, RRTYPE_SOA, NULL, 0);
	uint32_t ttl = there ? there->ttl : UINT32_MAX;

	for (size_t i = 0; i < s->keys->count; i++)
		if (s->keys->items[i].has_ttl && s->keys->items[i].ttl < ttl)
			ttl = s->keys->items[i].ttl;
	return ttl != UINT32_MAX || !soa ? ttl : soa->ttl;
}

static int
add_at_apex(struct signing *s, uint16_t type, uint32_t ttl, const uint8_t *rdata,
	    size_t len)
{
	const struct zone_record record = {
		.owner = s->zone->origin,
		.owner_len = (uint8_t)s->zone->origin_len,
		.type = type,
		.ttl = ttl,
		.rdata = rdata,
		.rdata_len = (uint16_t)len,
	};

	return zone_records_add(s->zone, &record);
}

static int
add_dnskeys(struct signing *s)
{
	uint32_t ttl = key_ttl(s);
	size_t sorted = s->zone->count, len = 0;
	int rc = ERR_OK;

	for (size_t i = 0; i < s->keys->count && rc == ERR_OK; i++) {
		const struct sign_key *key = &s->keys->items[i];

		if (!sign_key_is_published(key))
			continue;
		len += key->rdata_len + (size_t)RR_FIXED_LEN;
		if (!find_at_apex(s->zone, RRTYPE_DNSKEY, key->rdata, key->rdata_len))
			rc = add_at_apex(s, RRTYPE_DNSKEY, ttl, key->rdata,
					 key->rdata_len);
	}
	for (size_t i = 0; i < sorted; i++)
		if (s->zone->records[i].type == RRTYPE_DNSKEY &&
		    s->zone->records[i].owner_len == s->zone->origin_len)
			s->zone->records[i].ttl = ttl;
	return len <= DNSKEYS_LEN_MAX ? rc : ERR_FULL;
}

/* ---- CDS and CDNSKEY: RFC 7344 ---- */

static int
add_cds_of(struct signing *s, const struct sign_key *key, uint32_t ttl)
{
	uint8_t rdata[DS_SHA256_LEN];
	int rc;

	ds_digest_write(s->zone->origin, s->zone->origin_len, key, rdata);
	rc = add_at_apex(s, RRTYPE_CDS, ttl, rdata, sizeof rdata);
	return rc == ERR_OK
		       ? add_at_apex(s, RRTYPE_CDNSKEY, ttl, key->rdata, key->rdata_len)
		       : rc;
}

/* "No DS any more": RFC 8078, section 4. */
static int
add_cds_delete(struct signing *s, uint32_t ttl)
{
	static const uint8_t cds[] = { 0, 0, 0, 0, 0 }, cdnskey[] = { 0, 0, 3, 0, 0 };
	int rc = add_at_apex(s, RRTYPE_CDS, ttl, cds, sizeof cds);

	return rc == ERR_OK ? add_at_apex(s, RRTYPE_CDNSKEY, ttl, cdnskey, sizeof cdnskey)
			    : rc;
}

static int
add_cds(struct signing *s)
{
	uint32_t ttl = key_ttl(s);
	int rc = ERR_OK;

	if (s->keys->goal == ROLL_LEAVE)
		return add_cds_delete(s, ttl);
	for (size_t i = 0; i < s->keys->count && rc == ERR_OK; i++)
		if (s->keys->items[i].in_cds)
			rc = add_cds_of(s, &s->keys->items[i], ttl);
	return rc;
}

int
signing_add_chain(struct signing *s, enum denial denial, size_t *sorted)
{
	int rc = add_dnskeys(s);

	if (rc == ERR_OK)
		rc = add_cds(s);
	if (rc == ERR_FULL)
		return signing_fail(s, rc, "the zone's DNSKEY records fit no message");
	if (rc == ERR_OK && denial != DENIAL_NSEC)
		rc = add_at_apex(s, RRTYPE_NSEC3PARAM, 0, zone_denial_param,
				 sizeof zone_denial_param);
	if (rc == ERR_OK)
		rc = zone_sort(s->zone);
	*sorted = s->zone->count;
	if (rc == ERR_OK)
		rc = zone_denial_add(s->zone, denial);
	if (rc == ERR_RANGE)
		return signing_fail(
			s, rc,
			"the zone's name is too long for NSEC3: choose \"denial\": "
			"\"nsec\"");
	return rc == ERR_OK ? rc : signing_fail(s, rc, errcode_text(rc));
}
