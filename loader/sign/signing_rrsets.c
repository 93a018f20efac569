/* Signatures over a zone's RRsets: taken over from the served zone, or made. */
#include <stdlib.h>
#include <string.h>

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_crypto.h"
#include "loader/sign/sign_owners.h"
#include "loader/sign/signing.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum {
	SIGNED_LEN_MAX = 65000, /* of an RRset with its signatures */
	KEY_RRSETS = 3, /* that other keys sign than the rest */
};

static void
find_served(struct signing *s, const uint8_t *owner, size_t owner_len, bool is_nsec3)
{
	s->has_node =
		s->has_served && s->how->find_served(s->how->context, s->zone, owner,
						     owner_len, is_nsec3, &s->served);
}

static void
note_end(struct signing *s, int64_t ends_s)
{
	if (s->first_end_s == 0 || ends_s < s->first_end_s)
		s->first_end_s = ends_s;
	s->count++;
}

/* Append an RRSIG.  *signature receives where its last octets go, when it is new. */
static int
add_signature(struct signing *s, const struct sign_rrset *rrset, const uint8_t *rdata,
	      size_t len, size_t signature_len, uint8_t **signature)
{
	const struct zone_record record = {
		.owner = rrset->owner,
		.owner_len = (uint8_t)rrset->owner_len,
		.type = RRTYPE_RRSIG,
		.ttl = rrset->ttl,
		.rdata = rdata,
		.rdata_len = (uint16_t)len,
	};
	int rc = zone_records_add(s->zone, &record);
	const uint8_t *stored;

	if (rc != ERR_OK)
		return rc;
	/* the arena's copy, which is ours to fill */
	stored = s->zone->records[s->zone->count - 1].rdata + len - signature_len;
	*signature = (uint8_t *)(uintptr_t)stored;
	return ERR_OK;
}

static int
sign_anew(struct signing *s, const struct sign_rrset *rrset, unsigned key)
{
	const struct sign_key *with = &s->keys->items[key];
	uint8_t rdata[RRSIG_FIXED + DNAME_MAX + SIGNATURE_MAX] = { 0 }, *signature;
	size_t head_len = RRSIG_FIXED + s->zone->origin_len;
	struct sign_times times;
	int64_t ends_s = sign_clock_draw(&s->clock, &times);
	int rc;

	rrset_sign_head(rrset, with, &times, s->zone->origin, s->zone->origin_len, rdata);
	note_end(s, ends_s);
	rc = rrset_sign_data(rrset, rdata, head_len, &s->buffer);
	if (rc == ERR_OK)
		rc = add_signature(s, rrset, rdata, head_len + with->signature_len,
				   with->signature_len, &signature);
	return rc == ERR_OK ? sign_session_add(s->session, key, s->buffer.octets,
					       s->buffer.len, signature)
			    : rc;
}

/* The served signature, if it still holds.  returns whether there is one. */
static bool
take_over(struct signing *s, const struct sign_rrset *rrset, const struct rrset *stored,
	  unsigned key, int *rc)
{
	const struct sign_key *with = &s->keys->items[key];
	const uint8_t *rdata;
	uint8_t *unused;
	int64_t ends_s;

	if (!s->was_there[key])
		return false;
	rdata = rrset_sign_find(stored, with, s->zone->origin, s->zone->origin_len,
				s->clock.latest_s, s->clock.renew_before_s, &ends_s);
	if (!rdata)
		return false;
	note_end(s, ends_s);
	*rc = add_signature(s, rrset, rdata,
			    RRSIG_FIXED + s->zone->origin_len + with->signature_len, 0,
			    &unused);
	return true;
}

/* At most so many octets does the RRset take in a message, with its signatures. */
static size_t
most_octets(const struct signing *s, const struct sign_rrset *rrset)
{
	size_t octets = 0;

	for (size_t i = 0; i < rrset->count; i++)
		octets += RR_FIXED_LEN + (size_t)rrset->records[i].rdata_len;
	for (size_t i = 0; i < s->keys->count; i++)
		if (s->roles[i] & sign_role_for(rrset->type))
			octets += RR_FIXED_LEN + RRSIG_FIXED + s->zone->origin_len +
				  s->keys->items[i].signature_len;
	return octets;
}

static int
tell_too_large(const struct signing *s, const struct sign_rrset *rrset)
{
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

	if (rrset->type == RRTYPE_DNSKEY && s->how->board)
		atomic_fetch_add(&s->how->board->figures[SIGNER_FIGURE_dnskeys_too_large],
				 1);
	dname_to_text(rrset->owner, name);
	rrtype_to_text(rrset->type, type);
	zone_messages_add(s->messages, ZONE_ERROR, s->path, 0,
			  "the %s RRset of %s fits no message with its signatures", type,
			  name);
	return ERR_RANGE;
}

/* stored    the same RRset as it is served; NULL: it is not
 * *is_anew  receives whether any signature is new */
static int
sign_stored(struct signing *s, const struct sign_rrset *rrset, const struct rrset *stored,
	    bool *is_anew)
{
	int rc = ERR_OK;

	*is_anew = false;
	if (most_octets(s, rrset) > SIGNED_LEN_MAX)
		return tell_too_large(s, rrset);
	for (unsigned i = 0; i < s->keys->count && rc == ERR_OK; i++)
		if ((s->roles[i] & sign_role_for(rrset->type)) &&
		    !(stored && take_over(s, rrset, stored, i, &rc))) {
			rc = sign_anew(s, rrset, i);
			*is_anew = true;
		}
	return rc;
}

