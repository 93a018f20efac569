/* One time for all zones: the earliest.  When it comes they are walked through. */
#include "loader/redis/follow_key_times.h"

#include "loader/sign/sign_clock.h"
#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/dname.h"

enum { DAY_S = 86400, SECOND_MS = 1000, WAIT_MOST_S = 60 };

struct key_walk {
	struct follow *f;
	int64_t now_s;
};

/* Signatures that end are renewed in place (loader/redis/follow_renew.h). */
static bool
is_of_key(const struct follow *f, const struct signing_facts *facts)
{
	int64_t refresh_s = (int64_t)f->settings->dnssec.refresh_days * DAY_S;

	return facts->renew_at_s < facts->ends_at_s - refresh_s;
}

void
follow_key_times_note(struct follow *f, const struct signing_facts *facts)
{
	if (is_of_key(f, facts) &&
	    (f->key_time_s == 0 || facts->renew_at_s < f->key_time_s))
		f->key_time_s = facts->renew_at_s;
}

static bool
read_facts(const struct node *apex, struct signing_facts *out)
{
	return apex_is_from_redis(apex) &&
	       node_copy_block(apex, BLOCK_SIGNING, out, sizeof *out);
}

static int
learn(void *context, const struct node *apex)
{
	struct signing_facts facts;

	if (read_facts(apex, &facts))
		follow_key_times_note(context, &facts);
	return 0;
}

void
follow_key_times_learn(struct follow *f)
{
	(void)!live_walk_zones(f->live, learn, f);
}

int
follow_key_times_due_ms(const struct follow *f)
{
	int64_t left_s = f->key_time_s - clock_wall_s();

	if (f->key_time_s == 0)
		return -1;
	if (left_s <= 0)
		return SECOND_MS; /* the clock is in doubt */
	return (int)(left_s < WAIT_MOST_S ? left_s : WAIT_MOST_S) * SECOND_MS;
}

static int
look_at(void *context, const struct node *apex)
{
	const struct key_walk *walk = context;
	struct signing_facts facts;
	char text[DNAME_TEXT_MAX];
	size_t len;

	if (!read_facts(apex, &facts) || !is_of_key(walk->f, &facts))
		return 0;
	if (!sign_clock_is_due(facts.renew_at_s, walk->now_s)) {
		follow_key_times_note(walk->f, &facts);
		return 0;
	}
	len = dname_to_text(node_owner(apex), text);
	dirty_zones_mark(&walk->f->dirty, (struct redis_text){ text, len },
			 (uint64_t)clock_wall_us());
	return 0;
}

void
follow_key_times_step(struct follow *f)
{
	struct key_walk walk = { f, clock_wall_s() };

	/* while the clock is in doubt, what is due stays so */
	if (f->key_time_s == 0 || !sign_clock_is_due(f->key_time_s, walk.now_s))
		return;
	f->key_time_s = 0;
	(void)!live_walk_zones(f->live, look_at, &walk);
}
