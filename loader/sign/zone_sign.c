/* The steps of signing a zone. */
#include "loader/sign/zone_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_crypto.h"
#include "loader/sign/sign_owners.h"
#include "loader/sign/zone_denial.h"
#include "loader/zone/arena.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum {
	DAY_S = 86400,
	INCEPTION_AGO_S = 3600, /* for validators whose clock is behind */
	JITTER_SHARE = 14, /* of the validity: signatures end spread over so much */
	AHEAD_SHARE = 28, /* what a renewal takes along */
	DNSKEYS_LEN_MAX = 60000, /* octets, so that they fit a message */
	SIGNED_LEN_MAX = 65000, /* of an RRset with its signatures */
	RR_FIXED_LEN = 12,
	KEY_RRSETS = 3, /* that other keys sign than the rest */
	CLOCK_DOUBTFUL_S = 1700000000, /* 2023: the clock is not set */
};

struct signing {
	struct zone_records *zone;
	struct sign_session *session;
	const struct zone_signing *how;
	struct zone_messages *messages;
	const char *path;
	struct sign_keys *keys; /* owned */
	unsigned roles[SIGN_KEYS_MAX];
	bool was_there[SIGN_KEYS_MAX]; /* the key signed the zone that is served */
	bool has_served; /* that one was signed here */
	struct sign_buffer buffer;
	uint64_t random;
	uint32_t inception, validity_s;
	int64_t renew_before_s; /* signatures that end earlier are made anew */
	int64_t first_end_s;
	uint64_t count;
	/* of the owner at hand */
	struct node served;
	bool has_node;
};

static int
fail(struct signing *s, int code, const char *why)
{
	zone_messages_add(s->messages, ZONE_ERROR, s->path, 0, "%s", why);
	return code;
}

/* ---- before ---- */

bool
zone_sign_is_possible(const struct zone_records *zone, struct zone_messages *messages)
{
	const char *path = zone->path_count > 0 ? zone->paths[0] : "", *what = NULL;
	enum zone_mark mark;
	const uint8_t *bytes;
	uint16_t type;
	size_t len;

	if (zone->is_flattened)
		what = "cname_flattening";
	for (size_t i = 0; i < zone->count && !what; i++) {
		if (!zone_record_mark(&zone->records[i], &mark, &type, &bytes, &len))
			continue;
		if (mark == ZONE_MARK_STEERED)
			what = "records that are chosen for each query";
		else if (mark == ZONE_MARK_ANAME)
			what = "an ANAME";
	}
	if (what)
		zone_messages_add(
			messages, ZONE_ERROR, path, 0,
			"the zone has %s: signing such a zone is not in this version",
			what);
	return what == NULL;
}

/* What a signer before us has left. */
static bool
is_replaced(const struct zone_record *record)
{
	return record->type == RRTYPE_RRSIG || record->type == RRTYPE_NSEC ||
	       record->type == RRTYPE_NSEC3 || record->type == RRTYPE_NSEC3PARAM;
}

static void
strip(struct signing *s)
{
	struct zone_records *zone = s->zone;
	size_t to = 0, count = zone->count;

	for (size_t i = 0; i < count; i++)
		if (!is_replaced(&zone->records[i]))
			zone->records[to++] = zone->records[i];
	zone->count = to;
	if (to < count)
		zone_messages_add(s->messages, ZONE_WARNING, s->path, 0,
				  "%zu records of type RRSIG, NSEC, NSEC3 and "
				  "NSEC3PARAM are replaced: the zone is signed here",
				  count - to);
}

/* ---- keys ---- */

uint64_t
zone_sign_mark(const struct sign_keys *keys, enum denial denial)
{
	uint64_t mark = 1 + (uint64_t)denial;

	for (size_t i = 0; i < keys->count; i++) {
		const struct sign_key *key = &keys->items[i];
		uint32_t facts[3] = { key->state, key->has_ttl, key->ttl };

		mark = XXH3_64bits_withSeed(facts, sizeof facts, mark);
		mark = XXH3_64bits_withSeed(key->rdata, key->rdata_len, mark);
	}
	for (size_t i = 0; i < keys->problem_count; i++)
		mark = XXH3_64bits_withSeed(keys->problems[i], strlen(keys->problems[i]),
					    mark);
	return mark;
}

