/* What is overdue, and who could read keys. */
#include "master/stats/stats_signing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/fence.h"

enum {
	OVERDUE_S = 3600,
	TEXT_MAX = 512,
	TIME_MAX = 32,
};

/* Signatures that are made under a wrong time are bogus, or end at once. */
static unsigned
put_clock(const struct server *server, struct json_out *json)
{
	char text[REGION_CLOCK_TEXT_MAX];

	if (!region_clock_explain(server->region, text))
		return 0;
	json_out_text(json, NULL, text);
	return 1;
}

/* From files and from Redis; 0: never. */
static int64_t
first_due(const struct region_signer *signer)
{
	int64_t files_s = atomic_load(&signer->renew_at_s);
	int64_t redis_s = atomic_load(&signer->redis_due_s);

	return files_s == 0 || (redis_s != 0 && redis_s < files_s) ? redis_s : files_s;
}

static unsigned
put_overdue(const struct server *server, struct json_out *json)
{
	int64_t due_s = first_due(&server->region->signer);
	time_t at = (time_t)due_s;
	char text[TEXT_MAX], time[TIME_MAX] = "";
	struct tm parts;

	if (due_s == 0 || clock_wall_s() - due_s < OVERDUE_S)
		return 0;
	if (gmtime_r(&at, &parts))
		(void)!strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
	snprintf(text, sizeof text,
		 "signatures that were to be renewed at %s are not: see `martletctl "
		 "errors` and the log",
		 time);
	json_out_text(json, NULL, text);
	return 1;
}

/* One failure may pass: it is tried again a second later. */
static unsigned
put_unkept(const struct server *server, struct json_out *json)
{
	struct region_signer *signer = &server->region->signer;
	unsigned count = atomic_load(&signer->unkept_count);
	char text[TEXT_MAX + PATH_MAX];

	if (count == 0 || atomic_load(&signer->unkept_tries) < 2)
		return 0;
	snprintf(text, sizeof text,
		 "the keys of %u zone%s in Redis cannot be kept in %s/" FENCE_KEYS_DIR
		 " (%s): what signed before goes on, new ones sign nothing: make room "
		 "there, or give the server's user the right to write",
		 count, count == 1 ? "" : "s", server->settings->state_dir,
		 errcode_text(atomic_load(&signer->unkept_why)));
	json_out_text(json, NULL, text);
	return 1;
}

unsigned
stats_signing_put_problems(const struct server *server, struct json_out *json)
{
	return put_clock(server, json) + put_overdue(server, json) +
	       put_unkept(server, json);
}

/* What is served of these zones is older than their source. */
static void
put_aside(const struct server *server, struct json_out *json)
{
	char name[REGION_SIGNER_NAME_MAX], text[TEXT_MAX];
	unsigned count = region_signer_aside(&server->region->signer, name);

	if (count == 0)
		return;
	snprintf(text, sizeof text,
		 "%u zone%s from Redis %s signed as a whole, aside: of %s%s the state "
		 "before the last change is served until then",
		 count, count == 1 ? "" : "s", count == 1 ? "is being" : "are being",
		 name, count == 1 ? "" : " and the others");
	json_out_text(json, NULL, text);
}

static void
put_unfenced(const struct server *server, struct json_out *json)
{
	const struct region_fence *fence = &server->region->fence;
	uint32_t missing = atomic_load(&fence->missing);
	char text[TEXT_MAX + PATH_MAX], names[TEXT_MAX / 2] = "";

	if (!missing)
		return;
	for (unsigned i = 0; i < FENCE_COUNT; i++)
		if (missing >> i & 1)
			snprintf(names + strlen(names), sizeof names - strlen(names),
				 "%s%s", names[0] ? ", " : "", fence_who_name(i));
	snprintf(text, sizeof text,
		 "not shut out of %s/" FENCE_KEYS_DIR " (Landlock: %s): %s: a kernel of "
		 "5.13 or later with \"landlock\" in its list of security modules (lsm=) "
		 "does that",
		 server->settings->state_dir, strerror(atomic_load(&fence->reason)),
		 names);
	json_out_text(json, NULL, text);
}

void
stats_signing_put_notices(const struct server *server, struct json_out *json)
{
	put_aside(server, json);
	put_unfenced(server, json);
}
