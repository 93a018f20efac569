/* The configuration file, read and checked into struct settings. */
#ifndef MASTER_SETTINGS_SETTINGS_LOAD_H
#define MASTER_SETTINGS_SETTINGS_LOAD_H

#include "master/settings/settings_report.h"
#include "shm/settings.h"

/* Read the file at `path`; a relative path starts at the current directory, paths
 * inside at the file's own.  Every error is told to `sink`, and warnings.
 * returns 0 with *out owned by the caller (settings_free); ERR_SYNTAX after errors, with *out untouched. */
__attribute__((nonnull, warn_unused_result)) int
settings_load(const char *path, struct settings **out, const struct settings_sink *sink);

/* Where the option stands, as findings begin: "FILE:LINE", or the file alone when it does
 * not stand there any more.  For what is found out after loading; the file is read again.
 * The caller frees it. */
__attribute__((nonnull, warn_unused_result)) char *
settings_load_place(const struct settings *settings, const char *option);

#endif
