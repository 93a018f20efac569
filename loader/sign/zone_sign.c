/* The steps of signing a zone. */
#include "loader/sign/zone_sign.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/signing.h"
#include "loader/zone/arena.h"
#include "shm/errcode.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { DAY_S = 86400 };

uint64_t
zone_sign_mark(const struct sign_keys *keys, enum denial denial)
{
	uint64_t mark = 1 + (uint64_t)denial + ((uint64_t)keys->goal << 8);

	for (size_t i = 0; i < keys->count; i++) {
		const struct sign_key *key = &keys->items[i];
		uint32_t facts[5] = { key->state, key->has_ttl, key->ttl, key->is_hidden,
				      key->in_cds };

		if (key->state == SIGN_KEY_FUTURE || key->state == SIGN_KEY_REMOVED)
			continue;

		mark = XXH3_64bits_withSeed(facts, sizeof facts, mark);
		mark = XXH3_64bits_withSeed(key->rdata, key->rdata_len, mark);
	}
	for (size_t i = 0; i < keys->problem_count; i++)
		mark = XXH3_64bits_withSeed(keys->problems[i], strlen(keys->problems[i]),
					    mark);
	return mark;
}

int
signing_fail(struct signing *s, int code, const char *why)
{
	zone_messages_add(s->messages, ZONE_ERROR, s->path, 0, "%s", why);
	return code;
}

/* Of what is signed; glue, which is not, does no harm. */
static uint32_t
longest_ttl(const struct zone_records *zone)
{
	uint32_t ttl = 0;

	for (size_t i = 0; i < zone->count; i++)
		if (zone->records[i].type != ZONE_MARK_TYPE && zone->records[i].ttl > ttl)
			ttl = zone->records[i].ttl;
	return ttl;
}

static int
note_facts(struct signing *s, enum denial denial)
{
	const struct zone_signing_wish *wish = &s->zone->signing_wish;
	int64_t refresh_s = (int64_t)s->how->settings->dnssec.refresh_days * DAY_S;
	struct signing_facts facts = {
		.mark = zone_sign_mark(s->keys, denial),
		.renew_at_s = s->first_end_s - refresh_s,
		.ends_at_s = s->first_end_s,
		.signatures = s->count,
		.denial = (uint16_t)denial,
		.longest_ttl = longest_ttl(s->zone),
		.made_count = (uint32_t)(s->zone->count - s->given_count),
	};

	if (s->keys->next_s != 0 && s->keys->next_s < facts.renew_at_s)
		facts.renew_at_s = s->keys->next_s;
	if (wish->has_denial)
		facts.flags |= SIGNING_OWN_DENIAL;
	if (wish->is_by_sidecar)
		facts.flags |= SIGNING_BY_SIDECAR;
	if (!wish->is_wanted)
		facts.flags |= SIGNING_LEAVING;
	s->zone->signing = arena_copy(s->zone->arena, &facts, sizeof facts);
	return s->zone->signing ? ERR_OK
				: signing_fail(s, ERR_NOMEM, errcode_text(ERR_NOMEM));
}

static int
sign(struct signing *s, enum denial denial)
{
	size_t sorted = 0;
	int rc;

	signing_strip(s);
	signing_look_at_served(s);
	rc = signing_add_kept(s);
	if (rc != ERR_OK)
		return signing_fail(s, rc, errcode_text(rc));
	rc = signing_take_resolved(s);
	if (rc == ERR_OK)
		rc = signing_add_chain(s, denial, &sorted);
	if (rc == ERR_OK)
		rc = signing_sign_all(s, sorted);
	return rc == ERR_OK ? note_facts(s, denial) : rc;
}

int
zone_sign(struct zone_records *zone, struct sign_session *session,
	  const struct zone_signing *how, struct zone_messages *messages)
{
	struct signing s = {
		.zone = zone,
		.session = session,
		.how = how,
		.messages = messages,
		.path = zone->path_count > 0 ? zone->paths[0] : "",
		.keys = malloc(sizeof *s.keys),
	};
	enum denial denial = zone_sign_denial(&zone->signing_wish, how->settings);
	int rc;

	if (!s.keys)
		return signing_fail(&s, ERR_NOMEM, errcode_text(ERR_NOMEM));
	sign_clock_set(&s.clock, how->settings, how->now_s, how->is_renewal, zone->origin,
		       zone->origin_len);
	if (s.clock.latest_s < REGION_CLOCK_SET_S)
		rc = signing_fail(
			&s, ERR_RANGE,
			"the zone cannot be signed: the machine's clock is not set");
	else
		rc = signing_learn_keys(&s);
	if (rc == ERR_OK && !s.is_left)
		rc = sign(&s, denial);
	free(s.buffer.octets);
	free(s.steered);
	free(s.keys);
	return rc;
}
