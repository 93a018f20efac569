/* Limits: what fits together, and the copy for the workers. */
#include "master/settings/settings_limit.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "master/alloc.h"
#include "master/settings/settings_load.h"
#include "master/settings/settings_redis.h"
#include "shm/errcode.h"
#include "shm/limit_table.h"
#include "shm/network.h"

static char reason[256];

const char *
settings_limit_contradiction(const struct settings *settings)
{
	unsigned rate = settings->limit.client.rate;
	unsigned most = rate * (LIMIT_DEBT_MAX_S / 60) - 1;

	if (rate == 0 || settings->limit.client.burst <= most)
		return NULL;
	snprintf(reason, sizeof reason,
		 "limit.client.burst: %u would take over an hour to be had again at "
		 "limit.client.rate = %u a minute: at most %u",
		 settings->limit.client.burst, rate, most);
	return reason;
}

/* ---- secrets ---- */

enum { SECRET_DIGITS = 2 * SETTINGS_SECRET_LEN, SECRETS_FILE_MAX = 16384 };

static unsigned
digit_value(char digit)
{
	return isdigit((unsigned char)digit)
		       ? (unsigned)(digit - '0')
		       : (unsigned)(tolower((unsigned char)digit) - 'a') + 10;
}

/* Take the secret in `text`, without white space around.  returns what is wrong. */
static const char *
take_secret(struct settings *settings, const char *text)
{
	unsigned count = settings->limit.cookies.secret_count;
	uint8_t *secret;

	if (strspn(text, "0123456789abcdefABCDEF") != strlen(text) ||
	    strlen(text) != SECRET_DIGITS)
		return "a secret is 32 hexadecimal digits, one a line";
	if (count == SETTINGS_SECRETS_MAX)
		return "at most 16 secrets";
	secret = settings->limit.cookies.secrets[count];
	for (unsigned i = 0; i < SETTINGS_SECRET_LEN; i++)
		secret[i] = (uint8_t)(digit_value(text[2 * i]) << 4 |
				      digit_value(text[2 * i + 1]));
	settings->limit.cookies.secret_count++;
	return NULL;
}

/* Empty lines, and what is behind a '#', say nothing; so does white space around the rest. */
static char *
trim(char *line)
{
	static const char white[] = " \t\r";
	size_t len;

	line += strspn(line, white);
	len = strcspn(line, "#");
	while (len > 0 && strchr(white, line[len - 1]))
		len--;
	line[len] = '\0';
	return line;
}

/* *line receives the number of the one that is wrong, 0 when it is none of them. */
static const char *
take_lines(struct settings *settings, char *text, unsigned *line)
{
	const char *why = NULL;
	char *at = text, *end;

	for (*line = 1; *at && !why; at = end, ++*line) {
		char *secret;

		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = '\0';
		secret = trim(at);
		if (secret[0])
			why = take_secret(settings, secret);
	}
	*line = why ? *line - 1 : 0;
	if (!why && settings->limit.cookies.secret_count == 0)
		why = "it holds no secret: 32 hexadecimal digits are needed, as "
		      "`openssl rand -hex 16` makes them";
	return why;
}

static const char *
read_file(struct settings *settings, FILE *file, unsigned *line)
{
	char text[SECRETS_FILE_MAX + 1];
	size_t len = fread(text, 1, sizeof text, file);
	const char *why;

	if (ferror(file))
		why = strerror(errno);
	else if (len == sizeof text)
		why = "it has more than 16 KiB";
	else if (memchr(text, '\0', len))
		why = "it is no text";
	else {
		text[len] = '\0';
		why = take_lines(settings, text, line);
	}
	explicit_bzero(text, sizeof text);
	return why;
}

static void
tell(const struct settings *settings, const struct settings_sink *sink, bool is_error,
     unsigned line, const char *why)
{
	const char *path = settings->limit.cookies.secret_file;
	char *place = settings_load_place(settings, "limit.cookies.secret_file");
	char *text = line ? alloc_printf("%s: limit.cookies.secret_file: %s:%u: %s",
					 place, path, line, why)
			  : alloc_printf("%s: limit.cookies.secret_file: %s: %s", place,
					 path, why);

	sink->put(sink->arg, is_error, text);
	free(text);
	free(place);
}

