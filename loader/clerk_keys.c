/* `keys`: what the signer tells of zones' keys, and the first ones of a zone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/sign/sign_session.h"
#include "loader/sign/signer_proto.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/sha256.h"
#include "shm/wire.h"

enum {
	NOTICE_MAX = 512,
	UDP_ANSWER_MAX = 1232,
	HEADER_LEN = 12,
	QUESTION_LEN = 4, /* behind its name */
	RR_LEN = 12, /* with a pointer as its owner */
	RRSIG_LEN = 18,
	OPT_LEN = 11,
	DIGEST_SHA256 = 2, /* of DS, RFC 4509 */
	DIGEST_LEN = 32,
	DS_TEXT_MAX = 160,
};

struct listing {
	struct clerk *clerk;
	struct sign_session *session;
	struct sign_keys keys;
	char zone[DNAME_TEXT_MAX];
	const uint8_t *name;
	size_t name_len;
	char *notices; /* one text behind the other, each with its NUL; owned */
	size_t notices_len;
};

static void
note(struct listing *listing, const char *text)
{
	size_t len = strlen(text) + 1;
	char *grown = realloc(listing->notices, listing->notices_len + len);

	if (!grown)
		return;
	listing->notices = grown;
	memcpy(grown + listing->notices_len, text, len);
	listing->notices_len += len;
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
print_ds(const struct listing *listing, const struct sign_key *key, char out[DS_TEXT_MAX])
{
	uint8_t digest[DIGEST_LEN];
	int len = snprintf(out, DS_TEXT_MAX, "%u %u %u ", key->tag,
			   sign_key_algorithm(key), DIGEST_SHA256);

	sha256(listing->name, listing->name_len, key->rdata, key->rdata_len, digest);
	for (unsigned i = 0; i < DIGEST_LEN; i++)
		len += snprintf(out + len, DS_TEXT_MAX - (size_t)len, "%02X", digest[i]);
}

static void
write_key(struct listing *listing, size_t at, size_t answer_size)
{
	const struct sign_key *key = &listing->keys.items[at];
	struct json_out *json = listing->clerk->json;
	unsigned roles = sign_key_roles(&listing->keys, at);
	const char *algorithm = key_algorithm_name(sign_key_algorithm(key));
	char ds[DS_TEXT_MAX];

	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", listing->zone);
	json_out_uint(json, "tag", key->tag);
	json_out_uint(json, "algorithm", sign_key_algorithm(key));
	json_out_text(json, "algorithm_name", algorithm);
	json_out_uint(json, "flags", sign_key_flags(key));
	json_out_text(json, "role", role_name(key, roles));
	json_out_text(json, "state",
		      sign_key_state_name((enum sign_key_state)key->state));
	json_out_bool(json, "kept", key->is_kept);
	write_time(json, "created", key->times[KEY_CREATED]);
	write_time(json, "publish", key->times[KEY_PUBLISH]);
	write_time(json, "activate", key->times[KEY_ACTIVATE]);
	write_time(json, "inactive", key->times[KEY_INACTIVE]);
	write_time(json, "delete", key->times[KEY_DELETE]);
	json_out_uint(json, "dnskey_size", answer_size);
	print_ds(listing, key, ds);
	json_out_text(json, "ds", roles & SIGN_ROLE_KEYS ? ds : NULL);
	json_out_end_object(json);
}

/* ---- a zone ---- */

/* Octets of the answer to who asks for the DNSKEYs with their signatures. */
static size_t
dnskey_answer_size(const struct listing *listing)
{
	const struct sign_keys *keys = &listing->keys;
	size_t size = HEADER_LEN + listing->name_len + QUESTION_LEN + OPT_LEN;

	for (size_t i = 0; i < keys->count; i++) {
		if (sign_key_is_published(&keys->items[i]))
			size += RR_LEN + (size_t)keys->items[i].rdata_len;
		if (sign_key_roles(keys, i) & SIGN_ROLE_KEYS)
			size += RR_LEN + RRSIG_LEN + listing->name_len +
				keys->items[i].signature_len;
	}
	return size;
}

static void
write_zone(struct listing *listing)
{
	const struct sign_keys *keys = &listing->keys;
	size_t size = dnskey_answer_size(listing);
	char notice[DNAME_TEXT_MAX + NOTICE_MAX];

	for (size_t i = 0; i < keys->count; i++)
		write_key(listing, i, size);
	for (size_t i = 0; i < keys->problem_count; i++) {
		snprintf(notice, sizeof notice, "%s: %s", listing->zone,
			 keys->problems[i]);
		note(listing, notice);
	}
	if (size <= UDP_ANSWER_MAX)
		return;
	snprintf(notice, sizeof notice,
		 "%s: the DNSKEY answer has %zu octets, over %u: such answers are "
		 "truncated over UDP and asked for again over TCP",
		 listing->zone, size, UDP_ANSWER_MAX);
	note(listing, notice);
}

static int
list_zone(struct listing *listing, const uint8_t *name, size_t len)
{
	int rc = sign_session_start(listing->session, name, len, &listing->keys);

	if (rc != ERR_OK)
		return rc;
	listing->name = name;
	listing->name_len = len;
	dname_to_text(name, listing->zone);
	write_zone(listing);
	return ERR_OK;
}

/* ---- all of them ---- */

static int
compare_names(const void *a, const void *b)
{
	return dname_compare(*(const uint8_t *const *)a, *(const uint8_t *const *)b);
}

/* Each name stands behind an octet that has its length. */
static int
list_sorted(struct listing *listing, const uint8_t *octets, size_t len)
{
	const uint8_t **names = calloc(len + 1, sizeof *names);
	size_t count = 0;
	int rc = names ? ERR_OK : ERR_NOMEM;

	for (size_t at = 0; names && at < len; at += 1u + octets[at])
		if (octets[at] < len - at &&
		    dname_is_whole(octets + at + 1, octets[at]))
			names[count++] = octets + at + 1;
	if (count > 1)
		qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count && rc == ERR_OK; i++) {
		clerk_go_on(listing->clerk);
		rc = list_zone(listing, names[i], names[i][-1]);
	}
	free(names);
	return rc;
}

