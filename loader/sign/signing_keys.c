/* With which keys a zone is signed, and with which the served one was. */
#include <string.h>

#include "loader/sign/roll.h"
#include "loader/sign/signing.h"
#include "loader/zone/arena.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

/* What is wrong with keys while others sign is told with the zone. */
static int
tell_problems(struct signing *s)
{
	int rc = ERR_OK;

	for (size_t i = 0; i < s->keys->problem_count && rc == ERR_OK; i++) {
		const char *text = s->keys->problems[i];
		const struct zone_fault fault = {
			.owner = s->zone->origin,
			.owner_len = (uint8_t)s->zone->origin_len,
			.type = RRTYPE_DNSKEY,
			.kind = FAULT_WARNING,
			.path = s->path,
			.reason = arena_copy(s->zone->arena, text, strlen(text) + 1),
		};

		zone_messages_add(s->messages, ZONE_WARNING, s->path, 0, "%s", text);
		rc = fault.reason ? zone_records_add_fault(s->zone, &fault) : ERR_NOMEM;
	}
	return rc;
}

static int
fail_without_key(struct signing *s)
{
	char name[DNAME_TEXT_MAX], text[ZONE_REASON_MAX];

	dname_to_text(s->zone->origin, name);
	sign_keys_explain(s->keys, name, text, sizeof text);
	return signing_fail(s, ERR_NOTFOUND, text);
}

/* Where it is to be served there may be some. */
static int
leave_unsigned(struct signing *s)
{
	char name[DNAME_TEXT_MAX], text[ZONE_REASON_MAX];

	dname_to_text(s->zone->origin, name);
	sign_keys_explain(s->keys, name, text, sizeof text);
	zone_messages_add(s->messages, ZONE_WARNING, s->path, 0,
			  "%s: without signatures for now; `swap` makes them by the "
			  "server's keys, or is refused",
			  name);
	zone_messages_add(s->messages, ZONE_WARNING, s->path, 0, "%s", text);
	s->zone->is_unsigned = s->is_left = true;
	return ERR_OK;
}

int
signing_learn_keys(struct signing *s)
{
	int rc = sign_session_start(s->session, s->zone->origin, s->zone->origin_len,
				    s->keys);

	if (rc == ERR_TIMEOUT)
		return signing_fail(
			s, rc,
			"the zone cannot be signed: the signer does not answer, see "
			"the log");
	if (rc != ERR_OK)
		return signing_fail(s, rc, errcode_text(rc));
	for (size_t i = 0; i < s->keys->count; i++)
		s->roles[i] = sign_key_roles(s->keys, i);
	s->is_left = s->keys->goal == ROLL_UNSIGNED ||
		     (!sign_keys_can_sign(s->keys) && !s->zone->signing_wish.is_wanted);
	if (s->is_left)
		return ERR_OK;
	if (!sign_keys_can_sign(s->keys))
		return s->how->may_wait ? leave_unsigned(s) : fail_without_key(s);
	rc = tell_problems(s);
	return rc == ERR_OK ? rc : signing_fail(s, rc, errcode_text(rc));
}

void
signing_look_at_served(struct signing *s)
{
	const struct zone_records *zone = s->zone;
	struct signing_facts facts;
	struct rrset dnskeys;

	s->has_served =
		s->how->find_served &&
		s->how->find_served(s->how->context, zone, zone->origin, zone->origin_len,
				    false, &s->served) &&
		node_copy_block(&s->served, BLOCK_SIGNING, &facts, sizeof facts) &&
		node_find_rrset(&s->served, RRTYPE_DNSKEY, &dnskeys);
	if (s->has_served)
		rrset_sign_known(s->keys, &dnskeys, s->was_there);
}
