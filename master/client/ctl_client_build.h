/* `martletctl build`, the command that needs no server. */
#ifndef MASTER_CLIENT_CTL_CLIENT_BUILD_H
#define MASTER_CLIENT_CTL_CLIENT_BUILD_H

#include "master/client/ctl_client_output.h"

/* Build a generation from the zone files that the configuration `config` names into the
 * new directory `dir`, and print what was built.  returns the exit code. */
__attribute__((nonnull, warn_unused_result)) int
ctl_build_run(const char *config, const char *dir, struct ctl_output *output);

#endif
