/* The text of the logger. */
#include "shm/region_query_log.h"

#include <stdio.h>

#include "shm/seqlock.h"

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
