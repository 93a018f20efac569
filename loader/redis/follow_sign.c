/* What signing means for a zone's plan. */
#include "loader/redis/follow_sign.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_key_times.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/redis_secrets.h"
#include "loader/sign/roll.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/zone_sign.h"
#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LIVE_NAMES = 1000, /* of a zone that is signed within its transaction */
	UNKEPT_LOGGED =
		10, /* failures to keep keys; `errors` and `status` tell of them all */
};

/* ---- keys ---- */

/* What cannot be read or kept leaves the signer with the keys that it has. */
static int
pass_keys(struct follow *f, const struct change_zone *zone, struct redis_text name)
{
	char reason[REDIS_REASON_MAX];
	int rc = redis_secrets_pass(f->links[LINK_COMMAND], &f->keys, name, zone->origin,
				    zone->origin_len, f->session, reason);

	if (rc == ERR_IO) {
		follow_lose_link(f, LINK_COMMAND);
		return ERR_CLOSED;
	}
	if (rc == ERR_OK || rc == ERR_TIMEOUT || rc == ERR_NOMEM)
		return rc;
	if (atomic_load(&f->signing->unkept_tries) <= UNKEPT_LOGGED)
		log_warnx("the keys of %.200s in Redis: %s", name.bytes, reason);
	return ERR_OK;
}

/* It is to be signed, and cannot be. */
static void
refuse(const struct follow *f, struct plan *plan, const char *why)
{
	char text[ZONE_REASON_MAX];

	plan->is_sign_due = plan->signs = false;
	if (plan->is_signed) {
		plan_set_error(plan, why, strlen(why));
	} else if (f->settings->redis.unsigned_ok) {
		redis_zone_leave_unsigned(&plan->config, plan->listed_as, why);
	} else {
		redis_zone_explain_unsigned(why, text);
		plan_set_error(plan, text, strlen(text));
	}
}

/* ---- what was tried ---- */

enum { TRIED_MAX = 100000 };

struct tried {
	uint64_t mark, digest;
	int64_t renew_at_s; /* of what was served */
	uint8_t origin[DNAME_MAX];
};

/* returns the length of the key. */
static size_t
describe(const struct change_zone *zone, const struct plan *plan, uint64_t digest,
	 struct tried *out)
{
	*out = (struct tried){ .mark = plan->sign_mark,
			       .digest = digest,
			       .renew_at_s = plan->signing.renew_at_s };
	memcpy(out->origin, zone->origin, zone->origin_len);
	return offsetof(struct tried, origin) + zone->origin_len;
}

static bool
was_tried(const struct follow *f, const struct change_zone *zone, const struct plan *plan,
	  uint64_t digest)
{
	struct tried tried;
	size_t len = describe(zone, plan, digest, &tried);
	uint32_t number;

	return key_table_find(&f->tried, 0, &tried, len, &number) == ERR_OK;
}

void
follow_sign_note_tried(struct follow *f, const struct change_zone *zone,
		       const struct plan *plan)
{
	struct tried tried;
	size_t len = describe(zone, plan, plan->digest, &tried);
	uint32_t number;

	if (f->tried.count >= TRIED_MAX)
		key_table_clear(&f->tried);
	/* without memory it will be tried once more */
	(void)!key_table_add(&f->tried, 0, &tried, len, &number);
}

/* ---- a zone's keys and signatures ---- */

static uint64_t
mark_of(const struct follow *f, const struct plan *plan, const struct sign_keys *keys)
{
	const struct zone_signing_wish wish = {
		.has_denial = plan->config.config.has_denial,
		.denial = plan->config.config.denial,
	};

	return zone_sign_mark(keys, zone_sign_denial(&wish, f->settings));
}

/* Is the zone to be without signatures from now on? */
static bool
is_left(const struct plan *plan, const struct sign_keys *keys)
{
	return keys->goal == ROLL_UNSIGNED ||
	       (!plan->config.config.dnssec && !sign_keys_can_sign(keys));
}

/* Is what is served signed with these keys, and as it is to be, for a while yet? */
static bool
is_current(const struct plan *plan)
{
	bool is_leaving = plan->signing.flags & SIGNING_LEAVING;

	return plan->is_signed && plan->config.config.dnssec != is_leaving &&
	       !sign_clock_is_due(plan->signing.renew_at_s, clock_wall_s()) &&
	       plan->signing.mark == plan->sign_mark;
}

/* Does the zone get keys that roll, or is it left or taken back?  Who tells others of keys
 * tells of the first ones, too, and again when what was told is gone, or another one does. */
static bool
has_news(const struct follow *f, const struct plan *plan, const struct sign_keys *keys)
{
	bool is_leaving = plan->signing.flags & SIGNING_LEAVING;

	if (f->settings->dnssec.role == DNSSEC_ROLE_ROLL &&
	    (plan->is_sign_due || keys->is_list_lost || keys->rolled_by[0] != '\0'))
		return true;
	if (!plan->is_signed || !plan->is_sign_due)
		return false;
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].is_rolling && keys->items[i].stage != ROLL_ACTIVE)
			return true;
	return plan->config.config.dnssec == is_leaving;
}

