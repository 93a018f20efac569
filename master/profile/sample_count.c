/* A table of open addresses. */
#include "master/profile/sample_count.h"

#include <string.h>

static uint64_t
mix(uint64_t hash, const uint64_t *pcs, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		hash = (hash ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 31;
	return hash;
}

static uint32_t
hash_of(unsigned worker, const struct profile_sample *sample)
{
	uint64_t hash =
		(uint64_t)worker << 16 | (uint64_t)sample->stage << 8 | sample->depth;

	hash = mix(hash, sample->pcs, sample->depth);
	return (uint32_t)(mix(hash, sample->kernel_pcs, sample->kernel_depth) >> 32);
}

static bool
is_alike(const struct sample_counted *a, unsigned worker, const struct profile_sample *b)
{
	return a->worker == worker && a->sample.stage == b->stage &&
	       a->sample.depth == b->depth && a->sample.is_bridged == b->is_bridged &&
	       a->sample.kernel_depth == b->kernel_depth &&
	       memcmp(a->sample.pcs, b->pcs, b->depth * sizeof *b->pcs) == 0 &&
	       memcmp(a->sample.kernel_pcs, b->kernel_pcs,
		      b->kernel_depth * sizeof *b->kernel_pcs) == 0;
}

/* Its place in the list, or a free one. */
static struct sample_counted *
find(struct sample_count *count, unsigned worker, const struct profile_sample *sample)
{
	uint32_t at = hash_of(worker, sample) % SAMPLE_COUNT_MAX;

	while (count->list[at].count > 0 && !is_alike(&count->list[at], worker, sample))
		at = (at + 1) % SAMPLE_COUNT_MAX;
	return &count->list[at];
}

void
sample_count_add(struct sample_count *count, unsigned worker,
		 const struct profile_sample *sample)
{
	struct profile_sample plain;
	struct sample_counted *item;

	if (sample->depth == 0 || sample->depth > PROFILE_DEPTH ||
	    sample->kernel_depth > PROFILE_KERNEL_DEPTH || sample->weight == 0)
		return;
	item = find(count, worker, sample);
	if (item->count == 0 && sample->kernel_depth > 0 &&
	    count->used >= SAMPLE_COUNT_KERNEL) {
		plain = *sample;
		plain.kernel_depth = 0;
		sample = &plain;
		item = find(count, worker, sample);
	}
	if (item->count == 0) {
		if (count->used == SAMPLE_COUNT_MAX / 2) {
			count->lost++;
			return;
		}
		count->used++;
		item->sample = *sample;
		item->worker = worker;
	}
	item->count += sample->weight;
	count->total += sample->weight;
}
