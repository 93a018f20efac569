/* `martletctl import`, done here. */
#ifndef MASTER_CLIENT_CTL_CLIENT_IMPORT_H
#define MASTER_CLIENT_CTL_CLIENT_IMPORT_H

#include <stddef.h>

#include "master/client/ctl_client_output.h"

/* Options that stand over those of the configuration's group `redis`. */
enum ctl_import_option {
	CTL_IMPORT_REDIS, /* its address */
	CTL_IMPORT_DB,
	CTL_IMPORT_USER,
	CTL_IMPORT_PASSWORD_FILE,
	CTL_IMPORT_PREFIX,
	CTL_IMPORT_SUFFIX,
	CTL_IMPORT_SCHEMA,
	CTL_IMPORT_OPTION_COUNT,
};

/* The name on the command line, without dashes. */
__attribute__((const)) const char *ctl_import_option_name(enum ctl_import_option which);

/* Write the files into Redis.
 * config   the server's configuration; NULL: the default one, which may be missing
 * options  by enum ctl_import_option; NULL where it is not given
 * returns  the exit code, after the reply was put out. */
__attribute__((nonnull(2, 3, 5), warn_unused_result)) int
ctl_import_run(const char *config,
	       const char *const options[CTL_IMPORT_OPTION_COUNT], char *const *files,
	       size_t file_count, struct ctl_output *output);

#endif
