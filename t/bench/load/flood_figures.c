/* The figures of all threads together. */
#include "t/bench/load/flood_figures.h"

void
flood_figures_join(struct flood_figures *into, const struct flood_figures *from)
{
	uint64_t behind = flood_get(&from->max_behind_us);

	if (behind < into->max_behind_us)
		behind = into->max_behind_us;
#define X(name) into->name += flood_get(&from->name);
	FLOOD_FIGURES(X)
#undef X
	into->max_behind_us = behind;
	for (unsigned i = 0; i < FLOOD_RCODES; i++)
		into->rcodes[i] += flood_get(&from->rcodes[i]);
	flood_hist_join(&into->udp, &from->udp);
	flood_hist_join(&into->tcp, &from->tcp);
}