/* What is wrong with keys while others sign is told with the zone. */
static int
tell_problems(struct signing *s)
{
	int rc = ERR_OK;

	for (size_t i = 0; i < s->keys->problem_count && rc == ERR_OK; i++) {
		const char *text = s->keys->problems[i];
		const struct zone_fault fault = {
			.owner = s->zone->origin,
			.owner_len = (uint8_t)s->zone->origin_len,
			.type = RRTYPE_DNSKEY,
			.kind = FAULT_WARNING,
			.path = s->path,
			.reason = arena_copy(s->zone->arena, text, strlen(text) + 1),
		};

		zone_messages_add(s->messages, ZONE_WARNING, s->path, 0, "%s", text);
		rc = fault.reason ? zone_records_add_fault(s->zone, &fault) : ERR_NOMEM;
	}
	return rc;
}

static int
fail_without_key(struct signing *s)
{
	const struct sign_keys *keys = s->keys;
	char name[DNAME_TEXT_MAX];

	dname_to_text(s->zone->origin, name);
	if (keys->problem_count > 0)
		zone_messages_add(s->messages, ZONE_ERROR, s->path, 0,
				  "the zone cannot be signed, no key can be used: %s",
				  keys->problems[0]);
	else if (keys->count > 0)
		zone_messages_add(s->messages, ZONE_ERROR, s->path, 0,
				  "the zone cannot be signed: none of its keys is active "
				  "now, see `martletctl keys %s`",
				  name);
	else
		zone_messages_add(s->messages, ZONE_ERROR, s->path, 0,
				  "the zone cannot be signed, it has no key: `martletctl "
				  "keys generate %s` makes one",
				  name);
	return ERR_NOTFOUND;
}

static int
learn_keys(struct signing *s)
{
	unsigned all = 0;
	int rc = sign_session_start(s->session, s->zone->origin, s->zone->origin_len,
				    s->keys);

	if (rc == ERR_TIMEOUT)
		return fail(s, rc,
			    "the zone cannot be signed: the signer does not answer, see "
			    "the log");
	if (rc != ERR_OK)
		return fail(s, rc, errcode_text(rc));
	for (size_t i = 0; i < s->keys->count; i++) {
		s->roles[i] = sign_key_roles(s->keys, i);
		all |= s->roles[i];
	}
	if (!(all & SIGN_ROLE_DATA) || !(all & SIGN_ROLE_KEYS))
		return fail_without_key(s);
	rc = tell_problems(s);
	return rc == ERR_OK ? rc : fail(s, rc, errcode_text(rc));
}

/* ---- what is added to the apex ---- */

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

/* Keys and chain.  Records are in order up to the chain then. */
static int
add_denial(struct signing *s, enum denial denial, size_t *sorted)
{
	int rc = add_dnskeys(s);

	if (rc == ERR_FULL)
		return fail(s, rc, "the zone's DNSKEY records fit no message");
	if (rc == ERR_OK && denial != DENIAL_NSEC)
		rc = add_at_apex(s, RRTYPE_NSEC3PARAM, 0, zone_denial_param,
				 sizeof zone_denial_param);
	if (rc == ERR_OK)
		rc = zone_sort(s->zone);
	*sorted = s->zone->count;
	if (rc == ERR_OK)
		rc = zone_denial_add(s->zone, denial);
	if (rc == ERR_RANGE)
		return fail(s, rc,
			    "the zone's name is too long for NSEC3: choose \"denial\": "
			    "\"nsec\"");
	return rc == ERR_OK ? rc : fail(s, rc, errcode_text(rc));
}

/* ---- signatures ---- */

