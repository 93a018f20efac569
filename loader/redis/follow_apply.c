/* One plan into the store. */
#include "loader/redis/follow_apply.h"

#include <string.h>

#include "loader/zone/apex_node.h"
#include "loader/zone/zone_sort.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LOG_LINES = 20, /* about values that cannot be used, in LOG_S seconds */
	LOG_S = 10,
};

static int
set_error(struct follow *f, const struct change_zone *zone, const char *error)
{
	struct node apex;
	int rc = live_zone(f->live, zone->origin, zone->origin_len, &apex);

	if (rc != ERR_OK || apex_has_error(&apex, error))
		return rc;
	return live_set_error(f->live, zone->origin, zone->origin_len,
			      error[0] ? error : NULL);
}

static int
break_zone(struct follow *f, const struct change_zone *zone, const struct plan *plan)
{
	const char *name = plan->listed_as;
	struct zone_source source = { .kind = SOURCE_REDIS,
				      .paths = &name,
				      .path_count = 1 };

	return live_break_zone(f->live, zone->origin, zone->origin_len, &source,
			       plan->error);
}

/* The records of the apex: all that was read of it, if it changes, and the SOA. */
static int
make_apex(const struct change_zone *zone, const struct plan *plan,
	  struct zone_records **out)
{
	const char *name = plan->listed_as;
	struct redis_change change = { .ms = plan->change.ms, .seq = plan->change.seq };
	struct zone_records *apex = zone_records_new(zone->origin, zone->origin_len);
	struct redis_facts *redis;
	uint32_t serial = plan->facts.serial;
	int rc;

	if (!apex)
		return ERR_NOMEM;
	*out = apex;
	redis = arena_take_items(apex->arena, 1, sizeof *redis);
	if (!redis)
		return ERR_NOMEM;
	*redis = (struct redis_facts){ .config_hash = plan->redis.config_hash,
				       .change_ms = change.ms,
				       .change_seq = change.seq,
				       .flags = plan->redis.flags };
	if (plan->config_is_new)
		redis->config_hash = plan->config.hash;
	apex->redis = redis;
	apex->domain_id = plan->config.config.domain_id;
	if (plan->config.fault[0] != '\0')
		apex->error = plan->config.fault;
	apex->loaded_at_s = clock_wall_s();
	rc = zone_records_add_path(apex, name);
	for (size_t i = 0; rc >= 0 && i < plan->apex_count; i++)
		rc = zone_records_add(apex,
				      &plan->records->records[plan->apex_first + i]);
	if (rc >= 0)
		rc = redis_zone_add_soa(
			apex, &plan->config.config,
			redis_zone_serial(&plan->config.config, &change, &serial, false));
	return rc >= 0 ? zone_sort(apex) : rc;
}

static int
apply_edit(struct follow *f, const struct change_zone *zone, struct plan *plan)
{
	struct zone_records *apex = NULL;
	struct live_edit edit;
	int rc = live_edit_begin(f->live, zone->origin, zone->origin_len, &edit);

	for (size_t i = 0; rc == ERR_OK && i < plan->owner_count; i++) {
		const struct plan_owner *owner = &plan->owners[i];
		const struct zone_record *first = plan->records->records + owner->first;

		rc = owner->is_drop ? live_drop_owner(&edit, owner->name, owner->len)
				    : live_put_owner(&edit, plan->records, first);
	}
	if (rc == ERR_OK)
		rc = make_apex(zone, plan, &apex);
	if (rc == ERR_OK)
		rc = live_edit_end(&edit, apex,
				   plan->has_apex ? LIVE_APEX_ALL : LIVE_APEX_SOA);
	if (rc == ERR_OK && edit.is_signed)
		region_source_add(f->board, SOURCE_redis_signatures, edit.made);
	if (rc == ERR_OK && edit.is_untidy) {
		f->due.has_more = true;
		f->renew_ms = 0;
	}
	zone_records_free(apex);
	return rc;
}

/* Values that cannot be used, into the log; not more than a person can read. */
static void
log_bad(struct follow *f, const struct plan *plan)
{
	int64_t now_s = clock_wall_s();

	for (size_t i = 0; plan->records && i < plan->records->count; i++) {
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		if (!zone_record_mark(&plan->records->records[i], &mark, &type, &bytes,
				      &len) ||
		    mark != ZONE_MARK_BAD)
			continue;
		if (now_s >= f->log_since_s + LOG_S) {
			f->log_since_s = now_s;
			f->log_count = 0;
		}
		if (f->log_count++ < LOG_LINES)
			log_warnx("%.*s", (int)len, (const char *)bytes);
		else if (f->log_count == LOG_LINES + 1)
			log_warnx("more values cannot be used: see `martletctl errors`");
	}
}

int
follow_apply_plan(struct follow *f, const struct change_zone *zone, struct plan *plan)
{
	switch (plan->action) {
	case PLAN_NOTHING:
		return ERR_OK;
	case PLAN_EDIT:
		log_bad(f, plan);
		return apply_edit(f, zone, plan);
	case PLAN_PUT:
		log_bad(f, plan);
		return live_put_zone(f->live, plan->records);
	case PLAN_ASIDE: /* follow_away_send */
		return ERR_OK;
	case PLAN_DROP:
		return live_drop_zone(f->live, zone->origin, zone->origin_len);
	case PLAN_ERROR:
		return set_error(f, zone, plan->error);
	case PLAN_BREAK:
		return break_zone(f, zone, plan);
	}
	return ERR_OK;
}
