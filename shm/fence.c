/* Landlock by its system calls: the library has none of them. */
#include "shm/fence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/geo_path.h"
#include "shm/log.h"
#include "shm/resolved.h"

/* Later kernels know more rights: these are the ones of the first, each of them has them. */
enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE,
	MAKE = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	OTHER = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
	SECRETS_MAX = 2,
};

struct fence {
	int ruleset_fd;
	size_t secret_count;
	char secrets[SECRETS_MAX][PATH_MAX]; /* directories of keys, real paths */
};

/* What programs, libraries and the C library's look-ups read; of /dev, where disks and
 * /dev/shm are, devices that hold nothing. */
static const struct {
	const char *path;
	unsigned rights;
} open_to_all[] = {
	{ "/usr", READ },
	{ "/lib", READ },
	{ "/lib64", READ },
	{ "/etc", READ },
	{ "/run", READ },
	{ "/proc", READ },
	{ "/sys", READ },
	{ "/dev/null", READ | WRITE },
	{ "/dev/zero", READ | WRITE },
	{ "/dev/full", READ | WRITE },
	{ "/dev/tty", READ | WRITE },
	{ "/dev/random", READ },
	{ "/dev/urandom", READ },
};

/* ---- keys ---- */

/* A directory that is not there yet is meant by its name. */
static void
add_secret(struct fence *fence, const char *path)
{
	char *out = fence->secrets[fence->secret_count];
	int len = snprintf(out, PATH_MAX, "%s", path);
	char *real = realpath(path, NULL);

	if (real)
		len = snprintf(out, PATH_MAX, "%s", real);
	free(real);
	fence->secret_count += len > 0 && len < PATH_MAX;
}

static bool
is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return true;
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool
holds_secret(const struct fence *fence, const char *path)
{
	for (size_t i = 0; i < fence->secret_count; i++)
		if (is_within(fence->secrets[i], path))
			return true;
	return false;
}

static bool
is_secret(const struct fence *fence, const char *path)
{
	for (size_t i = 0; i < fence->secret_count; i++)
		if (is_within(path, fence->secrets[i]))
			return true;
	return false;
}

/* ---- opening ---- */

static void
add_rule(const struct fence *fence, const char *path, unsigned rights)
{
	struct landlock_path_beneath_attr rule = {
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	struct stat status;

	if (rule.parent_fd < 0)
		return;
	if (fstat(rule.parent_fd, &status) == 0) {
		rule.allowed_access =
			S_ISDIR(status.st_mode) ? rights : rights & OF_FILES;
		syscall(SYS_landlock_add_rule, fence->ruleset_fd,
			LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.parent_fd);
}

/* What lies between here and the keys is opened entry by entry: but for files that are put
 * there later, all can be read besides them.  Symlinks lead to what is opened elsewhere. */
static void
open_real(const struct fence *fence, const char *path, unsigned rights)
{
	const struct dirent *entry;
	char inner[PATH_MAX];
	DIR *dir;

	if (is_secret(fence, path))
		return;
	if (!holds_secret(fence, path)) {
		add_rule(fence, path, rights);
		return;
	}
	add_rule(fence, path, rights & ~(unsigned)READ);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_type != DT_LNK && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    snprintf(inner, sizeof inner, "%s/%s", path[1] ? path : "",
			     entry->d_name) < (int)sizeof inner)
			open_real(fence, inner, rights);
	if (dir)
		closedir(dir);
}

static void
open_path(const struct fence *fence, const char *path, unsigned rights)
{
	char *real = path && path[0] ? realpath(path, NULL) : NULL;

	if (real)
		open_real(fence, real, rights);
	free(real);
}

/* Sanitizers and profilers look names up in the program's own file. */
static void
open_program(const struct fence *fence)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

	if (len <= 0)
		return;
	path[len] = '\0';
	open_path(fence, path, READ);
}

static void
open_dir_of(const struct fence *fence, const char *file, unsigned rights)
{
	char *copy = file && file[0] == '/' ? strdup(file) : NULL;

	if (copy)
		open_path(fence, dirname(copy), rights);
	free(copy);
}

/* The directory may come later, or be made anew: its parent is opened, though not one of
 * keys, too, for nothing. */
