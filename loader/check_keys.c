/* Keys of zones, before a server runs. */
#include "loader/check_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/sign_key.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/fence.h"

/* The kept keys are for the server's user alone. */
static bool
is_hidden(const struct settings *settings)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof path, "%s/" FENCE_KEYS_DIR, settings->state_dir);

	return len > 0 && len < (int)sizeof path && access(path, R_OK | X_OK) != 0 &&
	       errno == EACCES;
}

/* Warn where the zone is said to be signed: in the configuration, or in its sidecar. */
static void
warn(const struct settings *settings, const struct zone_records *zone, const char *reason,
     struct zone_messages *messages)
{
	const char *path = zone->path_count > 0 ? zone->paths[zone->path_count - 1] : "";
	char name[DNAME_TEXT_MAX];
	unsigned line = 0;

	for (size_t i = 0; i < settings->zones.file_count; i++) {
		const struct zone_file_setting *file = &settings->zones.files[i];

		if (!file->sign || dname_compare(file->origin, zone->origin) != 0)
			continue;
		path = settings->config_path;
		line = file->line;
	}
	dname_to_text(zone->origin, name);
	zone_messages_add(messages, ZONE_WARNING, path, line, "%s: %s", name, reason);
}

void
check_key_dir(const struct settings *settings, struct zone_messages *messages)
{
	struct key_dir *dir = key_dir_new(settings->dnssec.key_dir);
	int rc = dir && settings->dnssec.key_dir[0] ? key_dir_refresh(dir) : ERR_OK;

	if (rc != ERR_OK)
		zone_messages_add(messages, ZONE_WARNING, settings->config_path, 0,
				  "dnssec.key_dir: %s %s", key_dir_path(dir),
				  key_dir_why_unread(dir, rc));
	key_dir_free(dir);
}

void
check_keys(struct key_store *store, const struct settings *settings,
	   const struct zone_records *zone, struct zone_messages *messages)
{
	struct sign_keys *keys = malloc(sizeof *keys);
	struct crypto_key *secrets[SIGN_KEYS_MAX] = { NULL };
	char name[DNAME_TEXT_MAX], reason[2 * SIGN_PROBLEM_LEN];

	if (!keys || key_store_load(store, zone->origin, keys, secrets) != ERR_OK) {
		warn(settings, zone, errcode_text(ERR_NOMEM), messages);
	} else if (keys->goal != ROLL_UNSIGNED && !sign_keys_can_sign(keys)) {
		dname_to_text(zone->origin, name);
		sign_keys_explain(keys, name, reason, sizeof reason);
		if (is_hidden(settings))
			snprintf(reason, sizeof reason,
				 "whether a key can sign the zone is not known: "
				 "%s/" FENCE_KEYS_DIR " is for the server's user",
				 settings->state_dir);
		warn(settings, zone, reason, messages);
	}
	for (size_t i = 0; i < SIGN_KEYS_MAX; i++)
		crypto_key_free(secrets[i]);
	free(keys);
}
