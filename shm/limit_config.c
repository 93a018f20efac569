/* Handing the limits over to the workers, and their names. */
#include "shm/limit_config.h"

#include <limits.h>
#include <string.h>

#include "shm/seqlock.h"

void
limit_config_set(struct region_limits *limits, const struct limit_config *config)
{
	seqlock_begin(&limits->seq);
	memcpy(&limits->config, config, sizeof *config);
	seqlock_end(&limits->seq);
}

uint32_t
limit_config_get(const struct region_limits *limits, struct limit_config *out)
{
	return seqlock_copy(&limits->seq, out, &limits->config, sizeof *out, INT_MAX);
}

const char *
limit_reason_class(enum limit_reason reason)
{
	switch (reason) {
	case LIMIT_CLIENT_RATE:
	case LIMIT_CLIENT_BLACKLIST:
		return "client";
	case LIMIT_RRL_ANSWERS:
		return "answers";
	case LIMIT_RRL_NXDOMAIN:
		return "nxdomain";
	case LIMIT_RRL_NODATA:
		return "nodata";
	case LIMIT_RRL_REFERRALS:
		return "referrals";
	case LIMIT_RRL_ERRORS:
		return "errors";
	case LIMIT_ISOLATION:
		return "isolation";
	case LIMIT_REASON_COUNT:
		break;
	}
	return "unknown";
}

const char *
limit_reason_text(enum limit_reason reason)
{
	return reason == LIMIT_CLIENT_BLACKLIST ? "blacklist"
	       : reason == LIMIT_ISOLATION      ? "share"
						: "rate";
}
