/* Addresses of Redis servers and Sentinels, and passwords. */
#include "master/settings/settings_redis.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/settings/settings_load.h"
#include "shm/errcode.h"

enum {
	HOST_LEN_MAX = 255,
	PASSWORD_LEN_MAX = 512,
	SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1,
};

static char reason[512];

bool
settings_redis_is_path(const char *text)
{
	return strchr(text, '/') != NULL;
}

/* The port behind the host, or NULL: behind "]" or the only colon. */
static const char *
find_port(const char *text, size_t *host_len)
{
	const char *colon = strrchr(text, ':');

	if (!colon)
		return NULL;
	*host_len = (size_t)(colon - text);
	if (text[0] == '[')
		return *host_len >= 3 && colon[-1] == ']' ? colon + 1 : NULL;
	return *host_len >= 1 && memchr(text, ':', *host_len) == NULL ? colon + 1 : NULL;
}

static bool
is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	return len > 0 && len <= 5 && text[len] == '\0' && port >= 1 && port <= 65535;
}

const char *
settings_redis_check_address(const char *text)
{
	const char *port;
	size_t host_len = 0;

	/* not repeated: what stands before an "@" may be a password */
	if (strstr(text, "://") || (!settings_redis_is_path(text) && strchr(text, '@')))
		return "write host:port, [IPv6]:port or the path of a socket, no URL; "
		       "user, password and db are options of their own";
	if (settings_redis_is_path(text)) {
		if (strlen(text) <= SOCKET_PATH_MAX)
			return NULL;
		snprintf(reason, sizeof reason,
			 "%.200s has %zu octets, at most %u fit a socket path", text,
			 strlen(text), (unsigned)SOCKET_PATH_MAX);
		return reason;
	}
	port = find_port(text, &host_len);
	if (port && is_port(port) && host_len <= HOST_LEN_MAX)
		return NULL;
	snprintf(reason, sizeof reason,
		 "\"%.100s\" is none of host:port, [IPv6]:port and the path of a socket",
		 text);
	return reason;
}

/* A user and its password, of the server or of the Sentinels. */
struct login {
	const char *group; /* "redis" */
	const char *username, *file;
	char **password;
};

enum { LOGIN_COUNT = 5 };

static void
find_logins(struct settings *settings, struct login out[LOGIN_COUNT])
{
	out[0] = (struct login){ "redis", settings->redis.username,
				 settings->redis.password_file,
				 &settings->redis.password };
	out[1] = (struct login){ "redis.sentinel", settings->redis.sentinel.username,
				 settings->redis.sentinel.password_file,
				 &settings->redis.sentinel.password };
	out[2] = (struct login){ "health.redis", settings->health.redis.username,
				 settings->health.redis.password_file,
				 &settings->health.redis.password };
	out[3] = (struct login){ "query_log.redis", settings->query_log.redis.username,
				 settings->query_log.redis.password_file,
				 &settings->query_log.redis.password };
	out[4] = (struct login){ "dnssec.redis", settings->dnssec.redis.username,
				 settings->dnssec.redis.password_file,
				 &settings->dnssec.redis.password };
}

static const char *
login_contradiction(const struct login *login)
{
	const char *group = login->group;
	bool has_password = (*login->password)[0] != '\0';
	bool has_file = login->file[0] != '\0';

	if (has_password && has_file)
		snprintf(reason, sizeof reason,
			 "%s.password: %s.password_file is set too, one of them is "
			 "enough",
			 group, group);
	else if (login->username[0] && !has_password && !has_file)
		snprintf(reason, sizeof reason,
			 "%s.username: a user needs %s.password or %s.password_file",
			 group, group, group);
	else
		return NULL;
	return reason;
}

