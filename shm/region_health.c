/* Texts of the prober. */
#include "shm/region_health.h"

#include <stdio.h>

#include "shm/seqlock.h"

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