static int
compare_keys(struct follow *f, const struct change_zone *zone,
	     const struct group_zone *from, struct plan *plan)
{
	struct sign_keys *keys = malloc(sizeof *keys);
	char why[ZONE_REASON_MAX];
	int rc = keys ? sign_session_start(f->session, zone->origin, zone->origin_len,
					   keys)
		      : ERR_NOMEM;

	if (rc == ERR_OK && is_left(plan, keys)) {
		plan->is_sign_due = plan->is_signed;
	} else if (rc == ERR_OK && !sign_keys_can_sign(keys)) {
		sign_keys_explain(keys, plan->listed_as, why, sizeof why);
		refuse(f, plan, why);
	} else if (rc == ERR_OK) {
		plan->signs = true;
		plan->sign_mark = mark_of(f, plan, keys);
		plan->is_sign_due = !is_current(plan);
		plan->was_tried = plan->is_sign_due && from->raw.is_whole &&
				  was_tried(f, zone, plan, redis_raw_digest(&from->raw));
		f->has_key_news |= has_news(f, plan, keys);
	}
	free(keys);
	return rc;
}

/* Is the zone signed as its config says, for a while yet?  Of its keys nothing is asked. */
static bool
is_as_config_says(const struct plan *plan)
{
	const struct zone_config *config = &plan->config.config;
	unsigned flags = plan->signing.flags;

	return plan->is_signed &&
	       !sign_clock_is_due(plan->signing.renew_at_s, clock_wall_s()) &&
	       config->dnssec == !(flags & SIGNING_LEAVING) &&
	       config->has_denial == !!(flags & SIGNING_OWN_DENIAL) &&
	       (!config->has_denial || config->denial == plan->signing.denial);
}

int
follow_sign_plan(struct follow *f, const struct change_zone *zone,
		 const struct group_zone *from, struct plan *plan)
{
	struct redis_zone_config *config = &plan->config;
	int rc = ERR_OK;

	if (config->fault[0] != '\0' && plan->is_served)
		redis_zone_sign_as_served(config,
					  plan->is_signed ? &plan->signing : NULL);
	if (!config->config.dnssec && !plan->is_signed)
		return ERR_OK;
	/* some names have changed: who edits them looks at the keys */
	if (!from->raw.is_whole && !zone->has_config && is_as_config_says(plan)) {
		plan->signs = true;
		return ERR_OK;
	}
	rc = pass_keys(f, zone, from->raw.zone);
	return rc == ERR_OK ? compare_keys(f, zone, from, plan) : rc;
}

/* ---- records ---- */

/* The zone that is served, for signatures that can be taken over. */
struct served_zone {
	struct live *live;
	uint32_t id;
};

static bool
find_served(void *context, const struct zone_records *zone, const uint8_t *owner,
	    size_t owner_len, bool is_nsec3, struct node *out)
{
	const struct served_zone *served = context;
	uint32_t id = is_nsec3 ? served->id | NSEC3_SPACE : served->id;

	if (owner_len > zone->origin_len)
		return live_find(served->live, id, owner, owner_len, out) == ERR_OK;
	return live_zone(served->live, owner, owner_len, out) == ERR_OK;
}

/* Does the zone have more names than `max`?  Its records are sorted. */
static bool
is_large(const struct zone_records *zone, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->count && count <= max; i++)
		count += i == 0 || zone->records[i].owner != zone->records[i - 1].owner;
	return count > max;
}

static int
sign_here(struct follow *f, struct plan *plan, struct zone_messages *messages)
{
	struct served_zone served = { .live = f->live, .id = plan->facts.zone_id };
	int rc;
	const struct zone_signing how = {
		.settings = f->settings,
		.now_s = clock_wall_s(),
		.find_served = plan->is_served ? find_served : NULL,
		.context = &served,
		.board = f->signing,
	};

	rc = zone_sign(plan->records, f->session, &how, messages);
	if (rc == ERR_OK && plan->records->signing)
		follow_key_times_note(f, plan->records->signing);
	return rc;
}

/* What is wrong with the keys, when they have changed. */
static void
log_warnings(const struct plan *plan, const struct zone_messages *messages)
{
	char text[ZONE_REASON_MAX + DNAME_TEXT_MAX];

	if (plan->is_signed && plan->signing.mark == plan->sign_mark)
		return;
	for (size_t i = 0; i < messages->kept_count; i++) {
		zone_message_to_text(&messages->kept[i], text, sizeof text);
		log_warnx("%s", text);
	}
}

int
follow_sign_records(struct follow *f, struct plan *plan)
{
	struct zone_messages messages = { .kept = NULL };
	const struct zone_message *error;
	int rc = ERR_OK;

	if (is_large(plan->records, LIVE_NAMES))
		plan->action = PLAN_ASIDE;
	else
		rc = sign_here(f, plan, &messages);
	if (plan->action != PLAN_ASIDE)
		log_warnings(plan, &messages);
	if (rc != ERR_OK && rc != ERR_TIMEOUT && rc != ERR_BUSY && rc != ERR_NOMEM) {
		plan->is_refused = true;
		error = zone_messages_first_error(&messages);
		refuse(f, plan, error ? error->reason : errcode_text(rc));
		rc = ERR_OK;
	}
	zone_messages_fini(&messages);
	return rc;
}

/* ---- all that are signed ---- */

static int
mark_signed(void *context, const struct node *apex)
{
	struct follow *f = context;
	char text[DNAME_TEXT_MAX];
	struct block block;

	if (apex_is_from_redis(apex) && node_find_block(apex, BLOCK_SIGNING, 0, &block)) {
		size_t len = dname_to_text(node_owner(apex), text);

		dirty_zones_mark(&f->dirty, (struct redis_text){ text, len },
				 (uint64_t)clock_wall_us());
	}
	return 0;
}

void
follow_look_at_signed(struct follow *f)
{
	if (f->live)
		(void)!live_walk_zones(f->live, mark_signed, f);
}

bool
follow_has_key_news(const struct follow *f)
{
	return f->has_key_news;
}

void
follow_forget_key_news(struct follow *f)
{
	f->has_key_news = false;
}
