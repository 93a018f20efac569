/* What is limited, and how much: a copy of the options of `limit`, for the workers.  The
 * master writes it into the region, at the start and at each reload. */
#ifndef SHM_LIMIT_CONFIG_H
#define SHM_LIMIT_CONFIG_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/network.h"

enum {
	LIMIT_PREFIXES_MAX = 1024,	/* of both lists */
	LIMIT_SECRETS_MAX = 16,
	LIMIT_SECRET_LEN = 16,
};

/* Why somebody is limited.  Append only: the names are told. */
enum limit_reason {
	LIMIT_CLIENT_RATE = 0,
	LIMIT_CLIENT_BLACKLIST,
	LIMIT_RRL_ANSWERS,		/* the classes of responses, see worker/rrl.h */
	LIMIT_RRL_NXDOMAIN,
	LIMIT_RRL_NODATA,
	LIMIT_RRL_REFERRALS,
	LIMIT_RRL_ERRORS,
	LIMIT_ISOLATION,		/* a zone that takes too much: see worker/isolation.h */
	LIMIT_REASON_COUNT,
};

enum { LIMIT_RRL_CLASSES = LIMIT_ISOLATION - LIMIT_RRL_ANSWERS };

/* "client", the class of responses, or "isolation"; "rate", "blacklist" or "share". */
const char *limit_reason_class(enum limit_reason reason);
const char *limit_reason_text(enum limit_reason reason);

struct limit_prefix {
	struct network network;
	uint8_t is_black;		/* else white */
};

struct limit_config {
	uint8_t log_only;		/* what is over a limit is counted, and answered */
	uint8_t isolates;		/* no zone's flood is to cost others their answers */
	uint8_t client_drops;		/* else REFUSED */
	uint8_t has_cookies;		/* DNS cookies are looked at, and made */
	uint8_t secret_count;		/* 1 or more; the first makes, all are accepted */
	uint8_t secrets[LIMIT_SECRETS_MAX][LIMIT_SECRET_LEN];
	uint32_t client_rate;		/* queries a minute; 0: no limit */
	uint32_t client_burst;		/* at once, besides the first */
	uint32_t rrl_rates[LIMIT_RRL_CLASSES];	/* responses a second; 0: no limit */
	uint32_t rrl_slip;		/* one of so many goes out; 0: none */
	uint8_t rrl_v4_prefix, rrl_v6_prefix;	/* bits of a network, of 32 and of 128 */
	uint32_t prefix_count;
	struct limit_prefix prefixes[LIMIT_PREFIXES_MAX];
};

struct region_limits {
	_Alignas(128) _Atomic uint32_t seq;	/* odd while the master writes */
	struct limit_config config;
};

/* Master: take these into effect. */
__attribute__((nonnull))
void limit_config_set(struct region_limits *limits, const struct limit_config *config);

/* Take a consistent copy.  returns its seq, for a cheap comparison next time. */
__attribute__((nonnull))
uint32_t limit_config_get(const struct region_limits *limits, struct limit_config *out);

#endif