const char *
settings_redis_contradiction(struct settings *settings)
{
	struct login logins[LOGIN_COUNT];

	find_logins(settings, logins);
	for (size_t i = 0; i < LOGIN_COUNT; i++)
		if (login_contradiction(&logins[i]))
			return reason;
	if (settings->health.enable && settings->health.role == HEALTH_ROLE_FOLLOW &&
	    !settings->health.redis.address[0])
		return "health.role: who follows needs health.redis.address, where the "
		       "statuses are";
	if (!settings->dnssec.redis.address[0] &&
	    (settings->dnssec.redis.username[0] || settings->dnssec.redis.password[0] ||
	     settings->dnssec.redis.password_file[0]))
		return "dnssec.redis: a user or password needs dnssec.redis.address; "
		       "without, the list of keys goes to the Redis that is followed";
	if (settings->redis.sentinel.master[0] &&
	    settings->redis.sentinel.nodes.count == 0)
		return "redis.sentinel.master: redis.sentinel.nodes lists no Sentinel to "
		       "ask";
	if (!settings->redis.sentinel.master[0] &&
	    settings->redis.sentinel.nodes.count > 0)
		return "redis.sentinel.nodes: redis.sentinel.master is needed too, the "
		       "name to ask for";
	return NULL;
}

static const char *
tell_if_open(mode_t mode, const char *path)
{
	if (!(mode & S_IROTH))
		return NULL;
	snprintf(reason, sizeof reason,
		 "everybody on this machine can read it: chmod o-r %.300s", path);
	return reason;
}

const char *
settings_redis_open_to_others(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? tell_if_open(status.st_mode, path) : NULL;
}

/* Into `line`, NUL-terminated.  returns what is wrong with the file, or NULL. */
static const char *
read_line(int fd, mode_t mode, char line[PASSWORD_LEN_MAX + 2])
{
	ssize_t len;

	if (!S_ISREG(mode))
		return "it is no regular file";
	len = read(fd, line, PASSWORD_LEN_MAX + 2);
	if (len < 0)
		return strerror(errno);
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (len > PASSWORD_LEN_MAX)
		return "it holds more than a password of 512 octets";
	line[len] = '\0';
	if (len == 0)
		return "it is empty";
	for (ssize_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return "it holds more than one line, or control characters";
	return NULL;
}

static void
tell(const struct settings *settings, const struct login *login,
     const struct settings_sink *sink, bool is_error, const char *why)
{
	char *option = alloc_printf("%s.password_file", login->group);
	char *place = settings_load_place(settings, option);
	char *text = alloc_printf("%s: %s: %s%s%s", place, option,
				  is_error ? login->file : "", is_error ? ": " : "", why);

	sink->put(sink->arg, is_error, text);
	free(text);
	free(place);
	free(option);
}

static int
read_password(const struct settings *settings, const struct login *login,
	      const struct settings_sink *sink)
{
	const char *path = login->file, *why;
	char line[PASSWORD_LEN_MAX + 2] = "";
	struct stat status = { .st_mode = 0 };
	int fd;

	if (!path[0])
		return ERR_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	why = fd < 0 || fstat(fd, &status) != 0 ? strerror(errno)
						: read_line(fd, status.st_mode, line);
	if (fd >= 0)
		close(fd);
	if (why) {
		tell(settings, login, sink, true, why);
	} else {
		free(*login->password);
		*login->password = alloc_text(line);
		if (tell_if_open(status.st_mode, path))
			tell(settings, login, sink, false, reason);
	}
	explicit_bzero(line, sizeof line);
	return why ? ERR_SYNTAX : ERR_OK;
}

static bool
is_used(const struct settings *settings, const struct login *login)
{
	if (login->password == &settings->health.redis.password)
		return settings->health.enable && settings->health.redis.address[0];
	if (login->password == &settings->query_log.redis.password)
		return settings->query_log.enable &&
		       strcmp(settings->query_log.target, "redis") == 0;
	if (login->password == &settings->dnssec.redis.password)
		return settings->redis.enable && settings->dnssec.redis.address[0] &&
		       settings->dnssec.role == DNSSEC_ROLE_ROLL;
	return settings->redis.enable;
}

int
settings_redis_read_password(struct settings *settings, const struct settings_sink *sink)
{
	struct login logins[LOGIN_COUNT];
	int result = ERR_OK;

	find_logins(settings, logins);
	for (size_t i = 0; result == ERR_OK && i < LOGIN_COUNT; i++)
		if (is_used(settings, &logins[i]))
			result = read_password(settings, &logins[i], sink);
	return result;
}
