/* Payloads with signatures. */
#include "loader/sign/steered_sign.h"

#include <string.h>

#include "loader/sign/name_after.h"
#include "loader/sign/steered_sets.h"
#include "loader/sign/type_bitmap.h"
#include "loader/sign/zone_denial.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	RR_HEAD = 12, /* of a record after a compressed owner */
	PAYLOAD_MAX = UINT16_MAX - ZONE_MARK_HEAD,
	NSEC3_NEXT_AT = 6, /* behind algorithm, flags, iterations, salt and hash length */
};

/* What is being put together. */
struct making {
	struct steered_signer *signer;
	const struct steered_source *source;
	struct steered steered; /* as the source has it */
	const uint8_t *parts; /* the same */
	size_t parts_len;
	struct steered_sets sets;
	struct steered_made *made;
	uint16_t sig_count;
	uint8_t *at; /* in the payload */
	struct zone_record denial; /* type 0: there is none */
	uint8_t denial_owner[DNAME_MAX];
	uint8_t denial_rdata[2 + DNAME_MAX + TYPE_BITMAP_MAX];
};

/* ---- signatures in wire form ---- */

static bool
signs_data(const struct steered_signer *signer, size_t key)
{
	return signer->roles[key] & SIGN_ROLE_DATA;
}

static size_t
rdata_len(const struct steered_signer *signer, size_t key)
{
	return RRSIG_FIXED + signer->apex_len + signer->keys->items[key].signature_len;
}

static size_t
signatures_len(const struct steered_signer *signer, uint16_t *count)
{
	size_t len = 0;

	*count = 0;
	for (size_t i = 0; i < signer->keys->count; i++)
		if (signs_data(signer, i)) {
			len += RR_HEAD + rdata_len(signer, i);
			++*count;
		}
	return len;
}

static uint8_t *
put(uint8_t *at, const void *octets, size_t len)
{
	memcpy(at, octets, len);
	return at + len;
}

uint8_t *
steered_sign_put_head(uint8_t *at, uint16_t type, uint32_t ttl, size_t len)
{
	wire_put_u16(at, QNAME_POINTER);
	wire_put_u16(at + 2, type);
	wire_put_u16(at + 4, CLASS_IN);
	wire_put_u32(at + 6, ttl);
	wire_put_u16(at + 10, (uint16_t)len);
	return at + RR_HEAD;
}

/* Put an RRSIG whose rdata begins with `head`, and have it signed. */
static int
put_signature(struct making *m, const struct sign_rrset *rrset, unsigned key,
	      const uint8_t *head)
{
	struct steered_signer *signer = m->signer;
	size_t head_len = RRSIG_FIXED + signer->apex_len,
	       signature_len = signer->keys->items[key].signature_len;
	int rc = rrset_sign_data(rrset, head, head_len, signer->buffer);

	if (rc != ERR_OK)
		return rc;
	m->at = steered_sign_put_head(m->at, RRTYPE_RRSIG, rrset->ttl,
				      head_len + signature_len);
	m->at = put(m->at, head, head_len);
	memset(m->at, 0, signature_len);
	m->at += signature_len;
	signer->made++;
	return sign_session_add(signer->session, key, signer->buffer->octets,
				signer->buffer->len, m->at - signature_len);
}

/* ---- sets ---- */

/* Sign some records with the times that all of them were signed with. */
static int
put_set(struct making *m, const struct steered_records *set)
{
	const struct steered_signer *signer = m->signer;
	struct zone_record records[STEERED_MAX];
	const struct sign_rrset some = {
		.owner = m->source->owner,
		.owner_len = m->source->owner_len,
		.type = m->steered.rrset.type,
		.ttl = m->steered.rrset.head.ttl,
		.records = records,
		.count = steered_sets_records(&m->steered, set, records),
	};
	const uint8_t *const *head = m->source->heads;
	int rc = ERR_OK;

	for (unsigned i = 0; i < signer->keys->count && rc == ERR_OK; i++)
		if (signs_data(signer, i))
			rc = put_signature(m, &some, i, *head++);
	return rc;
}

static int
put_sets(struct making *m, unsigned count)
{
	size_t words_len =
		sizeof(uint64_t) * steered_words(m->steered.rrset.head.rr_count);
	bool keeps = m->made->keeps_mark;
	const struct steered_signed head = {
		.mark = keeps ? m->source->served->mark : 0,
		.set_count = (uint16_t)count,
	};
	const struct steered_part_head part = {
		.kind = STEERED_SIGNED,
		.len = (uint32_t)(sizeof head + (words_len + m->made->sig_len) * count),
	};
	int rc = ERR_OK;

	m->at = put(m->at, &part, sizeof part);
	m->made->mark_at = (size_t)(m->at - m->made->payload);
	m->at = put(m->at, &head, sizeof head);
	for (unsigned i = 0; i < count; i++)
		m->at = put(m->at, m->sets.sets[i].bits, words_len);
	for (unsigned i = 0; i < count && rc == ERR_OK; i++) {
		const uint8_t *served =
			keeps ? steered_signatures(m->source->served, &m->sets.sets[i])
			      : NULL;

		if (served)
			m->at = put(m->at, served, m->made->sig_len);
		else
			rc = put_set(m, &m->sets.sets[i]);
	}
	return rc;
}

