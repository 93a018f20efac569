/* A zone of many names for benchmarks of signing, its keys, and what it takes to sign it. */
#ifndef T_BENCH_SIGNED_NAMES_H
#define T_BENCH_SIGNED_NAMES_H

#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/sign/key_make.h"
#include "loader/sign/zone_sign.h"
#include "loader/zone/zone_messages.h"
#include "t/scratch_dir.h"
#include "t/zone_maker.h"

#define SIGNED_ORIGIN "names.example"

/* CPU time of RUSAGE_SELF, or of the RUSAGE_CHILDREN that were waited for. */
static inline double
signed_names_cpu_s(int who)
{
	struct rusage used;

	getrusage(who, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static inline void
signed_names_key(const struct settings *settings, uint16_t flags)
{
	struct key_dir *keys = key_dir_new(settings->dnssec.key_dir);
	struct key_draw draw = { .algorithm = 13, .flags = flags };
	char reason[SIGN_PROBLEM_LEN];
	uint8_t name[DNAME_MAX];

	if (!keys || dname_from_text(SIGNED_ORIGIN, name) == 0 ||
	    key_make(keys, name, &draw, reason) != 0)
		bail_out("no key");
	key_dir_free(keys);
}

/* KSK and ZSK in a directory of `scratch`, which the settings name from now on. */
static inline void
signed_names_keys(char *scratch, struct settings *settings)
{
	char *keys = strdup(scratch_path(scratch, "keys"));

	if (!keys || mkdir(keys, 0700) != 0)
		bail_out("no directory");
	settings->state_dir = scratch;
	settings->dnssec.key_dir = keys;
	signed_names_key(settings, 257);
	signed_names_key(settings, 256);
}

/* So many names with an address each, to be signed. */
static inline struct zone_records *
signed_names_make(unsigned count)
{
	struct zone_records *zone = zone_make(SIGNED_ORIGIN);
	char owner[64];

	for (unsigned i = 0; i < count; i++) {
		const uint8_t address[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
					     (uint8_t)i };

		snprintf(owner, sizeof owner, "h%08u." SIGNED_ORIGIN, i);
		zone_put_rdata(zone, owner, 3600, RRTYPE_A, address, sizeof address);
	}
	zone_done(zone);
	zone->signing_wish.is_wanted = true;
	return zone;
}

/* Sign it as at `now_s`. */
static inline void
signed_names_sign(struct zone_records *zone, const struct settings *settings,
		  struct sign_session *session, int64_t now_s)
{
	const struct zone_signing how = { .settings = settings, .now_s = now_s };
	struct zone_messages messages = { .kept = NULL };

	if (!session || zone_sign(zone, session, &how, &messages) != 0)
		bail_out("the zone is not signed");
	zone_messages_fini(&messages);
}

#endif
