/* Rounds over the names that lead to others. */
#include "loader/resolving.h"

#include <stdlib.h>
#include <string.h>

#include "loader/leading.h"
#include "loader/store/live.h"
#include "loader/store/watch_list.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LOOKED_AT_MAX = 128, /* watched nodes, in one step */
	LEADERS_MAX = 32, /* put in one transaction */
	STEP_MS = 2,
	ROUNDS_APART_MS = 100,
	REST = 10, /* of the time that a round takes, until the next */
	AGAIN_MS = 600000, /* without any change: names are wished for anew */
	RETRY_MS = 1000,
	LOOK_MS = 100,
	IDLE_MS = 1000,
};

/* Names of one zone, or of several that come one after the other. */
struct step {
	struct sync *sync;
	const struct lead_source *source;
	uint8_t origin[DNAME_MAX + NAME_PAD];
	size_t origin_len;
	uint32_t zone_id; /* of the zone at hand; 0: none */
	bool is_signed; /* by us */
	struct live_leader leaders[LEADERS_MAX];
	size_t count;
	struct leading_place places[LOOKED_AT_MAX]; /* that lead on */
	size_t place_count;
	uint64_t looked_at, put, made;
};

/* ---- whose names ---- */

/* Find the zone of this id, at the name or above it. */
static int
find_zone(struct live *live, uint32_t zone_id, const uint8_t *name, size_t len,
	  struct node *apex)
{
	struct zone_facts facts;

	for (;;) {
		int rc = live_zone(live, name, len, apex);

		if (rc != ERR_OK && rc != ERR_NOTFOUND)
			return rc;
		if (rc == ERR_OK && node_zone_facts(apex, &facts) &&
		    facts.zone_id == zone_id)
			return ERR_OK;
		if (*name == 0)
			return ERR_NOTFOUND;
		len -= *name + 1u;
		name += *name + 1u;
	}
}

static int
enter_zone(struct step *step, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct block block;
	struct node apex;
	int rc = find_zone(step->sync->live, zone_id, owner, len, &apex);

	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		return rc;
	step->zone_id = zone_id;
	step->is_signed =
		rc == ERR_OK && node_find_block(&apex, BLOCK_SIGNING, 0, &block);
	if (!step->is_signed)
		return ERR_OK;
	step->origin_len = apex.head.owner_len;
	memcpy(step->origin, node_owner(&apex), step->origin_len);
	return ERR_OK;
}

/* ---- putting ---- */

static void
tell(struct step *step, int rc)
{
	char zone[DNAME_TEXT_MAX];

	if (rc == step->sync->resolving.told)
		return;
	step->sync->resolving.told = rc;
	if (rc == ERR_OK || rc == ERR_FORMAT)
		return;
	dname_to_text(step->origin, zone);
	if (rc == ERR_TIMEOUT)
		log_warnx("%s: addresses that its ANAMEs lead to are not signed: the "
			  "signer "
			  "does not answer",
			  zone);
	else
		log_warnx("%s: addresses that its ANAMEs lead to are not put: %s", zone,
			  errcode_text(rc));
}

/* Put what is gathered, if anything.  ERR_FORMAT: the zone's keys have changed, it is about to
 * be signed as a whole. */
static int
put_leaders(struct step *step)
{
	uint64_t made;
	int rc;

	if (step->count == 0)
		return ERR_OK;
	rc = live_put_addresses(step->sync->live, step->origin, step->origin_len,
				step->leaders, step->count, &made);
	tell(step, rc);
	if (rc == ERR_OK) {
		step->sync->resolving.seen_commit++;
		step->put += step->count;
		step->made += made;
	}
	step->count = 0;
	return rc == ERR_FORMAT || rc == ERR_NOTFOUND || rc == ERR_RANGE ? ERR_OK : rc;
}

/* ---- looking ---- */

