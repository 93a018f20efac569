/* From a zone's records to nodes, one by one, so that memory does not grow with the
 * zone. */
#include "loader/render.h"

#include <stdlib.h>
#include <string.h>

#include "loader/apex_node.h"
#include "loader/node_writer.h"
#include "loader/owner_group.h"
#include "loader/render_marks.h"
#include "loader/render_rrset.h"
#include "loader/render_scan.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

/* Kinds of which the first one of a zone is told. */
enum render_warning {
	WARNING_ORPHAN_SIG = 1 << 0,
	WARNING_STRAY_NSEC3 = 1 << 1,
};

struct renderer {
	struct rrset_scratch scratch;
	struct node_writer writer;
	struct render_scan scan;
	render_warn_fn *warn;
	void *warn_context;
	render_last_fn *find_last;
	void *last_context;
	unsigned warned; /* enum render_warning */
	const struct zone_records *zone;
	uint32_t zone_id;
	/* where render_next and render_next_nsec3 stand */
	const struct zone_record *next, *next_nsec3;
	uint32_t number; /* of the name that comes next */
	size_t parent_at; /* in scan.parents: the next one */
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

/* What a node's head says of the names below. */
struct below {
	uint32_t child_count;
	bool has_wildcard;
};

static void
begin_node(struct renderer *r, uint32_t zone_id, unsigned flags, const uint8_t *name,
	   size_t len, const struct below *below)
{
	if (dname_is_wildcard(name))
		flags |= NODE_IS_WILDCARD;
	if (below->has_wildcard)
		flags |= NODE_HAS_WILDCARD;
	node_writer_begin(&r->writer, zone_id, (uint16_t)flags, name, len);
	if (below->child_count > 0)
		node_writer_set_facts(&r->writer, (uint16_t)flags, below->child_count);
}

/* What the scan found below the next name in canonical order. */
static struct below
next_below(struct renderer *r)
{
	const struct scan_parent *parent = &r->scan.parents[r->parent_at];
	uint32_t number = r->number++;

	if (r->parent_at == r->scan.parent_count || parent->number != number)
		return (struct below){ 0 };
	r->parent_at++;
	return (struct below){ parent->child_count, parent->has_wildcard };
}

static void
add_flags(struct renderer *r, unsigned flags)
{
	struct node_head head;

	if (r->writer.error)
		return;
	memcpy(&head, r->writer.bytes, sizeof head);
	node_writer_set_facts(&r->writer, (uint16_t)(head.flags | flags), head.child_count);
}

static void
put_rrset(struct renderer *r, const struct rrset_job *job)
{
	/* zone_faults.c has told what does not fit */
	(void)rrset_render(&r->scratch, job, &r->writer);
}

static const struct zone_record *
type_end(const struct zone_record *at, const struct zone_record *end)
{
	uint16_t type = at->type;

	while (at < end && at->type == type)
		at++;
	return at;
}

/* The RRset that starts at `first`, with its signatures. */
static struct rrset_job
job_make(const struct renderer *r, const struct owner_group *group,
	 const struct zone_record *first)
{
	const struct zone_record *sigs_end;
	const struct zone_record *sigs = owner_group_sigs(group, first->type, &sigs_end);

	return (struct rrset_job){
		.kind = BLOCK_RRSET,
		.ttl = first->ttl,
		.records = first,
		.record_count = (size_t)(type_end(first, group->end) - first),
		.sigs = sigs,
		.sig_count = (size_t)(sigs_end - sigs),
		.apex = r->zone->origin,
		.apex_len = r->zone->origin_len,
	};
}

/* Tell of signatures over types that the owner does not have. */
static void
warn_orphans(struct renderer *r, const struct owner_group *group, size_t used)
{
	const struct zone_record *sig = owner_group_find(group, RRTYPE_RRSIG);
	const struct zone_record *end = sig ? type_end(sig, group->end) : NULL;

	if (!sig || used == (size_t)(end - sig))
		return;
	for (; sig < end; sig++)
		if (owner_group_covered(sig) != RRTYPE_NSEC3 &&
		    !owner_group_find(group, owner_group_covered(sig)))
			warn_once(r, WARNING_ORPHAN_SIG, sig,
				  "this signature covers no record and is left out");
}

static void
put_rrsets(struct renderer *r, const struct owner_group *group)
{
	size_t sigs_used = 0;

	for (const struct zone_record *at = group->first + group->mark_count;
	     at < group->end;) {
		struct rrset_job job;

		if (at->type == RRTYPE_RRSIG || at->type == RRTYPE_NSEC3) {
			at = type_end(at, group->end);
			continue;
		}
		job = job_make(r, group, at);
		put_rrset(r, &job);
		sigs_used += job.sig_count;
		at += job.record_count;
	}
	warn_orphans(r, group, sigs_used);
}

/* The RRsets, good and bad. */
static void
put_data(struct renderer *r, const struct owner_group *group)
{
	struct node last;
	unsigned flags;

	put_rrsets(r, group);
	if (group->bad_count == 0)
		return;
	if (r->find_last &&
	    r->find_last(r->last_context, group->owner, group->owner_len, &last))
		flags = render_marks_put_bad(&r->writer, group, &last);
	else
		flags = render_marks_put_bad(&r->writer, group, NULL);
	if (group->owner_len == r->zone->origin_len)
		flags &= ~(unsigned)NODE_HAS_NS;
	add_flags(r, flags);
}

static void
put_negative_soa(struct renderer *r, const struct owner_group *apex)
{
	const struct zone_record *soa = owner_group_find(apex, RRTYPE_SOA);
	struct rrset_job job;

	if (!soa)
		return;
	job = job_make(r, apex, soa);
	job.kind = BLOCK_NEGATIVE_SOA;
	job.ttl = render_scan_negative_ttl(soa);
	put_rrset(r, &job);
}

static void
put_nsec3param(struct renderer *r)
{
	struct nsec3_facts facts = {
		.algorithm = NSEC3_SHA1,
		.salt_len = r->scan.chain.salt_len,
		.iterations = r->scan.chain.iterations,
	};

	node_writer_begin_block(&r->writer, BLOCK_NSEC3PARAM, 0);
	node_writer_append(&r->writer, &facts, sizeof facts);
	node_writer_append(&r->writer, r->scan.chain.salt, r->scan.chain.salt_len);
	node_writer_end_block(&r->writer);
}

static void
put_source(struct renderer *r)
{
	struct builder_source source = {
		.kind = r->zone->redis ? SOURCE_REDIS : SOURCE_FILE,
		.stamp = r->zone->stamp,
		.paths = (const char *const *)r->zone->paths,
		.path_count = r->zone->path_count,
	};

	apex_put_source(&r->writer, &source);
}

static void
put_faults(struct renderer *r)
{
	size_t count = zone_records_faults_listed(r->zone);

	if (count == 0 || r->zone->redis)
		return;
	node_writer_begin_block(&r->writer, BLOCK_FAULTS, 0);
	for (size_t i = 0; i < count; i++)
		apex_put_fault(&r->writer, &r->zone->faults[i]);
	node_writer_end_block(&r->writer);
}

/* Of a zone from Redis: why it is not served as it stands there, and how it stands. */
static void
put_redis(struct renderer *r)
{
	const char *error = r->zone->error;

	if (error)
		node_writer_put_block(&r->writer, BLOCK_ERROR, 0, error, strlen(error));
	if (r->zone->redis)
		node_writer_put_block(&r->writer, BLOCK_REDIS, 0, r->zone->redis,
				      sizeof *r->zone->redis);
}

static int
finish_node(struct renderer *r, const uint8_t **node)
{
	int rc = node_writer_end(&r->writer);

	*node = rc == ERR_OK ? r->writer.bytes : NULL;
	return rc;
}

static void
put_apex(struct renderer *r, const struct owner_group *apex, const struct below *below,
	 const struct zone_facts *facts)
{
	begin_node(r, CATALOGUE_ID, NODE_APEX | (apex->flags & ~(unsigned)NODE_HAS_NS),
		   apex->owner, apex->owner_len, below);
	node_writer_put_block(&r->writer, BLOCK_ZONE, 0, facts, sizeof *facts);
	put_negative_soa(r, apex);
	if (facts->flags & ZONE_NSEC3)
		put_nsec3param(r);
	put_data(r, apex);
	put_source(r);
	put_faults(r);
	put_redis(r);
	render_marks_put_provenance(&r->writer, apex);
}

int
render_apex(struct renderer *r, const uint8_t **node)
{
	struct owner_group apex;
	struct below below;

	if (!owner_group_read(r->zone, r->zone->records, &apex))
		return ERR_FORMAT;
	r->next = apex.end;
	below = next_below(r);
	put_apex(r, &apex, &below, &r->scan.facts);
	return finish_node(r, node);
}

/* The next plain group becomes the pending one; returns false behind the last. */
static bool
pending_read(struct renderer *r)
{
	do {
		if (!owner_group_read(r->zone, r->next, &r->pending))
			return false;
		r->next = r->pending.end;
	} while (!r->pending.is_plain);
	r->pending_labels = dname_label_count(r->pending.owner);
	r->pending_at =
		1 + render_scan_known_labels(r->zone, &r->last, r->pending.owner,
					     r->pending.owner_len, r->pending_labels);
	r->last = (struct name_ref){ r->pending.owner, r->pending.owner_len };
	return true;
}

static void
put_empty_non_terminal(struct renderer *r)
{
	const struct owner_group *pending = &r->pending;
	const uint8_t *name = dname_skip(pending->owner, r->pending_labels - r->pending_at);
	size_t len = pending->owner_len - (size_t)(name - pending->owner);
	struct below below = next_below(r);

	begin_node(r, r->zone_id, NODE_EMPTY, name, len, &below);
}

/* A name with nothing but stray signatures or its provenance exists, and is empty. */
static void
put_owner(struct renderer *r, const struct owner_group *group, const struct below *below)
{
	size_t empty_len;

	begin_node(r, r->zone_id, group->flags, group->owner, group->owner_len, below);
	empty_len = r->writer.len;
	put_data(r, group);
	if (r->writer.len == empty_len)
		add_flags(r, NODE_EMPTY);
	render_marks_put_provenance(&r->writer, group);
}

static void
put_pending(struct renderer *r)
{
	struct below below = next_below(r);

	put_owner(r, &r->pending, &below);
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
		put_pending(r);
	r->pending_at++;
	return finish_node(r, node);
}

static void
put_nsec3(struct renderer *r, const struct owner_group *group)
{
	struct rrset_job job = job_make(r, group, group->nsec3);

	node_writer_begin(&r->writer, r->zone_id | NSEC3_SPACE, 0, group->owner,
			  group->owner_len);
	put_rrset(r, &job);
}

int
render_next_nsec3(struct renderer *r, const uint8_t **node)
{
	struct owner_group group;

	*node = NULL;
	if (r->scan.chain.seen == 0)
		return ERR_OK;
	while (owner_group_read(r->zone, r->next_nsec3, &group)) {
		r->next_nsec3 = group.end;
		if (!group.nsec3)
			continue;
		if ((r->scan.facts.flags & ZONE_NSEC3) &&
		    nsec3_chain_holds(&r->scan.chain, group.first, group.end)) {
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

int
render_alone(struct renderer *r, const struct zone_records *records,
	     const struct zone_record *first, const struct render_place *place,
	     const uint8_t **node)
{
	const struct below below = { place->child_count, place->has_wildcard };
	struct owner_group group;

	if (!owner_group_read(records, first, &group))
		return ERR_FORMAT;
	r->zone = records;
	r->zone_id = place->zone_id;
	r->warn = NULL;
	if (group.owner_len > records->origin_len)
		put_owner(r, &group, &below);
	else
		put_apex(r, &group, &below, place->facts);
	return finish_node(r, node);
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
	render_scan_fini(&r->scan);
	free(r);
}

int
render_start(struct renderer *r, const struct zone_records *zone, uint32_t zone_id,
	     render_warn_fn *warn, void *context)
{
	int rc = render_scan_zone(&r->scan, zone, zone_id);

	r->zone = zone;
	r->zone_id = zone_id;
	r->warn = warn;
	r->warn_context = context;
	r->warned = 0;
	r->number = 0;
	r->parent_at = 0;
	r->next = r->next_nsec3 = zone->records;
	r->pending_labels = 0;
	r->pending_at = 1;
	r->last = (struct name_ref){ zone->origin, zone->origin_len };
	return rc;
}

void
render_set_last(struct renderer *r, render_last_fn *last, void *context)
{
	r->find_last = last;
	r->last_context = context;
}

const struct zone_facts *
render_facts(const struct renderer *r)
{
	return &r->scan.facts;
}

bool
render_has_nsec3(const struct renderer *r)
{
	return r->scan.chain.seen > 0;
}