static int
sign_rrset(struct signing *s, const struct sign_rrset *rrset)
{
	struct rrset stored;
	bool is_anew, is_same = false;

	if (s->has_node && node_find_rrset(&s->served, rrset->type, &stored)) {
		stored.head.ttl =
			node_signed_ttl(&s->served, rrset->type, stored.head.ttl);
		is_same = rrset_sign_is_same(rrset, &s->served, &stored);
	}
	return sign_stored(s, rrset, is_same ? &stored : NULL, &is_anew);
}

/* The owner's mark of this kind about its RRset of this type; NULL without one. */
static struct zone_record *
find_mark(const struct signing *s, const struct sign_owner *owner, enum zone_mark kind,
	  uint16_t type)
{
	for (size_t i = owner->first; i < owner->end; i++) {
		struct zone_record *record = &s->zone->records[i];
		enum zone_mark mark;
		const uint8_t *bytes;
		uint16_t of;
		size_t len;

		if (!zone_record_mark(record, &mark, &of, &bytes, &len))
			return NULL;
		if (mark == kind && of == type)
			return record;
	}
	return NULL;
}

/* The TTL that is signed. */
static uint32_t
ttl_of(const struct signing *s, const struct sign_owner *owner,
       const struct sign_rrset *rrset)
{
	const struct zone_record *resolved =
		find_mark(s, owner, ZONE_MARK_RESOLVED, rrset->type);
	struct resolved_facts facts;

	if (!resolved || resolved->rdata_len < ZONE_MARK_HEAD + sizeof facts)
		return rrset->ttl;
	memcpy(&facts, resolved->rdata + ZONE_MARK_HEAD, sizeof facts);
	return facts.signed_ttl;
}

static int
sign_steered(struct signing *s, const struct sign_rrset *rrset, struct zone_record *mark)
{
	size_t first_sig = s->zone->count;
	struct steered served;
	bool is_same = s->has_node && signing_find_steered(&s->served, mark, &served);
	bool is_anew;
	int rc = sign_stored(s, rrset, is_same ? &served.rrset : NULL, &is_anew);

	return rc == ERR_OK ? signing_sign_steered(s, mark, rrset, first_sig, !is_anew)
			    : rc;
}

/* The RRset that begins at `at`; its records move when others are added. */
static struct sign_rrset
rrset_at(const struct zone_records *zone, size_t at, size_t end)
{
	const struct zone_record *first = &zone->records[at];
	struct sign_rrset rrset = {
		.owner = first->owner,
		.owner_len = first->owner_len,
		.type = first->type,
		.ttl = first->ttl,
		.records = first,
	};

	while (at + rrset.count < end && first[rrset.count].type == rrset.type)
		rrset.count++;
	return rrset;
}

static int
sign_owner(struct signing *s, const struct sign_owner *owner)
{
	int rc = ERR_OK;

	find_served(s, owner->name, owner->len, false);
	for (size_t at = owner->first; at < owner->end && rc == ERR_OK;) {
		struct sign_rrset rrset = rrset_at(s->zone, at, owner->end);
		struct zone_record *steered =
			find_mark(s, owner, ZONE_MARK_STEERED, rrset.type);

		at += rrset.count;
		rrset.ttl = ttl_of(s, owner, &rrset);
		if (!sign_owner_signs(owner, rrset.type))
			continue;
		rc = steered ? sign_steered(s, &rrset, steered) : sign_rrset(s, &rrset);
	}
	return rc;
}

/* The records of the chain, one an owner, stand behind all others.  Those of NSEC are at
 * the owners that were looked at, in the same order; they are looked up once more. */
static int
sign_chain(struct signing *s, size_t first, size_t end)
{
	int rc = ERR_OK;

	for (size_t at = first; at < end && rc == ERR_OK; at++) {
		struct sign_rrset rrset = rrset_at(s->zone, at, at + 1);

		find_served(s, rrset.owner, rrset.owner_len, rrset.type == RRTYPE_NSEC3);
		rc = sign_rrset(s, &rrset);
	}
	return rc;
}

/* Room ahead, so that records stay where they are while their RRset is signed. */
static int
make_room(struct signing *s)
{
	struct zone_records *zone = s->zone;
	size_t most = zone->count + SIGN_KEYS_MAX * KEY_RRSETS;
	struct zone_record *grown;

	for (size_t i = 0; i < s->keys->count; i++)
		if (s->roles[i] & SIGN_ROLE_DATA)
			most += zone->count;
	if (most <= zone->room)
		return ERR_OK;
	grown = reallocarray(zone->records, most, sizeof *grown);
	if (!grown)
		return ERR_NOMEM;
	zone->records = grown;
	zone->room = most;
	return ERR_OK;
}

int
signing_sign_all(struct signing *s, size_t sorted)
{
	size_t end = s->zone->count;
	struct sign_owners owners;
	struct sign_owner owner;
	int rc = make_room(s), finished;

	s->chain_first = sorted;
	s->chain_end = end;
	sign_owners_start(&owners, s->zone, sorted);
	while (rc == ERR_OK && sign_owners_next(&owners, &owner))
		rc = sign_owner(s, &owner);
	if (rc == ERR_OK)
		rc = sign_chain(s, sorted, end);
	finished = sign_session_finish(s->session);
	if (rc == ERR_OK)
		rc = finished;
	if (rc == ERR_OK) {
		signing_finish_steered(s);
		rc = zone_sort(s->zone);
	}
	if (rc == ERR_BUSY)
		return signing_fail(
			s, rc, "the zone's keys changed while it was signed: reload it");
	if (rc == ERR_TIMEOUT)
		return signing_fail(s, rc,
				    "the zone cannot be signed: the signer has gone");
	if (rc != ERR_OK && s->messages->counts[ZONE_ERROR] == 0)
		return signing_fail(s, rc, errcode_text(rc));
	return rc;
}
