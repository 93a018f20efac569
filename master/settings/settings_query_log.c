/* Targets of the query log, and what each of them needs. */
#include "master/settings/settings_query_log.h"

#include <string.h>

const char *
settings_query_log_contradiction(const struct settings *settings)
{
	const char *target = settings->query_log.target;

	if (!settings->query_log.enable)
		return NULL;
	if (!target[0])
		return "query_log.target: where to is missing: the path of a file, "
		       "syslog, redis or dnstap";
	if (strcmp(target, "redis") == 0 && !settings->query_log.redis.address[0])
		return "query_log.redis.address: the target redis needs it, as "
		       "\"127.0.0.1:6379\"";
	if (strcmp(target, "dnstap") == 0 && !settings->query_log.dnstap.socket[0])
		return "query_log.dnstap.socket: the target dnstap needs it, the Unix "
		       "socket of its reader";
	return NULL;
}
