/* What the options of query_log say together. */
#ifndef MASTER_SETTINGS_SETTINGS_QUERY_LOG_H
#define MASTER_SETTINGS_SETTINGS_QUERY_LOG_H

#include "shm/settings.h"

/* returns what is wrong, the option's name first; borrowed for ever.  NULL: nothing. */
__attribute__((nonnull, warn_unused_result)) const char *
settings_query_log_contradiction(const struct settings *settings);

#endif
