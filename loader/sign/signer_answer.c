/* What is asked of the signer, and its answers. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/sign/sign_clock.h"
#include "loader/sign/signer_private.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum { PACE_AHEAD_NS = 5000000 }; /* so that it is not waited for each signature */

static uint8_t *
reply_take(struct signer_connection *c, size_t len)
{
	uint8_t *grown = grow_items(c->reply, &c->reply_room, c->reply_len + len, 1);

	if (!grown)
		return NULL;
	c->reply = grown;
	c->reply_len += len;
	return grown + c->reply_len - len;
}

static int
reply_put(struct signer_connection *c, const void *octets, size_t len)
{
	uint8_t *at = reply_take(c, len);

	if (!at)
		return ERR_NOMEM;
	if (len > 0)
		memcpy(at, octets, len);
	return ERR_OK;
}

/* With why it was not done, when it was not.  returns `rc`, or ERR_NOMEM. */
static int
reply_reason(struct signer_connection *c, int rc, const char *reason)
{
	if (rc != ERR_OK && reply_put(c, reason, strlen(reason)) != ERR_OK)
		return ERR_NOMEM;
	return rc;
}

/* ---- requests ---- */

void
signer_drop_keys(struct signer_connection *c)
{
	for (size_t i = 0; i < c->keys.count; i++)
		crypto_key_free(c->secrets[i]);
	c->keys.count = 0;
}

/* A zone's name, as it must be; NULL for what is none. */
static const uint8_t *
zone_at(const struct signer_connection *c, size_t at)
{
	size_t len = c->request.len;

	return at < len && dname_len(c->octets + at, len - at) == len - at
		       ? c->octets + at
		       : NULL;
}

/* Its threads count together. */
static void
count_more(const struct signer *signer, enum signer_figure which, uint64_t n)
{
	if (signer->board)
		atomic_fetch_add(&signer->board->figures[which], n);
}

static int
answer_keys(struct signer_connection *c)
{
	const uint8_t *zone = zone_at(c, 0);
	struct signer_keys_head head;
	int rc;

	signer_drop_keys(c);
	if (!zone)
		return ERR_FORMAT;
	if (c->signer->region)
		sign_clock_look(c->signer->region);
	rc = key_store_load(c->signer->store, zone, &c->keys, c->secrets);
	if (rc != ERR_OK)
		return rc;
	count_more(c->signer, SIGNER_FIGURE_key_faults, c->keys.problem_count);
	head = (struct signer_keys_head){
		.count = (uint32_t)c->keys.count,
		.problem_count = (uint32_t)c->keys.problem_count,
		.next_s = c->keys.next_s,
		.goal = c->keys.goal,
		.is_list_lost = c->keys.is_list_lost,
	};
	memcpy(head.rolled_by, c->keys.rolled_by, sizeof head.rolled_by);
	rc = reply_put(c, &head, sizeof head);
	if (rc == ERR_OK)
		rc = reply_put(c, c->keys.items, c->keys.count * sizeof *c->keys.items);
	if (rc == ERR_OK)
		rc = reply_put(c, c->keys.problems,
			       c->keys.problem_count * sizeof *c->keys.problems);
	return rc;
}

/* Wait until one more signature is within dnssec.max_rate, some ms of which are used ahead. */
static void
keep_pace(struct signer *signer)
{
	uint64_t now_ns = clock_now_ns(), due_ns;

	pthread_mutex_lock(&signer->lock);
	if (signer->due_ns < now_ns)
		signer->due_ns = now_ns;
	due_ns = signer->due_ns;
	signer->due_ns += signer->pace_ns;
	pthread_mutex_unlock(&signer->lock);
	if (due_ns > now_ns + PACE_AHEAD_NS) {
		const struct timespec wait = {
			.tv_sec = (time_t)((due_ns - now_ns) / 1000000000u),
			.tv_nsec = (long)((due_ns - now_ns) % 1000000000u),
		};

		nanosleep(&wait, NULL);
	}
}

static int
sign_item(struct signer_connection *c, const struct signer_item *item,
	  const uint8_t *octets)
{
	struct crypto_key *key;
	uint8_t *signature;

	if (item->key >= c->keys.count)
		return ERR_RANGE;
	key = c->secrets[item->key];
	signature = reply_take(c, crypto_key_signature_len(key));
	return signature ? crypto_key_sign(key, octets, item->len, signature) : ERR_NOMEM;
}

static int
answer_sign(struct signer_connection *c)
{
	const uint8_t *at = c->octets, *end = at + c->request.len;

	while (at < end) {
		struct signer_item item;
		int rc;

		if ((size_t)(end - at) < sizeof item)
			return ERR_FORMAT;
		memcpy(&item, at, sizeof item);
		at += sizeof item;
		if (item.len > (size_t)(end - at))
			return ERR_FORMAT;
		if (c->request.is_paced)
			keep_pace(c->signer);
		rc = sign_item(c, &item, at);
		if (rc != ERR_OK)
			return rc;
		at += item.len;
	}
	return ERR_OK;
}

static bool
put_zone(void *context, const uint8_t *zone, size_t len)
{
	const uint8_t octet = (uint8_t)len;

	return reply_put(context, &octet, 1) == ERR_OK &&
	       reply_put(context, zone, len) == ERR_OK;
}

