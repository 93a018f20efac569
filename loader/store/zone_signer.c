/* Which zones must be signed anew, and having them signed. */
#include "loader/store/zone_signer.h"

#include <pthread.h>
#include <stdlib.h>

#include "loader/sign/roll.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/zone_sign.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum { RETRY_S = 600 };

struct zone_signer {
	const struct settings *settings;
	struct builder *builder;
	int fd;
	struct region_signer *board; /* or NULL */
	bool is_renewal, lets_wait;
	int64_t now_s, until_s; /* what is due before `until_s` is renewed */
	pthread_mutex_t lock; /* for what follows */
	struct sign_session **idle; /* owned */
	size_t idle_count, idle_room;
	int64_t due_s;
};

struct zone_signer *
zone_signer_new(const struct settings *settings, struct builder *builder, int signer_fd,
		bool is_renewal)
{
	struct zone_signer *signer = calloc(1, sizeof *signer);

	if (!signer)
		return NULL;
	signer->settings = settings;
	signer->builder = builder;
	signer->fd = signer_fd;
	signer->is_renewal = is_renewal;
	signer->now_s = signer->until_s = clock_wall_s();
	if (is_renewal)
		signer->until_s += sign_clock_ahead_s(settings);
	pthread_mutex_init(&signer->lock, NULL);
	return signer;
}

void
zone_signer_count(struct zone_signer *signer, struct region_signer *board)
{
	signer->board = board;
}

void
zone_signer_let_wait(struct zone_signer *signer)
{
	signer->lets_wait = true;
}

void
zone_signer_free(struct zone_signer *signer)
{
	if (!signer)
		return;
	for (size_t i = 0; i < signer->idle_count; i++)
		sign_session_free(signer->idle[i]);
	free(signer->idle);
	pthread_mutex_destroy(&signer->lock);
	free(signer);
}

int64_t
zone_signer_due(const struct zone_signer *signer)
{
	return signer->due_s;
}

/* ---- sessions ---- */

static struct sign_session *
session_take(struct zone_signer *signer)
{
	struct sign_session *session = NULL;

	pthread_mutex_lock(&signer->lock);
	if (signer->idle_count > 0)
		session = signer->idle[--signer->idle_count];
	pthread_mutex_unlock(&signer->lock);
	return session ? session : sign_session_new(signer->fd, signer->is_renewal);
}

static void
session_put(struct zone_signer *signer, struct sign_session *session)
{
	struct sign_session **idle;

	pthread_mutex_lock(&signer->lock);
	idle = grow_items(signer->idle, &signer->idle_room, signer->idle_count + 1,
			  sizeof *idle);
	if (idle) {
		signer->idle = idle;
		idle[signer->idle_count++] = session;
		session = NULL;
	}
	pthread_mutex_unlock(&signer->lock);
	sign_session_free(session);
}

/* ---- what is there ---- */

static void
note_due(struct zone_signer *signer, int64_t due_s)
{
	pthread_mutex_lock(&signer->lock);
	if (signer->due_s == 0 || due_s < signer->due_s)
		signer->due_s = due_s;
	pthread_mutex_unlock(&signer->lock);
}

/* returns the zone's keys as they are now, owned by the caller; NULL without an answer. */
static struct sign_keys *
ask_keys(struct zone_signer *signer, const struct zone_list_entry *entry)
{
	struct sign_session *session = session_take(signer);
	struct sign_keys *keys = malloc(sizeof *keys);

	if (!session || !keys ||
	    sign_session_start(session, entry->origin, entry->origin_len, keys) !=
		    ERR_OK) {
		free(keys);
		keys = NULL;
	}
	if (session)
		session_put(signer, session);
	return keys;
}

/* Without an answer it is not current: reading the zone will say why. */
static bool
has_mark(struct zone_signer *signer, const struct zone_list_entry *entry,
	 const struct signing_facts *facts)
{
	const struct zone_signing_wish wish = {
		.has_denial = (facts->flags & SIGNING_OWN_DENIAL) != 0,
		.denial = facts->denial,
	};
	struct sign_keys *keys = ask_keys(signer, entry);
	bool is_same = keys && keys->goal != ROLL_UNSIGNED &&
		       zone_sign_mark(keys, zone_sign_denial(&wish, signer->settings)) ==
			       facts->mark;

	/* of keys that have come since and are of no use yet */
	if (is_same && keys->next_s != 0)
		note_due(signer, keys->next_s);
	free(keys);
	return is_same;
}

/* It has no signatures of ours: is that as it is to be? */
static bool
stays_unsigned(struct zone_signer *signer, const struct zone_list_entry *entry,
	       const struct zone_state *state)
{
	bool is_wanted = entry->sign || (state->facts.flags & ZONE_TO_BE_SIGNED);
	struct sign_keys *keys = is_wanted ? ask_keys(signer, entry) : NULL;
	bool stays = !is_wanted || (keys && keys->goal == ROLL_UNSIGNED);

	free(keys);
	return stays;
}

bool
zone_signer_is_current(struct zone_signer *signer, const struct zone_list_entry *entry,
		       const struct zone_state *state)
{
	struct signing_facts facts;
	bool is_wanted, is_leaving;

	if (!node_copy_block(&state->apex, BLOCK_SIGNING, &facts, sizeof facts))
		return stays_unsigned(signer, entry, state);
	is_wanted = entry->sign || (facts.flags & SIGNING_BY_SIDECAR);
	is_leaving = facts.flags & SIGNING_LEAVING;
	if (is_wanted == is_leaving ||
	    sign_clock_is_due(facts.renew_at_s, signer->until_s) ||
	    sign_clock_is_to_come(&state->apex, signer->now_s) ||
	    !has_mark(signer, entry, &facts))
		return false;
	note_due(signer, facts.renew_at_s);
	return true;
}

/* ---- signing ---- */

struct base_zone {
	struct builder *builder;
	uint32_t id; /* of the zone in the base; known from its apex on */
};

static bool
find_served(void *context, const struct zone_records *zone, const uint8_t *owner,
	    size_t owner_len, bool is_nsec3, struct node *out)
{
	struct base_zone *base = context;
	struct zone_facts facts;

	if (owner_len > zone->origin_len)
		return builder_find_name(base->builder,
					 is_nsec3 ? base->id | NSEC3_SPACE : base->id,
					 owner, owner_len, out) == ERR_OK;
	if (builder_find(base->builder, owner, owner_len, out) != ERR_OK ||
	    !node_zone_facts(out, &facts))
		return false;
	base->id = facts.zone_id;
	return true;
}

int
zone_signer_sign(struct zone_signer *signer, struct zone_records *zone,
		 struct zone_messages *messages)
{
	struct base_zone base = { .builder = signer->builder };
	const struct zone_signing how = {
		.settings = signer->settings,
		.now_s = signer->now_s,
		.is_renewal = signer->is_renewal,
		.may_wait = signer->lets_wait &&
			    !(zone->redis && signer->settings->redis.unsigned_ok),
		.find_served = find_served,
		.context = &base,
		.board = signer->board,
	};
	struct sign_session *session = session_take(signer);
	int rc;

	if (!session) {
		zone_messages_add(messages, ZONE_ERROR, "", 0, "%s",
				  errcode_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	rc = zone_sign(zone, session, &how, messages);
	session_put(signer, session);
	if (rc != ERR_OK)
		note_due(signer, signer->now_s + RETRY_S);
	else if (zone->signing)
		note_due(signer, zone->signing->renew_at_s);
	return rc;
}
