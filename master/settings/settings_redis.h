/* The options of the group `redis` that need more than a type and bounds.
 *
 * Where a reason is returned (NULL: all is well), it is text for people, borrowed until
 * the next call.  None quotes a password. */
#ifndef MASTER_SETTINGS_SETTINGS_REDIS_H
#define MASTER_SETTINGS_SETTINGS_REDIS_H

#include <stdbool.h>

#include "master/settings/settings_report.h"
#include "shm/settings.h"

/* Is it the path of a socket, and no host with a port? */
__attribute__((nonnull, pure)) bool settings_redis_is_path(const char *text);

/* "host:port", "[IPv6]:port" or a socket path. */
__attribute__((nonnull)) const char *settings_redis_check_address(const char *text);

/* What no single option tells; with the names of the options. */
__attribute__((nonnull)) const char *
settings_redis_contradiction(struct settings *settings);

/* May everybody read this file, which holds a password?  Without the option's name. */
__attribute__((nonnull)) const char *settings_redis_open_to_others(const char *path);

/* Read redis.password_file, when Redis is used and there is one, into redis.password:
 * its one line; so too for redis.sentinel and health.redis.  Apart from settings_load, because martletctl's users need not be able
 * to.  A warning when others can read it.
 * returns 0; ERR_SYNTAX after an error was told to `sink`. */
__attribute__((nonnull, warn_unused_result)) int
settings_redis_read_password(struct settings *settings, const struct settings_sink *sink);

#endif
