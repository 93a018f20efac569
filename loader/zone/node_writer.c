/* Nodes in the making. */
#include "loader/zone/node_writer.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "shm/dname.h"
#include "shm/errcode.h"

void
node_writer_fini(struct node_writer *writer)
{
	free(writer->bytes);
	memset(writer, 0, sizeof *writer);
}

uint8_t *
node_writer_reserve(struct node_writer *writer, size_t len)
{
	uint8_t *bytes;

	if (writer->error)
		return NULL;
	if (len > UINT32_MAX - writer->len) {
		writer->error = ERR_RANGE;
		return NULL;
	}
	bytes = grow_items(writer->bytes, &writer->room, writer->len + len, 1);
	if (!bytes) {
		writer->error = ERR_NOMEM;
		return NULL;
	}
	writer->bytes = bytes;
	return bytes + writer->len;
}

void
node_writer_append(struct node_writer *writer, const void *bytes, size_t len)
{
	uint8_t *to = node_writer_reserve(writer, len);

	if (!to)
		return;
	memcpy(to, bytes, len);
	writer->len += len;
}

void
node_writer_begin(struct node_writer *writer, uint32_t zone_id, uint16_t flags,
		  const uint8_t *owner, size_t owner_len)
{
	struct node_head head = {
		.zone_id = zone_id,
		.flags = flags,
		.owner_len = (uint8_t)owner_len,
		.label_count = (uint8_t)dname_label_count(owner),
	};

	writer->len = 0;
	writer->error = 0;
	node_writer_append(writer, &head, sizeof head);
	node_writer_append(writer, owner, owner_len);
}

void
node_writer_set_facts(struct node_writer *writer, uint16_t flags, uint32_t child_count)
{
	if (writer->error)
		return;
	memcpy(writer->bytes + offsetof(struct node_head, flags), &flags, sizeof flags);
	memcpy(writer->bytes + offsetof(struct node_head, child_count), &child_count,
	       sizeof child_count);
}

int
node_writer_end(struct node_writer *writer)
{
	uint32_t len = (uint32_t)writer->len;

	if (!writer->error)
		memcpy(writer->bytes + offsetof(struct node_head, node_len), &len,
		       sizeof len);
	return writer->error;
}

void
node_writer_begin_block(struct node_writer *writer, enum block_kind kind, uint16_t type)
{
	struct block_head head = { .kind = (uint16_t)kind, .type = type };

	writer->block_at = writer->len;
	node_writer_append(writer, &head, sizeof head);
}

void
node_writer_end_block(struct node_writer *writer)
{
	uint32_t len;

	if (writer->error)
		return;
	len = (uint32_t)(writer->len - writer->block_at - sizeof(struct block_head));
	memcpy(writer->bytes + writer->block_at + offsetof(struct block_head, len), &len,
	       sizeof len);
}

void
node_writer_drop_block(struct node_writer *writer)
{
	writer->len = writer->block_at;
}

void
node_writer_put_block(struct node_writer *writer, enum block_kind kind, uint16_t type,
		      const void *payload, size_t len)
{
	node_writer_begin_block(writer, kind, type);
	if (len)
		node_writer_append(writer, payload, len);
	node_writer_end_block(writer);
}
