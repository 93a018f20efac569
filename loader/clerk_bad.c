/* `errors` of zones from Redis: each name says what is wrong with it. */
#include <string.h>

#include "loader/clerk.h"
#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_where.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum { NAMES_PER_TURN = 4096 };

struct bad_list {
	struct clerk *clerk;
	struct redis_keys keys;
	const uint8_t *origin;
	char zone[DNAME_TEXT_MAX];
	uint64_t name_count;
};

/* One row, about the RRset of a block.  `is_of_all`: about all that the name has. */
static void
write_row(struct bad_list *list, const struct node *node, const struct block *block,
	  bool is_of_all, const char *reason, size_t reason_len, const char *state)
{
	char owner[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX], where[REDIS_WHERE_MAX];
	struct json_out *json = list->clerk->json;
	size_t where_len;

	dname_to_text(node_owner(node), owner);
	if (block->head.type == ANAME_TYPE)
		memcpy(type, "ANAME", sizeof "ANAME");
	else
		rrtype_to_text(block->head.type, type);
	where_len = redis_where_print(&list->keys, list->origin, node_owner(node), type,
				      where);
	/* the reason may begin with the key, "KEY: reason" */
	if (reason_len > where_len + 2 && memcmp(reason, where, where_len) == 0 &&
	    memcmp(reason + where_len, ": ", 2) == 0) {
		reason += where_len + 2;
		reason_len -= where_len + 2;
	}
	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", list->zone);
	json_out_text(json, "owner", owner);
	json_out_text(json, "type", is_of_all ? NULL : type);
	json_out_text(json, "source", where);
	json_out_null(json, "line");
	json_out_text_len(json, "reason", reason, reason_len);
	json_out_text(json, "state", state);
	json_out_end_object(json);
}

static void
write_bad(struct bad_list *list, const struct node *node, const struct block *block)
{
	struct block older;
	bool has_older = block->head.type == BAD_RRSET_OLD ||
			 node_find_block(node, BLOCK_RRSET, block->head.type, &older) ||
			 node_find_block(node, BLOCK_STEERED, block->head.type, &older) ||
			 node_find_block(node, BLOCK_ANAME, block->head.type, &older);

	write_row(list, node, block, bad_rrset_is_of_all(block),
		  (const char *)block->payload, block->head.len,
		  has_older ? "stale" : "error");
}

static void
write_note(struct bad_list *list, const struct node *node, const struct block *block)
{
	if (block->head.len > 1)
		write_row(list, node, block, false, (const char *)block->payload + 1,
			  block->head.len - 1, zone_state_fault_name(block->payload[0]));
}

/* Labels that are no names, or mean the name of another one. */
static void
write_labels(struct bad_list *list, const struct block *faults)
{
	const struct redis_text zone = { list->zone, strlen(list->zone) };
	struct json_out *json = list->clerk->json;
	struct rrset_fault fault;
	char key[REDIS_KEY_MAX];
	uint32_t at = 0;

	key[redis_keys_zone(&list->keys, zone, key)] = '\0';
	while (rrset_fault_next(faults, &at, &fault)) {
		json_out_begin_object(json, NULL);
		json_out_text(json, "zone", list->zone);
		json_out_null(json, "owner");
		json_out_null(json, "type");
		json_out_text(json, "source", key);
		json_out_null(json, "line");
		json_out_text_len(json, "reason", fault.reason, fault.head.reason_len);
		json_out_text(json, "state", zone_state_fault_name(fault.head.kind));
		json_out_end_object(json);
	}
}

static void
write_node(struct bad_list *list, const struct node *node)
{
	struct block block;
	uint32_t at = 0;

	if (list->name_count++ % NAMES_PER_TURN == 0)
		clerk_go_on(list->clerk);
	while (node_next_block(node, &at, &block))
		if (block.head.kind == BLOCK_BAD_RRSET)
			write_bad(list, node, &block);
		else if (block.head.kind == BLOCK_NOTE)
			write_note(list, node, &block);
}

int
clerk_bad_rrsets(struct clerk *clerk, struct store_walk *walk,
		 const struct zone_state *zone)
{
	struct bad_list list = { .clerk = clerk, .origin = node_owner(&zone->apex) };
	struct store_cursor *cursor;
	struct node node;
	int result;

	if (zone->facts.fault_count == 0 && !(zone->facts.flags & ZONE_NOTED))
		return 0;
	redis_keys_init(&list.keys, clerk->heritage->settings);
	dname_to_text(list.origin, list.zone);
	write_labels(&list, &zone->faults);
	write_node(&list, &zone->apex);
	result = store_cursor_open(walk, zone->facts.zone_id, &cursor);
	if (result)
		return result;
	while ((result = store_cursor_next(cursor, &node)) == 0)
		write_node(&list, &node);
	store_cursor_close(cursor);
	return result == ERR_NOTFOUND ? 0 : result;
}
