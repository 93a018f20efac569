/* Steered RRsets: besides all records those sets are signed that are likely to be chosen, and
 * the name's NSEC or NSEC3 without the type, for when none is.  They go into the payload of
 * the RRset's mark (shm/steered.h), which is made anew here; signatures arrive in it later. */
#include <stdlib.h>
#include <string.h>

#include "loader/sign/signing.h"
#include "loader/sign/steered_sets.h"
#include "loader/sign/type_bitmap.h"
#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "shm/wire.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { PAYLOAD_MAX = UINT16_MAX - ZONE_MARK_HEAD };

/* A mark whose signatures are still to come. */
struct signing_steered {
	uint8_t *payload; /* in the arena, writable */
	size_t sigs_at, sig_len; /* where those over all records go */
	size_t first_sig, sig_count; /* which are these records of the zone */
	size_t number_at; /* of struct steered_signed */
	bool has_number; /* that of the served one goes on */
};

/* What is being put together. */
struct making {
	struct signing *s;
	const struct sign_rrset *rrset; /* all records */
	struct steered steered; /* as the source has it */
	struct steered_sets sets;
	struct signing_steered *job;
	uint8_t *at; /* in its payload */
	struct steered served; /* the same RRset, signed as now */
	bool has_served;
	const struct zone_record *link; /* of the chain */
	struct zone_record denial; /* that without the type */
};

/* ---- signatures in wire form ---- */

static size_t
signature_rr_len(const struct signing *s, unsigned key)
{
	return RR_FIXED_LEN + RRSIG_FIXED + s->zone->origin_len +
	       s->keys->items[key].signature_len;
}

static size_t
signatures_len(const struct signing *s)
{
	size_t len = 0;

	for (unsigned i = 0; i < s->keys->count; i++)
		if (s->roles[i] & SIGN_ROLE_DATA)
			len += signature_rr_len(s, i);
	return len;
}

static uint8_t *
put(uint8_t *at, const void *octets, size_t len)
{
	memcpy(at, octets, len);
	return at + len;
}

/* The head of a record, its owner being the question.  returns where its rdata goes. */
static uint8_t *
put_rr_head(uint8_t *at, uint16_t type, uint32_t ttl, size_t rdata_len)
{
	wire_put_u16(at, QNAME_POINTER);
	wire_put_u16(at + 2, type);
	wire_put_u16(at + 4, CLASS_IN);
	wire_put_u32(at + 6, ttl);
	wire_put_u16(at + 10, (uint16_t)rdata_len);
	return at + RR_FIXED_LEN;
}

/* Put an RRSIG whose rdata begins with `head`, and have it signed. */
static int
put_signature(struct making *m, const struct sign_rrset *rrset, unsigned key,
	      const uint8_t *head)
{
	struct signing *s = m->s;
	size_t head_len = RRSIG_FIXED + s->zone->origin_len,
	       signature_len = s->keys->items[key].signature_len;
	int rc = rrset_sign_data(rrset, head, head_len, &s->buffer);

	if (rc != ERR_OK)
		return rc;
	m->at = put_rr_head(m->at, RRTYPE_RRSIG, rrset->ttl, head_len + signature_len);
	m->at = put(m->at, head, head_len);
	memset(m->at, 0, signature_len);
	m->at += signature_len;
	return sign_session_add(s->session, key, s->buffer.octets, s->buffer.len,
				m->at - signature_len);
}

/* ---- sets ---- */

/* Sign some records with the times that all of them were signed with. */
static int
put_set(struct making *m, const struct steered_records *set)
{
	struct zone_record records[STEERED_MAX];
	struct sign_rrset some = *m->rrset;
	struct signing *s = m->s;
	size_t sig = m->job->first_sig;
	int rc = ERR_OK;

	some.records = records;
	some.count = steered_sets_records(&m->steered, set, records);
	for (unsigned i = 0; i < s->keys->count && rc == ERR_OK; i++)
		if (s->roles[i] & SIGN_ROLE_DATA)
			rc = put_signature(m, &some, i, s->zone->records[sig++].rdata);
	return rc;
}

