/* Opening the live store, looking names up, and its transactions. */
#include "loader/store/live.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_private.h"
#include "shm/errcode.h"

/* ---- opening ---- */

static int
open_generation(const char *dir, struct live **out)
{
	struct live *live = calloc(1, sizeof *live);
	int rc;

	if (!live)
		return ERR_NOMEM;
	live->dir = strdup(dir);
	rc = live->dir ? generation_open(dir, GENERATION_LAZY, &live->gen) : ERR_NOMEM;
	live->has_gen = rc == ERR_OK;
	if (rc != ERR_OK) {
		live_close(live);
		return rc;
	}
	*out = live;
	return ERR_OK;
}

static int
overlay_path(const char *generation_dir, char path[PATH_MAX])
{
	int len = snprintf(path, PATH_MAX, "%s/overlay", generation_dir);

	return len < 0 || len >= PATH_MAX ? ERR_RANGE : ERR_OK;
}

int
live_open(const char *generation_dir, uint64_t expect_names, struct live **out)
{
	char path[PATH_MAX];
	struct live *live;
	int rc = open_generation(generation_dir, &live);

	if (rc != ERR_OK)
		return rc;
	rc = overlay_path(generation_dir, path);
	if (rc == ERR_OK)
		rc = overlay_open(path, &live->gen, expect_names, &live->overlay);
	if (rc != ERR_OK) {
		live_close(live);
		return rc;
	}
	*out = live;
	return ERR_OK;
}

int
live_open_snapshot(const char *generation_dir, struct live **out)
{
	char path[PATH_MAX];
	struct live *live;
	int rc = open_generation(generation_dir, &live);

	if (rc != ERR_OK)
		return rc;
	live->is_snapshot = true;
	rc = overlay_path(generation_dir, path);
	if (rc == ERR_OK)
		rc = overlay_open_snapshot(path, &live->overlay);
	if (rc != ERR_OK && rc != ERR_NOTFOUND) {
		live_close(live);
		return rc;
	}
	*out = live;
	return ERR_OK;
}

void
live_close(struct live *live)
{
	if (!live)
		return;
	store_walk_close(live->walk);
	overlay_close(live->overlay);
	render_free(live->renderer);
	node_writer_fini(&live->writer);
	if (live->has_gen)
		generation_close(&live->gen);
	free(live->dir);
	free(live);
}

const struct generation *
live_generation(const struct live *live)
{
	return &live->gen;
}

struct overlay *
live_overlay(struct live *live)
{
	return live->overlay;
}

/* ---- looking up ---- */

int
live_find(struct live *live, uint32_t zone_id, const uint8_t *name, size_t name_len,
	  struct node *out)
{
	uint8_t padded[DNAME_MAX + NAME_PAD] = { 0 };
	int rc = ERR_NOTFOUND;

	if (name_len > DNAME_MAX)
		return ERR_NOTFOUND;
	memcpy(padded, name, name_len);
	if (live->overlay)
		rc = overlay_find(live->overlay, zone_id, padded, out);
	if (rc == ERR_NOTFOUND)
		return generation_find(&live->gen, zone_id, padded, name_len, out);
	if (rc == ERR_OK && (out->head.flags & NODE_DELETED))
		return ERR_NOTFOUND;
	return rc;
}

int
live_zone(struct live *live, const uint8_t *origin, size_t origin_len, struct node *apex)
{
	return live_find(live, CATALOGUE_ID, origin, origin_len, apex);
}

int
live_find_owner(struct live *live, const uint8_t *origin, size_t origin_len,
		const uint8_t *owner, size_t owner_len, struct node *out)
{
	struct zone_facts facts;
	int rc = live_zone(live, origin, origin_len, out);

	if (rc != ERR_OK || owner_len == origin_len)
		return rc;
	if (!node_zone_facts(out, &facts))
		return ERR_DAMAGED;
	return live_find(live, facts.zone_id, owner, owner_len, out);
}

int
live_read_note(struct live *live, const char *key, void *value, size_t room)
{
	return live->overlay ? overlay_read_note(live->overlay, key, value, room)
			     : ERR_NOTFOUND;
}

/* ---- transactions ---- */

int
live_begin(struct live *live)
{
	assert(!live->is_snapshot);
	return overlay_begin(live->overlay);
}

int
live_commit(struct live *live)
{
	int rc = overlay_commit(live->overlay);

	live_count_end(live, rc == ERR_OK);
	return rc;
}

void
live_abort(struct live *live)
{
	overlay_abort(live->overlay);
	live_count_end(live, false);
}

int
live_note(struct live *live, const char *key, const void *value, size_t len)
{
	return overlay_note(live->overlay, key, value, len);
}

int
live_drop_note(struct live *live, const char *key)
{
	return overlay_drop_note(live->overlay, key);
}

/* ---- nodes ---- */

struct live_weight
live_weigh(const struct node *node)
{
	struct live_weight weight = { 0 };
	struct provenance provenance;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		if (block.head.kind == BLOCK_RRSET && rrset_open(&block, &rrset))
			weight.records +=
				(uint64_t)rrset.head.rr_count + rrset.head.sig_count;
		weight.faults += block.head.kind == BLOCK_BAD_RRSET;
	}
	if (node_copy_block(node, BLOCK_PROVENANCE, &provenance, sizeof provenance))
		weight.value_hash = provenance.value_hash;
	return weight;
}

void
live_count_in(struct live_edit *edit, const struct node *node)
{
	struct live_weight weight = live_weigh(node);

	edit->facts.record_count += weight.records;
	edit->facts.fault_count += weight.faults;
	edit->redis.raw_digest += weight.value_hash;
}

void
live_count_out(struct live_edit *edit, const struct node *node)
{
	struct live_weight weight = live_weigh(node);

	edit->facts.record_count -= weight.records;
	edit->facts.fault_count -= weight.faults;
	edit->redis.raw_digest -= weight.value_hash;
}

int
live_renderer(struct live *live, struct renderer **out)
{
	int rc = live->renderer ? ERR_OK : render_new(&live->renderer);

	*out = live->renderer;
	return rc;
}

int
live_put_writer(struct live *live)
{
	int rc = node_writer_end(&live->writer);
	struct node node;

	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &node))
		return ERR_DAMAGED;
	if (node.head.zone_id == CATALOGUE_ID)
		rc = live_count_apex(live, node_owner(&node), node.head.owner_len, &node);
	return rc == ERR_OK
		       ? overlay_put(live->overlay, live->writer.bytes, live->writer.len)
		       : rc;
}

void
live_copy_node(struct live *live, const struct node *node)
{
	live->writer.len = 0;
	live->writer.error = 0;
	node_writer_append(&live->writer, node->bytes, node->head.node_len);
}

void
live_set_facts(struct live *live, const struct zone_facts *facts,
	       const struct redis_facts *redis)
{
	struct node node;
	struct block block;
	uint32_t at = 0;

	if (live->writer.error || !node_open(live->writer.bytes, live->writer.len, &node))
		return;
	while (node_next_block(&node, &at, &block)) {
		uint8_t *payload = live->writer.bytes + (block.payload - node.bytes);

		if (block.head.kind == BLOCK_ZONE && block.head.len >= sizeof *facts)
			memcpy(payload, facts, sizeof *facts);
		if (block.head.kind == BLOCK_REDIS && block.head.len >= sizeof *redis)
			memcpy(payload, redis, sizeof *redis);
	}
}
