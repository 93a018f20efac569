/* One zone after another, some names a second. */
#include "loader/redis/follow_renew.h"

#include <string.h>

#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	STEP_MS = 100,
	LOOK_MS = 60000, /* between looking at all zones */
	DAY_S = 86400,
	NAMES_MAX = 25, /* in one step, which changes wait for */
	SIGNATURES_OF_NAME = 2, /* or more */
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

struct remains {
	const struct settings *settings;
	int64_t due_s;
};

static int
note_remains(void *context, const struct node *apex)
{
	struct remains *remains = context;
	struct signing_facts facts;
	int64_t due_s;

	if (!apex_is_from_redis(apex) || !live_is_renewal_due(apex, remains->settings) ||
	    !node_copy_block(apex, BLOCK_SIGNING, &facts, sizeof facts))
		return 0;
	due_s = facts.ends_at_s - (int64_t)remains->settings->dnssec.refresh_days * DAY_S;
	if (remains->due_s == 0 || due_s < remains->due_s)
		remains->due_s = due_s;
	return 0;
}

/* All have been looked at: what is due still could not be renewed. */
static void
tell_remains(const struct follow *f)
{
	struct remains remains = { .settings = f->settings };

	(void)!live_walk_zones(f->live, note_remains, &remains);
	atomic_store(&f->signing->redis_due_s, remains.due_s);
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
	tell_remains(f);
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
	uint64_t rate = f->settings->dnssec.max_rate;
	uint64_t names = rate * STEP_MS / 1000 / SIGNATURES_OF_NAME;

	return names > NAMES_MAX ? NAMES_MAX : names + 1;
}

/* From one step to the next, so that dnssec.max_rate holds however many there were. */
static uint64_t
pause_ms(const struct follow *f, uint64_t made)
{
	uint64_t pace_ms = made * 1000 / f->settings->dnssec.max_rate;

	return pace_ms > STEP_MS ? pace_ms : STEP_MS;
}

bool
follow_renew_is_on(const struct follow *f)
{
	return f->live && f->store_retry_ms == 0 && f->away.count == 0 &&
	       f->renewal.origin_len > 0;
}

void
follow_renew_step(struct follow *f)
{
	uint64_t now_ms = clock_now_ms(), made = f->renewal.made;
	int rc;

	if (!f->live)
		atomic_store(&f->signing->redis_due_s, 0);
	if (!f->live || f->store_retry_ms != 0 || f->away.count > 0 ||
	    now_ms < f->renew_ms || region_clock_is_doubtful(f->region))
		return;
	if (f->renewal.origin_len == 0 || f->renewal.is_done) {
		find_zone(f, now_ms);
		made = 0;
	}
	if (f->renewal.origin_len == 0)
		return;
	rc = live_renew(f->live, &f->renewal, names_of_step(f));
	f->renew_ms = now_ms + pause_ms(f, f->renewal.made - made);
	region_source_add(f->board, SOURCE_redis_renewed, f->renewal.made - made);
	if (rc == ERR_OK && !f->renewal.is_done)
		return;
	tell(f, rc);
	f->renewal.is_done = true;
	if (rc == ERR_TIMEOUT)
		f->renew_ms = now_ms + LOOK_MS;
}
