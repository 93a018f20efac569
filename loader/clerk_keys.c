/* `keys`: what the signer tells of zones' keys, and the first ones of a zone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/key_list.h"
#include "loader/sign/sign_session.h"
#include "loader/sign/signer_proto.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/node.h"

/* ---- all of them ---- */

static int
compare_names(const void *a, const void *b)
{
	return dname_compare(*(const uint8_t *const *)a, *(const uint8_t *const *)b);
}

/* Each name stands behind an octet that has its length. */
static int
list_sorted(struct clerk *clerk, struct key_list *keys, const uint8_t *octets, size_t len)
{
	const uint8_t **names = calloc(len + 1, sizeof *names);
	size_t count = 0;
	int rc = names ? ERR_OK : ERR_NOMEM;

	for (size_t at = 0; names && at < len; at += 1u + octets[at])
		if (octets[at] < len - at && dname_is_whole(octets + at + 1, octets[at]))
			names[count++] = octets + at + 1;
	if (count > 1)
		qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count && rc == ERR_OK; i++) {
		clerk_go_on(clerk);
		rc = key_list_add(keys, names[i], names[i][-1]);
	}
	free(names);
	return rc;
}

static int
list_all(struct clerk *clerk, struct key_list *keys)
{
	char *names;
	size_t len;
	int rc = sign_session_ask(keys->session, SIGNER_ZONES, "", 0, &names, &len);

	if (rc == ERR_OK)
		rc = list_sorted(clerk, keys, (const uint8_t *)names, len);
	free(names);
	return rc;
}

/* notice  about the zone; NULL: none */
static unsigned
list(struct clerk *clerk, struct sign_session *session, const uint8_t *zone, size_t len,
     const char *notice)
{
	static struct key_list keys;
	int rc;

	keys.json = clerk->json;
	keys.session = session;
	key_list_begin(&keys);
	rc = zone ? key_list_add(&keys, zone, len) : list_all(clerk, &keys);
	if (notice)
		key_list_note(&keys, notice);
	return key_list_end(&keys, rc);
}

/* ---- one zone ---- */

/* The zone as it is served; *walk is to be closed. */
static int
find_served(struct clerk *clerk, const uint8_t *zone, struct store_walk **walk,
	    struct node *apex)
{
	char reason[256];
	int rc = clerk_open_served(clerk, walk, reason);

	return rc == ERR_OK ? store_walk_find(*walk, CATALOGUE_ID, zone, apex) : rc;
}

/* Neither served nor with keys: a slip of the pen. */
static bool
is_unknown(struct clerk *clerk, struct sign_session *session, const uint8_t *zone,
	   size_t len)
{
	static struct sign_keys keys;
	struct store_walk *walk = NULL;
	struct node apex;
	bool is_missing;

	if (sign_session_start(session, zone, len, &keys) != ERR_OK || keys.count > 0 ||
	    keys.problem_count > 0)
		return false;
	is_missing = find_served(clerk, zone, &walk, &apex) == ERR_NOTFOUND;
	store_walk_close(walk);
	return is_missing;
}

static unsigned
list_one(struct clerk *clerk, struct sign_session *session, const uint8_t *zone,
	 size_t len)
{
	char name[DNAME_TEXT_MAX];

	if (!is_unknown(clerk, session, zone, len))
		return list(clerk, session, zone, len, NULL);
	dname_to_text(zone, name);
	return clerk_refuse(clerk,
			    "zone %s has no keys and is not served here: `martletctl "
			    "keys` lists those that have some",
			    name);
}

/* ---- new ones ---- */

static bool
is_set_to_sign(const struct settings *settings, const uint8_t *zone)
{
	for (size_t i = 0; i < settings->zones.file_count; i++)
		if (settings->zones.files[i].sign &&
		    dname_compare(settings->zones.files[i].origin, zone) == 0)
			return true;
	return false;
}

/* Why a key of the zone is of no use yet; NULL: it is, or may be.  One that waits for its
 * key is served with an error that says so. */
static const char *
why_useless(struct clerk *clerk, const uint8_t *zone)
{
	struct store_walk *walk = NULL;
	struct signing_facts facts;
	struct zone_state state;
	const char *why = NULL;
	struct node apex;
	int rc = find_served(clerk, zone, &walk, &apex);

	if (rc == ERR_NOTFOUND)
		why = "is not served here: its key waits until it is";
	else if (rc == ERR_OK && zone_state_read(&apex, &state) && state.error_len == 0 &&
		 !(state.facts.flags & ZONE_TO_BE_SIGNED) &&
		 !node_copy_block(&apex, BLOCK_SIGNING, &facts, sizeof facts) &&
		 !is_set_to_sign(clerk->heritage->settings, zone))
		why = "is served as it comes: its key waits until `sign` of zones.files, "
		      "or \"dnssec\" of its sidecar or its config in Redis, is true";
	store_walk_close(walk);
	return why;
}

static unsigned
list_made(struct clerk *clerk, struct sign_session *session, const uint8_t *zone,
	  size_t len)
{
	const char *why = why_useless(clerk, zone);
	char name[DNAME_TEXT_MAX], notice[DNAME_TEXT_MAX + 256];

	dname_to_text(zone, name);
	snprintf(notice, sizeof notice, "%s: the zone %s", name, why ? why : "");
	return list(clerk, session, zone, len, why ? notice : NULL);
}

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
		status = list_made(clerk, session, zone, len);
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
		return list(clerk, session, NULL, 0, NULL);
	len = dname_from_text(wish.zone, zone);
	if (len == 0)
		return clerk_refuse(clerk, "'%s' is no domain name", wish.zone);
	dname_lower(zone, len);
	return wish.is_generate ? generate(clerk, session, zone, len, wish.is_split)
				: list_one(clerk, session, zone, len);
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
