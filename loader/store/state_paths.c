/* Names below state_dir. */
#include "loader/store/state_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/errcode.h"

bool
state_path_print(char out[PATH_MAX], const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(out, PATH_MAX, format, args);
	va_end(args);
	return len > 0 && len < PATH_MAX;
}

int
state_path_sync(const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = 0;

	if (fd < 0)
		return errcode_from_errno(errno);
	if (fsync(fd) != 0)
		result = errcode_from_errno(errno);
	close(fd);
	return result;
}

bool
state_path_generation(const char *state_dir, uint64_t id, char out[PATH_MAX])
{
	return state_path_print(out, "%s/" GENERATIONS_DIR "/%08" PRIu64, state_dir, id);
}

bool
state_path_build(const char *state_dir, uint64_t id, char out[PATH_MAX])
{
	return state_path_print(
		out, "%s/" GENERATIONS_DIR "/%08" PRIu64 GENERATIONS_BUILD_SUFFIX,
		state_dir, id);
}

bool
state_path_parse_id(const char *name, uint64_t *id)
{
	char again[GENERATIONS_NAME_MAX];
	uint64_t value;
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	value = strtoull(name, &end, 10);
	if (errno != 0 || *end != '\0' || value == 0)
		return false;
	snprintf(again, sizeof again, "%08" PRIu64, value);
	if (strcmp(again, name) != 0)
		return false;
	*id = value;
	return true;
}