/* Does it lead elsewhere than it did? */
static int
look_at(struct step *step, const uint8_t *owner, size_t len)
{
	struct live_leader *leader = &step->leaders[step->count];
	struct live *live = step->sync->live;
	bool is_new = false, is_awaited = false;
	struct node node;
	int rc = ERR_OK;

	leader->owner_len = len;
	memcpy(leader->owner, owner, len);
	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES && rc == ERR_OK; i++) {
		enum live_address_type type = (enum live_address_type)i;

		rc = live_find_owner(live, step->origin, step->origin_len, leader->owner,
				     len, &node);
		if (rc != ERR_OK || !live_leads_on(&node))
			return rc == ERR_NOTFOUND ? ERR_OK : rc;
		rc = lead_follow(live, step->source, step->origin, step->origin_len,
				 &node, type, &leader->types[i]);
		if (rc == ERR_OK)
			rc = live_find_owner(live, step->origin, step->origin_len,
					     leader->owner, len, &node);
		if (rc == ERR_OK)
			is_new |=
				!live_addresses_are_there(&node, type, &leader->types[i]);
		is_awaited |= leader->types[i].is_awaited;
	}
	if (is_awaited && rc == ERR_OK)
		leading_await(step->sync->leading, step->zone_id, owner, len);
	step->count += is_new && rc == ERR_OK;
	return rc;
}

static int
look_at_place(struct step *step, const struct leading_place *place)
{
	int rc = ERR_OK;

	if (place->zone_id != step->zone_id)
		rc = put_leaders(step);
	if (rc == ERR_OK && place->zone_id != step->zone_id)
		rc = enter_zone(step, place->zone_id, place->owner, place->len);
	if (rc != ERR_OK || !step->is_signed)
		return rc;
	step->looked_at++;
	rc = look_at(step, place->owner, place->len);
	return rc == ERR_OK && step->count == LEADERS_MAX ? put_leaders(step) : rc;
}

/* watch_walk_fn: what is put may change the list, so places are noted first. */
static int
note_place(void *context, uint32_t zone_id, const uint8_t *owner, size_t len,
	   bool has_lead)
{
	struct step *step = context;
	struct leading_place *place = &step->places[step->place_count];

	if (!has_lead)
		return ERR_OK;
	step->place_count++;
	place->zone_id = zone_id;
	place->len = len;
	memcpy(place->owner, owner, len);
	return ERR_OK;
}

/* ---- rounds ---- */

/* Is what changes the state that is served? */
static bool
is_possible(const struct sync *sync)
{
	return sync->live && sync->watch && !watch_is_stale(sync->watch) &&
	       sync->live_id == atomic_load(&sync->region->swap.published_id) &&
	       sync->watched_id == sync->live_id;
}

static bool
has_changed(const struct sync *sync, uint64_t now_ms)
{
	const struct region *region = sync->region;

	if (sync->resolving.seen_id != sync->live_id ||
	    sync->resolving.seen_watch != atomic_load(&region->watch.seq))
		return true;
	if (sync->resolving.leaders == 0)
		return false;
	return sync->resolving.seen_commit !=
		       overlay_last_commit(live_overlay(sync->live)) ||
	       sync->resolving.seen_resolved !=
		       atomic_load(&region->resolver.commit_seq) ||
	       now_ms >= sync->resolving.begun_ms + AGAIN_MS;
}

/* Is another generation served than the last round was over?  That does not wait. */
static bool
is_other(const struct sync *sync)
{
	return sync->resolving.seen_id != 0 && sync->resolving.seen_id != sync->live_id;
}

static void
begin(struct sync *sync, uint64_t now_ms)
{
	sync->resolving.is_open = true;
	sync->resolving.place.len = 0;
	sync->resolving.leaders = 0;
	sync->resolving.begun_ms = now_ms;
	sync->resolving.seen_id = sync->live_id;
	sync->resolving.seen_commit = overlay_last_commit(live_overlay(sync->live));
	sync->resolving.seen_watch = atomic_load(&sync->region->watch.seq);
	sync->resolving.seen_resolved = atomic_load(&sync->region->resolver.commit_seq);
}

/* Those that are noted. */
static int
look_at_places(struct step *step)
{
	int rc = ERR_OK;

	step->source = leading_source(step->sync->leading);
	for (size_t i = 0; rc == ERR_OK && i < step->place_count; i++)
		rc = look_at_place(step, &step->places[i]);
	if (rc == ERR_OK)
		rc = put_leaders(step);
	leading_rest(step->sync->leading);
	return rc;
}

