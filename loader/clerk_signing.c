/* `errors` of signed zones: signatures that end soon, keys that are missing, and what stands
 * at a parent that is served here, too. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_session.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/sha256.h"

enum {
	DAY_S = 86400,
	OVERDUE_S = 3600,
	REASON_MAX = 512,
	RR_HEAD_LEN = 12, /* pointer, type, class, TTL, length */
	DS_DIGEST_AT = 4,
	DIGEST_SHA256 = 2,
};

/* ---- rows ---- */

__attribute__((format(printf, 5, 6))) static void
write_row(struct clerk *clerk, const struct zone_state *zone, const char *type,
	  const char *state, const char *format, ...)
{
	char name[DNAME_TEXT_MAX], reason[REASON_MAX];
	struct json_out *json = clerk->json;
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	dname_to_text(node_owner(&zone->apex), name);
	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", name);
	json_out_text(json, "owner", name);
	json_out_text(json, "type", type);
	if (zone->is_redis)
		json_out_text(json, "source", "redis");
	else
		json_out_text(json, "source",
			      zone->source.path_count > 0 ? zone_state_path(zone) : NULL);
	json_out_null(json, "line");
	json_out_text(json, "reason", reason);
	json_out_text(json, "state", state);
	json_out_end_object(json);
}

/* ---- signatures ---- */

/* When the last signature over the SOA ends; 0: it has none. */
static int64_t
soa_ends_at(const struct node *apex, int64_t now_s)
{
	struct rrset soa;

	if (!node_find_rrset(apex, RRTYPE_SOA, &soa))
		return 0;
	return rrset_sign_span(&soa, now_s).last_end_s;
}

/* What keeps the signer from making new ones, as far as it knows. */
static const char *
why_not_renewed(struct clerk *clerk, const struct node *apex)
{
	struct sign_session *session =
		sign_session_new(clerk->heritage->signer_fds[0], false);
	struct sign_keys *keys = malloc(sizeof *keys);
	unsigned roles = 0;
	int rc = ERR_NOMEM;

	if (session && keys)
		rc = sign_session_start(session, node_owner(apex), apex->head.owner_len,
					keys);
	for (size_t i = 0; rc == ERR_OK && i < keys->count; i++)
		roles |= sign_key_roles(keys, i);
	free(keys);
	sign_session_free(session);
	if (rc == ERR_TIMEOUT)
		return "the signer does not answer: see the log";
	if (rc == ERR_OK && roles != (SIGN_ROLE_KEYS | SIGN_ROLE_DATA))
		return "the zone has no key that can sign: see `martletctl keys`";
	return "see the log";
}

/* When the zone's signatures are to be renewed; those of Redis are looked at by the settings
 * as they are now. */
static int64_t
due_at(const struct clerk *clerk, const struct zone_state *zone,
       const struct signing_facts *facts)
{
	const struct settings *settings = clerk->heritage->settings;
	int64_t due_s = facts->ends_at_s - (int64_t)settings->dnssec.refresh_days * DAY_S;

	return zone->is_redis && due_s < facts->renew_at_s ? due_s : facts->renew_at_s;
}

/* Do signatures end soon, or should they have been renewed?  One that is to be renewed later
 * is not due, however short signatures last. */
static bool
is_told(int64_t ends_s, int64_t due_s, int64_t now_s)
{
	return ends_s != 0 && due_s <= now_s &&
	       (ends_s - now_s < DAY_S || now_s - due_s >= OVERDUE_S);
}

static void
write_end(struct clerk *clerk, const struct zone_state *zone, int64_t now_s)
{
	struct signing_facts facts = { 0 };
	bool is_ours = node_copy_block(&zone->apex, BLOCK_SIGNING, &facts, sizeof facts);
	int64_t ends_s = is_ours ? facts.ends_at_s : soa_ends_at(&zone->apex, now_s);
	const char *why = "the zone is served as it came: sign it anew";
	char time[CLERK_TIME_MAX];

	if (!is_told(ends_s, is_ours ? due_at(clerk, zone, &facts) : ends_s - DAY_S,
		     now_s))
		return;
	if (is_ours)
		why = why_not_renewed(clerk, &zone->apex);
	clerk_print_time(ends_s, time);
	if (ends_s - now_s >= DAY_S)
		write_row(
			clerk, zone, "RRSIG", "warning",
			"signatures end at %s and are not renewed, although it is time: "
			"%s",
			time, why);
	else if (ends_s > now_s)
		write_row(
			clerk, zone, "RRSIG", "warning",
			"signatures end at %s, within a day, and then the zone is bogus "
			"to validators: %s",
			time, why);
	else
		write_row(clerk, zone, "RRSIG", "error",
			  "signatures have ended at %s, and the zone is bogus to "
			  "validators: %s",
			  time, why);
}