/* ---- what denies the type ---- */

static void
make_nsec3_owner(struct making *m, uint8_t hash[NSEC3_HASH_LEN])
{
	const struct steered_source *source = m->source;

	nsec3_hash(source->owner, (unsigned)source->owner_len, zone_denial_param, 0, 0,
		   hash);
	nsec3_hash_to_label(hash, m->denial_owner);
	memcpy(m->denial_owner + NSEC3_LABEL_LEN + 1, m->signer->apex,
	       m->signer->apex_len);
}

/* The hash right behind it: as with the next name of an NSEC, the record says nothing of
 * other names, and stands whatever becomes of those (RFC 4470). */
static size_t
put_next_hash(const uint8_t of[NSEC3_HASH_LEN], uint8_t *out)
{
	static const uint8_t head[NSEC3_NEXT_AT] = { 1, 0, 0, 0, 0, NSEC3_HASH_LEN };
	uint8_t *hash = out + NSEC3_NEXT_AT;

	memcpy(out, head, sizeof head);
	memcpy(hash, of, NSEC3_HASH_LEN);
	for (unsigned i = NSEC3_HASH_LEN; i-- > 0;)
		if (++hash[i] != 0)
			break;
	return NSEC3_NEXT_AT + NSEC3_HASH_LEN;
}

static void
make_denial(struct making *m)
{
	const struct steered_source *source = m->source;
	bool is_nsec3 = source->denial_type == RRTYPE_NSEC3;
	uint8_t *rdata = m->denial_rdata, hash[NSEC3_HASH_LEN];
	size_t len = source->link_len;

	if (source->denial_type == 0 || source->bitmap_len > TYPE_BITMAP_MAX ||
	    len > 2 + (size_t)DNAME_MAX)
		return;
	if (is_nsec3)
		make_nsec3_owner(m, hash);
	if (source->link)
		memcpy(rdata, source->link, len);
	else
		len = is_nsec3 ? put_next_hash(hash, rdata)
			       : name_after(source->owner, source->owner_len,
					    m->signer->apex_len, rdata);
	memcpy(rdata + len, source->bitmap, source->bitmap_len);
	len += type_bitmap_without(rdata + len, source->bitmap_len,
				   m->steered.rrset.type);
	m->denial = (struct zone_record){
		.owner = is_nsec3 ? m->denial_owner : source->owner,
		.owner_len =
			(uint8_t)(is_nsec3 ? NSEC3_LABEL_LEN + 1 + m->signer->apex_len
					   : source->owner_len),
		.type = source->denial_type,
		.ttl = source->denial_ttl,
		.rdata = rdata,
		.rdata_len = (uint16_t)len,
	};
}

static size_t
denial_len(const struct making *m)
{
	return sizeof(struct node_head) + m->denial.owner_len +
	       sizeof(struct block_head) + sizeof(struct rrset_head) + RR_HEAD +
	       m->denial.rdata_len + m->made->sig_len;
}

static void
note_end(struct steered_signer *signer, int64_t ends_s)
{
	if (signer->first_end_s == 0 || ends_s < signer->first_end_s)
		signer->first_end_s = ends_s;
}

static int
put_denial_signature(struct making *m, const struct sign_rrset *rrset, unsigned number,
		     const struct rrset *stored)
{
	struct steered_signer *signer = m->signer;
	const struct sign_key *key = &signer->keys->items[number];
	uint8_t head[RRSIG_FIXED + DNAME_MAX];
	const uint8_t *served = NULL;
	struct sign_times times;
	int64_t ends_s;

	if (stored && signer->is_known[number])
		served = rrset_sign_find(stored, key, signer->apex, signer->apex_len,
					 signer->clock->latest_s,
					 signer->clock->renew_before_s, &ends_s);
	if (!served) {
		note_end(signer, sign_clock_draw(signer->clock, &times));
		rrset_sign_head(rrset, key, &times, signer->apex, signer->apex_len, head);
		return put_signature(m, rrset, number, head);
	}
	note_end(signer, ends_s);
	m->at = steered_sign_put_head(m->at, RRTYPE_RRSIG, rrset->ttl,
				      rdata_len(signer, number));
	m->at = put(m->at, served, rdata_len(signer, number));
	return ERR_OK;
}

static int
put_denial_signatures(struct making *m, const struct sign_rrset *rrset)
{
	const struct steered *served = m->source->served;
	struct node node;
	struct rrset stored;
	bool is_same = served && steered_denial(served, &node) &&
		       node_find_rrset(&node, rrset->type, &stored) &&
		       rrset_sign_is_same(rrset, &node, &stored);
	int rc = ERR_OK;

	for (unsigned i = 0; i < m->signer->keys->count && rc == ERR_OK; i++)
		if (signs_data(m->signer, i))
			rc = put_denial_signature(m, rrset, i, is_same ? &stored : NULL);
	return rc;
}

