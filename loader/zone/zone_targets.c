/* Where NS and MX lead to inside the zone: to aliases, or to names without addresses; and
 * targets of any kind that have lost their final dot.
 *
 * Millions of delegations share few targets, or have theirs right beside them: a small
 * cache takes the first kind, searching outwards from the record the second. */
#include <stdio.h>
#include <string.h>

#include "loader/zone/zone_rules.h"
#include "shm/rrtype.h"

enum {
	CACHE_SLOTS = 64,
	NEAR_RECORDS = 16, /* the glue of a delegation is closer */
	NO_TARGET = -1,
};

enum target_fact {
	TARGET_EXISTS = 1 << 0,
	TARGET_ALIAS = 1 << 1,
	TARGET_ADDRESS = 1 << 2,
};

struct target_slot {
	uint8_t name[DNAME_MAX];
	uint8_t len; /* 0: free */
	uint8_t facts; /* enum target_fact */
};

struct target_pass {
	const struct zone_records *zone;
	struct zone_messages *messages;
	struct target_slot cache[CACHE_SLOTS];
};

static bool
is_before(const struct zone_records *zone, size_t at, const uint8_t *name)
{
	return dname_compare(zone->records[at].owner, name) < 0;
}

/* The first record at or behind `name`.  What is not close to `near` may be anywhere: it
 * is found by halving all, whose first many middles are those of every other target too,
 * and in the cache. */
static size_t
find_owner(const struct zone_records *zone, const uint8_t *name, size_t near)
{
	size_t low = near > NEAR_RECORDS ? near - NEAR_RECORDS : 0;
	size_t high =
		zone->count - near > NEAR_RECORDS ? near + NEAR_RECORDS : zone->count;

	if ((low > 0 && !is_before(zone, low, name)) ||
	    (high < zone->count && is_before(zone, high, name))) {
		low = 0;
		high = zone->count;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(zone, middle, name))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static unsigned
facts_of(const struct zone_records *zone, const uint8_t *name, size_t name_len,
	 size_t near)
{
	size_t at = find_owner(zone, name, near), end;
	unsigned facts = TARGET_EXISTS;

	if (at == zone->count || zone->records[at].owner_len != name_len ||
	    memcmp(zone->records[at].owner, name, name_len) != 0)
		return 0;
	for (end = zone_rules_owner_end(zone, at); at < end; at++) {
		if (zone->records[at].type == RRTYPE_CNAME)
			facts |= TARGET_ALIAS;
		if (zone->records[at].type == RRTYPE_A ||
		    zone->records[at].type == RRTYPE_AAAA)
			facts |= TARGET_ADDRESS;
	}
	return facts;
}

static unsigned
cached_facts(struct target_pass *pass, const uint8_t *name, size_t name_len, size_t near)
{
	struct target_slot *slot;
	unsigned hash = 0;

	for (size_t i = 0; i < name_len; i++)
		hash = hash * 31 + name[i];
	slot = &pass->cache[(hash ^ hash >> 16) % CACHE_SLOTS];
	if (slot->len != name_len || memcmp(slot->name, name, name_len) != 0) {
		slot->facts = (uint8_t)facts_of(pass->zone, name, name_len, near);
		memcpy(slot->name, name, name_len);
		slot->len = (uint8_t)name_len;
	}
	return slot->facts;
}

/* Could `name`, which does not exist, get its addresses from elsewhere: from below a
 * cut, through a DNAME, or from a wildcard? */
static bool
has_other_source(const struct zone_records *zone, const uint8_t *name, size_t name_len,
		 size_t near)
{
	while (name_len > zone->origin_len) {
		size_t label_len = name[0] + 1u, at;
		uint8_t wildcard[DNAME_MAX + 2] = "\001*";

		name += label_len;
		name_len -= label_len;
		memcpy(wildcard + 2, name, name_len);
		if (name_len + 2 <= DNAME_MAX &&
		    facts_of(zone, wildcard, name_len + 2, near))
			return true;
		at = find_owner(zone, name, near);
		for (; at < zone->count && zone->records[at].owner_len == name_len &&
		       memcmp(zone->records[at].owner, name, name_len) == 0;
		     at++)
			if (zone->records[at].type == RRTYPE_DNAME ||
			    (zone->records[at].type == RRTYPE_NS &&
			     name_len > zone->origin_len))
				return true;
	}
	return false;
}

/* Must this zone have the addresses of a name server?  For a delegation, of those below
 * its own cut (in-domain, RFC 9471); for the zone itself, of those in it. */
static bool
needs_address(struct target_pass *pass, size_t at, const uint8_t *name, size_t name_len,
	      unsigned facts)
{
	const struct zone_record *record = &pass->zone->records[at];

	if (record->type != RRTYPE_NS || facts & (TARGET_ADDRESS | TARGET_ALIAS))
		return false;
	if (record->owner_len > pass->zone->origin_len)
		return dname_is_subdomain(name, name_len, record->owner,
					  record->owner_len);
	return facts & TARGET_EXISTS || !has_other_source(pass->zone, name, name_len, at);
}

static void
warn_of_target(const struct target_pass *pass, const struct zone_record *record,
	       const uint8_t *name, const char *format)
{
	char target[DNAME_TEXT_MAX], what[DNAME_TEXT_MAX + 100];

	if (zone_messages_only_count(pass->messages, ZONE_WARNING))
		return;
	dname_to_text(name, target);
	snprintf(what, sizeof what, "the target %s %s", record->file ? "" : target,
		 format);
	zone_rules_complain(pass->zone, record, pass->messages, ZONE_WARNING, what);
}

/* As ns.example.com.example.com. in example.com. */
static bool
repeats_origin(const struct zone_records *zone, const uint8_t *name, size_t name_len)
{
	size_t len = name_len - zone->origin_len;
	uint8_t inner[DNAME_MAX];

	memcpy(inner, name, len);
	inner[len++] = 0;
	return zone->origin_len > 1 &&
	       dname_is_subdomain(inner, len, zone->origin, zone->origin_len);
}

/* The last name in rdata: where it begins. */
static int
find_target(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
		return 0;
	case RRTYPE_MX:
		return 2;
	case RRTYPE_SRV:
		return 6;
	default:
		return NO_TARGET;
	}
}

