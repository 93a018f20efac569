/* The files of a generation, in the order that makes a half-written one useless. */
#include "loader/store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/store/disk_space.h"
#include "loader/store/node_file.h"
#include "loader/store/node_reader.h"
#include "loader/store/seal_index.h"
#include "loader/store/watch_list.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	DIR_MODE = 0750,
	FILE_MODE = 0440,
};

struct seal {
	char *dir; /* owned */
	struct seal_options options;
	struct node_file *nodes;
	struct watch_list *watched;
	uint64_t node_count;
	uint64_t put_bytes;
};

/* "DIR/NAME: what is wrong; the remedy". */
static int
fail(const struct seal *seal, const char *name, int rc, char reason[SEAL_REASON_MAX])
{
	const char *remedy = "";

	if (rc == ERR_NOSPACE)
		remedy = ": make room there, or lower generations.keep";
	else if (rc == ERR_RIGHTS)
		remedy = ": the server's user must be able to write there";
	snprintf(reason, SEAL_REASON_MAX, "%s/%s: %s%s", seal->dir, name,
		 errcode_text(rc), remedy);
	return rc;
}

static bool
file_path(const struct seal *seal, const char *name, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/%s", seal->dir, name);

	return len > 0 && len < PATH_MAX;
}

static int
open_nodes(struct seal *seal, char reason[SEAL_REASON_MAX])
{
	char path[PATH_MAX];
	int rc = disk_space_check(seal->dir, seal->options.expect_bytes,
				  seal->options.reserve_bytes, reason);

	if (rc != ERR_OK)
		return rc;
	rc = file_path(seal, "data.mdb", path) ? node_file_create(path, &seal->nodes)
					       : ERR_RANGE;
	if (rc != ERR_OK)
		return fail(seal, "data.mdb", rc, reason);
	rc = file_path(seal, WATCH_LIST_FILE, path)
		     ? watch_list_create(path, &seal->watched)
		     : ERR_RANGE;
	return rc == ERR_OK ? rc : fail(seal, WATCH_LIST_FILE, rc, reason);
}

int
seal_open(const char *dir, const struct seal_options *options, struct seal **out,
	  char reason[SEAL_REASON_MAX])
{
	struct seal *seal = calloc(1, sizeof *seal);
	int rc;

	if (seal)
		seal->dir = strdup(dir);
	if (!seal || !seal->dir) {
		free(seal);
		snprintf(reason, SEAL_REASON_MAX, "%s: %s", dir, errcode_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	seal->options = *options;
	if (mkdir(dir, DIR_MODE) != 0) {
		rc = errcode_from_errno(errno);
		snprintf(reason, SEAL_REASON_MAX, "%s: %s%s", dir, strerror(errno),
			 rc == ERR_EXISTS ? ": name a new directory, or remove it" : "");
		free(seal->dir);
		free(seal);
		return rc;
	}
	rc = open_nodes(seal, reason);
	if (rc != ERR_OK) {
		seal_abort(seal);
		return rc;
	}
	*out = seal;
	return ERR_OK;
}

int
seal_put(struct seal *seal, const uint8_t *node, uint32_t zone_id,
	 char reason[SEAL_REASON_MAX])
{
	int rc = node_file_put(seal->nodes, node, zone_id);
	struct node opened;

	if (rc != ERR_OK)
		return fail(seal, "data.mdb", rc, reason);
	if (!node_open(node, UINT32_MAX, &opened))
		return fail(seal, "data.mdb", ERR_DAMAGED, reason);
	watch_list_add(seal->watched, &opened, zone_id);
	seal->put_bytes += opened.head.node_len;
	seal->node_count++;
	return ERR_OK;
}

uint64_t
seal_put_bytes(const struct seal *seal)
{
	return seal->put_bytes;
}

/* The file is in the page cache: read once more, for its checksum. */
static int
checksum_file(const char *path, uint64_t len, uint64_t *xxh3)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = ERR_OK;
	void *map;

	if (fd < 0)
		return errcode_from_errno(errno);
	map = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED) {
		rc = errcode_from_errno(errno);
	} else {
		*xxh3 = XXH3_64bits(map, len);
		munmap(map, len);
	}
	close(fd);
	return rc;
}

static int
sync_and_close(const struct seal *seal, int fd)
{
	int rc = seal->options.durable && fsync(fd) != 0 ? errcode_from_errno(errno)
							 : ERR_OK;

	if (close(fd) != 0 && rc == ERR_OK)
		rc = errcode_from_errno(errno);
	return rc;
}

static int
sync_path(const struct seal *seal, const char *path, int flags)
{
	int fd;

	if (!seal->options.durable)
		return ERR_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	return fd < 0 ? errcode_from_errno(errno) : sync_and_close(seal, fd);
}

