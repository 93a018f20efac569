/* Setting and freeing the fields that the rows of the schema describe.
 *
 * `base` is what a row's offset counts from: a struct settings, or the option struct of
 * the list that the row belongs to.  Where a reason is returned (NULL: done), it is text
 * for people without the option's name, borrowed until the next call; the field is
 * unchanged then. */
#ifndef MASTER_SETTINGS_SETTINGS_FIELDS_H
#define MASTER_SETTINGS_SETTINGS_FIELDS_H

#include "master/settings/settings_schema.h"
#include "shm/settings.h"

/* Every option directly in `list` (NULL: in none) gets its default; texts are new. */
__attribute__((nonnull(2))) void settings_fields_default(const char *list, void *base);

/* Free the texts of all options directly in `list`. */
__attribute__((nonnull(2))) void settings_fields_free(const char *list, void *base);

__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_set_uint(const struct setting_row *row, void *base, long long value);

__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_set_choice(const struct setting_row *row, void *base, const char *word);

/* Texts, secrets, paths and addresses; a relative path starts at `dir`. */
__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_set_text(const struct setting_row *row, void *base, const char *text,
			 const char *dir);

/* Append to a SETTING_ADDRESSES. */
__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_add_address(const struct setting_row *row, void *base, const char *text,
			    const char *dir);

/* Append to a SETTING_NETWORKS; the defaults are put away by settings_fields_clear. */
__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_add_network(const struct setting_row *row, void *base, const char *text);

/* Append to a SETTING_HOSTS. */
__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_add_host(const struct setting_row *row, void *base, const char *text);

/* Empty a SETTING_NETWORKS or SETTING_HOSTS. */
__attribute__((nonnull)) void settings_fields_clear(const struct setting_row *row,
						    void *base);

__attribute__((nonnull, warn_unused_result)) const char *
settings_fields_set_share(const struct setting_row *row, void *base, double value);

__attribute__((nonnull)) void settings_fields_set_bool(const struct setting_row *row,
						       void *base, bool value);

/* NULL is allowed. */
void settings_free(struct settings *settings);

#endif
