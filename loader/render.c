/* A zone's records become nodes: one pass finds what the apex tells of the whole, then
 * names are rendered one by one, so that memory does not grow with the zone. */
#include "loader/render.h"

#include <stdlib.h>
#include <string.h>

#include "loader/apex_node.h"
#include "loader/node_writer.h"
#include "loader/nsec3_chain.h"
#include "loader/render_rrset.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

/* Kinds of which the first one of a zone is told. */
enum render_warning {
	WARNING_ORPHAN_SIG = 1 << 0,
	WARNING_STRAY_NSEC3 = 1 << 1,
	WARNING_BIG_SIGS = 1 << 2,
};

/* All records of one owner: records[first .. end). */
struct owner_group {
	const struct zone_record *first, *end;
	const uint8_t *owner;
	size_t owner_len;
	uint16_t flags; /* NODE_HAS_NS (apex or not), _DNAME, _CNAME */
	bool is_plain; /* holds more than NSEC3 and its signatures */
	const struct zone_record *nsec3; /* the first NSEC3, NULL without any */
};

struct name_ref {
	const uint8_t *name;
	size_t len;
};

struct renderer {
	struct rrset_scratch scratch;
	struct node_writer writer;
	render_warn_fn *warn;
	void *warn_context;
	unsigned warned; /* enum render_warning */
	const struct zone_records *zone;
	uint32_t zone_id;
	struct zone_facts facts;
	struct nsec3_chain chain;
	/* parents of a child "*", in canonical order */
	struct name_ref *wild_parents;
	size_t wild_count, wild_room, wild_at;
	/* where render_next and render_next_nsec3 stand */
	const struct zone_record *next, *next_nsec3;
	struct name_ref last; /* the last plain owner */
	struct owner_group pending; /* an owner whose ancestors come first */
	unsigned pending_labels; /* of it; 0: none is pending */
	unsigned pending_at; /* labels of the next node to be made for it */
};

static void
warn_record(struct renderer *r, const struct zone_record *record, const char *text)
{
	if (r->warn)
		r->warn(r->warn_context, r->zone, record, text);
}

static void
warn_once(struct renderer *r, enum render_warning kind, const struct zone_record *record,
	  const char *text)
{
	if (!(r->warned & kind))
		warn_record(r, record, text);
	r->warned |= kind;
}

static uint16_t
covered_type(const struct zone_record *sig)
{
	return sig->rdata_len < 2 ? 0 : wire_get_u16(sig->rdata);
}

/* ---- groups: the records of one owner ---- */

static bool
same_owner(const struct zone_record *a, const struct zone_record *b)
{
	return a->owner == b->owner || (a->owner_len == b->owner_len &&
					memcmp(a->owner, b->owner, a->owner_len) == 0);
}

static void
group_note(struct owner_group *group, const struct zone_record *record)
{
	switch (record->type) {
	case RRTYPE_NSEC3:
		if (!group->nsec3)
			group->nsec3 = record;
		return;
	case RRTYPE_RRSIG:
		if (covered_type(record) == RRTYPE_NSEC3)
			return;
		break;
	case RRTYPE_NS:
		group->flags |= NODE_HAS_NS;
		break;
	case RRTYPE_DNAME:
		group->flags |= NODE_HAS_DNAME;
		break;
	case RRTYPE_CNAME:
		group->flags |= NODE_HAS_CNAME;
		break;
	}
	group->is_plain = true;
}

/* The group that starts at `first`; returns false at the end of the zone. */
static bool
group_read(const struct zone_records *zone, const struct zone_record *first,
	   struct owner_group *out)
{
	const struct zone_record *end = zone->records + zone->count;

	if (first == end)
		return false;
	*out = (struct owner_group){ .first = first,
				     .owner = first->owner,
				     .owner_len = first->owner_len };
	for (out->end = first; out->end < end && same_owner(out->end, first); out->end++)
		group_note(out, out->end);
	return true;
}

static bool
group_is_apex(const struct renderer *r, const struct owner_group *group)
{
	return group->owner_len == r->zone->origin_len;
}

