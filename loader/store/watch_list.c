/* The list of a sealed generation. */
#include "loader/store/watch_list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/state_paths.h"
#include "loader/store/watch.h"
#include "shm/errcode.h"

enum { FILE_MODE = 0440, HEAD_LEN = 5 };

struct watch_list {
	FILE *file;
	int error;
};

static int
error_of_errno(void)
{
	return errno ? errcode_from_errno(errno) : ERR_IO;
}

int
watch_list_create(const char *path, struct watch_list **out)
{
	struct watch_list *list = calloc(1, sizeof *list);
	int fd, rc;

	if (!list)
		return ERR_NOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd >= 0)
		list->file = fdopen(fd, "w");
	if (!list->file) {
		rc = error_of_errno();
		if (fd >= 0)
			close(fd);
		free(list);
		return rc;
	}
	*out = list;
	return ERR_OK;
}

void
watch_list_add(struct watch_list *list, const struct node *node, uint32_t zone_id)
{
	uint8_t head[HEAD_LEN];

	if (list->error || !watch_wants_any(node))
		return;
	memcpy(head, &zone_id, sizeof zone_id);
	head[sizeof zone_id] = node->head.owner_len;
	errno = 0;
	if (fwrite(head, 1, sizeof head, list->file) != sizeof head ||
	    fwrite(node_owner(node), 1, node->head.owner_len, list->file) !=
		    node->head.owner_len)
		list->error = error_of_errno();
}

int
watch_list_finish(struct watch_list *list, bool durable)
{
	int error = list->error;

	errno = 0;
	if (fflush(list->file) != 0 || (durable && fsync(fileno(list->file)) != 0))
		error = error ? error : error_of_errno();
	watch_list_abort(list);
	return error;
}

void
watch_list_abort(struct watch_list *list)
{
	if (!list)
		return;
	fclose(list->file);
	free(list);
}

/* ---- reading ---- */

struct watch_list_reader {
	FILE *file; /* NULL: there is none */
};

int
watch_list_open(const char *dir, struct watch_list_reader **out)
{
	struct watch_list_reader *reader;
	char path[PATH_MAX];
	FILE *file;

	if (!state_path_print(path, "%s/" WATCH_LIST_FILE, dir))
		return ERR_RANGE;
	file = fopen(path, "re");
	if (!file && errno != ENOENT)
		return errcode_from_errno(errno);
	reader = malloc(sizeof *reader);
	if (!reader) {
		if (file)
			fclose(file);
		return ERR_NOMEM;
	}
	reader->file = file;
	*out = reader;
	return ERR_OK;
}

void
watch_list_close(struct watch_list_reader *reader)
{
	if (reader && reader->file)
		fclose(reader->file);
	free(reader);
}

bool
watch_list_next(struct watch_list_reader *reader, struct watch_list_entry *out)
{
	uint8_t head[HEAD_LEN];

	if (!reader->file || fread(head, 1, sizeof head, reader->file) != sizeof head)
		return false;
	memcpy(&out->zone_id, head, sizeof out->zone_id);
	out->owner_len = head[sizeof out->zone_id];
	return fread(out->owner, 1, out->owner_len, reader->file) == out->owner_len &&
	       dname_is_whole(out->owner, out->owner_len);
}

int
watch_list_read(const char *dir, watch_list_fn *visit, void *context)
{
	struct watch_list_entry entry = { 0 };
	struct watch_list_reader *reader;
	int rc = watch_list_open(dir, &reader);

	if (rc != ERR_OK)
		return rc;
	while (rc == ERR_OK && watch_list_next(reader, &entry))
		rc = visit(context, &entry);
	watch_list_close(reader);
	return rc;
}