/* xorshift64: it spreads times, nothing more. */
static uint32_t
next_random(struct signing *s, uint32_t below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return below ? (uint32_t)(s->random >> 32) % below : 0;
}

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
	uint32_t jitter_s = next_random(s, s->validity_s / JITTER_SHARE);
	const struct sign_times times = {
		.inception = s->inception,
		.expiration = (uint32_t)s->how->now_s + s->validity_s - jitter_s,
	};
	int rc;

	rrset_sign_head(rrset, with, &times, s->zone->origin, s->zone->origin_len, rdata);
	note_end(s, s->how->now_s + s->validity_s - jitter_s);
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
				s->how->now_s, s->renew_before_s, &ends_s);
	if (!rdata)
		return false;
	note_end(s, ends_s);
	*rc = add_signature(s, rrset, rdata,
			    RRSIG_FIXED + s->zone->origin_len + with->signature_len, 0,
			    &unused);
	return true;
}

static unsigned
role_for(uint16_t type)
{
	return type == RRTYPE_DNSKEY || type == RRTYPE_CDS || type == RRTYPE_CDNSKEY
		       ? SIGN_ROLE_KEYS
		       : SIGN_ROLE_DATA;
}

/* At most so many octets does the RRset take in a message, with its signatures. */
static size_t
most_octets(const struct signing *s, const struct sign_rrset *rrset)
{
	size_t octets = 0;

	for (size_t i = 0; i < rrset->count; i++)
		octets += RR_FIXED_LEN + (size_t)rrset->records[i].rdata_len;
	for (size_t i = 0; i < s->keys->count; i++)
		if (s->roles[i] & role_for(rrset->type))
			octets += RR_FIXED_LEN + RRSIG_FIXED + s->zone->origin_len +
				  s->keys->items[i].signature_len;
	return octets;
}

