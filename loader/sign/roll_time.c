/* The intervals of rollovers. */
#include "loader/sign/roll_private.h"

enum { SECOND_S = 1 /* caches count whole seconds, and may round up */ };

void
roll_note_next(struct rolling *r, int64_t at_s)
{
	if (r->outcome.next_s == 0 || at_s < r->outcome.next_s)
		r->outcome.next_s = at_s;
}

bool
roll_is_over(struct rolling *r, int64_t since_s, int64_t interval_s)
{
	int64_t end_s = since_s + interval_s + SECOND_S;

	if (since_s == 0) {
		r->outcome.waits_served = true;
		return false;
	}
	if (r->view->now_s >= end_s)
		return true;
	roll_note_next(r, end_s);
	return false;
}

int64_t
roll_ttl_ds(const struct rolling *r)
{
	return r->zone->ttl_ds_s ? r->zone->ttl_ds_s : ROLL_TTL_DS_S;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
roll_publish_interval(const struct rolling *r, enum roll_role role)
{
	int64_t ttl = r->view->ttl_key_s;

	if (role == ROLL_CSK)
		ttl = larger(ttl, r->view->ttl_sig_s);
	return r->view->propagation_s + ttl;
}

int64_t
roll_retire_interval(const struct rolling *r, enum roll_role role)
{
	int64_t ttl = role == ROLL_KSK ? 0 : r->view->ttl_sig_s;

	if (role != ROLL_ZSK)
		ttl = larger(ttl, roll_ttl_ds(r));
	return r->view->propagation_s + ttl;
}
