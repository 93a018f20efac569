/* Which target it is. */
#include "loader/query_log/log_target.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct log_target *
log_target_new(const struct settings *settings)
{
	const char *name = settings->query_log.target;

	if (strcmp(name, "syslog") == 0)
		return log_syslog_new();
	if (strcmp(name, "redis") == 0)
		return log_redis_new(settings);
	if (strcmp(name, "dnstap") == 0)
		return log_dnstap_new(settings);
	return log_file_new(name);
}

void
log_target_fail(struct log_target *target, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(target->why, sizeof target->why, format, args);
	va_end(args);
}
