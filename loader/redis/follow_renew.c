/* One zone after another, some names a second. */
#include "loader/redis/follow_renew.h"

#include <string.h>

#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	STEP_MS = 1000,
	LOOK_MS = 60000, /* between looking at all zones */
	NAMES_MAX = 250, /* in one step */
	SIGNATURES_OF_NAME = 4, /* about */
};

struct search {
	struct follow *f;
	const uint8_t *behind; /* NULL: from the first on */
};

static int
find_due(void *context, const struct node *apex)
{
	const struct search *search = context;
	struct live_renewal *renewal = &search->f->renewal;

	if (!apex_is_from_redis(apex) ||
	    (search->behind && dname_compare(node_owner(apex), search->behind) == 0) ||
	    !live_is_renewal_due(apex, search->f->settings))
		return 0;
	*renewal = (struct live_renewal){ .origin_len = apex->head.owner_len };
	memcpy(renewal->origin, node_owner(apex), apex->head.owner_len);
	return 1;
}

/* Find the next zone that is due, behind the one that was looked at last. */
static void
find_zone(struct follow *f, uint64_t now_ms)
{
	uint8_t behind[DNAME_MAX + NAME_PAD];
	struct search search = { f, f->renewal.origin_len > 0 ? behind : NULL };

	memcpy(behind, f->renewal.origin, sizeof behind);
	f->renewal.origin_len = 0;
	if (live_walk_zones_from(f->live, behind, find_due, &search) > 0)
		return;
	f->renewal = (struct live_renewal){ .origin_len = 0 };
	f->renew_ms = now_ms + LOOK_MS;
}

static void
tell(const struct follow *f, int rc)
{
	char name[DNAME_TEXT_MAX];

	dname_to_text(f->renewal.origin, name);
	if (rc == ERR_OK)
		log_info("%s: %llu signatures were renewed", name,
			 (unsigned long long)f->renewal.made);
	else if (rc == ERR_TIMEOUT)
		log_warnx("%s: signatures are not renewed: the signer does not answer",
			  name);
	else if (rc != ERR_NOTFOUND && rc != ERR_FORMAT)
		log_warnx("%s: signatures are not renewed: %s", name, errcode_text(rc));
}

static size_t
names_of_step(const struct follow *f)
{
	size_t names = f->settings->dnssec.max_rate / SIGNATURES_OF_NAME;

	return names > NAMES_MAX ? NAMES_MAX : names + 1;
}

void
follow_renew_step(struct follow *f)
{
	uint64_t now_ms = clock_now_ms(), made = f->renewal.made;
	int rc;

	if (!f->live || f->store_retry_ms != 0 || now_ms < f->renew_ms)
		return;
	f->renew_ms = now_ms + STEP_MS;
	if (f->renewal.origin_len == 0 || f->renewal.is_done) {
		find_zone(f, now_ms);
		made = 0;
	}
	if (f->renewal.origin_len == 0)
		return;
	rc = live_renew(f->live, &f->renewal, names_of_step(f));
	region_source_add(f->board, SOURCE_redis_renewed, f->renewal.made - made);
	if (rc == ERR_OK && !f->renewal.is_done)
		return;
	tell(f, rc);
	f->renewal.is_done = true;
	if (rc == ERR_TIMEOUT)
		f->renew_ms = now_ms + LOOK_MS;
}
