/* So many a second, and no more than that at once. */
#ifndef LOADER_STEERED_STEERED_BUDGET_H
#define LOADER_STEERED_STEERED_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct steered_budget {
	uint64_t cost_ns;		/* of one */
	uint64_t spent_until_ns;	/* what was taken is paid for by then */
};

static inline void
steered_budget_init(struct steered_budget *budget, unsigned rate)
{
	*budget = (struct steered_budget){ .cost_ns = UINT64_C(1000000000) / rate };
}

/* As many as there can ever be left. */
static inline unsigned
steered_budget_most(const struct steered_budget *budget)
{
	return (unsigned)(UINT64_C(1000000000) / budget->cost_ns);
}

/* Take one, if more than `kept` are left. */
static inline bool
steered_budget_take(struct steered_budget *budget, uint64_t now_ns, unsigned kept)
{
	uint64_t room_ns = (steered_budget_most(budget) - kept) * budget->cost_ns;

	if (budget->spent_until_ns < now_ns)
		budget->spent_until_ns = now_ns;
	if (budget->spent_until_ns - now_ns + budget->cost_ns > room_ns)
		return false;
	budget->spent_until_ns += budget->cost_ns;
	return true;
}

#endif
