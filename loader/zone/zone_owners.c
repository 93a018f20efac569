/* What may and must stand at one name: a walk over a zone's names. */

#include <string.h>

#include "loader/zone/zone_rules.h"
#include "shm/dname.h"
#include "shm/rrtype.h"

enum {
	NSEC3_SHA1 = 1,
	ITERATIONS_WARN = 50, /* validators stop believing about here */
	ITERATIONS_MAX = 500,
};

struct owner_pass {
	const struct zone_records *zone;
	struct zone_messages *messages;
	bool has_soa, has_ns; /* at the apex */

	/* the last DNAME, until data below it was seen */
	const struct zone_record *dname;

	/* of the name at hand */
	bool is_apex, is_wildcard;
	const struct zone_record *cname, *own_dname, *ns, *ds, *other;
};

static void
complain(struct owner_pass *pass, const struct zone_record *record,
	 enum zone_severity severity, const char *what)
{
	zone_rules_complain(pass->zone, record, pass->messages, severity, what);
}

/* Is the mailbox written as an address, user@host? */
static bool
has_at_sign(const struct zone_record *soa)
{
	const uint8_t *mailbox = soa->rdata + dname_len(soa->rdata, soa->rdata_len);

	return memchr(mailbox + 1, '@', mailbox[0]) != NULL;
}

static void
check_soa(struct owner_pass *pass, const struct zone_record *set, size_t count)
{
	if (!pass->is_apex)
		complain(pass, set, ZONE_ERROR, "a SOA below the top of the zone");
	else if (count > 1)
		complain(pass, set + 1, ZONE_ERROR, "more than one SOA");
	else if (has_at_sign(set))
		complain(pass, set, ZONE_WARNING,
			 "the mailbox has a '@': a '.' stands for it (RFC 1035, "
			 "section 8)");
	pass->has_soa |= pass->is_apex;
}

/* rdata: algorithm, flags, iterations, salt (RFC 5155, section 4.2) */
static void
check_nsec3param(struct owner_pass *pass, const struct zone_record *record)
{
	unsigned iterations = (unsigned)record->rdata[2] << 8 | record->rdata[3];

	if (!pass->is_apex)
		complain(pass, record, ZONE_WARNING,
			 "NSEC3PARAM below the top of the zone means nothing");
	else if (record->rdata[0] != NSEC3_SHA1)
		complain(pass, record, ZONE_WARNING,
			 "unknown hash algorithm, this chain cannot prove anything");
	else if (record->rdata[1] != 0)
		complain(pass, record, ZONE_WARNING,
			 "flags are set, this chain is not used (RFC 5155, "
			 "section 4.1.2)");
	else if (iterations > ITERATIONS_MAX)
		complain(pass, record, ZONE_ERROR,
			 "more than 500 iterations: sign with 0 (RFC 9276)");
	else if (iterations > ITERATIONS_WARN)
		complain(pass, record, ZONE_WARNING,
			 "more than 50 iterations, many resolvers treat the zone as "
			 "unsigned: sign with 0 (RFC 9276)");
}

/* One RRset of the name at hand. */
static void
take_set(struct owner_pass *pass, const struct zone_record *set, size_t count)
{
	switch (set->type) {
	case RRTYPE_CNAME:
		if (count > 1)
			complain(pass, set + 1, ZONE_ERROR, "more than one CNAME");
		pass->cname = set;
		return;
	case RRTYPE_RRSIG:
	case RRTYPE_NSEC:
	case RRTYPE_KEY:
	case RRTYPE_SIG:
	case RRTYPE_NXT:
		return; /* may stand beside a CNAME (RFC 2181, section 10.1; RFC 4035) */
	case RRTYPE_SOA:
		check_soa(pass, set, count);
		break;
	case RRTYPE_NS:
		pass->ns = set;
		pass->has_ns |= pass->is_apex;
		break;
	case RRTYPE_DNAME:
		if (count > 1)
			complain(pass, set + 1, ZONE_ERROR, "more than one DNAME");
		pass->own_dname = set;
		break;
	case RRTYPE_DS:
		pass->ds = set;
		break;
	case RRTYPE_NSEC3PARAM:
		for (size_t i = 0; i < count; i++)
			check_nsec3param(pass, set + i);
		break;
	case RRTYPE_NSEC3:
		return; /* stands at no name of the zone (RFC 5155, section 7.2.8) */
	}
	pass->other = set;
}

