/* Rows of keys, and what is to be known of a zone's. */
#include "loader/key_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/sign/ds_digest.h"
#include "loader/sign/roll.h"
#include "shm/dns.h"
#include "shm/errcode.h"

enum {
	NOTICE_MAX = 512,
	UDP_ANSWER_MAX = 1232,
	HEADER_LEN = 12,
	QUESTION_LEN = 4, /* behind its name */
	RR_LEN = 12, /* with a pointer as its owner */
	RRSIG_LEN = 18,
	OPT_LEN = 11,
	DS_TEXT_MAX = 160,
};

void
key_list_note(struct key_list *list, const char *text)
{
	size_t len = strlen(text) + 1;
	char *grown = realloc(list->notices, list->notices_len + len);

	if (!grown)
		return;
	list->notices = grown;
	memcpy(grown + list->notices_len, text, len);
	list->notices_len += len;
}

/* ---- one key ---- */

static const char *
role_name(const struct sign_key *key, unsigned roles)
{
	if (roles == (SIGN_ROLE_KEYS | SIGN_ROLE_DATA))
		return "csk";
	if (roles != 0)
		return roles & SIGN_ROLE_KEYS ? "ksk" : "zsk";
	return sign_key_flags(key) & DNSKEY_SEP ? "ksk" : "zsk";
}

static void
write_time(struct json_out *json, const char *name, int64_t time_s)
{
	char text[CLERK_TIME_MAX];

	clerk_print_time(time_s, text);
	json_out_text(json, name, time_s != 0 ? text : NULL);
}

/* What the parent's zone needs, as in a zone file behind the type. */
static void
print_ds(const struct key_list *list, const struct sign_key *key, char out[DS_TEXT_MAX])
{
	uint8_t rdata[DS_SHA256_LEN];
	int len = snprintf(out, DS_TEXT_MAX, "%u %u %u ", key->tag,
			   sign_key_algorithm(key), DS_SHA256);

	ds_digest_write(list->name, list->name_len, key, rdata);
	for (unsigned i = DS_FIXED_LEN; i < sizeof rdata; i++)
		len += snprintf(out + len, DS_TEXT_MAX - (size_t)len, "%02X", rdata[i]);
}

/* Of one that rolls, or has, where it stands says more. */
static const char *
state_name(const struct sign_key *key)
{
	return key->is_rolling ? roll_stage_name((enum roll_stage)key->stage)
			       : sign_key_state_name((enum sign_key_state)key->state);
}

static void
write_key(struct key_list *list, size_t at, size_t answer_size)
{
	const struct sign_key *key = &list->keys.items[at];
	struct json_out *json = list->json;
	unsigned roles = sign_key_roles(&list->keys, at);
	const char *algorithm = key_algorithm_name(sign_key_algorithm(key));
	char ds[DS_TEXT_MAX];

	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", list->zone);
	json_out_uint(json, "tag", key->tag);
	json_out_uint(json, "algorithm", sign_key_algorithm(key));
	json_out_text(json, "algorithm_name", algorithm);
	json_out_uint(json, "flags", sign_key_flags(key));
	json_out_text(json, "role", role_name(key, roles));
	json_out_text(json, "state", state_name(key));
	json_out_bool(json, "kept", key->is_kept);
	write_time(json, "created", key->times[KEY_CREATED]);
	write_time(json, "publish", key->times[KEY_PUBLISH]);
	write_time(json, "activate", key->times[KEY_ACTIVATE]);
	write_time(json, "inactive", key->times[KEY_INACTIVE]);
	write_time(json, "delete", key->times[KEY_DELETE]);
	json_out_uint(json, "dnskey_size", answer_size);
	print_ds(list, key, ds);
	json_out_text(json, "ds", roles & SIGN_ROLE_KEYS ? ds : NULL);
	json_out_end_object(json);
}

/* ---- a zone ---- */

/* Octets of the answer to who asks for the DNSKEYs with their signatures. */
static size_t
dnskey_answer_size(const struct key_list *list)
{
	const struct sign_keys *keys = &list->keys;
	size_t size = HEADER_LEN + list->name_len + QUESTION_LEN + OPT_LEN;

	for (size_t i = 0; i < keys->count; i++) {
		if (sign_key_is_published(&keys->items[i]))
			size += RR_LEN + (size_t)keys->items[i].rdata_len;
		if (sign_key_roles(keys, i) & SIGN_ROLE_KEYS)
			size += RR_LEN + RRSIG_LEN + list->name_len +
				keys->items[i].signature_len;
	}
	return size;
}

