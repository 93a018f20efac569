/* Sources and errors in apex nodes. */
#include "loader/zone/apex_node.h"

#include <string.h>

#include "shm/clock.h"

void
apex_put_source(struct node_writer *writer, const struct zone_source *source)
{
	struct source_facts facts = {
		.kind = source->kind,
		.path_count = (uint32_t)source->path_count,
		.stamp = source->stamp,
	};

	node_writer_begin_block(writer, BLOCK_SOURCE, 0);
	node_writer_append(writer, &facts, sizeof facts);
	for (size_t i = 0; i < source->path_count; i++)
		node_writer_append(writer, source->paths[i],
				   strlen(source->paths[i]) + 1);
	node_writer_end_block(writer);
}

void
apex_put_fault(struct node_writer *writer, const struct zone_fault *fault)
{
	struct rrset_fault_head head = {
		.line = fault->line,
		.type = fault->type,
		.kind = fault->kind,
		.owner_len = fault->owner_len,
		.path_len = (uint16_t)strnlen(fault->path, UINT16_MAX),
		.reason_len = (uint16_t)strnlen(fault->reason, UINT16_MAX),
	};

	node_writer_append(writer, &head, sizeof head);
	node_writer_append(writer, fault->owner, head.owner_len);
	node_writer_append(writer, fault->path, head.path_len);
	node_writer_append(writer, fault->reason, head.reason_len);
}

static void
put_source_and_error(struct node_writer *writer, const struct zone_source *source,
		     const char *error)
{
	apex_put_source(writer, source);
	if (error)
		node_writer_put_block(writer, BLOCK_ERROR, 0, error, strlen(error));
}

int
apex_write_broken(struct node_writer *writer, const uint8_t *origin, size_t origin_len,
		  const struct zone_source *source, const char *error)
{
	struct zone_facts facts = {
		.flags = ZONE_BROKEN,
		.name_count = 1,
		.loaded_at_s = clock_wall_s(),
	};

	node_writer_begin(writer, CATALOGUE_ID, NODE_APEX, origin, origin_len);
	node_writer_put_block(writer, BLOCK_ZONE, 0, &facts, sizeof facts);
	put_source_and_error(writer, source, error);
	return node_writer_end(writer);
}

int
apex_rewrite(struct node_writer *writer, const struct node *old,
	     const struct zone_source *source, const char *error)
{
	struct block block;
	uint32_t at = 0;

	node_writer_begin(writer, old->head.zone_id, old->head.flags, node_owner(old),
			  old->head.owner_len);
	node_writer_set_facts(writer, old->head.flags, old->head.child_count);
	while (node_next_block(old, &at, &block))
		if (block.head.kind != BLOCK_SOURCE && block.head.kind != BLOCK_ERROR)
			node_writer_put_block(writer, (enum block_kind)block.head.kind,
					      block.head.type, block.payload,
					      block.head.len);
	put_source_and_error(writer, source, error);
	return node_writer_end(writer);
}

bool
apex_is_from_redis(const struct node *apex)
{
	struct source_facts source;

	return node_copy_block(apex, BLOCK_SOURCE, &source, sizeof source) &&
	       source.kind == SOURCE_REDIS;
}

bool
apex_has_error(const struct node *apex, const char *error)
{
	struct block block;

	if (!node_find_block(apex, BLOCK_ERROR, 0, &block))
		return error[0] == '\0';
	return block.head.len == strlen(error) &&
	       memcmp(block.payload, error, block.head.len) == 0;
}

void
apex_set_zone_id(uint8_t *bytes, uint32_t zone_id)
{
	struct block_head block;
	struct node_head head;
	uint8_t *at;

	memcpy(&head, bytes, sizeof head);
	if (!(head.flags & NODE_APEX) ||
	    head.node_len < sizeof head + head.owner_len + sizeof block +
				    sizeof(struct zone_facts))
		return;
	at = bytes + sizeof head + head.owner_len;
	memcpy(&block, at, sizeof block);
	if (block.kind == BLOCK_ZONE && block.len >= sizeof(struct zone_facts))
		memcpy(at + sizeof block + offsetof(struct zone_facts, zone_id), &zone_id,
		       sizeof zone_id);
}