static void
open_for_files(const struct fence *fence, const char *file)
{
	char *copy = file && file[0] == '/' ? strdup(file) : NULL;
	char *dir = copy ? dirname(copy) : NULL;
	char *parent = dir ? strdup(dir) : NULL;
	char *real = parent ? realpath(dirname(parent), NULL) : NULL;

	if (real && (access(dir, F_OK) != 0 || !holds_secret(fence, real)))
		open_real(fence, real, WRITE | MAKE);
	if (dir)
		open_path(fence, dir, READ | WRITE | MAKE);
	free(real);
	free(parent);
	free(copy);
}

/* A crash may leave a core where the kernel was told to put it. */
static void
open_core_dir(const struct fence *fence)
{
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
	char pattern[PATH_MAX] = "|";
	struct rlimit limit;

	if (file && !fgets(pattern, sizeof pattern, file))
		pattern[0] = '|';
	if (file)
		fclose(file);
	if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur == 0)
		return;
	if (pattern[0] == '/')
		open_dir_of(fence, pattern, WRITE | MAKE);
	else if (pattern[0] != '|')
		open_path(fence, ".", WRITE | MAKE);
}

/* Directories that others make later are made here: a rule needs them. */
static void
open_store(const struct fence *fence, const char *state_dir)
{
	static const char *const names[] = { "generations", GEO_DIR, RESOLVED_DIR,
					     "watch" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (snprintf(path, sizeof path, "%s/%s", state_dir, names[i]) >=
		    (int)sizeof path)
			continue;
		(void)mkdir(path, 0750);
		open_path(fence, path, READ | WRITE);
	}
}

static void
open_all(struct fence *fence, const struct settings *settings,
	 const struct fence_gate *gate)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/" FENCE_KEYS_DIR, settings->state_dir) <
	    (int)sizeof path)
		add_secret(fence, path);
	if (settings->dnssec.key_dir[0])
		add_secret(fence, settings->dnssec.key_dir);
	for (size_t i = 0; i < sizeof open_to_all / sizeof *open_to_all; i++)
		open_path(fence, open_to_all[i].path, open_to_all[i].rights);
	open_program(fence);
	if (gate->has_store)
		open_store(fence, settings->state_dir);
	open_dir_of(fence, gate->reads, READ);
	open_for_files(fence, gate->writes);
	open_core_dir(fence);
}

/* ---- closing ---- */

/* returns 0 or what errno says. */
static int
close_behind(const struct settings *settings, const struct fence_gate *gate)
{
	const struct landlock_ruleset_attr handled = {
		.handled_access_fs = READ | WRITE | MAKE | OTHER,
	};
	struct fence *fence = calloc(1, sizeof *fence);
	int error = 0;

	if (!fence)
		return ENOMEM;
	fence->ruleset_fd =
		(int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
	if (fence->ruleset_fd < 0) {
		error = errno;
	} else {
		open_all(fence, settings, gate);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    syscall(SYS_landlock_restrict_self, fence->ruleset_fd, 0) != 0)
			error = errno;
		close(fence->ruleset_fd);
	}
	free(fence);
	return error;
}

void
fence_enter(const struct heritage *heritage, enum fence_who who,
	    const struct fence_gate *gate)
{
	struct region_fence *told = &heritage->region->fence;
	int error = close_behind(heritage->settings, gate);

	if (error == 0) {
		atomic_fetch_and(&told->missing, ~(UINT32_C(1) << who));
		return;
	}
	atomic_store(&told->reason, error);
	atomic_fetch_or(&told->missing, UINT32_C(1) << who);
	log_warnx("the kernel does not shut this process out of %s/" FENCE_KEYS_DIR
		  ": %s",
		  heritage->settings->state_dir, strerror(error));
}

const char *
fence_who_name(enum fence_who who)
{
	static const char *const names[FENCE_COUNT] = {
		[FENCE_WORKER] = "workers",    [FENCE_PROBER] = "prober",
		[FENCE_LOGGER] = "logger",     [FENCE_REPORTER] = "reporter",
		[FENCE_RESOLVER] = "resolver",
	};

	return names[who];
}
