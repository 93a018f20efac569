/* Telling the others, and listening. */
#include "loader/fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_fleet.h"
#include "loader/redis/redis_keys.h"
#include "loader/sign/fleet_list.h"
#include "loader/sign/fleet_take.h"
#include "loader/sign/signer_proto.h"
#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	NEWS_SHARE = 4, /* while keys roll there is news so many times in a fleet_lag */
	NEWS_LEAST_S = 1,
	PATIENCE_S = 5, /* clocks differ, and news takes its way */
	RETRY_S = 5,
};

/* Zones of which something is wrong, the first of them by name. */
struct fleet_fault {
	unsigned count;
	char zone[DNAME_TEXT_MAX];
	char why[REDIS_REASON_MAX];
};

struct fleet {
	const struct settings *settings;
	struct settings primary; /* the same, with the server that is written to */
	char none[1];
	struct fleet_self self;
	struct redis_keys keys;
	struct redis_link *link; /* NULL: nothing was written yet, or the link was lost */
	struct fleet_fault untold, rivals, silent;
};

struct fleet *
fleet_new(const struct settings *settings)
{
	struct fleet *fleet = calloc(1, sizeof *fleet);

	if (!fleet)
		return NULL;
	fleet->settings = settings;
	fleet->primary = *settings;
	fleet_self_init(settings, &fleet->self);
	redis_keys_init(&fleet->keys, settings);
	if (settings->dnssec.redis.address[0] == '\0')
		return fleet;
	fleet->primary.redis.address = settings->dnssec.redis.address;
	fleet->primary.redis.username = settings->dnssec.redis.username;
	fleet->primary.redis.password = settings->dnssec.redis.password;
	fleet->primary.redis.sentinel.master = fleet->none;
	fleet->primary.redis.sentinel.nodes.count = 0;
	return fleet;
}

void
fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	redis_link_free(fleet->link);
	free(fleet);
}

/* ---- who does what ---- */

bool
fleet_leaves(const struct fleet *fleet, const struct node *apex,
	     const struct roll_zone *roll, char why[FLEET_TEXT_MAX])
{
	why[0] = '\0';
	if (fleet_is_followed(&fleet->self, roll)) {
		snprintf(why, FLEET_TEXT_MAX,
			 "its keys are rolled by %s, which has dnssec.role = \"roll\": "
			 "ask there",
			 roll->fleet.node);
		return true;
	}
	/* one that would roll for the others, were it its role, does not roll by itself */
	if (fleet->self.rolls || fleet->settings->dnssec.redis.address[0] == '\0' ||
	    !apex_is_from_redis(apex))
		return false;
	snprintf(why, FLEET_TEXT_MAX,
		 "its keys are rolled by the server that has dnssec.role = \"roll\", of "
		 "which nothing has been heard here yet: ask there");
	return true;
}

bool
fleet_shares(const struct fleet *fleet, const struct node *apex)
{
	return fleet->self.rolls && apex_is_from_redis(apex);
}

/* Does what was written say how things are? */
static bool
is_written(const struct roll_zone *roll)
{
	return roll->fleet.part == ROLL_WRITES &&
	       roll->fleet.mark == fleet_list_mark(roll);
}

bool
fleet_is_told(const struct roll_zone *roll)
{
	return is_written(roll) && !roll->fleet.is_lost;
}

static bool
is_moving(const struct roll_zone *roll)
{
	return roll->goal == ROLL_LEAVE || roll_is_under_way(roll, ROLL_ROLES);
}

/* ---- telling ---- */

static void
note_fault(struct fleet_fault *fault, const uint8_t *zone, const char *why)
{
	if (fault->count++ > 0)
		return;
	dname_to_text(zone, fault->zone);
	snprintf(fault->why, sizeof fault->why, "%s", why);
}

static int
connect_once(struct fleet *fleet, char reason[REDIS_REASON_MAX])
{
	/* nobody waits for the same server again and again */
	if (!fleet->link && fleet->untold.count > 0) {
		snprintf(reason, REDIS_REASON_MAX, "%s", fleet->untold.why);
		return ERR_IO;
	}
	return fleet->link ? ERR_OK
			   : redis_connect_wait(&fleet->primary, &fleet->link, reason);
}

/* returns rc, of what was asked on the link. */
static int
after_use(struct fleet *fleet, int rc)
{
	if (rc == ERR_IO || rc == ERR_NOMEM) {
		redis_link_free(fleet->link);
		fleet->link = NULL;
	}
	return rc;
}

static int
write_list(struct fleet *fleet, const struct redis_fleet_list *list,
	   char reason[REDIS_REASON_MAX])
{
	int rc = connect_once(fleet, reason);

	if (rc != ERR_OK)
		return rc;
	return after_use(fleet,
			 redis_fleet_put(fleet->link, &fleet->keys,
					 fleet->settings->redis.stream, list, reason));
}

/* Is what seemed lost where it was written?  A replica may be behind: a list that is written
 * again for that has the zone read once more, too early once more. */
static bool
is_there(struct fleet *fleet, const uint8_t *zone, const struct roll_fleet *told)
{
	const struct redis_fleet_list last = { zone, told->number, told->node, "", 0 };
	char reason[REDIS_REASON_MAX];

	return connect_once(fleet, reason) == ERR_OK &&
	       after_use(fleet, redis_fleet_find(fleet->link, &fleet->keys, &last,
						 reason)) == ERR_OK;
}