int
settings_limit_read_secrets(struct settings *settings, const struct settings_sink *sink)
{
	const char *path = settings->limit.cookies.secret_file, *why;
	unsigned line = 0;
	struct stat status;
	FILE *file;

	if (!settings->limit.cookies.enable || !path[0])
		return ERR_OK;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		tell(settings, sink, true, 0, "it is no regular file");
		return ERR_SYNTAX;
	}
	file = fopen(path, "re");
	if (!file) {
		tell(settings, sink, true, 0, strerror(errno));
		return ERR_SYNTAX;
	}
	setvbuf(file, NULL, _IONBF, 0); /* no copies of secrets */
	why = read_file(settings, file, &line);
	fclose(file);
	if (why) {
		tell(settings, sink, true, line, why);
		return ERR_SYNTAX;
	}
	why = settings_redis_open_to_others(path);
	if (why)
		tell(settings, sink, false, 0, why);
	return ERR_OK;
}

/* Without a file: drawn once a start, so that a reload changes nothing. */
static void
draw_secret(struct limit_config *config)
{
	static uint8_t own[LIMIT_SECRET_LEN];
	static bool has_own;

	if (!has_own && getentropy(own, sizeof own) != 0)
		config->has_cookies = false;
	else
		has_own = true;
	memcpy(config->secrets[0], own, sizeof own);
	config->secret_count = 1;
}

static void
put_secrets(struct limit_config *config, const struct settings *settings)
{
	config->has_cookies = settings->limit.cookies.enable;
	config->secret_count = (uint8_t)settings->limit.cookies.secret_count;
	memcpy(config->secrets, settings->limit.cookies.secrets, sizeof config->secrets);
	if (config->secret_count == 0)
		draw_secret(config);
}

/* ---- all of it ---- */

/* The networks of a list, which have been checked. */
static void
add_prefixes(struct limit_config *config, const struct setting_texts *texts,
	     bool is_black)
{
	for (size_t i = 0; i < texts->count; i++) {
		struct network network;

		if (config->prefix_count == LIMIT_PREFIXES_MAX ||
		    !network_parse(texts->items[i], &network))
			continue;
		config->prefixes[config->prefix_count++] =
			(struct limit_prefix){ network, is_black };
	}
}

bool
settings_limit_has_rates(const struct settings *settings)
{
	return settings->limit.client.rate != 0 || settings->limit.rrl.answers != 0 ||
	       settings->limit.rrl.nxdomain != 0 || settings->limit.rrl.referrals != 0 ||
	       settings->limit.rrl.errors != 0;
}

static void
put_rrl(struct limit_config *config, const struct settings *settings)
{
	const unsigned rates[LIMIT_RRL_CLASSES] = {
		[LIMIT_RRL_ANSWERS - LIMIT_RRL_ANSWERS] = settings->limit.rrl.answers,
		[LIMIT_RRL_NXDOMAIN - LIMIT_RRL_ANSWERS] = settings->limit.rrl.nxdomain,
		[LIMIT_RRL_NODATA - LIMIT_RRL_ANSWERS] = settings->limit.rrl.nxdomain,
		[LIMIT_RRL_REFERRALS - LIMIT_RRL_ANSWERS] = settings->limit.rrl.referrals,
		[LIMIT_RRL_ERRORS - LIMIT_RRL_ANSWERS] = settings->limit.rrl.errors,
	};

	for (unsigned i = 0; i < LIMIT_RRL_CLASSES; i++)
		config->rrl_rates[i] = rates[i];
	config->rrl_slip = settings->limit.rrl.slip;
	config->rrl_v4_prefix = (uint8_t)settings->limit.rrl.v4_prefix;
	config->rrl_v6_prefix = (uint8_t)settings->limit.rrl.v6_prefix;
}

void
settings_limit_publish(const struct settings *settings, struct region_limits *limits)
{
	static struct limit_config config; /* large */

	memset(&config, 0, sizeof config);
	config.log_only = settings->limit.log_only;
	config.isolates = settings->limit.isolation;
	config.client_drops = settings->limit.client.action == LIMIT_ACTION_DROP;
	config.client_rate = settings->limit.client.rate;
	config.client_burst = settings->limit.client.burst;
	add_prefixes(&config, &settings->limit.client.whitelist, false);
	add_prefixes(&config, &settings->limit.client.blacklist, true);
	put_rrl(&config, settings);
	put_secrets(&config, settings);
	limit_config_set(limits, &config);
}