static int
sign_rrset(struct signing *s, const struct sign_rrset *rrset)
{
	struct rrset stored;
	bool is_same = s->has_node && node_find_rrset(&s->served, rrset->type, &stored) &&
		       rrset_sign_is_same(rrset, &s->served, &stored);
	int rc = ERR_OK;

	if (most_octets(s, rrset) > SIGNED_LEN_MAX) {
		char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

		dname_to_text(rrset->owner, name);
		rrtype_to_text(rrset->type, type);
		zone_messages_add(s->messages, ZONE_ERROR, s->path, 0,
				  "the %s RRset of %s fits no message with its "
				  "signatures",
				  type, name);
		return ERR_RANGE;
	}
	for (unsigned i = 0; i < s->keys->count && rc == ERR_OK; i++)
		if ((s->roles[i] & role_for(rrset->type)) &&
		    !(is_same && take_over(s, rrset, &stored, i, &rc)))
			rc = sign_anew(s, rrset, i);
	return rc;
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

		at += rrset.count;
		if (sign_owner_signs(owner, rrset.type))
			rc = sign_rrset(s, &rrset);
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

static int
sign_all(struct signing *s, size_t sorted)
{
	size_t end = s->zone->count;
	struct sign_owners owners;
	struct sign_owner owner;
	int rc = make_room(s), finished;

	sign_owners_start(&owners, s->zone, sorted);
	while (rc == ERR_OK && sign_owners_next(&owners, &owner))
		rc = sign_owner(s, &owner);
	if (rc == ERR_OK)
		rc = sign_chain(s, sorted, end);
	finished = sign_session_finish(s->session);
	if (rc == ERR_OK)
		rc = finished;
	if (rc == ERR_OK)
		rc = zone_sort(s->zone);
	if (rc == ERR_BUSY)
		return fail(s, rc,
			    "the zone's keys changed while it was signed: reload it");
	if (rc == ERR_TIMEOUT)
		return fail(s, rc, "the zone cannot be signed: the signer has gone");
	if (rc != ERR_OK && s->messages->counts[ZONE_ERROR] == 0)
		return fail(s, rc, errcode_text(rc));
	return rc;
}

/* ---- what is served now ---- */

static bool
has_dnskey(const struct rrset *dnskeys, const struct sign_key *key)
{
	const uint8_t *at = dnskeys->wire, *end = at + dnskeys->head.wire_len;

	while (end - at >= RR_FIXED_LEN) {
		size_t len = wire_get_u16(at + RR_FIXED_LEN - 2);

		at += RR_FIXED_LEN;
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

static void
look_at_served(struct signing *s)
{
	const struct zone_records *zone = s->zone;
	struct signing_facts facts;
	struct rrset dnskeys;

	s->has_served =
		s->how->find_served &&
		s->how->find_served(s->how->context, zone, zone->origin, zone->origin_len,
				    false, &s->served) &&
		node_copy_block(&s->served, BLOCK_SIGNING, &facts, sizeof facts) &&
		node_find_rrset(&s->served, RRTYPE_DNSKEY, &dnskeys);
	for (size_t i = 0; s->has_served && i < s->keys->count; i++)
		s->was_there[i] =
			is_alone(s->keys, i) && has_dnskey(&dnskeys, &s->keys->items[i]);
}

/* ---- all of it ---- */

static int
note_facts(struct signing *s, enum denial denial)
{
	const struct zone_signing_wish *wish = &s->zone->signing_wish;
	int64_t refresh_s = (int64_t)s->how->settings->dnssec.refresh_days * DAY_S;
	struct signing_facts facts = {
		.mark = zone_sign_mark(s->keys, denial),
		.renew_at_s = s->first_end_s - refresh_s,
		.ends_at_s = s->first_end_s,
		.signatures = s->count,
		.denial = (uint16_t)denial,
	};

	if (s->keys->next_s != 0 && s->keys->next_s < facts.renew_at_s)
		facts.renew_at_s = s->keys->next_s;
	if (wish->has_denial)
		facts.flags |= SIGNING_OWN_DENIAL;
	if (wish->is_by_sidecar)
		facts.flags |= SIGNING_BY_SIDECAR;
	s->zone->signing = arena_copy(s->zone->arena, &facts, sizeof facts);
	return s->zone->signing ? ERR_OK : fail(s, ERR_NOMEM, errcode_text(ERR_NOMEM));
}

int64_t
zone_sign_ahead_s(const struct settings *settings)
{
	return (int64_t)settings->dnssec.validity_days * DAY_S / AHEAD_SHARE;
}

static void
set_times(struct signing *s)
{
	const struct settings *settings = s->how->settings;

	s->validity_s = settings->dnssec.validity_days * DAY_S;
	s->inception = (uint32_t)(s->how->now_s - INCEPTION_AGO_S);
	s->renew_before_s =
		s->how->now_s + (int64_t)settings->dnssec.refresh_days * DAY_S;
	if (s->how->is_renewal)
		s->renew_before_s += zone_sign_ahead_s(settings);
	s->random = XXH3_64bits_withSeed(s->zone->origin, s->zone->origin_len,
					 (uint64_t)s->how->now_s) |
		    1;
}

int
zone_sign(struct zone_records *zone, struct sign_session *session,
	  const struct zone_signing *how, struct zone_messages *messages)
{
	struct signing s = {
		.zone = zone,
		.session = session,
		.how = how,
		.messages = messages,
		.path = zone->path_count > 0 ? zone->paths[0] : "",
		.keys = malloc(sizeof *s.keys),
	};
	enum denial denial = zone_sign_denial(&zone->signing_wish, how->settings);
	size_t sorted = 0;
	int rc;

	if (!s.keys)
		return fail(&s, ERR_NOMEM, errcode_text(ERR_NOMEM));
	set_times(&s);
	if (!zone_sign_is_possible(zone, messages))
		rc = ERR_SYNTAX;
	else if (how->now_s < CLOCK_DOUBTFUL_S)
		rc = fail(&s, ERR_RANGE,
			  "the zone cannot be signed: the machine's clock is not set");
	else
		rc = learn_keys(&s);
	if (rc == ERR_OK) {
		strip(&s);
		look_at_served(&s);
		rc = add_denial(&s, denial, &sorted);
	}
	if (rc == ERR_OK)
		rc = sign_all(&s, sorted);
	if (rc == ERR_OK)
		rc = note_facts(&s, denial);
	free(s.buffer.octets);
	free(s.keys);
	return rc;
}
