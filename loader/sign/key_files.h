/* Both files of a key, as BIND's tools name and write them. */
#ifndef LOADER_SIGN_KEY_FILES_H
#define LOADER_SIGN_KEY_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/key_text.h"

/* To be wiped after use. */
struct key_files {
	char public_text[KEY_TEXT_MAX], private_text[KEY_TEXT_MAX];
	size_t public_len, private_len;
	bool is_open;			/* the private one can be read by others */
};

/* The name of a key's files, given key_dir_prefix and its DNSKEY.
 * returns false when it is too long. */
__attribute__((nonnull, warn_unused_result))
bool key_files_name(const char *prefix, const uint8_t *rdata, size_t rdata_len,
		    char out[NAME_MAX + 1]);

/* what     on failure, the suffix of the file that it is about
 * returns  0, or key_dir_read's error code. */
__attribute__((nonnull, warn_unused_result))
int key_files_read(const struct key_dir *dir, const char *name, struct key_files *out,
		   const char **what);

/* Write what does not stand in `kept` just so.  returns 0, or key_dir_write's error code. */
__attribute__((nonnull, warn_unused_result))
int key_files_copy(struct key_dir *kept, const char *name,
		   const struct key_files *files);

/* Note that a kept key is the copy of one in `source`; nothing is written when it stands there.
 * returns as above. */
__attribute__((nonnull, warn_unused_result))
int key_files_note_copy(struct key_dir *kept, const char *name,
			const struct key_dir *source);

/* Is that noted of it?  Else it was made or given here, and is the only one. */
__attribute__((nonnull, warn_unused_result))
bool key_files_is_copy(const struct key_dir *kept, const char *name,
		       const struct key_dir *source);

/* With its note. */
__attribute__((nonnull))
void key_files_remove(struct key_dir *kept, const char *name);

#endif