static int
list_all(struct listing *listing)
{
	char *names;
	size_t len;
	int rc = sign_session_ask(listing->session, SIGNER_ZONES, "", 0, &names, &len);

	if (rc == ERR_OK)
		rc = list_sorted(listing, (const uint8_t *)names, len);
	free(names);
	return rc;
}

static unsigned
end_list(struct listing *listing, int rc)
{
	struct json_out *json = listing->clerk->json;

	json_out_end_array(json);
	json_out_begin_array(json, "notices");
	for (size_t at = 0; at < listing->notices_len;
	     at += strlen(listing->notices + at) + 1)
		json_out_text(json, NULL, listing->notices + at);
	json_out_end_array(json);
	if (rc == ERR_TIMEOUT)
		json_out_text(json, "error", "the signer does not answer: see the log");
	else if (rc != ERR_OK)
		json_out_text(json, "error", errcode_text(rc));
	json_out_end_object(json);
	free(listing->notices);
	return rc == ERR_OK ? 0 : 1;
}

static unsigned
list(struct clerk *clerk, struct sign_session *session, const uint8_t *zone, size_t len)
{
	static struct listing listing;
	int rc;

	listing.clerk = clerk;
	listing.session = session;
	json_out_begin_object(clerk->json, NULL);
	json_out_begin_array(clerk->json, "keys");
	rc = zone ? list_zone(&listing, zone, len) : list_all(&listing);
	return end_list(&listing, rc);
}

/* ---- new ones ---- */

static unsigned
generate(struct clerk *clerk, struct sign_session *session, const uint8_t *zone,
	 size_t len, bool is_split)
{
	const struct signer_generate what = {
		.algorithm = (uint8_t)clerk->heritage->settings->dnssec.algorithm,
		.is_split = is_split,
	};
	uint8_t request[sizeof what + DNAME_MAX];
	size_t reason_len;
	unsigned status;
	char *reason;
	int rc;

	memcpy(request, &what, sizeof what);
	memcpy(request + sizeof what, zone, len);
	rc = sign_session_ask(session, SIGNER_GENERATE, request, sizeof what + len,
			      &reason, &reason_len);
	if (rc == ERR_OK)
		status = list(clerk, session, zone, len);
	else
		status = clerk_refuse(clerk, "%s",
				      reason && reason[0] ? reason : errcode_text(rc));
	free(reason);
	return status;
}

struct wish {
	bool is_generate, is_split;
	const char *zone; /* NULL: all */
};

/* returns false for what is no usage of the command. */
static bool
read_wish(const struct clerk *clerk, struct wish *out)
{
	*out = (struct wish){ 0 };
	for (int i = 1; i < clerk->arg_count; i++) {
		const char *arg = clerk->args[i];

		if (strcmp(arg, "--split") == 0)
			out->is_split = true;
		else if (!out->is_generate && !out->zone && strcmp(arg, "generate") == 0)
			out->is_generate = true;
		else if (!out->zone)
			out->zone = arg;
		else
			return false;
	}
	return out->is_generate ? out->zone != NULL : !out->is_split;
}

static unsigned
run(struct clerk *clerk, struct sign_session *session)
{
	uint8_t zone[DNAME_MAX];
	struct wish wish;
	size_t len;

	if (!read_wish(clerk, &wish))
		return clerk_refuse(clerk,
				    "usage: keys [ZONE], keys generate ZONE [--split]");
	if (!wish.zone)
		return list(clerk, session, NULL, 0);
	len = dname_from_text(wish.zone, zone);
	if (len == 0)
		return clerk_refuse(clerk, "'%s' is no domain name", wish.zone);
	dname_lower(zone, len);
	return wish.is_generate ? generate(clerk, session, zone, len, wish.is_split)
				: list(clerk, session, zone, len);
}

unsigned
clerk_keys(struct clerk *clerk)
{
	struct sign_session *session =
		sign_session_new(clerk->heritage->signer_fds[0], false);
	unsigned status;

	if (!session)
		return clerk_refuse(clerk, "%s", errcode_text(ERR_NOMEM));
	status = run(clerk, session);
	sign_session_free(session);
	return status;
}
