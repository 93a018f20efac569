/* Canonical form, and signatures that are there already. */
#include "loader/sign/rrset_sign.h"

#include <string.h>

#include "loader/zone/canonical_names.h"
#include "loader/zone/grow.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/wire.h"

enum {
	RR_HEAD = 12, /* of a stored RR: pointer, type, class, TTL, rdata length */
	RR_RDLEN_AT = 10,
	RR_FIXED = 10, /* of a canonical RR, behind its owner */
	EXPIRATION_AT = 8,
	INCEPTION_AT = 12,
	TAG_AT = 16,
	POINTER_MASK = 0xC0,
	MESSAGE_QNAME_AT = 12,
	HOPS_MAX = 128,
};

/* ---- what is signed ---- */

void
rrset_sign_head(const struct sign_rrset *rrset, const struct sign_key *key,
		const struct sign_times *times, const uint8_t *apex, size_t apex_len,
		uint8_t *out)
{
	unsigned labels = dname_label_count(rrset->owner);

	if (dname_is_wildcard(rrset->owner))
		labels--;
	wire_put_u16(out, rrset->type);
	out[2] = sign_key_algorithm(key);
	out[3] = (uint8_t)labels;
	wire_put_u32(out + 4, rrset->ttl);
	wire_put_u32(out + EXPIRATION_AT, times->expiration);
	wire_put_u32(out + INCEPTION_AT, times->inception);
	wire_put_u16(out + TAG_AT, key->tag);
	memcpy(out + RRSIG_FIXED, apex, apex_len);
}

static void
put_record(const struct sign_rrset *rrset, const struct zone_record *record, uint8_t *out)
{
	struct rdata_name names[RDATA_NAMES_MAX];
	unsigned count;

	memcpy(out, rrset->owner, rrset->owner_len);
	out += rrset->owner_len;
	wire_put_u16(out, rrset->type);
	wire_put_u16(out + 2, CLASS_IN);
	wire_put_u32(out + 4, rrset->ttl);
	wire_put_u16(out + 8, record->rdata_len);
	out += RR_FIXED;
	memcpy(out, record->rdata, record->rdata_len);
	count = canonical_names(rrset->type, record->rdata, record->rdata_len, names);
	for (unsigned i = 0; i < count; i++)
		dname_lower(out + names[i].at, names[i].len);
}

int
rrset_sign_data(const struct sign_rrset *rrset, const uint8_t *head, size_t head_len,
		struct sign_buffer *out)
{
	size_t need = head_len;
	uint8_t *grown;

	for (size_t i = 0; i < rrset->count; i++)
		need += rrset->owner_len + RR_FIXED + rrset->records[i].rdata_len;
	grown = grow_items(out->octets, &out->room, need, 1);
	if (!grown)
		return ERR_NOMEM;
	out->octets = grown;
	memcpy(grown, head, head_len);
	out->len = head_len;
	for (size_t i = 0; i < rrset->count; i++) {
		put_record(rrset, &rrset->records[i], grown + out->len);
		out->len += rrset->owner_len + RR_FIXED + rrset->records[i].rdata_len;
	}
	return ERR_OK;
}

/* ---- what is stored ---- */

/* A stored RRset as the message that it would be: octets from its question's name on. */
struct stored_message {
	const struct node *node;
	const struct rrset *rrset;
	size_t base; /* of rrset->wire */
};

/* The octet at a message offset; -1 outside of what we have. */
static int
octet_at(const struct stored_message *message, size_t at)
{
	if (at >= message->base)
		return at - message->base < message->rrset->head.wire_len
			       ? message->rrset->wire[at - message->base]
			       : -1;
	if (at < MESSAGE_QNAME_AT ||
	    at - MESSAGE_QNAME_AT >= message->node->head.owner_len)
		return -1;
	return node_owner(message->node)[at - MESSAGE_QNAME_AT];
}

static uint8_t
lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 'a' - 'A') : octet;
}

/* Is the name at *at the same as `name`?  *at moves behind it. */
static bool
name_is_same(const struct stored_message *message, size_t *at, const uint8_t *name,
	     size_t len)
{
	size_t from = *at;
	bool has_jumped = false;

	for (size_t done = 0, hops = 0; done < len; hops++) {
		int first = octet_at(message, from);

		if (first < 0 || hops > HOPS_MAX)
			return false;
		if ((first & POINTER_MASK) == POINTER_MASK) {
			int second = octet_at(message, from + 1);

			if (!has_jumped)
				*at = from + 2;
			has_jumped = true;
			from = (size_t)(first & ~POINTER_MASK) << 8 | (size_t)second;
			continue;
		}
		for (int i = 0; i <= first; i++, from++, done++) {
			int octet = octet_at(message, from);

			if (octet < 0 || done == len ||
			    lower((uint8_t)octet) != lower(name[done]))
				return false;
		}
	}
	if (!has_jumped)
		*at = from;
	return true;
}

static bool
octets_are_same(const struct stored_message *message, size_t *at, const uint8_t *octets,
		size_t len)
{
	for (size_t i = 0; i < len; i++, (*at)++)
		if (octet_at(message, *at) != octets[i])
			return false;
	return true;
}

