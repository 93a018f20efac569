/* The options of the group `limit` that need more than a type and bounds, and what workers
 * get of them. */
#ifndef MASTER_SETTINGS_SETTINGS_LIMIT_H
#define MASTER_SETTINGS_SETTINGS_LIMIT_H

#include "master/settings/settings_report.h"
#include "shm/limit_config.h"
#include "shm/settings.h"

/* What no single option tells, with the name of one: text for people, borrowed until the
 * next call; NULL: all is well. */
__attribute__((nonnull)) const char *
settings_limit_contradiction(const struct settings *settings);

/* Read limit.cookies.secret_file, when there is one and cookies are made.  Apart from
 * settings_load, because martletctl's users need not be able to.  A warning when others can
 * read it.
 * returns 0; ERR_SYNTAX after an error was told to `sink`. */
__attribute__((nonnull, warn_unused_result)) int
settings_limit_read_secrets(struct settings *settings, const struct settings_sink *sink);

/* Hand the limits of checked settings over to the workers. */
__attribute__((nonnull)) void settings_limit_publish(const struct settings *settings,
						     struct region_limits *limits);

/* Is anything limited that has buckets? */
__attribute__((nonnull, pure)) bool settings_limit_has_rates(const struct settings *settings);

#endif