/* What a roll waits for that others must do. */
static void
note_ds(struct key_list *list, const struct sign_key *key)
{
	char notice[2 * DNAME_TEXT_MAX + NOTICE_MAX], ds[DS_TEXT_MAX];

	if (!key->is_rolling || key->stage != ROLL_READY || !key->in_cds)
		return;
	print_ds(list, key, ds);
	snprintf(notice, sizeof notice,
		 "%s: waits until the parent has no other DS than %s; where it is not "
		 "found by itself, say so%s: `martletctl keys ds-seen %s %u`",
		 list->zone, ds, list->keys.rolled_by[0] ? " to who rolls" : "",
		 list->zone, key->tag);
	key_list_note(list, notice);
}

static void
note_goal(struct key_list *list)
{
	static const char *const texts[ROLL_GOALS] = {
		[ROLL_LEAVE] = "is to be unsigned: it stays signed until its DS is gone "
			       "from the parent and from caches, or until `martletctl "
			       "keys unsign",
		[ROLL_UNSIGNED] = "is served unsigned until `martletctl keys generate",
	};
	char notice[2 * DNAME_TEXT_MAX + NOTICE_MAX];

	if (list->keys.goal == ROLL_KEEP || list->keys.goal >= ROLL_GOALS ||
	    list->keys.rolled_by[0] != '\0')
		return;
	snprintf(notice, sizeof notice, "%s %s %s`", list->zone, texts[list->keys.goal],
		 list->zone);
	key_list_note(list, notice);
}

static void
count_followed(struct key_list *list)
{
	if (list->keys.rolled_by[0] == '\0' || list->followed_count++ > 0)
		return;
	memcpy(list->followed, list->zone, sizeof list->followed);
	memcpy(list->rolled_by, list->keys.rolled_by, sizeof list->rolled_by);
}

/* One for all, which may be many. */
static void
note_followed(struct key_list *list)
{
	char notice[DNAME_TEXT_MAX + NOTICE_MAX], more[32] = "";

	if (list->followed_count == 0)
		return;
	if (list->followed_count > 1)
		snprintf(more, sizeof more, " and %u zones more",
			 list->followed_count - 1);
	snprintf(notice, sizeof notice,
		 "%s%s: another server rolls the keys, %s, and this one follows: "
		 "commands about them are for that one",
		 list->followed, more, list->rolled_by);
	key_list_note(list, notice);
}

static void
write_zone(struct key_list *list)
{
	const struct sign_keys *keys = &list->keys;
	size_t size = dnskey_answer_size(list);
	char notice[DNAME_TEXT_MAX + NOTICE_MAX];

	for (size_t i = 0; i < keys->count; i++) {
		write_key(list, i, size);
		note_ds(list, &keys->items[i]);
	}
	note_goal(list);
	count_followed(list);
	for (size_t i = 0; i < keys->problem_count; i++) {
		snprintf(notice, sizeof notice, "%s: %s", list->zone, keys->problems[i]);
		key_list_note(list, notice);
	}
	if (size <= UDP_ANSWER_MAX)
		return;
	snprintf(notice, sizeof notice,
		 "%s: the DNSKEY answer has %zu octets, over %u: such answers are "
		 "truncated over UDP and asked for again over TCP",
		 list->zone, size, UDP_ANSWER_MAX);
	key_list_note(list, notice);
}

int
key_list_add(struct key_list *list, const uint8_t *name, size_t len)
{
	int rc = sign_session_start(list->session, name, len, &list->keys);

	if (rc != ERR_OK)
		return rc;
	list->name = name;
	list->name_len = len;
	dname_to_text(name, list->zone);
	write_zone(list);
	return ERR_OK;
}

void
key_list_begin(struct key_list *list)
{
	json_out_begin_object(list->json, NULL);
	json_out_begin_array(list->json, "keys");
}

unsigned
key_list_end(struct key_list *list, int error)
{
	struct json_out *json = list->json;

	note_followed(list);
	json_out_end_array(json);
	json_out_begin_array(json, "notices");
	for (size_t at = 0; at < list->notices_len; at += strlen(list->notices + at) + 1)
		json_out_text(json, NULL, list->notices + at);
	json_out_end_array(json);
	if (error == ERR_TIMEOUT)
		json_out_text(json, "error", "the signer does not answer: see the log");
	else if (error != ERR_OK)
		json_out_text(json, "error", errcode_text(error));
	json_out_end_object(json);
	free(list->notices);
	return error == ERR_OK ? 0 : 1;
}
