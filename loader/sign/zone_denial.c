/* Making chains of denial. */
#include "loader/sign/zone_denial.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/sign_owners.h"
#include "loader/sign/type_bitmap.h"
#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "loader/zone/render_scan.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"

enum {
	NSEC3_FLAG_OPT_OUT = 1,
	NSEC3_NEXT_AT = 6, /* behind algorithm, flags, iterations, salt and hash length */
};

const uint8_t zone_denial_param[ZONE_DENIAL_PARAM_LEN] = { 1, 0, 0, 0, 0 };

/* A name of the NSEC3 chain. */
struct hashed_name {
	uint8_t hash[NSEC3_HASH_LEN];
	uint32_t bitmap_len;
	const uint8_t *bitmap; /* in the arena */
};

struct making {
	struct zone_records *zone;
	enum denial denial;
	uint32_t ttl;
	struct type_bitmap types;
	uint8_t rdata[DNAME_MAX + TYPE_BITMAP_MAX];
	struct hashed_name *names; /* owned */
	size_t name_count, name_room;
};

/* What is there, and what is bad but not to be denied: older data may be served for it. */
static uint16_t
type_of(const struct zone_record *record)
{
	enum zone_mark mark;
	const uint8_t *bytes;
	uint16_t type;
	size_t len;

	if (!zone_record_mark(record, &mark, &type, &bytes, &len))
		return record->type;
	return mark == ZONE_MARK_BAD && type != RRTYPE_CNAME && type != ANAME_TYPE
		       ? type
		       : ZONE_MARK_TYPE;
}

/* The types that a name has for who asks the zone itself.
 *
 * A name with an ANAME that leads to no address has none: as at an empty non-terminal the bitmap
 * of its NSEC3 is empty (RFC 5155, section 7.1).  RFC 4035, section 2.3, has no NSEC at names
 * without RRsets, so that signing makes no name exist: this one does, signed or not, and only an
 * NSEC of its own can say so.
 *
 * A flattened name has a CNAME beside A and AAAA.  Its NSEC proves no type away (RFC 6840, section
 * 4.3), nor need it: those without an RRset are answered by the CNAME.  Without the bit it would
 * deny the CNAME that they get. */
static void
collect_types(struct making *m, const struct sign_owner *owner)
{
	const struct zone_record *records = m->zone->records;
	bool has_signature = false;

	for (size_t i = owner->first; i < owner->end; i++) {
		uint16_t type = type_of(&records[i]);

		if (type == ZONE_MARK_TYPE ||
		    (owner->is_cut && type != RRTYPE_NS && type != RRTYPE_DS))
			continue;
		type_bitmap_add(&m->types, type);
		has_signature |= sign_owner_signs(owner, type);
	}
	if (has_signature || m->denial == DENIAL_NSEC)
		type_bitmap_add(&m->types, RRTYPE_RRSIG);
	if (m->denial == DENIAL_NSEC)
		type_bitmap_add(&m->types, RRTYPE_NSEC);
}

/* ---- NSEC ---- */

static int
add_nsec(struct making *m, const struct sign_owner *owner, const uint8_t *next,
	 size_t next_len)
{
	struct zone_record record = {
		.owner = owner->name,
		.owner_len = (uint8_t)owner->len,
		.rdata = m->rdata,
		.ttl = m->ttl,
		.type = RRTYPE_NSEC,
	};

	collect_types(m, owner);
	memcpy(m->rdata, next, next_len);
	record.rdata_len =
		(uint16_t)(next_len + type_bitmap_take(&m->types, m->rdata + next_len));
	return zone_records_add(m->zone, &record);
}

static int
add_nsecs(struct making *m)
{
	struct sign_owner owner, next;
	struct sign_owners owners;
	int rc = ERR_OK;

	sign_owners_start(&owners, m->zone, m->zone->count);
	if (!sign_owners_next(&owners, &owner))
		return ERR_OK;
	while (rc == ERR_OK && sign_owners_next(&owners, &next)) {
		rc = add_nsec(m, &owner, next.name, next.len);
		owner = next;
	}
	return rc == ERR_OK ? add_nsec(m, &owner, m->zone->origin, m->zone->origin_len)
			    : rc;
}

/* ---- NSEC3 ---- */

