/* Nodes in waiting. */
#include "loader/zone/zone_pack.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

enum { BYTES_PER_RECORD = 100 }; /* of a node, for estimates */

struct node_list {
	uint8_t *bytes;
	size_t len, room;
};

static uint32_t
node_len(const uint8_t *node)
{
	uint32_t len;

	memcpy(&len, node + offsetof(struct node_head, node_len), sizeof len);
	return len;
}

static int
list_add(struct node_list *list, const uint8_t *node)
{
	size_t len = node_len(node);
	uint8_t *bytes = grow_items(list->bytes, &list->room, list->len + len, 1);

	if (!bytes)
		return ERR_NOMEM;
	list->bytes = bytes;
	memcpy(list->bytes + list->len, node, len);
	list->len += len;
	return ERR_OK;
}

static int
list_fill(struct renderer *renderer,
	  int (*next)(struct renderer *renderer, const uint8_t **node),
	  struct node_list *list)
{
	const uint8_t *node;
	int rc;

	while ((rc = next(renderer, &node)) == ERR_OK && node) {
		rc = list_add(list, node);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

/* What a list holds, without the room that it has left. */
static uint8_t *
list_close(struct node_list *list)
{
	uint8_t *bytes = list->len ? realloc(list->bytes, list->len) : NULL;

	return bytes ? bytes : list->bytes;
}

static int
keep_apex(struct zone_pack *pack, const uint8_t *node)
{
	size_t len = node_len(node);

	pack->apex = malloc(len);
	if (!pack->apex)
		return ERR_NOMEM;
	memcpy(pack->apex, node, len);
	return ERR_OK;
}

static int
start(struct renderer *renderer, const struct zone_records *zone, render_warn_fn *warn,
      void *context, struct zone_pack *out)
{
	const uint8_t *node;
	int rc = render_start(renderer, zone, 0, warn, context);

	*out = (struct zone_pack){ 0 };
	if (rc == ERR_OK)
		rc = render_apex(renderer, &node);
	return rc == ERR_OK ? keep_apex(out, node) : rc;
}

int
zone_pack_render(struct renderer *renderer, const struct zone_records *zone,
		 render_warn_fn *warn, void *context, struct zone_pack *out)
{
	struct node_list names = { 0 }, nsec3 = { 0 };
	int rc = start(renderer, zone, warn, context, out);

	if (rc == ERR_OK)
		rc = list_fill(renderer, render_next, &names);
	if (rc == ERR_OK)
		rc = list_fill(renderer, render_next_nsec3, &nsec3);
	out->names = list_close(&names);
	out->names_len = names.len;
	out->nsec3 = list_close(&nsec3);
	out->nsec3_len = nsec3.len;
	if (rc != ERR_OK)
		zone_pack_fini(out);
	return rc;
}

int
zone_pack_defer(struct renderer *renderer, struct zone_records *records,
		render_warn_fn *warn, void *context, struct zone_pack *out)
{
	int rc = start(renderer, records, warn, context, out);

	out->renderer = renderer;
	out->records = records;
	if (rc != ERR_OK)
		zone_pack_fini(out);
	return rc;
}

const uint8_t *
zone_pack_apex(const struct zone_pack *pack)
{
	return pack->apex ? pack->apex : pack->kept_apex;
}

const uint8_t *
zone_pack_origin(const struct zone_pack *pack)
{
	return zone_pack_apex(pack) + sizeof(struct node_head);
}

uint64_t
zone_pack_bytes(const struct zone_pack *pack)
{
	uint64_t bytes =
		pack->names_len + pack->nsec3_len + node_len(zone_pack_apex(pack));

	return pack->records ? bytes + pack->records->count * BYTES_PER_RECORD : bytes;
}

static int
take_list(uint8_t **bytes, size_t len, zone_pack_sink *sink, void *context)
{
	int rc = ERR_OK;

	if (!*bytes)
		return ERR_OK;
	for (size_t at = 0; at < len && rc == ERR_OK; at += node_len(*bytes + at))
		rc = sink(context, *bytes + at);
	free(*bytes);
	*bytes = NULL;
	return rc;
}

static int
take_rendered(struct renderer *renderer,
	      int (*next)(struct renderer *renderer, const uint8_t **node),
	      zone_pack_sink *sink, void *context)
{
	const uint8_t *node;
	int rc;

	while ((rc = next(renderer, &node)) == ERR_OK && node) {
		rc = sink(context, node);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

static void
release_records(struct zone_pack *pack)
{
	render_free(pack->renderer);
	zone_records_free(pack->records);
	pack->renderer = NULL;
	pack->records = NULL;
}

int
zone_pack_take_names(struct zone_pack *pack, zone_pack_sink *sink, void *context)
{
	int rc;

	if (!pack->renderer)
		return take_list(&pack->names, pack->names_len, sink, context);
	rc = take_rendered(pack->renderer, render_next, sink, context);
	if (!render_has_nsec3(pack->renderer))
		release_records(pack);
	return rc;
}

int
zone_pack_take_nsec3(struct zone_pack *pack, zone_pack_sink *sink, void *context)
{
	int rc;

	if (!pack->renderer)
		return take_list(&pack->nsec3, pack->nsec3_len, sink, context);
	rc = take_rendered(pack->renderer, render_next_nsec3, sink, context);
	release_records(pack);
	return rc;
}

void
zone_pack_release_apex(struct zone_pack *pack)
{
	free(pack->apex);
	pack->apex = NULL;
	pack->kept_apex = NULL;
}

void
zone_pack_fini(struct zone_pack *pack)
{
	free(pack->apex);
	free(pack->names);
	free(pack->nsec3);
	render_free(pack->renderer);
	zone_records_free(pack->records);
	*pack = (struct zone_pack){ 0 };
}
