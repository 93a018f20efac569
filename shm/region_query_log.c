/* The text of the logger, and names of its figures. */
#include "shm/region_query_log.h"

#include <stdio.h>

#include "shm/seqlock.h"

static const char *const names[] = {
#define X(name, kind, help) [QUERY_LOG_##name] = "query_log_" #name,
	QUERY_LOG_FIGURES(X)
#undef X
};

const char *
region_query_log_figure_name(enum query_log_figure which)
{
	return names[which];
}

void
region_query_log_set_error(struct region_query_log *log, const char *text)
{
	seqlock_begin(&log->error_seq);
	snprintf(log->last_error, QUERY_LOG_ERROR_MAX, "%s", text);
	seqlock_end(&log->error_seq);
}

void
region_query_log_get_error(const struct region_query_log *log,
			   char out[QUERY_LOG_ERROR_MAX])
{
	seqlock_copy(&log->error_seq, out, log->last_error, QUERY_LOG_ERROR_MAX,
		     SEQLOCK_TURNS);
	out[QUERY_LOG_ERROR_MAX - 1] = '\0';
}
