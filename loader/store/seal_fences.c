/* A fence for each block of entries. */
#include "loader/store/seal_fences.h"

#include <stdlib.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

void
seal_fences_reset(struct seal_fences *fences)
{
	fences->count = fences->head_count = 0;
	fences->block.count = 0;
}

/* Room is made when an entry is added, so that this cannot fail. */
static void
finish_block(struct seal_fences *fences)
{
	struct order_block *block = &fences->block;

	if (block->count == 0)
		return;
	order_block_finish(block, &fences->list[fences->count],
			   fences->heads + fences->head_count);
	fences->count++;
	fences->head_count += block->count;
	block->count = 0;
}

uint32_t
seal_fences_begin(struct seal_fences *fences)
{
	finish_block(fences);
	return (uint32_t)fences->count;
}

static int
make_room(struct seal_fences *fences)
{
	struct index_fence *list =
		grow_items(fences->list, &fences->room, fences->count + 1, sizeof *list);
	uint64_t *heads;

	if (!list)
		return ERR_NOMEM;
	fences->list = list;
	heads = grow_items(fences->heads, &fences->head_room,
			   fences->head_count + INDEX_FENCE_STEP, sizeof *heads);
	if (!heads)
		return ERR_NOMEM;
	fences->heads = heads;
	return ERR_OK;
}

int
seal_fences_add(struct seal_fences *fences, const uint8_t *owner, unsigned apex_labels)
{
	if (fences->block.count == INDEX_FENCE_STEP)
		finish_block(fences);
	if (fences->block.count == 0 && make_room(fences) != ERR_OK)
		return ERR_NOMEM;
	order_block_add(&fences->block, owner, apex_labels);
	return ERR_OK;
}

void
seal_fences_fini(struct seal_fences *fences)
{
	free(fences->list);
	free(fences->heads);
	fences->list = NULL;
	fences->heads = NULL;
}