static const struct zone_record *
find_type(const struct owner_group *group, uint16_t type)
{
	for (const struct zone_record *at = group->first; at < group->end; at++)
		if (at->type == type)
			return at;
	return NULL;
}

/* ---- the names that need nodes ---- */

/* How many labels the deepest name has that is an ancestor of `name` and has a node
 * already.  Ancestors of a name, and what is below those, stand right before it. */
static unsigned
known_ancestor_labels(const struct renderer *r, const uint8_t *name, size_t name_len,
		      unsigned labels)
{
	do {
		name_len -= name[0] + 1u;
		name += name[0] + 1u;
		labels--;
	} while (name_len > r->zone->origin_len &&
		 !dname_is_subdomain(r->last.name, r->last.len, name, name_len));
	return labels;
}

static int
wild_parent_add(struct renderer *r, const uint8_t *wildcard, size_t len)
{
	if (r->wild_count == r->wild_room) {
		size_t room = r->wild_room ? r->wild_room * 2 : 16;
		struct name_ref *parents =
			realloc(r->wild_parents, room * sizeof *parents);

		if (!parents)
			return ERR_NOMEM;
		r->wild_parents = parents;
		r->wild_room = room;
	}
	r->wild_parents[r->wild_count++] = (struct name_ref){ wildcard + 2, len - 2 };
	return ERR_OK;
}

/* Count the nodes that `group` needs, the missing ancestors included. */
static int
scan_names(struct renderer *r, const struct owner_group *group)
{
	unsigned labels = dname_label_count(group->owner);
	unsigned known = known_ancestor_labels(r, group->owner, group->owner_len, labels);
	const uint8_t *name = group->owner;
	size_t len = group->owner_len;

	r->facts.name_count += labels - known;
	for (; labels > known; labels--) {
		if (dname_is_wildcard(name) && wild_parent_add(r, name, len) != ERR_OK)
			return ERR_NOMEM;
		len -= name[0] + 1u;
		name += name[0] + 1u;
	}
	return ERR_OK;
}

static void
depths_add(uint64_t depths[2], unsigned labels)
{
	depths[labels / 64] |= UINT64_C(1) << labels % 64;
}

static int
scan_group(struct renderer *r, const struct owner_group *group)
{
	if (group->nsec3)
		nsec3_chain_count(&r->chain, group->first, group->end);
	if (!group->is_plain)
		return ERR_OK;
	if (group->flags & NODE_HAS_DNAME)
		depths_add(r->facts.dname_depths, dname_label_count(group->owner));
	if (!group_is_apex(r, group)) {
		if (group->flags & NODE_HAS_NS)
			depths_add(r->facts.cut_depths, dname_label_count(group->owner));
		if (scan_names(r, group) != ERR_OK)
			return ERR_NOMEM;
	}
	r->last = (struct name_ref){ group->owner, group->owner_len };
	return ERR_OK;
}

static int
name_ref_compare(const void *a, const void *b)
{
	return dname_compare(((const struct name_ref *)a)->name,
			     ((const struct name_ref *)b)->name);
}

/* ---- facts ---- */

enum { SOA_SERIAL_FROM_END = 20, SOA_MINIMUM_FROM_END = 4 };

static uint32_t
soa_field(const struct zone_record *soa, unsigned from_end)
{
	return soa->rdata_len < SOA_SERIAL_FROM_END
		       ? 0
		       : wire_get_u32(soa->rdata + soa->rdata_len - from_end);
}

static void
facts_set_denial(struct renderer *r, const struct owner_group *apex)
{
	if (!find_type(apex, RRTYPE_RRSIG))
		return;
	if (find_type(apex, RRTYPE_NSEC))
		r->facts.flags |= ZONE_SIGNED | ZONE_NSEC;
	if (r->chain.count > 0)
		r->facts.flags |= ZONE_SIGNED | ZONE_NSEC3;
	if (r->chain.has_opt_out)
		r->facts.flags |= ZONE_OPTOUT;
}

