/* Writing the zones of a builder: the catalogue sorted by origin, then names and NSEC3
 * owners by zone id, kept zones before new ones. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/store/builder_private.h"
#include "loader/store/live.h"
#include "loader/store/seal.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	PROGRESS_MS = 2000,
	PROGRESS_EVERY = 4096, /* nodes between two looks at the clock */
	MOVES_PER_ZONE = 16, /* of the sort for what is nearly sorted */
	BYTES_PER_CHANGE = 300, /* of an overlay, for an estimate */
};

struct writing {
	struct builder *builder;
	struct seal *seal;
	char *reason;
	struct zone_pack **by_origin; /* all; owned */
	struct zone_pack **kept; /* by old id; owned */
	struct zone_pack **fresh; /* by new id, new zones only; owned */
	size_t kept_count, fresh_count;
	uint32_t next_zone_id;
	uint32_t zone_id; /* of the nodes that come now */
	/* progress */
	bool show_progress;
	uint64_t nodes, progress_ms;
};

/* ---- order and ids ---- */

static int
compare_origins(const void *a, const void *b)
{
	return dname_compare(zone_pack_origin(*(struct zone_pack *const *)a),
			     zone_pack_origin(*(struct zone_pack *const *)b));
}

static int
compare_old_ids(const void *a, const void *b)
{
	uint32_t a_id = (*(struct zone_pack *const *)a)->old_id;
	uint32_t b_id = (*(struct zone_pack *const *)b)->old_id;

	return (a_id > b_id) - (a_id < b_id);
}

/* Zones are mostly added in order, a few threads apart: move each to its place, and
 * leave it to qsort when that takes too many moves. */
static void
sort_packs(struct zone_pack **packs, size_t count,
	   int (*compare)(const void *, const void *))
{
	size_t moves = count * MOVES_PER_ZONE;

	for (size_t i = 1; i < count && moves > 0; i++) {
		struct zone_pack *pack = packs[i];
		size_t to = i;

		while (to > 0 && compare(&packs[to - 1], &pack) > 0 && moves > 0) {
			packs[to] = packs[to - 1];
			to--;
			moves--;
		}
		packs[to] = pack;
	}
	if (moves == 0 && count > 0)
		qsort(packs, count, sizeof *packs, compare);
}

static int
sort_by_origin(struct writing *w)
{
	struct builder *builder = w->builder;
	size_t count = builder->pack_count;

	w->by_origin = calloc(count + 1, sizeof *w->by_origin);
	w->kept = calloc(count + 1, sizeof *w->kept);
	w->fresh = calloc(count + 1, sizeof *w->fresh);
	if (!w->by_origin || !w->kept || !w->fresh)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		w->by_origin[i] = &builder->packs[i];
	sort_packs(w->by_origin, count, compare_origins);
	for (size_t i = 1; i < count; i++)
		if (compare_origins(&w->by_origin[i - 1], &w->by_origin[i]) == 0)
			return ERR_EXISTS;
	return ERR_OK;
}

/* The same with ids from elsewhere: there is no renumbering then. */
static int
take_ids(struct writing *w, const struct builder_seal_options *options)
{
	uint32_t next;
	int rc = options->take_ids(options->context, (uint32_t)w->fresh_count, &next);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < w->kept_count; i++)
		w->kept[i]->new_id = w->kept[i]->old_id;
	for (size_t i = 0; i < w->fresh_count; i++)
		w->fresh[i]->new_id = next++;
	w->next_zone_id = next;
	return ERR_OK;
}

/* Kept zones keep their ids, new ones get fresh ones; all get new ones, in the same
 * order, when the fresh ones would run out. */
static int
give_ids(struct writing *w, const struct builder_seal_options *options)
{
	struct live *base = builder_base(w->builder);
	uint64_t next =
		base ? live_generation(base)->manifest.next_zone_id : ZONE_ID_FIRST;
	uint32_t noted = 0;
	bool renumber;

	for (size_t i = 0; i < w->builder->pack_count; i++) {
		struct zone_pack *pack = w->by_origin[i];

		if (pack->old_id)
			w->kept[w->kept_count++] = pack;
		else
			w->fresh[w->fresh_count++] = pack;
	}
	sort_packs(w->kept, w->kept_count, compare_old_ids);
	if (w->builder->pack_count >= ZONE_ID_END - ZONE_ID_FIRST)
		return ERR_FULL;
	if (options->take_ids && w->fresh_count > 0)
		return take_ids(w, options);
	/* the overlay may have zones that the generation does not know */
	if (base &&
	    live_read_note(base, "next_zone_id", &noted, sizeof noted) ==
		    (int)sizeof noted &&
	    next < noted)
		next = noted;
	renumber = next < ZONE_ID_FIRST || next + w->fresh_count > ZONE_ID_END;
	if (renumber)
		next = ZONE_ID_FIRST;
	for (size_t i = 0; i < w->kept_count; i++)
		w->kept[i]->new_id = renumber ? (uint32_t)next++ : w->kept[i]->old_id;
	for (size_t i = 0; i < w->fresh_count; i++)
		w->fresh[i]->new_id = (uint32_t)next++;
	w->next_zone_id = (uint32_t)next;
	return ERR_OK;
}

/* ---- nodes ---- */

static void
show_progress(struct writing *w)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - w->progress_ms < PROGRESS_MS)
		return;
	w->progress_ms = now_ms;
	log_info("writing the generation: %" PRIu64 " names, %" PRIu64 " MB", w->nodes,
		 seal_put_bytes(w->seal) >> 20);
}

