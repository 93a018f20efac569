/* What differs between the configuration that is in force and a new one. */
#ifndef MASTER_SETTINGS_SETTINGS_DIFF_H
#define MASTER_SETTINGS_SETTINGS_DIFF_H

#include "master/settings/settings_schema.h"
#include "shm/settings.h"

/* The names of the options of `scope` that differ, in the order of the schema, borrowed for
 * ever; lists count as one option.
 * returns their number; `names` has room for all rows. */
__attribute__((nonnull)) unsigned settings_diff_names(const struct settings *a,
						      const struct settings *b,
						      enum setting_scope scope,
						      const char *names[]);

/* Give the options of SETTING_RESTART in `to` the values that they have in `from`. */
__attribute__((nonnull)) void settings_diff_keep_restart(const struct settings *from,
							 struct settings *to);

#endif
