/* What libconfig lets pass in silence and we do not: integers that it would wrap, and a
 * comment that swallows the rest of the file.  Found in the text itself. */
#ifndef MASTER_SETTINGS_SETTINGS_TEXT_H
#define MASTER_SETTINGS_SETTINGS_TEXT_H

#include "master/settings/settings_report.h"
#include "master/settings/settings_syntax.h"

/* Check the file at `path`, and those that it includes (relative to `dir`, as deep as
 * libconfig goes).  Only regular files of at most 16 MiB are read.  Findings go to
 * `report`, what else looks wrong to `syntax`, in case that libconfig finds no better
 * words.  returns false when a file cannot be read, or ends within a text
 * (libconfig would lose memory over it): not to be given to libconfig. */
__attribute__((nonnull)) bool settings_text_check(const char *path, const char *dir,
						  struct settings_report *report,
						  struct settings_syntax *syntax);

#endif
