/* Rounds at their times, and the commands. */
#include "loader/rolling.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/key_list.h"
#include "loader/redis/follow.h"
#include "loader/reload.h"
#include "loader/rolling_round.h"
#include "loader/sign/key_text.h"
#include "loader/sign/roll.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	LOOKS_APART_MS = 200,
	REST = 4 /* times that a look took */,
	RETRY_S = 60,
	SERVED_S = 1
};

/* ---- when ---- */

static bool
has_policy(const struct sync *sync)
{
	return sync->settings->dnssec.zsk_days > 0 || sync->settings->dnssec.ksk_days > 0;
}

bool
rolling_is_due(const struct sync *sync)
{
	uint64_t id = atomic_load(&sync->region->swap.published_id);

	if (!sync_is_serving(sync) || atomic_load(&sync->region->swap.chosen) ||
	    region_clock_is_unsure(sync->region) ||
	    clock_now_ms() < sync->roll.rest_until_ms)
		return false;
	return id != sync->roll.seen_id ||
	       (sync->follow && follow_has_key_news(sync->follow)) ||
	       (sync->roll.next_s != 0 && clock_wall_s() >= sync->roll.next_s);
}

static int
run(struct rolling_round *round, bool yields, char reason[SYNC_REASON_MAX])
{
	const struct job job = {
		.name = "roller",
		.run = rolling_round_run,
		.context = round,
		.yields = yields,
	};
	struct job_report report;
	int rc = job_run(round->sync, &job, &report, reason);

	if (rc == ERR_OK) {
		job_report_take(&report, &round->must_sign, sizeof round->must_sign);
		job_report_take(&report, &round->has_moved, sizeof round->has_moved);
		job_report_take(&report, &round->has_rolls, sizeof round->has_rolls);
		job_report_take(&report, &round->has_signed, sizeof round->has_signed);
		job_report_take(&report, &round->next_s, sizeof round->next_s);
		job_report_take(&report, round->fleet_text, sizeof round->fleet_text);
	}
	job_report_fini(&report);
	return rc;
}

/* What has moved is signed at once; what should have been and is not, as renewals are. */
static void
have_signed(struct sync *sync, const struct rolling_round *round)
{
	if (round->must_sign)
		sync->is_sign_wanted = true;
	if (round->has_moved)
		sync->renewed_ms = 0;
}

static void
tell_fleet(struct sync *sync, const struct rolling_round *round)
{
	struct region_source *board = &sync->region->source;
	char before[SOURCE_TEXT_MAX] = "";

	(void)region_source_get_text(board, SOURCE_TEXT_FLEET, before);
	if (round->fleet_text[0] != '\0' && before[0] == '\0')
		log_warnx("zone %s", round->fleet_text);
	region_source_set_text(board, SOURCE_TEXT_FLEET, "%s%s",
			       round->fleet_text[0] != '\0' ? "zone " : "",
			       round->fleet_text);
}

/* Zones from Redis are signed, and given other keys, without a new generation. */
static int64_t
next_look(const struct sync *sync, int rc, const struct rolling_round *round)
{
	int64_t now_s = clock_wall_s(), next_s = round->next_s;
	int64_t most_s = now_s + (round->must_sign ? SERVED_S : RETRY_S);

	if (rc != ERR_OK)
		return now_s + RETRY_S;
	return sync->follow && (next_s == 0 || next_s > most_s) ? most_s : next_s;
}

void
rolling_look(struct sync *sync)
{
	uint64_t id = atomic_load(&sync->region->swap.published_id);
	uint64_t begun_ms = clock_now_ms(), took_ms;
	struct rolling_round round = {
		.sync = sync,
		.is_whole = id != sync->roll.seen_id || sync->follow || has_policy(sync),
	};
	char reason[SYNC_REASON_MAX];
	int rc;

	/* what comes while the round looks is looked at by the next one */
	if (sync->follow)
		follow_forget_key_news(sync->follow);
	rc = run(&round, true, reason);
	took_ms = clock_now_ms() - begun_ms;
	sync->roll.rest_until_ms = clock_now_ms() + took_ms * REST;
	if (took_ms * REST < LOOKS_APART_MS)
		sync->roll.rest_until_ms = clock_now_ms() + LOOKS_APART_MS;
	if (rc == ERR_BUSY) {
		sync->roll.next_s = clock_wall_s();
		return;
	}
	sync->roll.seen_id = id;
	sync->roll.next_s = next_look(sync, rc, &round);
	if (rc == ERR_OK) {
		have_signed(sync, &round);
		tell_fleet(sync, &round);
	} else
		sync_note_error(sync, "keys are not rolled: %s", reason);
}

