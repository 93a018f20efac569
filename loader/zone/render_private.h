/* What rendering is made of: render.c goes from name to name, render_node.c writes the node
 * of each; used by these only. */
#ifndef LOADER_ZONE_RENDER_PRIVATE_H
#define LOADER_ZONE_RENDER_PRIVATE_H

#include "loader/zone/node_writer.h"
#include "loader/zone/owner_group.h"
#include "loader/zone/render.h"
#include "loader/zone/render_rrset.h"
#include "loader/zone/render_scan.h"

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
	bool is_flattened; /* the zone is */
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

/* What a node's head says of the names below. */
struct below {
	uint32_t child_count;
	bool has_wildcard;
};

/* Write a node into r->writer, all but node_writer_end: an empty non-terminal, the apex, a
 * name below it, the owner of an NSEC3. */
__attribute__((nonnull))
void render_put_empty(struct renderer *r, const uint8_t *name, size_t len,
		      const struct below *below);
__attribute__((nonnull))
void render_put_apex(struct renderer *r, const struct owner_group *apex,
		     const struct below *below, const struct zone_facts *facts);
__attribute__((nonnull))
void render_put_owner(struct renderer *r, const struct owner_group *group,
		      const struct below *below);
__attribute__((nonnull))
void render_put_nsec3(struct renderer *r, const struct owner_group *group);

/* Tell of a record, once of each kind. */
__attribute__((nonnull))
void render_warn_once(struct renderer *r, enum render_warning kind,
		      const struct zone_record *record, const char *text);

#endif