static int
put_denial(struct making *m)
{
	const struct sign_rrset rrset = {
		.owner = m->denial.owner,
		.owner_len = m->denial.owner_len,
		.type = m->denial.type,
		.ttl = m->denial.ttl,
		.records = &m->denial,
		.count = 1,
	};
	const struct rrset_head head = {
		.ttl = m->denial.ttl,
		.rr_count = 1,
		.sig_count = m->sig_count,
		.wire_len = (uint16_t)(RR_HEAD + m->denial.rdata_len),
		.sig_len = (uint16_t)m->made->sig_len,
	};
	const struct block_head block = {
		.kind = BLOCK_RRSET,
		.type = m->denial.type,
		.len = (uint32_t)sizeof head + head.wire_len + head.sig_len,
	};
	const struct node_head node = {
		.node_len = (uint32_t)denial_len(m),
		.owner_len = m->denial.owner_len,
		.label_count = (uint8_t)dname_label_count(m->denial.owner),
	};
	const struct steered_part_head part = { .kind = STEERED_DENIAL,
						.len = node.node_len };

	m->at = put(put(m->at, &part, sizeof part), &node, sizeof node);
	m->at = put(m->at, m->denial.owner, m->denial.owner_len);
	m->at = put(put(m->at, &block, sizeof block), &head, sizeof head);
	m->at = steered_sign_put_head(m->at, rrset.type, rrset.ttl, m->denial.rdata_len);
	m->at = put(m->at, m->denial.rdata, m->denial.rdata_len);
	return put_denial_signatures(m, &rrset);
}

/* ---- all of it ---- */

static void
put_records(struct making *m)
{
	struct steered_head head = m->steered.head;
	struct rrset_head rrset = m->steered.rrset.head;

	rrset.sig_count = m->sig_count;
	rrset.sig_len = (uint16_t)m->made->sig_len;
	head.rrset_len = (uint32_t)(sizeof rrset + rrset.wire_len + m->made->sig_len);
	m->at = put(put(m->at, &head, sizeof head), &rrset, sizeof rrset);
	m->at = put(m->at, m->steered.rrset.wire, rrset.wire_len);
	m->made->sigs_at = (size_t)(m->at - m->made->payload);
	memset(m->at, 0, m->made->sig_len);
	m->at += m->made->sig_len;
	m->at = put(m->at, m->parts, m->parts_len);
}

/* Everything that is signed ahead, as far as it fits. */
static int
make_payload(struct making *m)
{
	size_t set_len =
		sizeof(uint64_t) * steered_words(m->steered.rrset.head.rr_count) +
		m->made->sig_len;
	size_t len = sizeof m->steered.head + sizeof(struct rrset_head) +
		     m->steered.rrset.head.wire_len + m->made->sig_len + m->parts_len +
		     sizeof(struct steered_part_head) + sizeof(struct steered_signed);
	unsigned count = 0;
	uint8_t *octets;
	int rc;

	if (m->denial.type != 0)
		len += sizeof(struct steered_part_head) + denial_len(m);
	if (len > PAYLOAD_MAX)
		return ERR_RANGE;
	while (count < m->sets.count && len + set_len <= PAYLOAD_MAX) {
		len += set_len;
		count++;
	}
	octets = arena_take(m->signer->arena, m->source->reserved_len + len);
	if (!octets)
		return ERR_NOMEM;
	m->at = m->made->payload = octets + m->source->reserved_len;
	m->made->len = len;
	put_records(m);
	rc = put_sets(m, count);
	return rc == ERR_OK && m->denial.type != 0 ? put_denial(m) : rc;
}

int
steered_sign_add(struct steered_signer *signer, const struct steered_source *source,
		 struct steered_made *out)
{
	const struct steered *served = source->served;
	struct making m = { .signer = signer, .source = source, .made = out };

	*out = (struct steered_made){ .payload = NULL };
	if (!steered_open(&source->block, &m.steered))
		return ERR_DAMAGED;
	m.parts = steered_own_parts(&source->block, &m.parts_len);
	if (!m.parts)
		return ERR_DAMAGED;
	out->sig_len = signatures_len(signer, &m.sig_count);
	out->keeps_mark = source->is_taken_over && served && served->sets &&
			  served->rrset.head.sig_len == out->sig_len;
	steered_sets_find(&m.steered, NULL, &m.sets);
	make_denial(&m);
	return make_payload(&m);
}

void
steered_sign_finish(const struct steered_made *made)
{
	uint64_t mark;

	if (made->keeps_mark)
		return;
	mark = XXH3_64bits(made->payload + made->sigs_at, made->sig_len) | 1;
	memcpy(made->payload + made->mark_at, &mark, sizeof mark);
}

bool
steered_sign_find(const struct node *node, const struct block *block, struct steered *out)
{
	struct steered steered;
	struct block served;

	return node_find_block(node, BLOCK_STEERED, block->head.type, &served) &&
	       steered_open(&served, out) && steered_open(block, &steered) &&
	       steered.rrset.head.ttl == out->rrset.head.ttl &&
	       steered.rrset.head.wire_len == out->rrset.head.wire_len &&
	       memcmp(steered.rrset.wire, out->rrset.wire, out->rrset.head.wire_len) == 0;
}