static void
facts_start(struct renderer *r, const struct owner_group *apex)
{
	const struct zone_record *soa = find_type(apex, RRTYPE_SOA);

	r->facts = (struct zone_facts){
		.zone_id = r->zone_id,
		.serial = soa ? soa_field(soa, SOA_SERIAL_FROM_END) : 0,
		.record_count = r->zone->count,
		.name_count = 1,
		.loaded_at_s = r->zone->loaded_at_s,
	};
}

static int
scan_zone(struct renderer *r)
{
	const struct zone_record *at = r->zone->records;
	struct owner_group apex, group;

	if (!group_read(r->zone, at, &apex) || !group_is_apex(r, &apex))
		return ERR_FORMAT;
	facts_start(r, &apex);
	nsec3_chain_choose(&r->chain, r->zone, apex.first, apex.end);
	for (; group_read(r->zone, at, &group); at = group.end)
		if (scan_group(r, &group) != ERR_OK)
			return ERR_NOMEM;
	facts_set_denial(r, &apex);
	if (r->wild_count)
		qsort(r->wild_parents, r->wild_count, sizeof *r->wild_parents,
		      name_ref_compare);
	r->next = apex.end;
	r->last = (struct name_ref){ apex.owner, apex.owner_len };
	return ERR_OK;
}

/* ---- nodes ---- */

/* The flags that a name itself brings. */
static uint16_t
name_flags(struct renderer *r, const uint8_t *name, size_t len)
{
	const struct name_ref *parent = &r->wild_parents[r->wild_at];
	uint16_t flags = 0;

	if (dname_is_wildcard(name))
		flags |= NODE_IS_WILDCARD;
	if (r->wild_at < r->wild_count && parent->len == len &&
	    memcmp(parent->name, name, len) == 0) {
		flags |= NODE_HAS_WILDCARD;
		r->wild_at++;
	}
	return flags;
}

static void
put_rrset(struct renderer *r, const struct rrset_job *job)
{
	switch (rrset_render(&r->scratch, job, &r->writer)) {
	case RRSET_RENDERED:
		break;
	case RRSET_SIGS_DROPPED:
		warn_once(r, WARNING_BIG_SIGS, job->records,
			  "with its signatures this RRset fits no DNS message; it is "
			  "without them");
		break;
	case RRSET_TOO_BIG:
		if (job->kind == BLOCK_RRSET)
			warn_record(r, job->records,
				    "this RRset fits no DNS message (65535 octets) and "
				    "answers SERVFAIL");
		break;
	}
}

/* The signatures in [*sig, end) over `type`; those before it cover nothing. */
static const struct zone_record *
sigs_take(struct renderer *r, const struct zone_record **sig,
	  const struct zone_record *end, unsigned type)
{
	const struct zone_record *at = *sig, *first;

	for (; at < end && covered_type(at) < type; at++)
		if (covered_type(at) != RRTYPE_NSEC3)
			warn_once(r, WARNING_ORPHAN_SIG, at,
				  "this signature covers no record and is left out");
	first = at;
	while (at < end && covered_type(at) == type)
		at++;
	*sig = at;
	return first;
}

static const struct zone_record *
type_end(const struct zone_record *at, const struct zone_record *end)
{
	uint16_t type = at->type;

	while (at < end && at->type == type)
		at++;
	return at;
}

/* The signatures of a group: [*first, result). */
static const struct zone_record *
group_sigs(const struct owner_group *group, const struct zone_record **first)
{
	*first = find_type(group, RRTYPE_RRSIG);
	if (*first)
		return type_end(*first, group->end);
	*first = group->end;
	return group->end;
}

static struct rrset_job
job_make(const struct renderer *r, const struct zone_record *first,
	 const struct zone_record *end)
{
	return (struct rrset_job){
		.kind = BLOCK_RRSET,
		.ttl = first->ttl,
		.records = first,
		.record_count = (size_t)(end - first),
		.apex = r->zone->origin,
		.apex_len = r->zone->origin_len,
	};
}

