/* Collecting the zones of a new generation. */
#include "loader/store/builder.h"

#include <stdlib.h>
#include <string.h>

#include "loader/store/builder_private.h"
#include "loader/store/live.h"
#include "loader/zone/apex_node.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* From this many records on, a zone is rendered while it is written. */
enum { DEFER_RECORDS = 100000 };

static void
log_warning(void *context, const struct zone_records *zone,
	    const struct zone_record *record, const char *text)
{
	char owner[DNAME_TEXT_MAX];

	(void)context;
	dname_to_text(record->owner, owner);
	log_warnx("%s:%u: %s: %s", zone_records_path(zone, record),
		  (unsigned)record->line, owner, text);
}

int
builder_new(const char *base_dir, builder_warn_fn *warn, void *context,
	    struct builder **out)
{
	struct builder *builder = calloc(1, sizeof *builder);
	int rc = ERR_OK;

	if (!builder)
		return ERR_NOMEM;
	builder->warn = warn ? warn : log_warning;
	builder->warn_context = context;
	if (base_dir) {
		builder->base_dir = strdup(base_dir);
		rc = builder->base_dir ? live_open_snapshot(base_dir, &builder->base)
				       : ERR_NOMEM;
	}
	if (rc != ERR_OK) {
		free(builder->base_dir);
		free(builder);
		return rc;
	}
	pthread_mutex_init(&builder->lock, NULL);
	*out = builder;
	return ERR_OK;
}

void
builder_free(struct builder *builder)
{
	if (!builder)
		return;
	for (size_t i = 0; i < builder->pack_count; i++)
		zone_pack_fini(&builder->packs[i]);
	for (size_t i = 0; i < builder->idle_count; i++)
		render_free(builder->idle[i]);
	free(builder->packs);
	free(builder->idle);
	live_close(builder->base);
	free(builder->base_dir);
	pthread_mutex_destroy(&builder->lock);
	free(builder);
}

struct live *
builder_base(const struct builder *builder)
{
	return builder->base;
}

/* Move `pack` to the others; given back on failure. */
static int
add_pack(struct builder *builder, struct zone_pack *pack)
{
	struct zone_pack *packs;

	pthread_mutex_lock(&builder->lock);
	packs = grow_items(builder->packs, &builder->pack_room, builder->pack_count + 1,
			   sizeof *packs);
	if (packs) {
		builder->packs = packs;
		builder->packs[builder->pack_count++] = *pack;
	}
	pthread_mutex_unlock(&builder->lock);
	if (!packs)
		zone_pack_fini(pack);
	return packs ? ERR_OK : ERR_NOMEM;
}

/* ---- zones of the base ---- */

int
builder_find(struct builder *builder, const uint8_t *origin, size_t origin_len,
	     struct node *apex)
{
	int rc;

	if (!builder->base)
		return ERR_NOTFOUND;
	pthread_mutex_lock(&builder->lock);
	rc = live_zone(builder->base, origin, origin_len, apex);
	pthread_mutex_unlock(&builder->lock);
	return rc;
}

int
builder_find_name(struct builder *builder, uint32_t zone_id, const uint8_t *owner,
		  size_t owner_len, struct node *out)
{
	int rc;

	if (!builder->base)
		return ERR_NOTFOUND;
	pthread_mutex_lock(&builder->lock);
	rc = live_find(builder->base, zone_id, owner, owner_len, out);
	pthread_mutex_unlock(&builder->lock);
	return rc;
}

static int
find_apex(struct builder *builder, const uint8_t *origin, size_t origin_len,
	  struct node *apex, struct zone_facts *facts)
{
	int rc = builder_find(builder, origin, origin_len, apex);

	if (rc != ERR_OK)
		return rc;
	return node_zone_facts(apex, facts) ? ERR_OK : ERR_DAMAGED;
}

int
builder_keep_apex(struct builder *builder, const struct node *apex)
{
	struct zone_pack pack = { .kept_apex = apex->bytes };
	struct zone_facts facts;

	if (!node_zone_facts(apex, &facts))
		return ERR_DAMAGED;
	pack.old_id = facts.zone_id;
	pack.kept_has_nsec3 = (facts.flags & ZONE_NSEC3) != 0;
	return add_pack(builder, &pack);
}