static int
put(void *context, const uint8_t *node)
{
	struct writing *w = context;

	if (++w->nodes % PROGRESS_EVERY == 0 && w->show_progress)
		show_progress(w);
	return seal_put(w->seal, node, w->zone_id, w->reason);
}

static int
put_catalogue(struct writing *w)
{
	for (size_t i = 0; i < w->builder->pack_count; i++) {
		struct zone_pack *pack = w->by_origin[i];
		int rc;

		w->zone_id = pack->new_id;
		rc = put(w, zone_pack_apex(pack));
		if (rc != ERR_OK)
			return rc;
		zone_pack_release_apex(pack);
	}
	return ERR_OK;
}

static int
put_kept(void *context, const struct node *node)
{
	return put(context, node->bytes);
}

/* Copy what the base holds of one zone, in one of its two spaces. */
static int
copy_zone(struct writing *w, uint32_t key_id)
{
	int rc = live_walk_zone(builder_base(w->builder), key_id, put_kept, w);

	if (rc != ERR_OK && w->reason[0] == '\0')
		snprintf(w->reason, SEAL_REASON_MAX, "%s: %s", w->builder->base_dir,
			 errcode_text(rc));
	return rc;
}

static int
copy_kept(struct writing *w, uint32_t space)
{
	int rc = ERR_OK;

	for (size_t i = 0; i < w->kept_count && rc == ERR_OK; i++) {
		w->zone_id = w->kept[i]->new_id;
		if (space == 0 || w->kept[i]->kept_has_nsec3)
			rc = copy_zone(w, w->kept[i]->old_id | space);
	}
	return rc;
}

static int
put_names(struct writing *w)
{
	int rc = copy_kept(w, 0);

	for (size_t i = 0; i < w->fresh_count && rc == ERR_OK; i++) {
		w->zone_id = w->fresh[i]->new_id;
		rc = zone_pack_take_names(w->fresh[i], put, w);
	}
	return rc;
}

static int
put_nsec3(struct writing *w)
{
	int rc = copy_kept(w, NSEC3_SPACE);

	for (size_t i = 0; i < w->fresh_count && rc == ERR_OK; i++) {
		w->zone_id = w->fresh[i]->new_id;
		rc = zone_pack_take_nsec3(w->fresh[i], put, w);
	}
	return rc;
}

/* ---- the whole ---- */

/* Files take about half as much again as the nodes: keys, pages, the index. */
static uint64_t
expect_bytes(const struct writing *w)
{
	struct live *base = builder_base(w->builder);
	const struct generation *gen;
	uint64_t bytes = 0;

	for (size_t i = 0; i < w->fresh_count; i++)
		bytes += zone_pack_bytes(w->fresh[i]);
	bytes += bytes / 2;
	if (!base)
		return bytes;
	gen = live_generation(base);
	if (gen->head.zone_count > 0)
		bytes += (gen->data_len + gen->index_len) / gen->head.zone_count *
			 w->kept_count;
	if (live_overlay(base))
		bytes += overlay_count(live_overlay(base)) * BYTES_PER_CHANGE;
	return bytes;
}

static int
prepare(struct writing *w, const struct builder_seal_options *options)
{
	int rc = sort_by_origin(w);

	if (rc == ERR_OK)
		rc = give_ids(w, options);
	if (rc != ERR_OK)
		snprintf(w->reason, SEAL_REASON_MAX, "%s",
			 rc == ERR_EXISTS ? "a zone was named twice" : errcode_text(rc));
	return rc;
}

static int
write_nodes(struct writing *w)
{
	int rc = put_catalogue(w);

	if (rc == ERR_OK)
		rc = put_names(w);
	return rc == ERR_OK ? put_nsec3(w) : rc;
}

static void
writing_fini(struct writing *w)
{
	free(w->by_origin);
	free(w->kept);
	free(w->fresh);
}

/* What the base gives it besides zones. */
static void
name_base(struct live *base, struct seal_options *options)
{
	if (!base)
		return;
	options->base_id = live_generation(base)->manifest.id;
	if (live_overlay(base))
		options->base_commit = overlay_last_commit(live_overlay(base));
}

static int
write_all(struct writing *w, const char *dir, const struct seal_options *options,
	  struct generation_manifest *manifest)
{
	int rc = seal_open(dir, options, &w->seal, w->reason);

	if (rc != ERR_OK)
		return rc;
	rc = write_nodes(w);
	if (rc == ERR_OK)
		return seal_finish(w->seal, w->next_zone_id, manifest, w->reason);
	seal_abort(w->seal);
	return rc;
}

int
builder_seal(struct builder *builder, const char *dir,
	     const struct builder_seal_options *options,
	     struct generation_manifest *manifest, char reason[SEAL_REASON_MAX])
{
	struct writing w = {
		.builder = builder,
		.reason = reason,
		.show_progress = options->show_progress,
		.progress_ms = clock_now_ms(),
	};
	struct seal_options seal_options = {
		.id = options->id,
		.reserve_bytes = options->reserve_bytes,
		.durable = options->durable,
		.flags = options->flags,
	};
	int rc;

	assert(!builder->is_sealed);
	builder->is_sealed = true;
	reason[0] = '\0';
	name_base(builder_base(builder), &seal_options);
	rc = prepare(&w, options);
	if (rc == ERR_OK) {
		seal_options.expect_bytes = expect_bytes(&w);
		rc = write_all(&w, dir, &seal_options, manifest);
	}
	writing_fini(&w);
	if (rc != ERR_OK && reason[0] == '\0')
		snprintf(reason, SEAL_REASON_MAX, "%s: %s", dir, errcode_text(rc));
	return rc;
}
