/* One node: its head, its RRsets, and what stands beside them. */
#include <string.h>

#include "loader/zone/apex_node.h"
#include "loader/zone/render_marks.h"
#include "loader/zone/render_private.h"
#include "shm/rrtype.h"

void
render_warn_once(struct renderer *r, enum render_warning kind,
		 const struct zone_record *record, const char *text)
{
	if (!(r->warned & kind) && r->warn)
		r->warn(r->warn_context, r->zone, record, text);
	r->warned |= kind;
}

static void
begin_node(struct renderer *r, uint32_t zone_id, unsigned flags, const uint8_t *name,
	   size_t len, const struct below *below)
{
	if (dname_is_wildcard(name))
		flags |= NODE_IS_WILDCARD;
	if (below->has_wildcard)
		flags |= NODE_HAS_WILDCARD;
	if ((flags & NODE_HAS_CNAME) && r->is_flattened)
		flags |= NODE_FLATTENED;
	node_writer_begin(&r->writer, zone_id, (uint16_t)flags, name, len);
	if (below->child_count > 0)
		node_writer_set_facts(&r->writer, (uint16_t)flags, below->child_count);
}

static void
add_flags(struct renderer *r, unsigned flags)
{
	struct node_head head;

	if (r->writer.error)
		return;
	memcpy(&head, r->writer.bytes, sizeof head);
	node_writer_set_facts(&r->writer, (uint16_t)(head.flags | flags),
			      head.child_count);
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
			render_warn_once(
				r, WARNING_ORPHAN_SIG, sig,
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
		if (group->mark_count > 0 && render_marks_steer(group, at->type)) {
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
	if (group->mark_count > 0)
		add_flags(r, render_marks_put_chosen(&r->writer, group));
	if (group->note_count > 0)
		render_marks_put_notes(&r->writer, group);
	if (group->bad_count == 0)
		return;
	if (r->find_last && r->find_last(r->last_context, r->zone, group->first, &last))
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
	struct zone_source source = {
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

	if (count == 0)
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
	if (r->zone->domain_id && r->zone->domain_id[0])
		node_writer_put_block(&r->writer, BLOCK_DOMAIN_ID, 0, r->zone->domain_id,
				      strlen(r->zone->domain_id));
}

static void
put_signing(struct renderer *r)
{
	const struct zone_signing_wish *wish = &r->zone->signing_wish;
	const struct signing_facts awaited = {
		.flags = (uint16_t)((wish->has_denial ? SIGNING_OWN_DENIAL : 0) |
				    (wish->is_by_sidecar ? SIGNING_BY_SIDECAR : 0)),
		.denial = wish->denial,
	};

	if (r->zone->signing)
		node_writer_put_block(&r->writer, BLOCK_SIGNING, 0, r->zone->signing,
				      sizeof *r->zone->signing);
	if (r->zone->is_unsigned)
		node_writer_put_block(&r->writer, BLOCK_UNSIGNED, 0, &awaited,
				      sizeof awaited);
}

void
render_put_empty(struct renderer *r, const uint8_t *name, size_t len,
		 const struct below *below)
{
	begin_node(r, r->zone_id, NODE_EMPTY, name, len, below);
}

void
render_put_apex(struct renderer *r, const struct owner_group *apex,
		const struct below *below, const struct zone_facts *facts)
{
	begin_node(r, CATALOGUE_ID, NODE_APEX | (apex->flags & ~(unsigned)NODE_HAS_NS),
		   apex->owner, apex->owner_len, below);
	node_writer_put_block(&r->writer, BLOCK_ZONE, 0, facts, sizeof *facts);
	put_negative_soa(r, apex);
	/* facts of a damaged apex may speak of a chain that the zone has not */
	if ((facts->flags & ZONE_NSEC3) && r->scan.chain.params)
		put_nsec3param(r);
	put_data(r, apex);
	put_source(r);
	put_faults(r);
	put_redis(r);
	put_signing(r);
	render_marks_put_provenance(&r->writer, apex);
}

/* A name with nothing but stray signatures or its provenance exists, and is empty. */
void
render_put_owner(struct renderer *r, const struct owner_group *group,
		 const struct below *below)
{
	size_t empty_len;

	begin_node(r, r->zone_id, group->flags, group->owner, group->owner_len, below);
	empty_len = r->writer.len;
	put_data(r, group);
	if (r->writer.len == empty_len)
		add_flags(r, NODE_EMPTY);
	render_marks_put_provenance(&r->writer, group);
}

void
render_put_nsec3(struct renderer *r, const struct owner_group *group)
{
	struct rrset_job job = job_make(r, group, group->nsec3);

	node_writer_begin(&r->writer, r->zone_id | NSEC3_SPACE, 0, group->owner,
			  group->owner_len);
	put_rrset(r, &job);
	if (group->mark_count > 0)
		render_marks_put_hashed_name(&r->writer, group);
}
