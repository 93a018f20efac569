/* Reading and copying pairs of files. */
#include "loader/sign/key_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

bool
key_files_name(const char *prefix, const uint8_t *rdata, size_t rdata_len,
	       char out[NAME_MAX + 1])
{
	int len = snprintf(out, NAME_MAX + 1, "%s%03u+%05u", prefix, rdata[3],
			   key_tag(rdata, rdata_len));

	return len > 0 && len <= NAME_MAX;
}

int
key_files_read(const struct key_dir *dir, const char *name, struct key_files *out,
	       const char **what)
{
	bool is_open;
	long len = key_dir_read(dir, name, KEY_PUBLIC_SUFFIX, out->public_text,
				KEY_TEXT_MAX, &is_open);

	*what = KEY_PUBLIC_SUFFIX;
	if (len < 0)
		return (int)len;
	out->public_len = (size_t)len;
	*what = KEY_PRIVATE_SUFFIX;
	len = key_dir_read(dir, name, KEY_PRIVATE_SUFFIX, out->private_text, KEY_TEXT_MAX,
			   &out->is_open);
	if (len < 0)
		return (int)len;
	out->private_len = (size_t)len;
	return ERR_OK;
}

static const char copied_suffix[] =
	".copied"; /* the path of the directory that has the key */

/* Is this just what the file holds? */
static bool
stands_so(const struct key_dir *kept, const char *name, const char *suffix,
	  const char *text, size_t len)
{
	char *there = malloc(KEY_TEXT_MAX);
	bool is_open, is_same = false;

	if (there) {
		long found =
			key_dir_read(kept, name, suffix, there, KEY_TEXT_MAX, &is_open);

		is_same = found == (long)len && memcmp(there, text, len) == 0;
		explicit_bzero(there, KEY_TEXT_MAX);
	}
	free(there);
	return is_same;
}

/* The private half last: without it a file means nothing. */
int
key_files_copy(struct key_dir *kept, const char *name, const struct key_files *files)
{
	int rc = ERR_OK;

	if (!stands_so(kept, name, KEY_PUBLIC_SUFFIX, files->public_text,
		       files->public_len))
		rc = key_dir_write(kept, name, KEY_PUBLIC_SUFFIX, files->public_text,
				   files->public_len);
	if (rc == ERR_OK && !stands_so(kept, name, KEY_PRIVATE_SUFFIX,
				       files->private_text, files->private_len))
		rc = key_dir_write(kept, name, KEY_PRIVATE_SUFFIX, files->private_text,
				   files->private_len);
	return rc;
}

bool
key_files_is_copy(const struct key_dir *kept, const char *name,
		  const struct key_dir *source)
{
	const char *path = key_dir_path(source);

	return stands_so(kept, name, copied_suffix, path, strlen(path));
}

int
key_files_note_copy(struct key_dir *kept, const char *name, const struct key_dir *source)
{
	const char *path = key_dir_path(source);

	return key_files_is_copy(kept, name, source)
		       ? ERR_OK
		       : key_dir_write(kept, name, copied_suffix, path, strlen(path));
}

void
key_files_remove(struct key_dir *kept, const char *name)
{
	key_dir_remove(kept, name, copied_suffix);
	key_dir_remove(kept, name, KEY_PRIVATE_SUFFIX);
	key_dir_remove(kept, name, KEY_PUBLIC_SUFFIX);
}
