/* Texts of the prober, and names of its figures. */
#include "shm/region_health.h"

#include <stdio.h>

#include "shm/seqlock.h"

static const char *const names[] = {
#define X(name, kind, help) [HEALTH_##name] = "health_" #name,
	HEALTH_FIGURES(X)
#undef X
};

const char *
region_health_figure_name(enum health_figure which)
{
	return names[which];
}

void
region_health_set_error(struct region_health *health, enum health_error which,
			const char *text)
{
	seqlock_begin(&health->error_seq);
	snprintf(which == HEALTH_ERROR_PROBE ? health->last_error : health->link_error,
		 HEALTH_ERROR_MAX, "%s", text);
	seqlock_end(&health->error_seq);
}

void
region_health_get_error(const struct region_health *health, enum health_error which,
			char out[HEALTH_ERROR_MAX])
{
	seqlock_copy(&health->error_seq, out,
		     which == HEALTH_ERROR_PROBE ? health->last_error
						 : health->link_error,
		     HEALTH_ERROR_MAX, SEQLOCK_TURNS);
	out[HEALTH_ERROR_MAX - 1] = '\0';
}