static int
add_name(struct making *m, const uint8_t *name, size_t len)
{
	struct hashed_name *names =
		grow_items(m->names, &m->name_room, m->name_count + 1, sizeof *names);
	uint8_t *bitmap = m->rdata;
	size_t bitmap_len = type_bitmap_take(&m->types, bitmap);

	if (!names)
		return ERR_NOMEM;
	m->names = names;
	names += m->name_count;
	nsec3_hash(name, (unsigned)len, zone_denial_param, 0, 0, names->hash);
	names->bitmap_len = (uint32_t)bitmap_len;
	names->bitmap = arena_copy(m->zone->arena, bitmap, bitmap_len);
	m->name_count++;
	return names->bitmap ? ERR_OK : ERR_NOMEM;
}

/* Names between the zone's and this one that have no records, and are not above the one that
 * came last. */
static int
add_empty_names(struct making *m, const struct sign_owner *owner,
		const struct sign_owner *last)
{
	const uint8_t *name = owner->name;
	size_t len = owner->len;
	int rc = ERR_OK;

	while (rc == ERR_OK) {
		len -= name[0] + 1u;
		name += name[0] + 1u;
		if (len <= m->zone->origin_len ||
		    dname_is_subdomain(last->name, last->len, name, len))
			break;
		rc = add_name(m, name, len);
	}
	return rc;
}

static int
collect_names(struct making *m)
{
	struct sign_owner owner,
		last = { .name = m->zone->origin, .len = m->zone->origin_len };
	struct sign_owners owners;
	int rc = ERR_OK;

	sign_owners_start(&owners, m->zone, m->zone->count);
	while (rc == ERR_OK && sign_owners_next(&owners, &owner)) {
		if (m->denial == DENIAL_OPTOUT && owner.is_cut && !owner.has_ds)
			continue;
		if (owner.len > m->zone->origin_len)
			rc = add_empty_names(m, &owner, &last);
		collect_types(m, &owner);
		if (rc == ERR_OK)
			rc = add_name(m, owner.name, owner.len);
		last = owner;
	}
	return rc;
}

static int
compare_hashes(const void *a, const void *b)
{
	return memcmp(((const struct hashed_name *)a)->hash,
		      ((const struct hashed_name *)b)->hash, NSEC3_HASH_LEN);
}

static int
add_nsec3(struct making *m, const struct hashed_name *name,
	  const struct hashed_name *next)
{
	uint8_t owner[NSEC3_LABEL_LEN + 1 + DNAME_MAX];
	struct zone_record record = {
		.owner = owner,
		.owner_len = (uint8_t)(NSEC3_LABEL_LEN + 1 + m->zone->origin_len),
		.rdata = m->rdata,
		.ttl = m->ttl,
		.type = RRTYPE_NSEC3,
		.rdata_len =
			(uint16_t)(NSEC3_NEXT_AT + NSEC3_HASH_LEN + name->bitmap_len),
	};

	nsec3_hash_to_label(name->hash, owner);
	memcpy(owner + NSEC3_LABEL_LEN + 1, m->zone->origin, m->zone->origin_len);
	memcpy(m->rdata, zone_denial_param, ZONE_DENIAL_PARAM_LEN);
	if (m->denial == DENIAL_OPTOUT)
		m->rdata[1] = NSEC3_FLAG_OPT_OUT;
	m->rdata[NSEC3_NEXT_AT - 1] = NSEC3_HASH_LEN;
	memcpy(m->rdata + NSEC3_NEXT_AT, next->hash, NSEC3_HASH_LEN);
	memcpy(m->rdata + NSEC3_NEXT_AT + NSEC3_HASH_LEN, name->bitmap, name->bitmap_len);
	return zone_records_add(m->zone, &record);
}

static int
add_nsec3s(struct making *m)
{
	int rc;

	/* the hash makes a label: there must be room for it */
	if (NSEC3_LABEL_LEN + 1 + m->zone->origin_len > DNAME_MAX)
		return ERR_RANGE;
	rc = collect_names(m);
	if (rc != ERR_OK)
		return rc;
	qsort(m->names, m->name_count, sizeof *m->names, compare_hashes);
	for (size_t i = 0; i < m->name_count && rc == ERR_OK; i++)
		rc = add_nsec3(m, &m->names[i], &m->names[(i + 1) % m->name_count]);
	return rc;
}

static uint32_t
negative_ttl(const struct zone_records *zone)
{
	for (size_t i = 0; i < zone->count; i++)
		if (zone->records[i].type == RRTYPE_SOA)
			return render_scan_negative_ttl(&zone->records[i]);
	return 0;
}

int
zone_denial_add(struct zone_records *zone, enum denial denial)
{
	struct making *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return ERR_NOMEM;
	m->zone = zone;
	m->denial = denial;
	m->ttl = negative_ttl(zone);
	rc = denial == DENIAL_NSEC ? add_nsecs(m) : add_nsec3s(m);
	free(m->names);
	free(m);
	return rc;
}