/* Data below a DNAME is never seen (RFC 6672, section 2.4). */
static void
check_below_dname(struct owner_pass *pass)
{
	const struct zone_record *own = pass->cname ? pass->cname : pass->other;

	if (pass->dname && own && own->owner != pass->dname->owner &&
	    dname_is_subdomain(own->owner, own->owner_len, pass->dname->owner,
			       pass->dname->owner_len)) {
		complain(pass, own, ZONE_WARNING, "hidden by a DNAME above it");
		pass->dname = NULL;
	}
	if (pass->own_dname)
		pass->dname = pass->own_dname;
}

/* They are data of the names that the wildcard stands for, and neither a cut nor followed. */
const char *
zone_rules_why_no_wildcard(uint16_t type)
{
	if (type == RRTYPE_NS)
		return "NS at a wildcard delegates nothing (RFC 4592, section 4.2), and "
		       "cannot be validated in a signed zone";
	if (type == RRTYPE_DNAME)
		return "DNAME at a wildcard redirects nothing below the names that the "
		       "wildcard stands for (RFC 4592, section 4.4)";
	return NULL;
}

static void
check_wildcard(struct owner_pass *pass)
{
	const struct zone_record *const sets[] = { pass->ns, pass->own_dname };

	for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++)
		if (sets[i])
			complain(pass, sets[i], ZONE_WARNING,
				 zone_rules_why_no_wildcard(sets[i]->type));
}

/* The name at hand is complete. */
static void
check_owner(struct owner_pass *pass)
{
	if (pass->cname && pass->other)
		complain(pass, pass->other, ZONE_ERROR, "other data beside a CNAME");
	if (pass->own_dname && pass->ns && !pass->is_apex)
		complain(pass, pass->own_dname, ZONE_ERROR, "a DNAME at a delegation");
	if (pass->ds && pass->is_apex)
		complain(pass, pass->ds, ZONE_WARNING,
			 "DS at the top of a zone: it belongs into the parent zone");
	else if (pass->ds && !pass->ns)
		complain(pass, pass->ds, ZONE_WARNING, "DS without NS");
	if (pass->is_wildcard)
		check_wildcard(pass);
	check_below_dname(pass);
}

static void
start_owner(struct owner_pass *pass, const struct zone_record *record)
{
	pass->is_apex = record->owner_len == pass->zone->origin_len;
	pass->is_wildcard = !pass->is_apex && dname_is_wildcard(record->owner);
	pass->cname = pass->own_dname = pass->ns = pass->ds = pass->other = NULL;
}

void
zone_rules_owners(const struct zone_records *zone, struct zone_messages *messages)
{
	struct owner_pass pass = { .zone = zone, .messages = messages };

	for (size_t at = 0; at < zone->count;) {
		size_t owner_end = zone_rules_owner_end(zone, at);

		start_owner(&pass, &zone->records[at]);
		while (at < owner_end) {
			size_t end = zone_rules_rrset_end(zone, at);

			take_set(&pass, &zone->records[at], end - at);
			at = end;
		}
		check_owner(&pass);
	}
	if (!pass.has_soa)
		zone_messages_add(messages, ZONE_ERROR,
				  zone->path_count ? zone->paths[0] : "", 0,
				  "no SOA at the top of the zone");
	if (!pass.has_ns)
		zone_messages_add(messages, ZONE_ERROR,
				  zone->path_count ? zone->paths[0] : "", 0,
				  "no NS at the top of the zone");
}
