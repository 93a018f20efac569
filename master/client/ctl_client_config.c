/* Finds the server's socket in its configuration. */
#include "master/client/ctl_client_config.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_load.h"
#include "master/settings/settings_redis.h"

static void
tell_error(void *arg, bool is_error, const char *text)
{
	(void)arg;
	if (is_error)
		fprintf(stderr, "martletctl: %s\n", text);
}

static const struct settings_sink errors = { tell_error, NULL };

struct settings *
ctl_config_load(const char *path)
{
	struct settings *settings;

	if (settings_load(path, &settings, &errors) != 0)
		return NULL;
	if (settings_redis_read_password(settings, &errors) == 0)
		return settings;
	settings_free(settings);
	return NULL;
}

struct settings *
ctl_config_defaults(void)
{
	int fd = memfd_create("defaults", MFD_CLOEXEC);
	struct settings *settings = NULL;
	char path[32];

	if (fd < 0)
		return NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	settings = ctl_config_load(path);
	close(fd);
	return settings;
}

/* The value of a line `control_socket = "..."`, NULL when it is none. */
static char *
value_in_line(const char *line)
{
	static const char name[] = "control_socket";
	const char *end;

	line += strspn(line, " \t");
	if (strncmp(line, name, sizeof name - 1) != 0)
		return NULL;
	line += sizeof name - 1;
	line += strspn(line, " \t");
	if (*line != '=' && *line != ':')
		return NULL;
	line += 1 + strspn(line + 1, " \t");
	end = *line == '"' ? strpbrk(line + 1, "\"\\\n") : NULL;
	if (!end || *end != '"')
		return NULL;
	return alloc_printf("%.*s", (int)(end - line - 1), line + 1);
}

static char *
scan(FILE *file)
{
	char *line = NULL, *value = NULL;
	size_t capacity = 0;

	while (!value && getline(&line, &capacity, file) > 0)
		value = value_in_line(line);
	free(line);
	return value;
}

/* As settings_load does with a relative path. */
static char *
beside(const char *config, char *path)
{
	char *copy, *joined;

	if (*path == '/')
		return path;
	copy = alloc_text(config);
	joined = alloc_printf("%s/%s", dirname(copy), path);
	free(copy);
	free(path);
	return joined;
}

char *
ctl_config_socket(const char *path, char **why)
{
	const char *config = path ? path : CTL_CONFIG_FILE;
	struct settings *settings;
	FILE *file = fopen(config, "re");
	char *value;

	if (!file && !path && errno == ENOENT)
		return alloc_text(CTL_CONFIG_SOCKET);
	if (!file) {
		*why = alloc_printf("cannot read %s: %s: name the socket with -s", config,
				    strerror(errno));
		return NULL;
	}
	/* without the password, which not everybody who may ask can read */
	if (settings_load(config, &settings, &errors) == 0) {
		value = alloc_text(settings->control_socket);
		settings_free(settings);
	} else {
		value = scan(file);
		value = value ? beside(config, value) : alloc_text(CTL_CONFIG_SOCKET);
	}
	fclose(file);
	return value;
}