static void
put_rrsets(struct renderer *r, const struct owner_group *group)
{
	const struct zone_record *sig, *sig_end = group_sigs(group, &sig);
	const struct zone_record *at, *end;

	for (at = group->first; at < group->end; at = end) {
		struct rrset_job job;

		end = type_end(at, group->end);
		if (at->type == RRTYPE_RRSIG || at->type == RRTYPE_NSEC3)
			continue;
		job = job_make(r, at, end);
		job.sigs = sigs_take(r, &sig, sig_end, at->type);
		job.sig_count = (size_t)(sig - job.sigs);
		put_rrset(r, &job);
	}
	(void)sigs_take(r, &sig, sig_end, UINT16_MAX + 1u);
}

/* RFC 2308, section 3: a negative answer lives for min(TTL, MINIMUM). */
static void
put_negative_soa(struct renderer *r, const struct owner_group *apex)
{
	const struct zone_record *soa = find_type(apex, RRTYPE_SOA);
	const struct zone_record *sig, *sig_end = group_sigs(apex, &sig);
	struct rrset_job job;
	uint32_t minimum;

	if (!soa)
		return;
	minimum = soa_field(soa, SOA_MINIMUM_FROM_END);
	while (sig < sig_end && covered_type(sig) < RRTYPE_SOA)
		sig++;
	job = job_make(r, soa, soa + 1);
	job.kind = BLOCK_NEGATIVE_SOA;
	job.ttl = soa->ttl < minimum ? soa->ttl : minimum;
	job.sigs = sig;
	while (sig < sig_end && covered_type(sig) == RRTYPE_SOA)
		sig++;
	job.sig_count = (size_t)(sig - job.sigs);
	put_rrset(r, &job);
}

static void
put_nsec3param(struct renderer *r)
{
	struct nsec3_facts facts = {
		.algorithm = NSEC3_SHA1,
		.salt_len = r->chain.salt_len,
		.iterations = r->chain.iterations,
	};

	node_writer_begin_block(&r->writer, BLOCK_NSEC3PARAM, 0);
	node_writer_append(&r->writer, &facts, sizeof facts);
	node_writer_append(&r->writer, r->chain.salt, r->chain.salt_len);
	node_writer_end_block(&r->writer);
}

static void
put_source(struct renderer *r)
{
	struct builder_source source = {
		.kind = SOURCE_FILE,
		.stamp = r->zone->stamp,
		.paths = (const char *const *)r->zone->paths,
		.path_count = r->zone->path_count,
	};

	apex_put_source(&r->writer, &source);
}

static int
finish_node(struct renderer *r, const uint8_t **node)
{
	int rc = node_writer_end(&r->writer);

	*node = rc == ERR_OK ? r->writer.bytes : NULL;
	return rc;
}

int
render_apex(struct renderer *r, const uint8_t **node)
{
	struct owner_group apex;
	uint16_t flags = NODE_APEX;

	(void)group_read(r->zone, r->zone->records, &apex);
	flags |= (uint16_t)(apex.flags & ~NODE_HAS_NS) |
		 name_flags(r, apex.owner, apex.owner_len);
	node_writer_begin(&r->writer, CATALOGUE_ID, flags, apex.owner, apex.owner_len);
	node_writer_put_block(&r->writer, BLOCK_ZONE, 0, &r->facts, sizeof r->facts);
	put_negative_soa(r, &apex);
	if (r->facts.flags & ZONE_NSEC3)
		put_nsec3param(r);
	put_rrsets(r, &apex);
	put_source(r);
	return finish_node(r, node);
}

/* The next plain group becomes the pending one; returns false behind the last. */
static bool
pending_read(struct renderer *r)
{
	do {
		if (!group_read(r->zone, r->next, &r->pending))
			return false;
		r->next = r->pending.end;
	} while (!r->pending.is_plain);
	r->pending_labels = dname_label_count(r->pending.owner);
	r->pending_at =
		1 + known_ancestor_labels(r, r->pending.owner, r->pending.owner_len,
					  r->pending_labels);
	r->last = (struct name_ref){ r->pending.owner, r->pending.owner_len };
	return true;
}