/* Of the types that may lead anywhere only such a name is looked at. */
static bool
is_of_interest(const struct zone_records *zone, uint16_t type, const uint8_t *name,
	       size_t name_len)
{
	return dname_is_subdomain(name, name_len, zone->origin, zone->origin_len) &&
	       (type == RRTYPE_NS || type == RRTYPE_MX ||
		repeats_origin(zone, name, name_len));
}

static void
check_target(struct target_pass *pass, size_t at, size_t name_at)
{
	const struct zone_record *record = &pass->zone->records[at];
	bool has_rules = record->type == RRTYPE_NS || record->type == RRTYPE_MX;
	size_t name_len = record->rdata_len - name_at;
	uint8_t name[DNAME_MAX];
	unsigned facts;

	if (!has_rules && name_len < 2 * pass->zone->origin_len - 1)
		return;
	memcpy(name, record->rdata + name_at, name_len);
	dname_lower(name, name_len);
	if (!is_of_interest(pass->zone, record->type, name, name_len))
		return;
	facts = cached_facts(pass, name, name_len, at);
	if (has_rules && facts & TARGET_ALIAS)
		warn_of_target(pass, record, name,
			       "is an alias (RFC 2181, section 10.3)");
	else if (needs_address(pass, at, name, name_len, facts))
		warn_of_target(pass, record, name,
			       repeats_origin(pass->zone, name, name_len)
				       ? "has no address here; is its final dot missing?"
				       : "has no address here");
	else if (facts == 0 && repeats_origin(pass->zone, name, name_len) &&
		 !has_other_source(pass->zone, name, name_len, at))
		warn_of_target(pass, record, name,
			       "does not exist; is its final dot missing?");
}

void
zone_rules_targets(const struct zone_records *zone, struct zone_messages *messages)
{
	struct target_pass pass;

	pass.zone = zone;
	pass.messages = messages;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		pass.cache[i].len = 0;
	for (size_t at = 0; at < zone->count; at++) {
		int name_at = find_target(zone->records[at].type);

		if (name_at != NO_TARGET)
			check_target(&pass, at, (size_t)name_at);
	}
}
