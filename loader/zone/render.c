/* From a zone's records to nodes, one by one, so that memory does not grow with the
 * zone. */
#include "loader/zone/render.h"

#include <stdlib.h>

#include "loader/zone/render_private.h"
#include "shm/errcode.h"

/* What the scan found below the next name in canonical order. */
static struct below
next_below(struct renderer *r)
{
	const struct scan_parent *parent;
	uint32_t number = r->number++;

	if (r->parent_at == r->scan.parent_count)
		return (struct below){ 0 };
	parent = &r->scan.parents[r->parent_at];
	if (parent->number != number)
		return (struct below){ 0 };
	r->parent_at++;
	return (struct below){ parent->child_count, parent->has_wildcard };
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
	struct below below;

	if (!owner_group_read(r->zone, r->zone->records, &apex))
		return ERR_FORMAT;
	r->next = apex.end;
	below = next_below(r);
	render_put_apex(r, &apex, &below, &r->scan.facts);
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
		owner_group_fetch_ahead(r->zone, &r->pending);
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
	const uint8_t *name =
		dname_skip(pending->owner, r->pending_labels - r->pending_at);
	size_t len = pending->owner_len - (size_t)(name - pending->owner);
	struct below below = next_below(r);

	render_put_empty(r, name, len, &below);
}

static void
put_pending(struct renderer *r)
{
	struct below below = next_below(r);

	render_put_owner(r, &r->pending, &below);
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
			render_put_nsec3(r, &group);
			return finish_node(r, node);
		}
		render_warn_once(
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
	r->is_flattened = place->is_flattened;
	r->warn = NULL;
	r->scan.chain.params = NULL; /* of the zone before */
	if (group.owner_len > records->origin_len)
		render_put_owner(r, &group, &below);
	else
		render_put_apex(r, &group, &below, place->facts);
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
	int rc = render_scan_zone(&r->scan, zone, zone_id, r->find_last, r->last_context);

	r->zone = zone;
	r->zone_id = zone_id;
	r->is_flattened = zone->is_flattened;
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