static int
put_sets(struct making *m, unsigned count)
{
	size_t words_len =
		sizeof(uint64_t) * steered_words(m->steered.rrset.head.rr_count);
	size_t sig_len = m->job->sig_len;
	const struct steered_signed head = {
		.mark = m->job->has_number ? m->served.mark : 0,
		.set_count = (uint16_t)count,
	};
	const struct steered_part_head part = {
		.kind = STEERED_SIGNED,
		.len = (uint32_t)(sizeof head + (words_len + sig_len) * count),
	};
	int rc = ERR_OK;

	m->at = put(m->at, &part, sizeof part);
	m->job->number_at = (size_t)(m->at - m->job->payload);
	m->at = put(m->at, &head, sizeof head);
	for (unsigned i = 0; i < count; i++)
		m->at = put(m->at, m->sets.sets[i].bits, words_len);
	for (unsigned i = 0; i < count && rc == ERR_OK; i++) {
		const uint8_t *served =
			m->job->has_number
				? steered_signatures(&m->served, &m->sets.sets[i])
				: NULL;

		if (served)
			m->at = put(m->at, served, sig_len);
		else
			rc = put_set(m, &m->sets.sets[i]);
	}
	return rc;
}

/* ---- what denies the type ---- */

/* The record of the chain that tells of a name; NULL when none does. */
static const struct zone_record *
find_link(const struct signing *s, const uint8_t *owner)
{
	const struct zone_record *chain = s->zone->records + s->chain_first;
	size_t low = 0, high = s->chain_end - s->chain_first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = dname_compare(chain[middle].owner, owner);

		if (order == 0)
			return &chain[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const struct zone_record *
find_link_of(const struct signing *s, const struct sign_rrset *rrset)
{
	uint8_t hash[NSEC3_HASH_LEN], owner[NSEC3_LABEL_LEN + 1 + DNAME_MAX];

	if (s->chain_first == s->chain_end)
		return NULL;
	if (s->zone->records[s->chain_first].type == RRTYPE_NSEC)
		return find_link(s, rrset->owner);
	nsec3_hash(rrset->owner, (unsigned)rrset->owner_len, NULL, 0, 0, hash);
	nsec3_hash_to_label(hash, owner);
	memcpy(owner + NSEC3_LABEL_LEN + 1, s->zone->origin, s->zone->origin_len);
	return find_link(s, owner);
}

/* Where the bitmap of types begins. */
static size_t
bitmap_at(const struct zone_record *link)
{
	enum { HASH_LEN_AT = 5 };

	if (link->type == RRTYPE_NSEC)
		return dname_len(link->rdata, link->rdata_len);
	return HASH_LEN_AT + 1u + link->rdata[HASH_LEN_AT];
}

/* The same record without the type, into the arena. */
static int
make_denial(struct making *m)
{
	size_t at;
	uint8_t *rdata;

	m->link = find_link_of(m->s, m->rrset);
	if (!m->link)
		return ERR_OK;
	rdata = arena_copy(m->s->zone->arena, m->link->rdata, m->link->rdata_len);
	if (!rdata)
		return ERR_NOMEM;
	at = bitmap_at(m->link);
	m->denial = *m->link;
	m->denial.rdata = rdata;
	m->denial.rdata_len =
		(uint16_t)(at + type_bitmap_without(rdata + at, m->link->rdata_len - at,
						    m->rrset->type));
	return ERR_OK;
}

static size_t
denial_len(const struct making *m)
{
	if (!m->link)
		return 0;
	return sizeof(struct node_head) + m->denial.owner_len +
	       sizeof(struct block_head) + sizeof(struct rrset_head) + RR_FIXED_LEN +
	       m->denial.rdata_len + signatures_len(m->s);
}

static int
put_denial_signature(struct making *m, const struct sign_rrset *rrset, unsigned key,
		     const struct rrset *stored)
{
	struct signing *s = m->s;
	const uint8_t *served = NULL;
	uint8_t head[RRSIG_FIXED + DNAME_MAX];
	int64_t ends_s;

	if (stored && s->was_there[key])
		served = rrset_sign_find(stored, &s->keys->items[key], s->zone->origin,
					 s->zone->origin_len, s->how->now_s,
					 s->clock.renew_before_s, &ends_s);
	if (!served) {
		signing_begin_signature(s, rrset, key, head);
		return put_signature(m, rrset, key, head);
	}
	signing_note_end(s, ends_s);
	m->at = put_rr_head(m->at, RRTYPE_RRSIG, rrset->ttl,
			    signature_rr_len(s, key) - RR_FIXED_LEN);
	m->at = put(m->at, served, signature_rr_len(s, key) - RR_FIXED_LEN);
	return ERR_OK;
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
		.sig_count = (uint16_t)m->job->sig_count,
		.wire_len = (uint16_t)(RR_FIXED_LEN + m->denial.rdata_len),
		.sig_len = (uint16_t)m->job->sig_len,
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
	struct node served;
	struct rrset stored;
	bool is_same = m->has_served && steered_denial(&m->served, &served) &&
		       node_find_rrset(&served, rrset.type, &stored) &&
		       rrset_sign_is_same(&rrset, &served, &stored);
	int rc = ERR_OK;

	m->at = put(put(m->at, &part, sizeof part), &node, sizeof node);
	m->at = put(m->at, m->denial.owner, m->denial.owner_len);
	m->at = put(put(m->at, &block, sizeof block), &head, sizeof head);
	m->at = put_rr_head(m->at, rrset.type, rrset.ttl, m->denial.rdata_len);
	m->at = put(m->at, m->denial.rdata, m->denial.rdata_len);
	for (unsigned i = 0; i < m->s->keys->count && rc == ERR_OK; i++)
		if (m->s->roles[i] & SIGN_ROLE_DATA)
			rc = put_denial_signature(m, &rrset, i, is_same ? &stored : NULL);
	return rc;
}

/* ---- all of it ---- */

static void
put_records(struct making *m, const uint8_t *source)
{
	struct steered_head head = m->steered.head;
	struct rrset_head rrset = m->steered.rrset.head;

	head.rrset_len = (uint32_t)(sizeof rrset + rrset.wire_len + m->job->sig_len);
	rrset.sig_count = (uint16_t)m->job->sig_count;
	rrset.sig_len = (uint16_t)m->job->sig_len;
	m->at = put(put(m->at, &head, sizeof head), &rrset, sizeof rrset);
	m->at = put(m->at, source + sizeof head + sizeof rrset, rrset.wire_len);
	m->job->sigs_at = (size_t)(m->at - m->job->payload);
	memset(m->at, 0, m->job->sig_len);
	m->at += m->job->sig_len;
}

/* The mark with everything that is signed ahead, as far as that fits. */
static int
remake(struct making *m, struct zone_record *mark, const uint8_t *source,
       size_t source_len)
{
	size_t source_head = sizeof m->steered.head + m->steered.head.rrset_len;
	size_t set_len =
		sizeof(uint64_t) * steered_words(m->steered.rrset.head.rr_count) +
		m->job->sig_len;
	size_t len = source_len + m->job->sig_len + sizeof(struct steered_part_head) +
		     sizeof(struct steered_signed);
	unsigned count = 0;
	uint8_t *rdata;
	int rc;

	if (m->link)
		len += sizeof(struct steered_part_head) + denial_len(m);
	if (len > PAYLOAD_MAX)
		return ERR_RANGE;
	while (count < m->sets.count && len + set_len <= PAYLOAD_MAX) {
		len += set_len;
		count++;
	}
	rdata = arena_take(m->s->zone->arena, ZONE_MARK_HEAD + len);
	if (!rdata)
		return ERR_NOMEM;
	m->at = m->job->payload = put(rdata, mark->rdata, ZONE_MARK_HEAD);
	put_records(m, source);
	m->at = put(m->at, source + source_head, source_len - source_head);
	rc = put_sets(m, count);
	if (rc == ERR_OK && m->link)
		rc = put_denial(m);
	mark->rdata = rdata;
	mark->rdata_len = (uint16_t)(ZONE_MARK_HEAD + len);
	return rc;
}

static struct signing_steered *
add_job(struct signing *s, size_t first_sig)
{
	struct signing_steered *jobs = grow_items(s->steered, &s->steered_room,
						  s->steered_count + 1, sizeof *jobs);

	if (!jobs)
		return NULL;
	s->steered = jobs;
	jobs += s->steered_count++;
	*jobs = (struct signing_steered){
		.first_sig = first_sig,
		.sig_count = s->zone->count - first_sig,
		.sig_len = signatures_len(s),
	};
	return jobs;
}

bool
signing_find_steered(const struct node *node, const struct zone_record *mark,
		     struct steered *out)
{
	enum zone_mark kind;
	const uint8_t *source;
	struct block block = { .payload = NULL }, served;
	struct steered steered;
	uint16_t type;
	size_t len;

	if (!zone_record_mark(mark, &kind, &type, &source, &len) ||
	    !node_find_block(node, BLOCK_STEERED, type, &served) ||
	    !steered_open(&served, out))
		return false;
	block.payload = source;
	block.head = (struct block_head){ BLOCK_STEERED, type, (uint32_t)len };
	return steered_open(&block, &steered) &&
	       steered.rrset.head.ttl == out->rrset.head.ttl &&
	       steered.rrset.head.wire_len == out->rrset.head.wire_len &&
	       memcmp(steered.rrset.wire, out->rrset.wire, out->rrset.head.wire_len) == 0;
}

int
signing_sign_steered(struct signing *s, struct zone_record *mark,
		     const struct sign_rrset *rrset, size_t first_sig, bool is_taken_over)
{
	struct making m = { .s = s, .rrset = rrset };
	struct block block = { .head.kind = BLOCK_STEERED };
	enum zone_mark kind;
	size_t len;
	int rc;

	if (!zone_record_mark(mark, &kind, &block.head.type, &block.payload, &len))
		return ERR_FORMAT;
	block.head.len = (uint32_t)len;
	m.job = add_job(s, first_sig);
	if (!m.job)
		return ERR_NOMEM;
	if (!steered_open(&block, &m.steered))
		return ERR_FORMAT;
	steered_sets_find(&m.steered, NULL, &m.sets);
	m.has_served = s->has_node && signing_find_steered(&s->served, mark, &m.served);
	m.job->has_number = is_taken_over && m.has_served && m.served.sets &&
			    m.served.rrset.head.sig_len == m.job->sig_len;
	rc = make_denial(&m);
	return rc == ERR_OK ? remake(&m, mark, block.payload, len) : rc;
}

void
signing_finish_steered(struct signing *s)
{
	for (size_t i = 0; i < s->steered_count; i++) {
		const struct signing_steered *job = &s->steered[i];
		uint8_t *at = job->payload + job->sigs_at;
		uint64_t number;

		for (size_t j = 0; j < job->sig_count; j++) {
			const struct zone_record *sig =
				&s->zone->records[job->first_sig + j];

			at = put_rr_head(at, RRTYPE_RRSIG, sig->ttl, sig->rdata_len);
			at = put(at, sig->rdata, sig->rdata_len);
		}
		if (job->has_number)
			continue;
		number = XXH3_64bits(job->payload + job->sigs_at, job->sig_len) | 1;
		memcpy(job->payload + job->number_at, &number, sizeof number);
	}
}