static int
answer_generate(struct signer_connection *c)
{
	const uint8_t *zone = zone_at(c, sizeof(struct signer_generate));
	char reason[SIGN_PROBLEM_LEN] = "";
	struct signer_generate what;
	int rc;

	if (!zone)
		return ERR_FORMAT;
	memcpy(&what, c->octets, sizeof what);
	rc = key_store_generate(c->signer->store, zone, what.algorithm, what.is_split,
				reason);
	return reply_reason(c, rc, reason);
}

/* The texts of a request that has them: [at, at + len) of its octets. */
static bool
take_text(const struct signer_connection *c, size_t *at, size_t len, const char **out)
{
	if (len > c->request.len - *at)
		return false;
	*out = (const char *)c->octets + *at;
	*at += len;
	return true;
}

void
signer_show_unkept(const struct signer *signer)
{
	struct key_unkept_count count = key_store_count_unkept(signer->store);

	if (!signer->board)
		return;
	atomic_store(&signer->board->unkept_why, count.why);
	atomic_store(&signer->board->unkept_tries, count.tries);
	atomic_store(&signer->board->unkept_count, count.zones);
}

static int
put(struct signer_connection *c, const uint8_t *zone,
    const struct key_given given[KEY_GIVEN_TEXTS])
{
	int rc = key_store_put(c->signer->store, zone, given);

	if (rc != ERR_OK)
		count_more(c->signer, SIGNER_FIGURE_keys_unkept, 1);
	signer_show_unkept(c->signer);
	return rc;
}

static int
answer_unkept(struct signer_connection *c)
{
	key_store_each_unkept(c->signer->store, put_zone, c);
	signer_show_unkept(c->signer);
	return ERR_OK;
}

static int
answer_put(struct signer_connection *c)
{
	struct key_given given[KEY_GIVEN_TEXTS];
	uint8_t zone[DNAME_MAX];
	const char *name;
	struct signer_put head;
	size_t at = sizeof head;

	if (c->request.len < sizeof head)
		return ERR_FORMAT;
	memcpy(&head, c->octets, sizeof head);
	if (!take_text(c, &at, head.zone_len, &name) || head.zone_len > sizeof zone ||
	    dname_len((const uint8_t *)name, head.zone_len) != head.zone_len)
		return ERR_FORMAT;
	memcpy(zone, name, head.zone_len);
	for (unsigned i = 0; i < KEY_GIVEN_TEXTS; i++) {
		given[i].state = (enum key_given_state)head.texts[i].state;
		given[i].name_len = head.texts[i].name_len;
		given[i].text_len = head.texts[i].text_len;
		if (!take_text(c, &at, given[i].name_len, &given[i].name) ||
		    !take_text(c, &at, given[i].text_len, &given[i].text))
			return ERR_FORMAT;
	}
	return put(c, zone, given);
}

static int
answer_roll(struct signer_connection *c)
{
	const uint8_t *zone = zone_at(c, 0);
	struct roll_zone roll;
	int rc = zone ? key_store_roll(c->signer->store, zone, &roll) : ERR_FORMAT;

	return rc == ERR_OK ? reply_put(c, &roll, sizeof roll) : rc;
}

static int
answer_put_roll(struct signer_connection *c)
{
	const uint8_t *zone = zone_at(c, sizeof(struct roll_zone));
	char reason[SIGN_PROBLEM_LEN] = "";
	struct roll_zone roll;
	int rc;

	if (!zone)
		return ERR_FORMAT;
	memcpy(&roll, c->octets, sizeof roll);
	if (roll.count > SIGN_KEYS_MAX)
		return ERR_FORMAT;
	rc = key_store_put_roll(c->signer->store, zone, &roll, reason);
	return reply_reason(c, rc, reason);
}

static int
answer_list(struct signer_connection *c)
{
	const uint8_t *zone = zone_at(c, sizeof(struct signer_list));
	struct signer_list what;
	size_t len;
	char *text;
	int rc;

	if (!zone)
		return ERR_FORMAT;
	memcpy(&what, c->octets, sizeof what);
	rc = key_store_list(c->signer->store, zone, what.number, what.written_s, &text,
			    &len);
	if (rc != ERR_OK)
		return rc;
	rc = reply_put(c, text, len);
	explicit_bzero(text, len);
	free(text);
	return rc;
}

int
signer_answer(struct signer_connection *c)
{
	switch (c->request.op) {
	case SIGNER_KEYS:
		return answer_keys(c);
	case SIGNER_SIGN:
		return answer_sign(c);
	case SIGNER_ZONES:
		return key_store_zones(c->signer->store, put_zone, c);
	case SIGNER_GENERATE:
		return answer_generate(c);
	case SIGNER_PUT:
		return answer_put(c);
	case SIGNER_ROLL:
		return answer_roll(c);
	case SIGNER_PUT_ROLL:
		return answer_put_roll(c);
	case SIGNER_ROLLS:
		return key_store_rolls(c->signer->store, put_zone, c);
	case SIGNER_UNKEPT:
		return answer_unkept(c);
	case SIGNER_LIST:
		return answer_list(c);
	default:
		return ERR_FORMAT;
	}
}
