/* Reading the strings in one MULTI, and packing them for the signer. */
#include "loader/redis/redis_secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/sign/fleet_list.h"
#include "loader/sign/signer_proto.h"
#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"

_Static_assert((int)REDIS_SECRETS == (int)KEY_GIVEN_TEXTS &&
		       (int)REDIS_LIST_OF_KEYS == (int)GIVEN_LIST,
	       "the same, in the same order");

enum { SECRET_LEN_MAX = 65536 }; /* no key is nearly as long; a list is */

struct passing {
	struct redis_link *link;
	const struct redis_keys *keys;
	struct redis_text zone;
	struct arena *arena; /* of the replies, cleared in the end */
	char names[REDIS_SECRETS][REDIS_KEY_MAX];
	size_t name_lens[REDIS_SECRETS];
	char complaints[REDIS_SECRETS][REDIS_REASON_MAX];
	struct signer_put head;
	struct redis_text texts[REDIS_SECRETS];
	char *reason;
};

static int
lose(struct passing *p)
{
	snprintf(p->reason, REDIS_REASON_MAX, "%s", redis_link_reason(p->link));
	return ERR_IO;
}

/* ---- reading ---- */

static int
send_all(struct passing *p)
{
	int rc = redis_link_send(p->link, "MULTI");

	for (unsigned i = 0; i < REDIS_SECRETS && rc == ERR_OK; i++) {
		p->name_lens[i] = redis_keys_secret(p->keys, p->zone, i, p->names[i]);
		rc = redis_link_send(p->link, "GET %b", p->names[i], p->name_lens[i]);
	}
	if (rc == ERR_OK)
		rc = redis_link_send(p->link, "EXEC");
	if (rc == ERR_OK)
		return rc;
	if (redis_link_is_open(p->link))
		(void)redis_link_fail(p->link, "not enough memory");
	return lose(p);
}

static enum key_given_state
take_text(struct passing *p, unsigned which, const struct redis_reply *reply)
{
	size_t max = which == GIVEN_LIST ? FLEET_LIST_MAX : SECRET_LEN_MAX;
	char *complaint = p->complaints[which];

	switch (redis_reply_kind(reply)) {
	case REDIS_NIL:
		return GIVEN_MISSING;
	case REDIS_TEXT:
		p->texts[which] = redis_reply_text(reply);
		if (p->texts[which].len <= max)
			return GIVEN_GOOD;
		snprintf(complaint, REDIS_REASON_MAX, "is too long");
		break;
	case REDIS_LONG:
		snprintf(complaint, REDIS_REASON_MAX, "is too long");
		break;
	case REDIS_NUMBER:
	case REDIS_LIST:
	case REDIS_ERROR:
		redis_link_explain(reply, "GET", complaint);
		break;
	}
	p->texts[which] = (struct redis_text){ complaint, strlen(complaint) };
	return GIVEN_BAD;
}

static int
receive_all(struct passing *p)
{
	const struct redis_reply *list, *at;
	int rc = redis_link_receive_exec(p->link, p->arena, REDIS_SECRETS, &list);

	if (rc == ERR_IO)
		return lose(p);
	if (rc != ERR_OK) {
		redis_link_explain(list, "reading keys", p->reason);
		return rc;
	}
	at = redis_reply_first(list);
	for (unsigned i = 0; i < REDIS_SECRETS && at; i++) {
		p->head.texts[i].state = take_text(p, i, at);
		at = redis_reply_next(at);
	}
	return ERR_OK;
}

/* ---- handing over ---- */

/* Names are told to people. */
static void
make_printable(struct passing *p)
{
	for (unsigned i = 0; i < REDIS_SECRETS; i++) {
		char raw[REDIS_KEY_MAX];

		memcpy(raw, p->names[i], p->name_lens[i] + 1);
		zone_message_printable(raw, p->names[i], REDIS_KEY_MAX);
		p->name_lens[i] = strlen(p->names[i]);
	}
}

static uint8_t *
put(uint8_t *at, const void *octets, size_t len)
{
	if (len > 0)
		memcpy(at, octets, len);
	return at + len;
}

static int
hand_over(struct passing *p, const uint8_t *origin, size_t origin_len,
	  struct sign_session *session)
{
	size_t len = sizeof p->head + origin_len, reply_len;
	uint8_t *octets, *at;
	char *reply = NULL;
	int rc;

	for (unsigned i = 0; i < REDIS_SECRETS; i++) {
		p->head.texts[i].name_len = (uint32_t)p->name_lens[i];
		p->head.texts[i].text_len = (uint32_t)p->texts[i].len;
		len += p->name_lens[i] + p->texts[i].len;
	}
	octets = malloc(len);
	if (!octets)
		return ERR_NOMEM;
	p->head.zone_len = (uint32_t)origin_len;
	at = put(octets, &p->head, sizeof p->head);
	at = put(at, origin, origin_len);
	for (unsigned i = 0; i < REDIS_SECRETS; i++) {
		at = put(at, p->names[i], p->name_lens[i]);
		at = put(at, p->texts[i].bytes, p->texts[i].len);
	}
	rc = sign_session_ask(session, SIGNER_PUT, octets, len, &reply, &reply_len);
	explicit_bzero(octets, len);
	free(octets);
	free(reply);
	return rc;
}

static int
pass(struct passing *p, const uint8_t *origin, size_t origin_len,
     struct sign_session *session)
{
	int rc = send_all(p);

	if (rc == ERR_OK)
		rc = receive_all(p);
	if (rc != ERR_OK)
		return rc;
	make_printable(p);
	rc = hand_over(p, origin, origin_len, session);
	if (rc == ERR_TIMEOUT)
		snprintf(p->reason, REDIS_REASON_MAX, "the signer does not answer");
	else if (rc != ERR_OK)
		snprintf(p->reason, REDIS_REASON_MAX, "its keys cannot be kept: %s%s",
			 errcode_text(rc),
			 rc == ERR_RIGHTS ? " (`martletctl build` uses those that the "
					    "server has kept)"
					  : "");
	return rc;
}

int
redis_secrets_pass(struct redis_link *link, const struct redis_keys *keys,
		   struct redis_text zone, const uint8_t *origin, size_t origin_len,
		   struct sign_session *session, char reason[REDIS_REASON_MAX])
{
	struct passing *p = calloc(1, sizeof *p);
	int rc = ERR_NOMEM;

	snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(rc));
	if (!p)
		return rc;
	p->link = link;
	p->keys = keys;
	p->zone = zone;
	p->reason = reason;
	p->arena = arena_new();
	if (p->arena) {
		redis_link_keep_secret(link, true);
		rc = pass(p, origin, origin_len, session);
		redis_link_keep_secret(link, false);
		arena_wipe(p->arena);
		arena_free(p->arena);
	}
	free(p);
	return rc;
}
