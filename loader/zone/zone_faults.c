/* RRsets that no DNS message holds, found by rendering those that may be too large; keys
 * that nobody trusts any more. */
#include "loader/zone/zone_faults.h"

#include "loader/zone/owner_group.h"
#include "loader/zone/render_rrset.h"
#include "loader/zone/zone_rules.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum {
	MESSAGE_MAX = 65535,
	OPT_LEN = 11,
	RR_HEAD = 12, /* owner as a pointer; type, class, TTL, length */
	DNSKEY_ALGORITHM_AT = 3, /* in its rdata */
};

struct fault_search {
	struct zone_records *zone;
	struct zone_messages *messages;
	struct rrset_scratch scratch;
	struct node_writer writer;
	bool has_scratch;
};

/* At most so many octets do RRs [first, end) take in a message. */
static size_t
most_octets(const struct zone_record *first, const struct zone_record *end)
{
	size_t octets = 0;

	for (; first < end; first++)
		octets += RR_HEAD + (size_t)first->rdata_len;
	return octets;
}

static bool
may_be_too_large(size_t owner_len, size_t octets)
{
	return RRSET_BASE(owner_len) + octets + OPT_LEN > MESSAGE_MAX;
}

static int
note(struct fault_search *search, const struct zone_record *record, enum fault_kind kind,
     const char *reason)
{
	enum zone_severity severity = kind == FAULT_WARNING ? ZONE_WARNING : ZONE_DROPPED;
	const struct zone_fault fault = {
		.owner = record->owner,
		.owner_len = record->owner_len,
		.type = record->type,
		.kind = (uint8_t)kind,
		.path = zone_records_path(search->zone, record),
		.line = record->line,
		.reason = reason,
	};

	zone_rules_complain(search->zone, record, search->messages, severity, reason);
	return zone_records_add_fault(search->zone, &fault);
}

/* Render it as it will be, since only that tells its size. */
static int
try_rrset(struct fault_search *search, const struct rrset_job *job)
{
	int rc = ERR_OK;

	if (!search->has_scratch) {
		rc = rrset_scratch_init(&search->scratch);
		if (rc != ERR_OK)
			return rc;
		search->has_scratch = true;
	}
	node_writer_begin(&search->writer, 0, 0, job->records->owner,
			  job->records->owner_len);
	switch (rrset_render(&search->scratch, job, &search->writer)) {
	case RRSET_RENDERED:
		break;
	case RRSET_SIGS_DROPPED:
		rc = note(search, job->records, FAULT_UNSIGNED,
			  "with its signatures the RRset fits no DNS message (65535 "
			  "octets): it is served without them");
		break;
	case RRSET_TOO_BIG:
		rc = note(search, job->records, FAULT_SERVFAIL,
			  "the RRset fits no DNS message (65535 octets): it answers "
			  "SERVFAIL");
		break;
	}
	return search->writer.error ? search->writer.error : rc;
}

static int
search_group(struct fault_search *search, const struct owner_group *group)
{
	const struct zone_record *at = group->first, *end, *sigs, *sigs_end;
	int rc = ERR_OK;

	for (; at < group->end && rc == ERR_OK; at = end) {
		for (end = at; end < group->end && end->type == at->type;)
			end++;
		if (at->type == RRTYPE_RRSIG || at->type == ZONE_MARK_TYPE)
			continue;
		sigs = owner_group_sigs(group, at->type, &sigs_end);
		if (may_be_too_large(group->owner_len,
				     most_octets(at, end) + most_octets(sigs, sigs_end)))
			rc = try_rrset(search,
				       &(struct rrset_job){
					       .kind = BLOCK_RRSET,
					       .ttl = at->ttl,
					       .records = at,
					       .record_count = (size_t)(end - at),
					       .sigs = sigs,
					       .sig_count = (size_t)(sigs_end - sigs),
					       .apex = search->zone->origin,
					       .apex_len = search->zone->origin_len,
				       });
	}
	return rc;
}

/* RSASHA1 and RSASHA1-NSEC3-SHA1 */
static bool
is_sha1_key(const struct zone_record *record)
{
	return record->type == RRTYPE_DNSKEY &&
	       (record->rdata[DNSKEY_ALGORITHM_AT] == 5 ||
		record->rdata[DNSKEY_ALGORITHM_AT] == 7);
}

/* Said once of a zone, which is served as it is. */
static int
warn_of_sha1(struct fault_search *search)
{
	const struct zone_records *zone = search->zone;

	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		if (record->owner_len != zone->origin_len)
			break;
		if (is_sha1_key(record))
			return note(
				search, record, FAULT_WARNING,
				"a key of algorithm 5 or 7, whose signatures are over "
				"SHA-1: they are served as they are, but many "
				"validators treat the zone as unsigned (RFC 9905)");
	}
	return ERR_OK;
}

int
zone_faults_find(struct zone_records *zone, struct zone_messages *messages)
{
	struct fault_search search = { .zone = zone, .messages = messages };
	struct owner_group group;
	int rc = warn_of_sha1(&search);

	for (const struct zone_record *at = zone->records;
	     rc == ERR_OK && owner_group_read(zone, at, &group); at = group.end)
		if (may_be_too_large(group.owner_len,
				     most_octets(group.first, group.end)))
			rc = search_group(&search, &group);
	if (search.has_scratch)
		rrset_scratch_fini(&search.scratch);
	node_writer_fini(&search.writer);
	return rc;
}
