/* One zone after another, those first whose signatures end first; some names at a time. */
#include "loader/redis/follow_renew.h"

#include <string.h>

#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LOOK_MS = 60000, /* between looking at all zones */
	LOOK_US = 1000, /* at some of them */
	LOOK_ZONES = 64, /* between two looks at the clock */
	DAY_S = 86400,
	NAMES_MAX = 25, /* in one step, which changes wait for */
	SIGNATURES_OF_NAME = 2, /* or more */
	CALM_US = 100000, /* from one step to the next while there is time */
	REST = 4, /* of the time a step takes, when there is less */
};

/* ---- how fast ---- */

static int64_t
refresh_s(const struct settings *settings)
{
	return (int64_t)settings->dnssec.refresh_days * DAY_S;
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t
follow_renew_rest_us(const struct settings *settings, uint64_t took_us, uint64_t made,
		     int64_t left_s)
{
	uint64_t rest_us = REST * took_us;

	if (left_s >= refresh_s(settings) / 4 * 3)
		rest_us = larger(rest_us, CALM_US);
	else if (left_s < refresh_s(settings) / 4)
		rest_us = took_us;
	/* however many there were */
	return larger(rest_us, made * 1000000 / settings->dnssec.max_rate);
}

static size_t
names_of_step(const struct follow *f)
{
	uint64_t rate = f->settings->dnssec.max_rate;
	uint64_t names = rate * CALM_US / 1000000 / SIGNATURES_OF_NAME;

	return names > NAMES_MAX ? NAMES_MAX : names + 1;
}

/* ---- which ---- */

struct look {
	struct follow *f;
	uint64_t until_us;
	unsigned seen;
};

static int
visit(void *context, const struct node *apex)
{
	struct look *look = context;
	struct follow *f = look->f;
	const uint8_t *origin = node_owner(apex);
	size_t len = apex->head.owner_len;
	struct signing_facts facts;
	uint32_t number;

	if (++look->seen % LOOK_ZONES == 0 && clock_now_ns() / 1000 >= look->until_us) {
		memcpy(f->renew_from, origin, len);
		return ERR_BUSY;
	}
	if (apex_is_from_redis(apex) && live_is_renewal_due(apex, f->settings) &&
	    node_copy_block(apex, BLOCK_SIGNING, &facts, sizeof facts) &&
	    key_table_find(&f->renewed, 0, origin, len, &number) == ERR_NOTFOUND)
		due_zones_add(&f->due, facts.ends_at_s, origin, len);
	return 0;
}

static void
begin_look(struct follow *f)
{
	due_zones_clear(&f->due);
	memset(f->renew_from, 0, sizeof f->renew_from);
	f->is_renew_looking = true;
}

/* Look through some zones more.  returns whether these were the last ones. */
static bool
look_on(struct follow *f, uint64_t now_ms)
{
	uint64_t began_us = clock_now_ns() / 1000;
	struct look look = { .f = f, .until_us = began_us + LOOK_US };

	if (live_walk_zones_from(f->live, f->renew_from, visit, &look) == ERR_BUSY) {
		f->renew_ms = now_ms + 1 + REST * LOOK_US / 1000;
		return false;
	}
	f->is_renew_looking = false;
	due_zones_sort(&f->due);
	return true;
}

/* What is due still could not be renewed. */
static void
end_pass(struct follow *f, uint64_t now_ms)
{
	atomic_store(&f->signing->redis_due_s, f->unrenewed_due_s);
	f->unrenewed_due_s = 0;
	key_table_clear(&f->renewed);
	f->renewal = (struct live_renewal){ .origin_len = 0 };
	f->renew_ms = now_ms + LOOK_MS;
	f->is_renewing = false;
	begin_look(f);
}

/* Find the next zone that is due.  returns false when there is none, or none yet. */
static bool
find_zone(struct follow *f, uint64_t now_ms)
{
	const struct due_zone *zone;
	uint32_t number;

	if (!f->is_renewing)
		begin_look(f);
	f->is_renewing = true;
	f->renewal.origin_len = 0;
	if (f->is_renew_looking && !look_on(f, now_ms))
		return false;
	zone = due_zones_take(&f->due);
	if (!zone && f->due.has_more && f->due.taken > 0)
		begin_look(f);
	else if (!zone)
		end_pass(f, now_ms);
	if (!zone)
		return false;
	f->renewal = (struct live_renewal){ .origin_len = zone->origin_len };
	memcpy(f->renewal.origin, zone->origin, zone->origin_len);
	f->renewal_ends_s = zone->ends_s;
	/* without memory it is renewed once more */
	(void)!key_table_add(&f->renewed, 0, zone->origin, zone->origin_len, &number);
	return true;
}

/* ---- a step ---- */

static void
note_failure(struct follow *f)
{
	int64_t due_s = f->renewal_ends_s - refresh_s(f->settings);

	if (f->unrenewed_due_s != 0 && f->unrenewed_due_s <= due_s)
		return;
	f->unrenewed_due_s = due_s;
	atomic_store(&f->signing->redis_due_s, due_s);
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

bool
follow_renew_is_on(const struct follow *f)
{
	return f->live && f->store_retry_ms == 0 && f->away.count == 0 && f->is_renewing;
}

static void
renew(struct follow *f, uint64_t now_ms)
{
	uint64_t began_us = clock_now_ns() / 1000, made = f->renewal.made, rest_us;
	int rc = live_renew(f->live, &f->renewal, names_of_step(f));

	made = f->renewal.made - made;
	rest_us = follow_renew_rest_us(f->settings, clock_now_ns() / 1000 - began_us,
				       made, f->renewal_ends_s - clock_wall_s());
	f->renew_ms = clock_now_ms() + (rest_us + 999) / 1000;
	region_source_add(f->board, SOURCE_redis_renewed, made);
	if (rc == ERR_OK && !f->renewal.is_done)
		return;
	tell(f, rc);
	f->renewal.is_done = true;
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		note_failure(f);
	if (rc == ERR_TIMEOUT)
		f->renew_ms = now_ms + LOOK_MS;
}

void
follow_renew_step(struct follow *f)
{
	uint64_t now_ms = clock_now_ms();

	if (!f->live)
		atomic_store(&f->signing->redis_due_s, 0);
	if (!f->live || f->store_retry_ms != 0 || f->away.count > 0 ||
	    now_ms < f->renew_ms || region_clock_is_doubtful(f->region))
		return;
	if (f->renewal.origin_len > 0 && !f->renewal.is_done)
		renew(f, now_ms);
	else if (find_zone(f, now_ms))
		renew(f, now_ms);
}
