/* The list of configured zones, from directory entries and settings. */
#include "loader/zone/zone_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "shm/dname.h"
#include "shm/errcode.h"

#define SUFFIX ".zone"
enum { SUFFIX_LEN = sizeof SUFFIX - 1 };

static int
add_entry(struct zone_list *list, const uint8_t *origin, size_t origin_len,
	  const char *path, bool sign)
{
	struct zone_list_entry *entry =
		grow_items(list->entries, &list->room, list->count + 1, sizeof *entry);

	if (!entry)
		return ERR_NOMEM;
	list->entries = entry;
	entry = &list->entries[list->count];
	entry->origin = arena_copy(list->arena, origin, origin_len);
	entry->path = arena_copy(list->arena, path, strlen(path) + 1);
	entry->rival = NULL;
	entry->origin_len = (uint8_t)origin_len;
	entry->is_alone = false;
	entry->sign = sign;
	if (!entry->origin || !entry->path)
		return ERR_NOMEM;
	list->count++;
	return ERR_OK;
}

/* The origin that the file name "<origin>.zone" stands for; 0 when it is none. */
static size_t
origin_from_file_name(const char *name, size_t stem_len, uint8_t origin[DNAME_MAX])
{
	char stem[NAME_MAX + 1];
	size_t len;

	memcpy(stem, name, stem_len);
	stem[stem_len] = '\0';
	if (stem_len == 0 || strcmp(stem, "root") == 0)
		strcpy(stem, ".");
	else if (strcmp(stem, ".") == 0)
		return 0;
	len = dname_from_text(stem, origin);
	dname_lower(origin, len);
	return len;
}

size_t
zone_list_origin(const char *path, uint8_t origin[DNAME_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len < SUFFIX_LEN || len - SUFFIX_LEN > NAME_MAX ||
	    strcmp(name + len - SUFFIX_LEN, SUFFIX) != 0)
		return 0;
	return origin_from_file_name(name, len - SUFFIX_LEN, origin);
}

/* Directories and what is none of our business are passed over; links count as what
 * they lead to, and dangling ones are left for the loader to complain of. */
static bool
is_zone_file(int dir_fd, const struct dirent *entry, size_t name_len)
{
	struct stat status;

	if (name_len < SUFFIX_LEN ||
	    strcmp(entry->d_name + name_len - SUFFIX_LEN, SUFFIX) != 0)
		return false;
	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return entry->d_type != DT_DIR;
	return fstatat(dir_fd, entry->d_name, &status, 0) < 0 || !S_ISDIR(status.st_mode);
}

static int
take_dir_entry(struct zone_list *list, const char *dir, int dir_fd,
	       const struct dirent *entry, struct zone_messages *messages)
{
	size_t name_len = strlen(entry->d_name), origin_len;
	uint8_t origin[DNAME_MAX];
	char path[PATH_MAX];

	if (!is_zone_file(dir_fd, entry, name_len))
		return ERR_OK;
	if (snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= (int)sizeof path)
		return ERR_RANGE;
	origin_len = origin_from_file_name(entry->d_name, name_len - SUFFIX_LEN, origin);
	if (origin_len == 0) {
		zone_messages_add(messages, ZONE_WARNING, path, 0,
				  "the file name is not <origin>" SUFFIX
				  ", it is ignored");
		return ERR_OK;
	}
	return add_entry(list, origin, origin_len, path, false);
}

static int
list_dir(struct zone_list *list, const char *dir, struct zone_messages *messages)
{
	DIR *stream = opendir(dir);
	const struct dirent *entry;
	int code = ERR_OK;

	if (!stream)
		return errcode_from_errno(errno);
	for (errno = 0; code == ERR_OK && (entry = readdir(stream)) != NULL; errno = 0)
		code = take_dir_entry(list, dir, dirfd(stream), entry, messages);
	if (code == ERR_OK && errno != 0)
		code = errcode_from_errno(errno);
	closedir(stream);
	return code;
}

static int
compare_origins(const void *left, const void *right)
{
	const struct zone_list_entry *a = left, *b = right;

	return dname_compare(a->origin, b->origin);
}

static int
compare_entries(const void *left, const void *right)
{
	const struct zone_list_entry *a = left, *b = right;
	int order = compare_origins(a, b);

	return order ? order : strcmp(a->path, b->path);
}

/* Sort; of several files for one origin the first stays, and knows of its rival. */
static void
sort_entries(struct zone_list *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort(list->entries, list->count, sizeof *list->entries, compare_entries);
	for (size_t i = 1; i < list->count; i++) {
		if (dname_compare(list->entries[kept].origin, list->entries[i].origin) ==
		    0)
			list->entries[kept].rival = list->entries[i].path;
		else
			list->entries[++kept] = list->entries[i];
	}
	list->count = kept + 1;
}

/* What is wrong with zones.dir, and the remedy. */
static const char *
why_unread(int code, const char *dir)
{
	struct stat facts;

	if (code == ERR_NOTFOUND && stat(dir, &facts) == 0)
		return "no directory; a single file goes into zones.files";
	if (code == ERR_NOTFOUND)
		return "not found; make the directory, or set another one";
	if (code == ERR_RIGHTS)
		return "permission denied; the server's user must be able to read it";
	return errcode_text(code);
}

static int
fill_list(struct zone_list *list, const struct settings *settings,
	  struct zone_messages *messages)
{
	int code = ERR_OK;

	if (settings->zones.dir && settings->zones.dir[0] != '\0') {
		code = list_dir(list, settings->zones.dir, messages);
		if (code != ERR_OK)
			zone_messages_add(messages, ZONE_ERROR, settings->zones.dir, 0,
					  "zones.dir cannot be read: %s",
					  why_unread(code, settings->zones.dir));
	}
	for (size_t i = 0; code == ERR_OK && i < settings->zones.file_count; i++) {
		const struct zone_file_setting *file = &settings->zones.files[i];

		code = add_entry(list, file->origin, file->origin_len, file->path,
				 file->sign);
	}
	if (code == ERR_OK && list->count == 0 && !settings->redis.enable &&
	    settings->zones.dir && settings->zones.dir[0] != '\0')
		zone_messages_add(messages, ZONE_WARNING, settings->zones.dir, 0,
				  "no file here is named <origin>" SUFFIX
				  ", and no other zones are configured: all queries are "
				  "refused");
	sort_entries(list);
	return code;
}

int
zone_list_make(const struct settings *settings, struct zone_list *list,
	       struct zone_messages *messages)
{
	struct zone_list made = { .arena = arena_new() };
	int code = made.arena ? fill_list(&made, settings, messages) : ERR_NOMEM;

	if (code == ERR_OK)
		*list = made;
	else
		zone_list_fini(&made);
	return code;
}

const struct zone_list_entry *
zone_list_find(const struct zone_list *list, const uint8_t *origin)
{
	const struct zone_list_entry wanted = { .origin = origin };

	if (list->count == 0)
		return NULL;
	return bsearch(&wanted, list->entries, list->count, sizeof wanted,
		       compare_origins);
}

void
zone_list_fini(struct zone_list *list)
{
	arena_free(list->arena);
	free(list->entries);
	*list = (struct zone_list){ 0 };
}
