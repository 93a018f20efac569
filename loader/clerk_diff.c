/* `diff A B`: what changed between two generations, record by record.
 *
 * Both are walked in key order and merged, zone by zone under the apex's name (ids
 * differ once a zone was read anew), so that neither is held in memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_walk.h"
#include "loader/zone/record_text.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/generation.h"

enum { OLD = 0, NEW = 1, SIDES = 2, NODES_PER_TURN = 4096 };

struct diff {
	struct clerk *clerk;
	struct store_walk *walks[SIDES];
	struct record_texts texts[SIDES];
	uint64_t ids[SIDES];
	bool has_signatures; /* --rrsig */
	char zone[DNAME_TEXT_MAX]; /* the one at hand */
	enum data_view view; /* of it */
	uint64_t seen; /* nodes */
};

/* One side of a merge: where it stands. */
struct side {
	struct store_cursor *cursor; /* NULL: nothing there */
	struct node node;
	bool is_at_end;
};

static int
side_next(struct side *side)
{
	int result = store_cursor_next(side->cursor, &side->node);

	side->is_at_end = result != 0;
	return result == ERR_NOTFOUND ? 0 : result;
}

static int
side_open(struct diff *diff, int which, uint32_t zone_id, struct side *side)
{
	int result = store_cursor_open(diff->walks[which], zone_id, &side->cursor);

	return result ? result : side_next(side);
}

/* Write what one sorted list has and the other has not. */
static void
write_missing(struct diff *diff, const char *member, const struct record_texts *from,
	      const struct record_texts *in)
{
	struct json_out *json = diff->clerk->json;
	size_t at = 0;

	json_out_begin_array(json, member);
	for (size_t i = 0; i < from->count; i++) {
		const char *text = record_texts_get(from, i);
		int order = 1;

		while (at < in->count &&
		       (order = strcmp(record_texts_get(in, at), text)) < 0)
			at++;
		if (at == in->count || order != 0)
			json_out_text(json, NULL, text);
	}
	json_out_end_array(json);
}

static bool
have_same_texts(const struct record_texts *a, const struct record_texts *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(record_texts_get(a, i), record_texts_get(b, i)) != 0)
			return false;
	return a->count == b->count;
}

static void
write_change(struct diff *diff, const uint8_t *owner)
{
	struct json_out *json = diff->clerk->json;
	char name[DNAME_TEXT_MAX];

	if (have_same_texts(&diff->texts[OLD], &diff->texts[NEW]))
		return;
	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", diff->zone);
	dname_to_text(owner, name);
	json_out_text(json, "name", name);
	write_missing(diff, "removed", &diff->texts[OLD], &diff->texts[NEW]);
	write_missing(diff, "added", &diff->texts[NEW], &diff->texts[OLD]);
	json_out_end_object(json);
}

static bool
are_same_nodes(const struct node *a, const struct node *b)
{
	const size_t head = sizeof(struct node_head);

	return a->head.node_len == b->head.node_len &&
	       memcmp(a->bytes + head, b->bytes + head, a->head.node_len - head) == 0;
}

/* Compare two nodes of one name; NULL where a side has none. */
static int
diff_nodes(struct diff *diff, const struct node *const nodes[SIDES])
{
	if (diff->seen++ % NODES_PER_TURN == 0)
		clerk_go_on(diff->clerk);
	if (nodes[OLD] && nodes[NEW] && are_same_nodes(nodes[OLD], nodes[NEW]))
		return 0;
	for (int which = OLD; which < SIDES; which++) {
		int result = 0;

		record_texts_clear(&diff->texts[which]);
		if (nodes[which])
			result = record_texts_add_data(&diff->texts[which], nodes[which],
						       diff->view);
		if (result)
			return result;
		record_texts_sort(&diff->texts[which]);
	}
	write_change(diff, node_owner(nodes[OLD] ? nodes[OLD] : nodes[NEW]));
	return 0;
}

/* What the two sides of a merge hand on: one node each, or NULL. */
typedef int visit_fn(struct diff *diff, const struct node *const nodes[SIDES]);

static int
compare_sides(const struct side sides[SIDES])
{
	if (sides[OLD].is_at_end)
		return 1;
	if (sides[NEW].is_at_end)
		return -1;
	return dname_compare(node_owner(&sides[OLD].node), node_owner(&sides[NEW].node));
}

static int
merge(struct diff *diff, struct side sides[SIDES], visit_fn *visit)
{
	int result = 0;

	while (result == 0 && !(sides[OLD].is_at_end && sides[NEW].is_at_end)) {
		int order = compare_sides(sides);
		const struct node *const nodes[SIDES] = {
			order <= 0 ? &sides[OLD].node : NULL,
			order >= 0 ? &sides[NEW].node : NULL,
		};

		result = visit(diff, nodes);
		for (int which = OLD; which < SIDES && result == 0; which++)
			if (nodes[which])
				result = side_next(&sides[which]);
	}
	return result;
}

/* Merge the nodes of one zone id on each side; 0 where a side has no such zone (the
 * catalogue's own id otherwise). */
static int
merge_ids(struct diff *diff, const uint32_t *const ids[SIDES], visit_fn *visit)
{
	struct side sides[SIDES] = { { .is_at_end = true }, { .is_at_end = true } };
	int result = 0;

	for (int which = OLD; which < SIDES && result == 0; which++)
		if (ids[which])
			result = side_open(diff, which, *ids[which], &sides[which]);
	if (result == 0)
		result = merge(diff, sides, visit);
	store_cursor_close(sides[OLD].cursor);
	store_cursor_close(sides[NEW].cursor);
	return result;
}

