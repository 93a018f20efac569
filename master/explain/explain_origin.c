/* Telling where a node comes from. */
#include "master/explain/explain_origin.h"

#include <inttypes.h>
#include <stdio.h>

#include "loader/redis/redis_where.h"
#include "loader/store/zone_state.h"
#include "master/explain/explain_line.h"
#include "shm/rrtype.h"

static bool
is_sealed(const struct explain_steps *steps, const struct node *node)
{
	const struct generation *gen = &steps->explainer->store->gen;

	return node->bytes >= gen->data && node->bytes < gen->data + gen->data_len;
}

static void
print_change(struct json_out *json, uint64_t ms, uint64_t seq)
{
	char text[48];

	snprintf(text, sizeof text, "%" PRIu64 "-%" PRIu64, ms, seq);
	json_out_text(json, "change", ms ? text : NULL);
}

/* The zone's file and the line in it, as far as it can be told. */
static void
print_file(struct explain_steps *steps, const struct zone_state *zone,
	   const struct node *node)
{
	const char *path = zone_state_path(zone);
	uint32_t line = 0;
	bool has_line =
		explain_line_find(zone, node, steps->question->type, &path, &line);

	json_out_text(steps->json, "source", *path ? path : NULL);
	if (has_line)
		json_out_uint(steps->json, "line", line);
	else
		json_out_null(steps->json, "line");
	json_out_null(steps->json, "change");
}

void
explain_origin_print(struct explain_steps *steps, const struct node *node)
{
	struct json_out *json = steps->json;
	char where[REDIS_WHERE_MAX], type[RRTYPE_TEXT_MAX];
	struct provenance provenance;
	struct zone_state zone;

	json_out_text(json, "stored", is_sealed(steps, node) ? "generation" : "live");
	if (!steps->has_zone || !zone_state_read(&steps->apex, &zone)) {
		json_out_null(json, "source");
		json_out_null(json, "line");
		json_out_null(json, "change");
		return;
	}
	if (!zone.is_redis) {
		print_file(steps, &zone, node);
		return;
	}
	rrtype_to_text(steps->question->type, type);
	redis_where_print(&steps->keys, node_owner(&steps->apex), node_owner(node), type,
			  where);
	json_out_text(json, "source", where);
	json_out_null(json, "line");
	if (node_copy_block(node, BLOCK_PROVENANCE, &provenance, sizeof provenance))
		print_change(json, provenance.change_ms, provenance.change_seq);
	else if (node->head.flags & NODE_APEX)
		print_change(json, zone.redis.change_ms, zone.redis.change_seq);
	else
		json_out_null(json, "change");
}

const char *
explain_origin_words(const struct explain_steps *steps, const struct node *node)
{
	return is_sealed(steps, node) ? "in the generation" : "changed live";
}