static int
finish_data(struct seal *seal, struct generation_manifest *manifest)
{
	char path[PATH_MAX];
	struct node_file *nodes = seal->nodes;
	int rc;

	seal->nodes = NULL;
	rc = node_file_finish(nodes, &manifest->data_len);
	if (rc != ERR_OK)
		return rc;
	if (!file_path(seal, "data.mdb", path))
		return ERR_RANGE;
	rc = checksum_file(path, manifest->data_len, &manifest->data_xxh3);
	return rc == ERR_OK ? sync_path(seal, path, 0) : rc;
}

static int
finish_watched(struct seal *seal)
{
	struct watch_list *list = seal->watched;

	seal->watched = NULL;
	return watch_list_finish(list, seal->options.durable);
}

static int
create_file(const struct seal *seal, const char *name, int *fd)
{
	char path[PATH_MAX];

	if (!file_path(seal, name, path))
		return ERR_RANGE;
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	return *fd < 0 ? errcode_from_errno(errno) : ERR_OK;
}

static int
write_index(const struct seal *seal, const struct seal_index *index,
	    struct generation_manifest *manifest)
{
	int fd, rc = create_file(seal, "index", &fd), close_rc;

	if (rc != ERR_OK)
		return rc;
	rc = seal_index_write(index, fd, &manifest->index_len, &manifest->index_xxh3);
	close_rc = sync_and_close(seal, fd);
	return rc == ERR_OK ? close_rc : rc;
}

static int
finish_index(struct seal *seal, struct generation_manifest *manifest)
{
	struct seal_index index = { 0 };
	struct node_reader *reader;
	char path[PATH_MAX];
	int rc = file_path(seal, "data.mdb", path) ? node_reader_open(path, &reader)
						   : ERR_RANGE;

	if (rc != ERR_OK)
		return rc;
	rc = seal_index_make(reader, seal->node_count, manifest->data_len, &index);
	node_reader_close(reader);
	if (rc == ERR_OK) {
		manifest->zone_count = index.summary.zone_count;
		manifest->record_count = index.summary.record_count;
		manifest->name_count = index.summary.name_count;
		manifest->broken_count = (uint32_t)index.summary.broken_count;
		manifest->fault_count = index.summary.fault_count;
		rc = write_index(seal, &index, manifest);
	}
	seal_index_fini(&index);
	return rc;
}

static int
finish_manifest(const struct seal *seal, struct generation_manifest *manifest)
{
	int fd, rc = create_file(seal, "manifest", &fd), close_rc;

	if (rc != ERR_OK)
		return rc;
	manifest->manifest_xxh3 = XXH3_64bits(
		manifest, offsetof(struct generation_manifest, manifest_xxh3));
	if (write(fd, manifest, sizeof *manifest) != (ssize_t)sizeof *manifest)
		rc = errno ? errcode_from_errno(errno) : ERR_IO;
	close_rc = sync_and_close(seal, fd);
	if (rc == ERR_OK)
		rc = close_rc;
	return rc == ERR_OK ? sync_path(seal, seal->dir, O_DIRECTORY) : rc;
}

static void
seal_free(struct seal *seal)
{
	node_file_abort(seal->nodes);
	watch_list_abort(seal->watched);
	free(seal->dir);
	free(seal);
}

int
seal_finish(struct seal *seal, uint32_t next_zone_id, struct generation_manifest *out,
	    char reason[SEAL_REASON_MAX])
{
	struct generation_manifest manifest = {
		.version = GENERATION_VERSION,
		.byte_order = GENERATION_BYTE_ORDER,
		.id = seal->options.id,
		.created_s = clock_wall_s(),
		.next_zone_id = next_zone_id,
		.flags = seal->options.flags,
		.base_id = seal->options.base_id,
		.base_commit = seal->options.base_commit,
	};
	const char *name = "data.mdb";
	int rc;

	memcpy(manifest.magic, GENERATION_MAGIC, sizeof manifest.magic);
	rc = finish_data(seal, &manifest);
	if (rc == ERR_OK) {
		name = WATCH_LIST_FILE;
		rc = finish_watched(seal);
	}
	if (rc == ERR_OK) {
		name = "index";
		rc = finish_index(seal, &manifest);
	}
	if (rc == ERR_OK) {
		name = "manifest";
		rc = finish_manifest(seal, &manifest);
	}
	if (rc != ERR_OK) {
		(void)fail(seal, name, rc, reason);
		seal_abort(seal);
		return rc;
	}
	seal_free(seal);
	*out = manifest;
	return ERR_OK;
}

void
seal_abort(struct seal *seal)
{
	static const char *const names[] = { "manifest", "index", WATCH_LIST_FILE,
					     "data.mdb" };
	char path[PATH_MAX];

	if (!seal)
		return;
	node_file_abort(seal->nodes);
	seal->nodes = NULL;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (file_path(seal, names[i], path))
			(void)unlink(path);
	(void)rmdir(seal->dir);
	seal_free(seal);
}