/* A zone that we sign on one side is seen as one on both. */
static enum data_view
choose_view(const struct diff *diff, const struct node *const apexes[SIDES])
{
	if (diff->has_signatures)
		return DATA_VIEW_ALL;
	return data_view_of(apexes[OLD]) == DATA_VIEW_OWN ? DATA_VIEW_OWN
							  : data_view_of(apexes[NEW]);
}

/* The apex nodes of one zone: unless they are the same, facts and all, the zone has
 * been read anew and may differ anywhere. */
static int
diff_zone(struct diff *diff, const struct node *const apexes[SIDES])
{
	uint32_t ids[SIDES] = { 0, 0 }, nsec3_ids[SIDES] = { 0, 0 };
	const uint32_t *id_ptrs[SIDES] = { NULL, NULL },
		       *nsec3_ptrs[SIDES] = { NULL, NULL };
	struct zone_facts facts;
	int result;

	dname_to_text(node_owner(apexes[OLD] ? apexes[OLD] : apexes[NEW]), diff->zone);
	diff->view = choose_view(diff, apexes);
	result = diff_nodes(diff, apexes);
	if (result ||
	    (apexes[OLD] && apexes[NEW] && are_same_nodes(apexes[OLD], apexes[NEW])))
		return result;
	for (int which = OLD; which < SIDES; which++) {
		if (!apexes[which])
			continue;
		if (!node_zone_facts(apexes[which], &facts) ||
		    facts.zone_id == CATALOGUE_ID)
			return ERR_DAMAGED;
		ids[which] = facts.zone_id;
		nsec3_ids[which] = facts.zone_id | NSEC3_SPACE;
		id_ptrs[which] = &ids[which];
		nsec3_ptrs[which] = &nsec3_ids[which];
	}
	result = merge_ids(diff, id_ptrs, diff_nodes);
	return result ? result : merge_ids(diff, nsec3_ptrs, diff_nodes);
}

static unsigned
write_diff(struct diff *diff)
{
	static const uint32_t catalogue = CATALOGUE_ID;
	const uint32_t *const ids[SIDES] = { &catalogue, &catalogue };
	struct json_out *json = diff->clerk->json;
	int result;

	json_out_begin_object(json, NULL);
	json_out_uint(json, "a", diff->ids[OLD]);
	json_out_uint(json, "b", diff->ids[NEW]);
	json_out_begin_array(json, "diff");
	result = merge_ids(diff, ids, diff_zone);
	json_out_end_array(json);
	if (result)
		json_out_text(json, "error", errcode_text(result));
	json_out_end_object(json);
	return result ? 1 : 0;
}

/* The id that an argument means.  returns false when it means none. */
static bool
parse_side(const struct clerk *clerk, const char *text, uint64_t *id)
{
	char *end;

	if (strcmp(text, "live") == 0) {
		*id = atomic_load(&clerk->heritage->region->swap.published_id);
		return *id != 0;
	}
	errno = 0;
	*id = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *id != 0;
}

/* returns 0, or an exit code after having written the whole reply. */
static unsigned
open_side(struct diff *diff, int which, const char *text)
{
	struct clerk *clerk = diff->clerk;
	struct generation_manifest manifest;
	char dir[PATH_MAX];
	uint64_t id;
	int result;

	if (!parse_side(clerk, text, &id))
		return clerk_refuse(
			clerk, "'%s' is no generation: give an id or \"live\"", text);
	result = ERR_RANGE;
	if (state_path_generation(clerk->heritage->settings->state_dir, id, dir))
		result = generation_read_manifest(dir, &manifest);
	if (result == 0)
		result = strcmp(text, "live") == 0
				 ? store_walk_open_live(dir, &diff->walks[which])
				 : store_walk_open(dir, &diff->walks[which]);
	if (result == ERR_NOTFOUND)
		return clerk_refuse(clerk,
				    "there is no generation %" PRIu64
				    ": `martletctl generations` lists them",
				    id);
	if (result)
		return clerk_refuse(clerk, "generation %" PRIu64 " %s", id,
				    errcode_text(result));
	diff->ids[which] = id;
	return 0;
}

/* Two sides, and an option anywhere.  returns false for anything else. */
static bool
take_arguments(struct diff *diff, const char *sides[SIDES])
{
	unsigned count = 0;

	for (int i = 1; i < diff->clerk->arg_count; i++)
		if (strcmp(diff->clerk->args[i], "--rrsig") == 0 && !diff->has_signatures)
			diff->has_signatures = true;
		else if (count < SIDES)
			sides[count++] = diff->clerk->args[i];
		else
			return false;
	return count == SIDES;
}

unsigned
clerk_diff(struct clerk *clerk)
{
	struct diff diff = { .clerk = clerk };
	const char *sides[SIDES];
	unsigned status;

	if (!take_arguments(&diff, sides))
		return clerk_refuse(clerk, "usage: diff A B [--rrsig]");
	status = open_side(&diff, OLD, sides[OLD]);
	if (status == 0)
		status = open_side(&diff, NEW, sides[NEW]);
	if (status == 0)
		status = write_diff(&diff);
	for (int which = OLD; which < SIDES; which++) {
		record_texts_free(&diff.texts[which]);
		store_walk_close(diff.walks[which]);
	}
	return status;
}