int
builder_keep(struct builder *builder, const uint8_t *origin, size_t origin_len)
{
	struct zone_facts facts;
	struct node apex;
	int rc = find_apex(builder, origin, origin_len, &apex, &facts);

	return rc == ERR_OK ? builder_keep_apex(builder, &apex) : rc;
}

int
builder_keep_with_error(struct builder *builder, const uint8_t *origin, size_t origin_len,
			const struct zone_source *source, const char *error)
{
	struct node_writer writer = { 0 };
	struct zone_pack pack = { 0 };
	struct zone_facts facts;
	struct node apex;
	int rc = find_apex(builder, origin, origin_len, &apex, &facts);

	if (rc != ERR_OK)
		return rc;
	rc = apex_rewrite(&writer, &apex, source, error);
	if (rc != ERR_OK) {
		node_writer_fini(&writer);
		return rc;
	}
	pack.apex = writer.bytes;
	pack.old_id = facts.zone_id;
	pack.kept_has_nsec3 = (facts.flags & ZONE_NSEC3) != 0;
	return add_pack(builder, &pack);
}

int
builder_break(struct builder *builder, const uint8_t *origin, size_t origin_len,
	      const struct zone_source *source, const char *error)
{
	struct node_writer writer = { 0 };
	struct zone_pack pack = { 0 };
	int rc = apex_write_broken(&writer, origin, origin_len, source, error);

	if (rc != ERR_OK) {
		node_writer_fini(&writer);
		return rc;
	}
	pack.apex = writer.bytes;
	return add_pack(builder, &pack);
}

/* ---- zones read anew ---- */

/* render_last_fn: the node of the base, which stays where it is: it is a snapshot. */
static bool
last_in_base(void *context, const struct zone_records *zone,
	     const struct zone_record *record, struct node *out)
{
	struct builder *builder = context;
	int rc;

	pthread_mutex_lock(&builder->lock);
	rc = live_find_owner(builder->base, zone->origin, zone->origin_len, record->owner,
			     record->owner_len, out);
	pthread_mutex_unlock(&builder->lock);
	return rc == ERR_OK;
}

static int
renderer_take(struct builder *builder, struct renderer **out)
{
	int rc = ERR_OK;

	*out = NULL;
	pthread_mutex_lock(&builder->lock);
	if (builder->idle_count > 0)
		*out = builder->idle[--builder->idle_count];
	pthread_mutex_unlock(&builder->lock);
	if (!*out)
		rc = render_new(out);
	if (rc == ERR_OK && builder->base)
		render_set_last(*out, last_in_base, builder);
	return rc;
}

static void
renderer_put(struct builder *builder, struct renderer *renderer)
{
	struct renderer **idle;

	pthread_mutex_lock(&builder->lock);
	idle = grow_items(builder->idle, &builder->idle_room, builder->idle_count + 1,
			  sizeof *idle);
	if (idle) {
		builder->idle = idle;
		builder->idle[builder->idle_count++] = renderer;
		renderer = NULL;
	}
	pthread_mutex_unlock(&builder->lock);
	render_free(renderer);
}

/* Empty `zone` into a new one; NULL without memory. */
static struct zone_records *
move_records(struct zone_records *zone)
{
	struct zone_records *moved = malloc(sizeof *moved);

	if (!moved)
		return NULL;
	*moved = *zone;
	memset(zone, 0, sizeof *zone);
	return moved;
}

static int
add_deferred(struct builder *builder, struct zone_records *zone)
{
	struct zone_records *records = move_records(zone);
	struct zone_pack pack;
	struct renderer *renderer;
	int rc = records ? renderer_take(builder, &renderer) : ERR_NOMEM;

	if (rc != ERR_OK) {
		zone_records_free(records);
		return rc;
	}
	rc = zone_pack_defer(renderer, records, builder->warn, builder->warn_context,
			     &pack);
	return rc == ERR_OK ? add_pack(builder, &pack) : rc;
}

int
builder_add(struct builder *builder, struct zone_records *zone, bool may_defer)
{
	struct renderer *renderer;
	struct zone_pack pack;
	int rc;

	if (may_defer && zone->count >= DEFER_RECORDS)
		return add_deferred(builder, zone);
	rc = renderer_take(builder, &renderer);
	if (rc != ERR_OK)
		return rc;
	rc = zone_pack_render(renderer, zone, builder->warn, builder->warn_context,
			      &pack);
	renderer_put(builder, renderer);
	return rc == ERR_OK ? add_pack(builder, &pack) : rc;
}
