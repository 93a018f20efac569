/* From records to RRsets, in place: duplicates merged, TTLs made one.
 *
 * Records move down over what is left out; `to` is where the next one goes. */
#include <stdio.h>

#include "loader/zone/zone_rules.h"
#include "loader/zone/zone_sort.h"
#include "shm/rrtype.h"

struct rrset_pass {
	struct zone_records *zone;
	struct zone_messages *messages;
	size_t to;
};

/* Give [start, to) one TTL: `ttl`. */
static void
set_ttl(struct rrset_pass *pass, size_t start, uint32_t ttl)
{
	for (; start < pass->to; start++)
		pass->zone->records[start].ttl = ttl;
}

static void
warn_of_ttl(struct rrset_pass *pass, const struct zone_record *record, const char *what,
	    uint32_t ttl)
{
	char text[100];

	snprintf(text, sizeof text, "%s, %u is used", what, (unsigned)ttl);
	zone_rules_complain(pass->zone, record, pass->messages, ZONE_WARNING, text);
}

/* Move the set [at, end) down to `to`, without duplicates.  Signatures are one set
 * only in name; their TTLs are seen to later. */
static void
move_set(struct rrset_pass *pass, size_t at, size_t end)
{
	struct zone_record *records = pass->zone->records;
	uint32_t first_ttl = records[at].ttl, ttl = first_ttl;
	size_t start = pass->to;
	bool differ = false;

	for (; at < end; at++) {
		differ |= records[at].ttl != first_ttl;
		if (records[at].ttl < ttl)
			ttl = records[at].ttl;
		if (pass->to == start ||
		    zone_sort_compare_rdata(&records[pass->to - 1], &records[at]) != 0)
			records[pass->to++] = records[at];
	}
	if (records[start].type == RRTYPE_RRSIG)
		return;
	if (differ)
		warn_of_ttl(pass, &records[start], "the TTLs of the RRset differ", ttl);
	set_ttl(pass, start, ttl);
}

static unsigned
covered_type(const struct zone_record *signature)
{
	return (unsigned)signature->rdata[0] << 8 | signature->rdata[1];
}

/* The end of the signatures from `at` on that cover the same type. */
static size_t
signatures_end(const struct zone_records *zone, size_t at, size_t end)
{
	unsigned type = covered_type(&zone->records[at]);

	while (at < end && covered_type(&zone->records[at]) == type)
		at++;
	return at;
}

/* Move the signatures [at, end) over the set [set, set_end), which is empty when this
 * name does not have it, down to `to`.  They must have its TTL (RFC 4034, section 3). */
static void
move_signatures(struct rrset_pass *pass, size_t at, size_t end, size_t set,
		size_t set_end)
{
	struct zone_record *records = pass->zone->records;
	size_t start = pass->to;
	bool differ = false;

	for (; at < end; at++) {
		differ |= set < set_end && records[at].ttl != records[set].ttl;
		records[pass->to++] = records[at];
	}
	if (differ) {
		warn_of_ttl(pass, &records[start],
			    "the TTLs of RRset and signature differ", records[set].ttl);
		set_ttl(pass, start, records[set].ttl);
	}
}

/* See to the signatures of the name whose sets are [start, to).  Both the sets and
 * the signatures' covered types rise, so one walk pairs them. */
static void
pair_signatures(struct rrset_pass *pass, size_t start)
{
	struct zone_record *records = pass->zone->records;
	size_t end = pass->to, at = start, behind, set = start;

	while (at < end && records[at].type != RRTYPE_RRSIG)
		at++;
	for (behind = at; behind < end && records[behind].type == RRTYPE_RRSIG;)
		behind++;
	pass->to = at;
	while (at < behind) {
		size_t next = signatures_end(pass->zone, at, behind), set_end;
		unsigned type = covered_type(&records[at]);

		while (set < end && records[set].type < type)
			set++;
		for (set_end = set; set_end < end && records[set_end].type == type;)
			set_end++;
		if (type == RRTYPE_RRSIG)
			set_end = set;
		move_signatures(pass, at, next, set, set_end);
		at = next;
	}
	while (behind < end)
		records[pass->to++] = records[behind++];
}

void
zone_rules_rrsets(struct zone_records *zone, struct zone_messages *messages)
{
	struct rrset_pass pass = { .zone = zone, .messages = messages };

	for (size_t at = 0; at < zone->count;) {
		size_t owner_end = zone_rules_owner_end(zone, at), start = pass.to;
		bool is_signed = false;

		while (at < owner_end) {
			size_t end = zone_rules_rrset_end(zone, at);

			is_signed |= zone->records[at].type == RRTYPE_RRSIG;
			move_set(&pass, at, end);
			at = end;
		}
		if (is_signed)
			pair_signatures(&pass, start);
	}
	zone->count = pass.to;
}
