/* What martletctl needs of the server's configuration. */
#ifndef MASTER_CLIENT_CTL_CLIENT_CONFIG_H
#define MASTER_CLIENT_CTL_CLIENT_CONFIG_H

#include "shm/settings.h"

#define CTL_CONFIG_FILE "/etc/martlet/martlet.conf"
#define CTL_CONFIG_SOCKET "/run/martlet/control.sock"

/* The whole configuration, for work that is done here.
 * returns NULL after its errors were told on stderr; else owned by the caller
 * (settings_free). */
__attribute__((nonnull, warn_unused_result)) struct settings *
ctl_config_load(const char *path);

/* The same of an empty configuration. */
__attribute__((warn_unused_result)) struct settings *ctl_config_defaults(void);

/* The control socket that `path` (NULL: CTL_CONFIG_FILE, which may be missing) names.
 * A server outlives errors in its configuration, so they are no reason not to ask it:
 * they are told on stderr, and the name is read from what stands there.
 * returns NULL when the file cannot be read, with the reason in *why; both are owned by
 * the caller (free). */
__attribute__((nonnull(2), warn_unused_result)) char *ctl_config_socket(const char *path,
									char **why);

#endif