/* Have the list written out by who has the keys, and hand it on. */
static int
pass_list(struct fleet *fleet, struct sign_session *session, const uint8_t *zone,
	  size_t len, const struct roll_fleet *before, int64_t now_s,
	  char reason[REDIS_REASON_MAX])
{
	const struct signer_list what = { before->number + 1, now_s };
	struct redis_fleet_list list = { zone, before->number, before->node, "", 0 };
	uint8_t request[sizeof what + DNAME_MAX];
	char *text;
	int rc;

	memcpy(request, &what, sizeof what);
	memcpy(request + sizeof what, zone, len);
	rc = sign_session_ask(session, SIGNER_LIST, request, sizeof what + len, &text,
			      &list.len);
	if (rc != ERR_OK) {
		snprintf(reason, REDIS_REASON_MAX, "the signer does not give it: %s",
			 errcode_text(rc));
	} else {
		list.text = text;
		rc = write_list(fleet, &list, reason);
		explicit_bzero(text, list.len);
	}
	free(text);
	return rc;
}

static int64_t
news_pause_s(const struct fleet *fleet)
{
	int64_t pause_s = fleet->settings->dnssec.fleet_lag / NEWS_SHARE;

	return pause_s < NEWS_LEAST_S ? NEWS_LEAST_S : pause_s;
}

static void
note_told(const struct fleet *fleet, struct roll_zone *roll, int64_t now_s)
{
	struct roll_fleet *told = &roll->fleet;

	told->part = ROLL_WRITES;
	told->is_lost = false;
	told->number++;
	told->written_s = now_s;
	told->mark = fleet_list_mark(roll);
	memcpy(told->node, fleet->self.node, sizeof told->node);
}

bool
fleet_tell(struct fleet *fleet, struct sign_session *session, const uint8_t *zone,
	   size_t len, struct roll_zone *roll, int64_t *next_s)
{
	struct roll_fleet *told = &roll->fleet;
	int64_t now_s = clock_wall_s(), due_s = told->written_s + news_pause_s(fleet);
	char reason[REDIS_REASON_MAX];
	bool is_due;

	*next_s = is_moving(roll) ? due_s : 0;
	is_due = !is_written(roll) || (*next_s != 0 && now_s >= due_s);
	if (!is_due && !told->is_lost)
		return false;
	if (!is_due && is_there(fleet, zone, told)) {
		told->is_lost = false;
		return true;
	}
	if (pass_list(fleet, session, zone, len, told, now_s, reason) != ERR_OK) {
		note_fault(&fleet->untold, zone, reason);
		*next_s = now_s + RETRY_S;
		return false;
	}
	note_told(fleet, roll, now_s);
	/* what waits to be served waits for this, too */
	*next_s = now_s + NEWS_LEAST_S;
	return true;
}

/* ---- listening ---- */

static void
note_rival(struct fleet *fleet, const uint8_t *zone, const struct roll_zone *roll)
{
	char why[REDIS_REASON_MAX];

	if (!fleet->self.rolls || roll->fleet.part != ROLL_YIELDS)
		return;
	snprintf(why, sizeof why,
		 "its keys are rolled by %.160s: dnssec.role = \"roll\", as here, is for "
		 "one server of a fleet; this one follows",
		 roll->fleet.node);
	note_fault(&fleet->rivals, zone, why);
}

void
fleet_listen(struct fleet *fleet, const uint8_t *zone, const struct roll_zone *roll,
	     int64_t *next_s)
{
	int64_t lag_s = fleet->settings->dnssec.fleet_lag, now_s = clock_wall_s();
	int64_t end_s = roll->fleet.written_s + lag_s + PATIENCE_S;
	char why[REDIS_REASON_MAX];

	*next_s = 0;
	note_rival(fleet, zone, roll);
	if (lag_s == 0 || roll->fleet.part == ROLL_ALONE || !is_moving(roll))
		return;
	if (now_s <= end_s) {
		*next_s = end_s + 1;
		return;
	}
	snprintf(why, sizeof why,
		 "nothing has been heard of its roll for %" PRId64
		 " s, longer than dnssec.fleet_lag: see whether %.160s runs, which has "
		 "dnssec.role = \"roll\", and whether Redis here gets what it writes",
		 now_s - roll->fleet.written_s, roll->fleet.node);
	note_fault(&fleet->silent, zone, why);
}

static size_t
explain(const struct fleet_fault *fault, const char *format, char *out, size_t room)
{
	char more[32] = "";
	int len;

	if (fault->count == 0)
		return 0;
	if (fault->count > 1)
		snprintf(more, sizeof more, " and %u zones more", fault->count - 1);
	len = snprintf(out, room, "%.100s%s: %s%.300s", fault->zone, more, format,
		       fault->why);
	return len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

void
fleet_explain(const struct fleet *fleet, char out[FLEET_TEXT_MAX])
{
	out[0] = '\0';
	if (explain(&fleet->untold,
		    "the list of its keys is not written to dnssec.redis, its roll "
		    "waits: ",
		    out, FLEET_TEXT_MAX) == 0 &&
	    explain(&fleet->rivals, "", out, FLEET_TEXT_MAX) == 0)
		explain(&fleet->silent, "", out, FLEET_TEXT_MAX);
}
