/* Drawing a key, and writing its files. */
#include "loader/sign/key_make.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/sign/key_files.h"
#include "loader/sign/key_text.h"
#include "loader/sign/sign_crypto.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/wire.h"

enum { DRAWS_MAX = 100 };

static void
explain(struct key_dir *dir, const char *name, int code, char reason[SIGN_PROBLEM_LEN])
{
	int unread = key_dir_refresh(dir);

	if (unread != ERR_OK)
		snprintf(reason, SIGN_PROBLEM_LEN, "no key can be written: %s %s",
			 key_dir_path(dir), key_dir_why_unread(dir, unread));
	else
		snprintf(reason, SIGN_PROBLEM_LEN,
			 "%s/%s cannot be written: %s; the server's user must be able to "
			 "write there",
			 key_dir_path(dir), name, errcode_text(code));
}

static int
write_key(struct key_dir *dir, const char *prefix, const struct key_public *public,
	  const struct key_private *secret, char reason[SIGN_PROBLEM_LEN])
{
	char name[NAME_MAX + 1], *text = malloc(KEY_TEXT_MAX);
	size_t len;
	int rc = text ? ERR_OK : ERR_NOMEM;

	if (!key_files_name(prefix, public->rdata, public->rdata_len, name))
		rc = ERR_RANGE;
	if (rc == ERR_OK) {
		len = key_text_write_public(public, text, KEY_TEXT_MAX);
		rc = key_dir_write(dir, name, KEY_PUBLIC_SUFFIX, text, len);
	}
	if (rc == ERR_OK) {
		len = key_text_write_private(secret, text, KEY_TEXT_MAX);
		rc = key_dir_write(dir, name, KEY_PRIVATE_SUFFIX, text, len);
		explicit_bzero(text, KEY_TEXT_MAX);
		if (rc != ERR_OK)
			key_dir_remove(dir, name, KEY_PUBLIC_SUFFIX);
	}
	free(text);
	if (rc != ERR_OK)
		explain(dir, name, rc, reason);
	return rc;
}

/* A tag that another key of the zone has would make validators try both. */
static bool
is_taken(const struct key_draw *draw, uint16_t tag)
{
	for (unsigned i = 0; i < draw->taken_count; i++)
		if (draw->taken[i] == tag)
			return true;
	return false;
}

static int
draw_key(struct key_draw *draw, struct key_public *public, struct key_private *secret)
{
	for (unsigned i = 0; i < DRAWS_MAX; i++) {
		size_t len;
		int rc = crypto_generate(draw->algorithm, secret,
					 public->rdata + DNSKEY_KEY_AT,
					 DNSKEY_RDATA_MAX - DNSKEY_KEY_AT, &len);

		if (rc != ERR_OK)
			return rc;
		wire_put_u16(public->rdata, draw->flags);
		public->rdata[2] = 3;
		public->rdata[3] = draw->algorithm;
		public->rdata_len = (uint16_t)(DNSKEY_KEY_AT + len);
		draw->tag = key_tag(public->rdata, public->rdata_len);
		if (!is_taken(draw, draw->tag))
			return ERR_OK;
	}
	return ERR_FULL;
}

static void
set_times(const struct key_draw *draw, struct key_private *secret)
{
	int64_t now_s = clock_wall_s();

	secret->times[KEY_CREATED] = now_s;
	secret->times[KEY_PUBLISH] = draw->is_for_roll ? KEY_NEVER_S : now_s;
	secret->times[KEY_ACTIVATE] = secret->times[KEY_PUBLISH];
}

int
key_make(struct key_dir *dir, const uint8_t *zone, struct key_draw *draw,
	 char reason[SIGN_PROBLEM_LEN])
{
	struct key_public public = { .owner_len = dname_len(zone, DNAME_MAX) };
	struct key_private secret;
	char prefix[NAME_MAX + 1];
	int rc;

	if (!key_dir_prefix(zone, prefix)) {
		snprintf(reason, SIGN_PROBLEM_LEN,
			 "the zone's name is too long for the name of a key file");
		return ERR_RANGE;
	}
	memcpy(public.owner, zone, public.owner_len);
	rc = draw_key(draw, &public, &secret);
	if (rc == ERR_OK) {
		set_times(draw, &secret);
		rc = write_key(dir, prefix, &public, &secret, reason);
	} else {
		snprintf(reason, SIGN_PROBLEM_LEN, "no key can be drawn: %s",
			 errcode_text(rc));
	}
	explicit_bzero(&secret, sizeof secret);
	return rc;
}
