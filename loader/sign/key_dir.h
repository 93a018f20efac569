/* A directory of keys in BIND's format: K<zone>+<algorithm>+<tag>.key and .private. */
#ifndef LOADER_SIGN_KEY_DIR_H
#define LOADER_SIGN_KEY_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

#define KEY_PUBLIC_SUFFIX ".key"
#define KEY_PRIVATE_SUFFIX ".private"

struct key_dir;

/* `path` is copied.  returns NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result))
struct key_dir *key_dir_new(const char *path);

/* NULL is allowed. */
void key_dir_free(struct key_dir *dir);

/* What the names of a zone's files begin with, "Kexample.com.+": characters other than
 * letters, digits, '-', '_' and the dots between labels as "%2F".
 * returns false when no file can be called so. */
__attribute__((nonnull, warn_unused_result))
bool key_dir_prefix(const uint8_t *zone, char out[NAME_MAX + 1]);

/* The zone that a file's name tells of, lower-cased.  returns its length, 0 for none. */
__attribute__((nonnull, warn_unused_result))
size_t key_dir_zone(const char *file, uint8_t out[DNAME_MAX]);

/* Read anew which files there are, if the directory has changed since: of one that changes
 * all the time not each time, but what is written here is known at once.
 * returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int key_dir_refresh(struct key_dir *dir);

/* Why it could not be read, and what to do: "is a file, not a directory: ...". */
__attribute__((nonnull, returns_nonnull))
const char *key_dir_why_unread(const struct key_dir *dir, int code);

/* The names of private halves that begin with `prefix`, in either case (ldns-keygen leaves that of
 * the zone as it was given), without ".private", sorted.
 * names    at most `max` of them, borrowed until the next refresh
 * returns  how many there are. */
__attribute__((nonnull, warn_unused_result))
size_t key_dir_find(const struct key_dir *dir, const char *prefix, const char **names,
		    size_t max);

/* The zones of files "K<zone>+<suffix>", in no order.  `visit` returns false to end.
 * returns 0 or an error code. */
__attribute__((nonnull(1, 2, 3), warn_unused_result))
int key_dir_each(const struct key_dir *dir, const char *suffix,
		 bool (*visit)(void *context, const uint8_t *zone, size_t len),
		 void *context);

/* Read a file of the directory, at most room - 1 octets, NUL-terminated.
 * is_open  receives whether others than owner and group may read it
 * returns  the length, or an error code: see key_dir_why_not. */
__attribute__((nonnull, warn_unused_result))
long key_dir_read(const struct key_dir *dir, const char *name, const char *suffix, char *out,
		  size_t room, bool *is_open);

/* Why a file could not be read: "is no regular file". */
__attribute__((const, returns_nonnull))
const char *key_dir_why_not(int code);

/* Write a file, mode 0600, replaced as a whole and durable.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int key_dir_write(struct key_dir *dir, const char *name, const char *suffix,
		  const char *text, size_t len);

/* Remove a file, if it is there. */
__attribute__((nonnull))
void key_dir_remove(struct key_dir *dir, const char *name, const char *suffix);

/* From now on what is written is not durable before its file system is synced (syncfs), or
 * again is: for files whose source can give them once more. */
__attribute__((nonnull))
void key_dir_set_lazy(struct key_dir *dir, bool is_lazy);

/* Was something written so since this was asked last? */
__attribute__((nonnull, warn_unused_result))
bool key_dir_take_unsynced(struct key_dir *dir);

__attribute__((nonnull, returns_nonnull, pure))
const char *key_dir_path(const struct key_dir *dir);

#endif
