/* A table of open addresses. */
#include "master/profile/sample_count.h"

#include <string.h>

static uint32_t
hash_of(unsigned worker, const struct profile_sample *sample)
{
	uint64_t hash =
		(uint64_t)worker << 16 | (uint64_t)sample->stage << 8 | sample->depth;

	for (unsigned i = 0; i < sample->depth; i++)
		hash = (hash ^ sample->pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) ^
		       hash >> 31;
	return (uint32_t)(hash >> 32);
}

static bool
is_alike(const struct sample_counted *a, unsigned worker, const struct profile_sample *b)
{
	return a->worker == worker && a->sample.stage == b->stage &&
	       a->sample.depth == b->depth && a->sample.is_bridged == b->is_bridged &&
	       memcmp(a->sample.pcs, b->pcs, b->depth * sizeof *b->pcs) == 0;
}

void
sample_count_add(struct sample_count *count, unsigned worker,
		 const struct profile_sample *sample)
{
	uint32_t at;

	if (sample->depth == 0 || sample->depth > PROFILE_DEPTH || sample->weight == 0)
		return;
	at = hash_of(worker, sample) % SAMPLE_COUNT_MAX;
	while (count->list[at].count > 0 && !is_alike(&count->list[at], worker, sample))
		at = (at + 1) % SAMPLE_COUNT_MAX;
	if (count->list[at].count == 0) {
		if (count->used == SAMPLE_COUNT_MAX / 2) {
			count->lost++;
			return;
		}
		count->used++;
		count->list[at].sample = *sample;
		count->list[at].worker = worker;
	}
	count->list[at].count += sample->weight;
	count->total += sample->weight;
}