static bool
rdata_is_same(const struct stored_message *message, size_t at, size_t end,
	      const struct zone_record *record)
{
	struct rdata_name names[RDATA_NAMES_MAX];
	unsigned count =
		canonical_names(record->type, record->rdata, record->rdata_len, names);
	size_t done = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!octets_are_same(message, &at, record->rdata + done,
				     names[i].at - done) ||
		    !name_is_same(message, &at, record->rdata + names[i].at,
				  names[i].len))
			return false;
		done = (size_t)names[i].at + names[i].len;
	}
	return octets_are_same(message, &at, record->rdata + done,
			       record->rdata_len - done) &&
	       at == end;
}

bool
rrset_sign_is_same(const struct sign_rrset *rrset, const struct node *node,
		   const struct rrset *stored)
{
	const struct stored_message message = { node, stored,
						RRSET_BASE(node->head.owner_len) };
	size_t at = 0;

	if (stored->head.rr_count != rrset->count || stored->head.ttl != rrset->ttl)
		return false;
	for (size_t i = 0; i < rrset->count; i++) {
		size_t len;

		if (stored->head.wire_len - at < RR_HEAD)
			return false;
		len = wire_get_u16(stored->wire + at + RR_RDLEN_AT);
		at += RR_HEAD;
		if (len > stored->head.wire_len - at ||
		    !rdata_is_same(&message, message.base + at, message.base + at + len,
				   &rrset->records[i]))
			return false;
		at += len;
	}
	return at == stored->head.wire_len;
}

/* A time of an RRSIG, seen from `near_s`: they are numbers modulo 2^32. */
static int64_t
full_time(uint32_t value, int64_t near_s)
{
	return near_s + (int32_t)(value - (uint32_t)near_s);
}

const uint8_t *
rrset_sign_find(const struct rrset *stored, const struct sign_key *key,
		const uint8_t *apex, size_t apex_len, int64_t now_s, int64_t until_s,
		int64_t *ends_s)
{
	const uint8_t *at = stored->wire + stored->head.wire_len;
	const uint8_t *end = at + stored->head.sig_len;
	size_t want = RRSIG_FIXED + apex_len + key->signature_len;

	while (end - at >= RR_HEAD) {
		size_t len = wire_get_u16(at + RR_RDLEN_AT);
		const uint8_t *rdata = at + RR_HEAD;

		if (len > (size_t)(end - rdata))
			return NULL;
		at = rdata + len;
		if (len != want || rdata[2] != sign_key_algorithm(key) ||
		    wire_get_u16(rdata + TAG_AT) != key->tag ||
		    memcmp(rdata + RRSIG_FIXED, apex, apex_len) != 0)
			continue;
		*ends_s = full_time(wire_get_u32(rdata + EXPIRATION_AT), now_s);
		if (full_time(wire_get_u32(rdata + INCEPTION_AT), now_s) <= now_s &&
		    *ends_s > until_s)
			return rdata;
	}
	return NULL;
}

static void
widen(struct sign_span *span, const struct sign_span *by)
{
	if (span->first_end_s == 0 || by->first_end_s < span->first_end_s)
		span->first_end_s = by->first_end_s;
	if (by->last_end_s > span->last_end_s)
		span->last_end_s = by->last_end_s;
	if (by->last_begin_s > span->last_begin_s)
		span->last_begin_s = by->last_begin_s;
}

struct sign_span
rrset_sign_span(const struct rrset *stored, int64_t near_s)
{
	const uint8_t *at = stored->wire + stored->head.wire_len;
	const uint8_t *end = at + stored->head.sig_len;
	struct sign_span span = { 0 };

	while (end - at >= RR_HEAD + RRSIG_FIXED) {
		const uint8_t *rdata = at + RR_HEAD;
		int64_t ends_s = full_time(wire_get_u32(rdata + EXPIRATION_AT), near_s);
		const struct sign_span one = {
			full_time(wire_get_u32(rdata + INCEPTION_AT), near_s),
			ends_s,
			ends_s,
		};

		widen(&span, &one);
		at = rdata + wire_get_u16(at + RR_RDLEN_AT);
	}
	return span;
}

/* ---- whose they are ---- */

static bool
has_dnskey(const struct rrset *dnskeys, const struct sign_key *key)
{
	const uint8_t *at = dnskeys->wire, *end = at + dnskeys->head.wire_len;

	while (end - at >= RR_HEAD) {
		size_t len = wire_get_u16(at + RR_RDLEN_AT);

		at += RR_HEAD;
		if (len > (size_t)(end - at))
			return false;
		if (len == key->rdata_len && memcmp(at, key->rdata, len) == 0)
			return true;
		at += len;
	}
	return false;
}

/* Two keys with one tag cannot be told apart by their signatures. */
static bool
is_alone(const struct sign_keys *keys, size_t at)
{
	for (size_t i = 0; i < keys->count; i++)
		if (i != at && keys->items[i].tag == keys->items[at].tag)
			return false;
	return true;
}

void
rrset_sign_known(const struct sign_keys *keys, const struct rrset *dnskeys,
		 bool known[SIGN_KEYS_MAX])
{
	for (size_t i = 0; i < keys->count; i++)
		known[i] = is_alone(keys, i) && has_dnskey(dnskeys, &keys->items[i]);
}
