/* Making and mapping the filter file. */
#include "shm/overlay_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "shm/generation.h"

static int
map_file(int fd, uint64_t len, int protection, struct overlay_filter *out)
{
	void *map = mmap(NULL, len, protection, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return errcode_from_errno(errno);
	out->head = map;
	out->bits =
		(_Atomic uint64_t *)(void *)((uint8_t *)map + OVERLAY_FILTER_HEAD_LEN);
	out->line_count =
		(len - OVERLAY_FILTER_HEAD_LEN) / (OVERLAY_FILTER_LINE_BITS / 8);
	out->map_len = len;
	return ERR_OK;
}

static uint64_t
file_len(uint64_t lines)
{
	return OVERLAY_FILTER_HEAD_LEN + lines * (OVERLAY_FILTER_LINE_BITS / 8);
}

int
overlay_filter_create(const char *path, uint64_t names, struct overlay_filter *out)
{
	uint64_t lines =
		names * OVERLAY_FILTER_BITS_PER_NAME / OVERLAY_FILTER_LINE_BITS + 1;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640), rc;

	if (fd < 0)
		return errcode_from_errno(errno);
	rc = posix_fallocate(fd, 0, (off_t)file_len(lines));
	rc = rc ? errcode_from_errno(rc)
		: map_file(fd, file_len(lines), PROT_READ | PROT_WRITE, out);
	close(fd);
	if (rc != ERR_OK) {
		unlink(path);
		return rc;
	}
	memcpy(out->head->magic, OVERLAY_FILTER_MAGIC, sizeof out->head->magic);
	out->head->version = OVERLAY_FILTER_VERSION;
	out->head->byte_order = GENERATION_BYTE_ORDER;
	out->head->line_count = lines;
	return ERR_OK;
}

static int
check_head(const struct overlay_filter *filter)
{
	const struct overlay_filter_head *head = filter->head;

	if (memcmp(head->magic, OVERLAY_FILTER_MAGIC, sizeof head->magic) != 0)
		return ERR_FORMAT;
	if (head->byte_order != GENERATION_BYTE_ORDER)
		return ERR_FOREIGN;
	if (head->version != OVERLAY_FILTER_VERSION)
		return head->version > OVERLAY_FILTER_VERSION ? ERR_NEWER : ERR_OLDER;
	if (head->line_count == 0 || head->line_count != filter->line_count)
		return ERR_DAMAGED;
	return ERR_OK;
}

int
overlay_filter_open(const char *path, bool writable, struct overlay_filter *out)
{
	struct overlay_filter filter;
	struct stat status;
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC), rc = ERR_FORMAT;

	if (fd < 0)
		return errcode_from_errno(errno);
	if (fstat(fd, &status) != 0)
		rc = errcode_from_errno(errno);
	else if (S_ISREG(status.st_mode) && status.st_size > OVERLAY_FILTER_HEAD_LEN)
		rc = map_file(fd, (uint64_t)status.st_size,
			      writable ? PROT_READ | PROT_WRITE : PROT_READ, &filter);
	close(fd);
	if (rc != ERR_OK)
		return rc;
	rc = check_head(&filter);
	if (rc != ERR_OK) {
		overlay_filter_close(&filter);
		return rc;
	}
	*out = filter;
	return ERR_OK;
}

void
overlay_filter_close(struct overlay_filter *filter)
{
	if (filter->head)
		munmap(filter->head, filter->map_len);
	filter->head = NULL;
}