static void
put_empty_non_terminal(struct renderer *r)
{
	const struct owner_group *below = &r->pending;
	const uint8_t *name = dname_skip(below->owner, r->pending_labels - r->pending_at);
	size_t len = below->owner_len - (size_t)(name - below->owner);

	node_writer_begin(&r->writer, r->zone_id, NODE_EMPTY | name_flags(r, name, len),
			  name, len);
}

static void
put_owner(struct renderer *r)
{
	const struct owner_group *group = &r->pending;
	uint16_t flags = group->flags | name_flags(r, group->owner, group->owner_len);
	size_t empty_len;

	node_writer_begin(&r->writer, r->zone_id, flags, group->owner, group->owner_len);
	empty_len = r->writer.len;
	put_rrsets(r, group);
	if (r->writer.len == empty_len) {
		/* nothing but stray signatures: the name exists, and is empty */
		flags |= NODE_EMPTY;
		if (!r->writer.error)
			memcpy(r->writer.bytes + offsetof(struct node_head, flags),
			       &flags, sizeof flags);
	}
}

int
render_next(struct renderer *r, const uint8_t **node)
{
	*node = NULL;
	if (r->pending_at > r->pending_labels && !pending_read(r))
		return ERR_OK;
	if (r->pending_at < r->pending_labels)
		put_empty_non_terminal(r);
	else
		put_owner(r);
	r->pending_at++;
	return finish_node(r, node);
}

static void
put_nsec3(struct renderer *r, const struct owner_group *group)
{
	const struct zone_record *sig, *sig_end = group_sigs(group, &sig);
	struct rrset_job job =
		job_make(r, group->nsec3, type_end(group->nsec3, group->end));

	node_writer_begin(&r->writer, r->zone_id | NSEC3_SPACE, 0, group->owner,
			  group->owner_len);
	while (sig < sig_end && covered_type(sig) < RRTYPE_NSEC3)
		sig++;
	job.sigs = sig;
	while (sig < sig_end && covered_type(sig) == RRTYPE_NSEC3)
		sig++;
	job.sig_count = (size_t)(sig - job.sigs);
	put_rrset(r, &job);
}

int
render_next_nsec3(struct renderer *r, const uint8_t **node)
{
	struct owner_group group;

	*node = NULL;
	if (r->chain.seen == 0)
		return ERR_OK;
	while (group_read(r->zone, r->next_nsec3, &group)) {
		r->next_nsec3 = group.end;
		if (!group.nsec3)
			continue;
		if ((r->facts.flags & ZONE_NSEC3) &&
		    nsec3_chain_holds(&r->chain, group.first, group.end)) {
			put_nsec3(r, &group);
			return finish_node(r, node);
		}
		warn_once(
			r, WARNING_STRAY_NSEC3, group.nsec3,
			"this NSEC3 record belongs to no chain that an NSEC3PARAM at the "
			"apex names, and is left out");
	}
	return ERR_OK;
}

/* ---- life ---- */

int
render_new(struct renderer **out)
{
	struct renderer *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return ERR_NOMEM;
	rc = rrset_scratch_init(&r->scratch);
	if (rc != ERR_OK) {
		free(r);
		return rc;
	}
	*out = r;
	return ERR_OK;
}

void
render_free(struct renderer *r)
{
	if (!r)
		return;
	rrset_scratch_fini(&r->scratch);
	node_writer_fini(&r->writer);
	free(r->wild_parents);
	free(r);
}

int
render_start(struct renderer *r, const struct zone_records *zone, uint32_t zone_id,
	     render_warn_fn *warn, void *context)
{
	r->zone = zone;
	r->zone_id = zone_id;
	r->warn = warn;
	r->warn_context = context;
	r->warned = 0;
	r->wild_count = r->wild_at = 0;
	r->next_nsec3 = zone->records;
	r->pending_labels = 0;
	r->pending_at = 1;
	r->last = (struct name_ref){ zone->origin, zone->origin_len };
	return scan_zone(r);
}

const struct zone_facts *
render_facts(const struct renderer *r)
{
	return &r->facts;
}

bool
render_has_nsec3(const struct renderer *r)
{
	return r->chain.seen > 0;
}
