/* Zone files as files: read whole, and found from $INCLUDE without leaving a directory. */
#ifndef LOADER_ZONE_ZONE_FILE_H
#define LOADER_ZONE_ZONE_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* A file's text in memory.  All zero is a good start; the buffer is reused. */
struct zone_file {
	char *bytes;			/* owned, not NUL-terminated */
	size_t len, room;
	struct stat status;		/* taken before the first octet was read */
};

/* Read a regular file as it stands.  Devices and pipes are refused without waiting
 * for them; a file that shrinks meanwhile is read as far as it goes.  It is copied,
 * not mapped: a map of a truncated file is SIGBUS.  "\r\n" becomes
 * "\n", the last line gets its end, a byte order mark is dropped.
 * reason   on failure what is wrong, the rest of a sentence that begins with the file;
 *          borrowed for ever.
 * returns  0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int zone_file_read(struct zone_file *file, const char *path, const char **reason);

/* The same from memory.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int zone_file_copy(struct zone_file *file, const char *bytes, size_t len);

/* Give back the buffer. */
__attribute__((nonnull))
void zone_file_fini(struct zone_file *file);

/* The real directory (no symbolic links) of the file at `path`.
 * returns malloc'ed text, owned by the caller; NULL on failure. */
__attribute__((nonnull, warn_unused_result))
char *zone_file_directory(const char *path);

/* Find what "$INCLUDE name" means in a file of the directory `dir`.
 * top      real directory that must not be left, from zone_file_directory.
 * name     absolute, or relative to `dir`; never with "..".
 * found    PATH_MAX octets: the path as it is written, for messages and stamps, which
 *          notice a link that is turned elsewhere.
 * real     PATH_MAX octets: the same without links, to be opened.
 * returns  0, or ERR_NOTFOUND for what does not exist, leaves `top` or has "..": a
 *          stranger's zone file must not find out what there is elsewhere. */
__attribute__((nonnull, warn_unused_result))
int zone_file_find_include(const char *top, const char *dir, const char *name,
			   char *found, char *real);

#endif