/* ---- the parent's DS ---- */

/* The rdata of the record at *at, which is moved behind it; NULL behind the last one. */
static const uint8_t *
next_rdata(const struct rrset *rrset, size_t *at, size_t *len)
{
	const uint8_t *rr = rrset->wire + *at;

	if (*at + RR_HEAD_LEN > rrset->head.wire_len)
		return NULL;
	*len = (size_t)(rr[10] << 8 | rr[11]);
	*at += RR_HEAD_LEN + *len;
	return *at <= rrset->head.wire_len ? rr + RR_HEAD_LEN : NULL;
}

/* Is it of that key?  Digests of other kinds than SHA-256 are taken at their word. */
static bool
ds_matches(const uint8_t *ds, size_t ds_len, const struct node *apex,
	   const uint8_t *dnskey, size_t len)
{
	uint8_t digest[SHA256_LEN];
	uint16_t tag = key_tag(dnskey, len);

	if (ds_len <= DS_DIGEST_AT || len < DNSKEY_KEY_AT || ds[0] != tag >> 8 ||
	    ds[1] != (tag & 255) || ds[2] != dnskey[3])
		return false;
	if (ds[3] != DIGEST_SHA256)
		return true;
	sha256(node_owner(apex), apex->head.owner_len, dnskey, len, digest);
	return ds_len == DS_DIGEST_AT + SHA256_LEN &&
	       memcmp(ds + DS_DIGEST_AT, digest, SHA256_LEN) == 0;
}

static bool
has_key_of(const struct node *apex, const struct rrset *dnskeys, const uint8_t *ds,
	   size_t ds_len)
{
	const uint8_t *dnskey;
	size_t at = 0, len;

	while ((dnskey = next_rdata(dnskeys, &at, &len)) != NULL)
		if (ds_matches(ds, ds_len, apex, dnskey, len))
			return true;
	return false;
}

/* The DS RRset of a zone whose parent is served here, too. */
static bool
find_ds(struct store_walk *walk, const struct node *apex, struct rrset *out)
{
	const uint8_t *name = node_owner(apex);
	struct zone_facts facts;
	struct node parent, cut;

	return name[0] != 0 &&
	       store_walk_find_zone(walk, name + 1 + name[0], &parent) == ERR_OK &&
	       node_zone_facts(&parent, &facts) &&
	       store_walk_find(walk, facts.zone_id, name, &cut) == ERR_OK &&
	       node_find_rrset(&cut, RRTYPE_DS, out);
}

static void
write_ds(struct clerk *clerk, struct store_walk *walk, const struct zone_state *zone)
{
	struct rrset all, dnskeys = { .head.wire_len = 0 };
	unsigned matching = 0, count = 0;
	const uint8_t *ds;
	size_t at = 0, len;
	char tags[64] = "";

	if (!find_ds(walk, &zone->apex, &all))
		return;
	if (!node_find_rrset(&zone->apex, RRTYPE_DNSKEY, &dnskeys))
		dnskeys.head.wire_len = 0;
	for (; (ds = next_rdata(&all, &at, &len)) != NULL && len >= DS_DIGEST_AT; count++)
		if (has_key_of(&zone->apex, &dnskeys, ds, len))
			matching++;
		else if (strlen(tags) + 8 < sizeof tags)
			sprintf(tags + strlen(tags), "%s%u", tags[0] ? ", " : "",
				(unsigned)(ds[0] << 8 | ds[1]));
	if (count > 0 && matching == 0)
		write_row(clerk, zone, "DS", "error",
			  "no DS at the parent (%s) matches a key of the zone, which is "
			  "bogus to validators: `martletctl keys` shows the right ones",
			  tags);
	else if (matching < count)
		write_row(clerk, zone, "DS", "warning",
			  "DS at the parent that match no key of the zone: %s: remove "
			  "them there unless their keys are to come",
			  tags);
}

void
clerk_signing(struct clerk *clerk, struct store_walk *walk, const struct zone_state *zone)
{
	if (zone->facts.flags & ZONE_BROKEN)
		return;
	write_end(clerk, zone, clock_wall_s());
	write_ds(clerk, walk, zone);
}