/* ---- commands ---- */

static const char usage[] =
	"usage: keys roll ZONE [ksk | zsk | algorithm N], keys ds-seen ZONE "
	"TAG [TTL], keys unsign ZONE";

static bool
read_number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	*out = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out <= max;
}

static bool
read_roll(struct rolling_round *round, int count, char **args)
{
	unsigned long number;

	round->wish = ROLLING_ROLL;
	if (count == 0)
		round->roles = ROLL_WISH_ZSK | ROLL_WISH_KSK;
	else if (count == 1 && strcmp(args[0], "zsk") == 0)
		round->roles = ROLL_WISH_ZSK;
	else if (count == 1 &&
		 (strcmp(args[0], "ksk") == 0 || strcmp(args[0], "csk") == 0))
		round->roles = ROLL_WISH_KSK;
	else if (count == 2 && strcmp(args[0], "algorithm") == 0 &&
		 read_number(args[1], UINT8_MAX, &number) &&
		 key_algorithm_name((uint8_t)number))
		round->algorithm = (uint8_t)number;
	else
		return false;
	return true;
}

static bool
read_ds_seen(struct rolling_round *round, int count, char **args)
{
	unsigned long tag, ttl = 0;

	if (count < 1 || count > 2 || !read_number(args[0], UINT16_MAX, &tag) ||
	    (count == 2 && !read_number(args[1], INT32_MAX, &ttl)))
		return false;
	round->wish = ROLLING_DS_SEEN;
	round->tag = (uint16_t)tag;
	round->ttl_ds_s = (uint32_t)ttl;
	return true;
}

/* args[1] is what is to be done, args[2] the zone. */
static bool
read_command(struct rolling_round *round, int arg_count, char **args)
{
	if (arg_count < 3)
		return false;
	if (strcmp(args[1], "roll") == 0)
		return read_roll(round, arg_count - 3, args + 3);
	if (strcmp(args[1], "ds-seen") == 0)
		return read_ds_seen(round, arg_count - 3, args + 3);
	round->wish = ROLLING_UNSIGN;
	return strcmp(args[1], "unsign") == 0 && arg_count == 3;
}

/* The keys as they stand now. */
static unsigned
write_reply(struct sync *sync, const struct rolling_round *round)
{
	static struct key_list list;
	struct sign_session *session = sign_session_new(sync->signer_fd, false);
	unsigned status;

	if (!session)
		return sync_fail(sync, "%s", errcode_text(ERR_NOMEM));
	list = (struct key_list){ .json = &sync->reply.json, .session = session };
	key_list_begin(&list);
	status = key_list_end(&list, key_list_add(&list, round->zone, round->zone_len));
	sign_session_free(session);
	return status;
}

unsigned
rolling_command(struct sync *sync, int arg_count, char **args)
{
	struct rolling_round round = { .sync = sync };
	char reason[SYNC_REASON_MAX];
	int rc;

	if (!read_command(&round, arg_count, args))
		return sync_refuse(sync, "%s", usage);
	round.zone_len = dname_from_text(args[2], round.zone);
	if (round.zone_len == 0)
		return sync_refuse(sync, "'%s' is no domain name", args[2]);
	dname_lower(round.zone, round.zone_len);
	if (!sync_is_serving(sync))
		return sync_refuse(sync, "nothing is served yet");
	if (atomic_load(&sync->region->swap.chosen))
		return sync_refuse(sync, "the sources are held off by `rollback` or "
					 "`swap`: `martletctl resume` ends that");
	if (region_clock_is_unsure(sync->region))
		return sync_refuse(sync, "the machine's clock is in doubt: `martletctl "
					 "status` says why");
	rc = run(&round, false, reason);
	if (rc == ERR_EXISTS)
		return sync_refuse(sync, "%s", reason);
	if (rc != ERR_OK)
		return sync_fail(sync, "the keys are left as they are: %s", reason);
	have_signed(sync, &round);
	sync->roll.next_s = clock_wall_s();
	if (round.must_sign)
		reload_renew(sync);
	return write_reply(sync, &round);
}