/* The next of all.  returns ERR_OK; ERR_NOTFOUND at the end of the round. */
static int
run_round(struct step *step)
{
	struct sync *sync = step->sync;
	int rc, end = watch_walk(sync->watch, &sync->resolving.place, LOOKED_AT_MAX,
				 note_place, step);

	rc = end == ERR_OK || end == ERR_NOTFOUND ? look_at_places(step) : end;
	sync->resolving.leaders += step->looked_at;
	return rc == ERR_OK ? end : rc;
}

/* Those that are awaited: what fails is left to the next round. */
static int
run_awaited(struct step *step)
{
	step->place_count = leading_take_awaited(step->sync->leading, step->places);
	return look_at_places(step);
}

static int
run(struct sync *sync, int (*what)(struct step *step))
{
	struct step *step = calloc(1, sizeof *step);
	int rc;

	if (!step)
		return ERR_OK;
	step->sync = sync;
	rc = what(step);
	if (step->put > 0)
		log_debug("addresses of %llu names were put, %llu signatures made",
			  (unsigned long long)step->put, (unsigned long long)step->made);
	for (size_t i = 0; i < LEADERS_MAX; i++)
		live_leader_fini(&step->leaders[i]);
	free(step);
	return rc;
}

static void
end(struct sync *sync, int rc)
{
	uint64_t now_ms = clock_now_ms(), rest_ms;

	sync->resolving.is_open = false;
	rest_ms = REST * (now_ms - sync->resolving.begun_ms);
	sync->resolving.next_ms =
		now_ms + (rest_ms > ROUNDS_APART_MS ? rest_ms : ROUNDS_APART_MS);
	if (rc == ERR_NOTFOUND)
		return;
	sync->resolving.seen_id = 0;
	sync->resolving.next_ms += RETRY_MS;
}

void
resolving_step(struct sync *sync)
{
	uint64_t now_ms = clock_now_ms();
	int rc;

	if (!is_possible(sync)) {
		sync->resolving.is_open = false;
		return;
	}
	if (leading_has_news(sync->leading))
		(void)run(sync, run_awaited);
	if (!sync->resolving.is_open) {
		if ((now_ms < sync->resolving.next_ms && !is_other(sync)) ||
		    !has_changed(sync, now_ms))
			return;
		begin(sync, now_ms);
	}
	rc = run(sync, run_round);
	if (rc != ERR_OK)
		end(sync, rc);
}

int
resolving_wait_ms(const struct sync *sync)
{
	if (sync->resolving.is_open)
		return STEP_MS;
	return sync->resolving.leaders > 0 ? LOOK_MS : IDLE_MS;
}

/* ---- without an overlay as yet ---- */

struct asking {
	struct live *live;
	bool is_needed;
};

/* watch_list_fn */
static int
ask(void *context, const struct watch_list_entry *entry)
{
	struct asking *asking = context;
	struct block block;
	struct node apex, node;
	int rc = find_zone(asking->live, entry->zone_id, entry->owner, entry->owner_len,
			   &apex);

	if (rc == ERR_NOTFOUND ||
	    (rc == ERR_OK && !node_find_block(&apex, BLOCK_SIGNING, 0, &block)))
		return ERR_OK;
	if (rc == ERR_OK && apex.head.owner_len == entry->owner_len)
		node = apex;
	else if (rc == ERR_OK)
		rc = live_find(asking->live, entry->zone_id, entry->owner,
			       entry->owner_len, &node);
	if (rc == ERR_OK && live_leads_on(&node))
		asking->is_needed = true;
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

bool
resolving_is_needed(const char *generation_dir)
{
	struct asking asking = { .is_needed = false };

	if (live_open_snapshot(generation_dir, &asking.live) != ERR_OK)
		return false;
	/* what cannot be read is found to be damaged elsewhere */
	(void)!watch_list_read(generation_dir, ask, &asking);
	live_close(asking.live);
	return asking.is_needed;
}
