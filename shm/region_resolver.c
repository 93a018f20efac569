/* Its one text. */
#include "shm/region_resolver.h"

#include <stdio.h>

#include "shm/seqlock.h"

void
region_resolver_set_error(struct region_resolver *resolver, const char *text)
{
	seqlock_begin(&resolver->error_seq);
	snprintf(resolver->last_error, sizeof resolver->last_error, "%s", text);
	seqlock_end(&resolver->error_seq);
}

void
region_resolver_get_error(const struct region_resolver *resolver,
			  char out[RESOLVER_ERROR_MAX])
{
	seqlock_copy(&resolver->error_seq, out, resolver->last_error, RESOLVER_ERROR_MAX,
		     SEQLOCK_TURNS);
	out[RESOLVER_ERROR_MAX - 1] = '\0';
}
