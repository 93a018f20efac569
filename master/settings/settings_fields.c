/* Fields of struct settings by the rows of the schema. */
#include "master/settings/settings_fields.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/settings/settings_redis.h"
#include "shm/network.h"

static char reason[512];

static void
set_owned(const struct setting_row *row, void *base, char *owned)
{
	char **at = setting_field(row, base);

	free(*at);
	*at = owned;
}

void
settings_fields_set_bool(const struct setting_row *row, void *base, bool value)
{
	*(bool *)setting_field(row, base) = value;
}

static void
add_text(struct setting_texts *texts, char *owned)
{
	texts->items = alloc_again(texts->items, texts->count + 1, sizeof *texts->items);
	texts->items[texts->count++] = owned;
}

/* From `[ "one", "two" ]`. */
static void
set_default_texts(const struct setting_row *row, void *base)
{
	const char *at = row->fallback;

	while ((at = strchr(at, '"'))) {
		size_t len = strcspn(++at, "\"");

		add_text(setting_field(row, base), alloc_printf("%.*s", (int)len, at));
		at += len + 1;
	}
}

static void
set_default(const struct setting_row *row, void *base)
{
	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
	case SETTING_ADDRESS:
		set_owned(row, base, alloc_text(row->fallback));
		break;
	case SETTING_UINT:
		*(unsigned *)setting_field(row, base) =
			(unsigned)strtoul(row->fallback, NULL, 10);
		break;
	case SETTING_SHARE:
		*(double *)setting_field(row, base) = strtod(row->fallback, NULL);
		break;
	case SETTING_BOOL:
		settings_fields_set_bool(row, base, strcmp(row->fallback, "true") == 0);
		break;
	case SETTING_CHOICE:
		*(unsigned *)setting_field(row, base) =
			(unsigned)settings_choice_find(row->choices, row->fallback);
		break;
	case SETTING_NETWORKS:
	case SETTING_HOSTS:
		set_default_texts(row, base);
		break;
	case SETTING_CPUS:
	case SETTING_LIST:
	case SETTING_ADDRESSES:
		break;
	}
}

static bool
is_text(const struct setting_row *row)
{
	return row->type == SETTING_TEXT || row->type == SETTING_PATH ||
	       row->type == SETTING_SECRET || row->type == SETTING_ADDRESS;
}

static bool
is_list(const struct setting_row *row)
{
	return row->type == SETTING_ADDRESSES || row->type == SETTING_NETWORKS ||
	       row->type == SETTING_HOSTS;
}

static void
free_texts(struct setting_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
	*texts = (struct setting_texts){ .count = 0 };
}

static bool
is_in_list(const struct setting_row *row, const char *list)
{
	return row->list && list ? strcmp(row->list, list) == 0 : row->list == list;
}

void
settings_fields_default(const char *list, void *base)
{
	for (size_t i = 0; i < settings_row_count; i++)
		if (is_in_list(&settings_rows[i], list))
			set_default(&settings_rows[i], base);
}

void
settings_fields_free(const char *list, void *base)
{
	for (size_t i = 0; i < settings_row_count; i++) {
		const struct setting_row *row = &settings_rows[i];

		if (!is_in_list(row, list))
			continue;
		if (is_text(row))
			set_owned(row, base, NULL);
		else if (is_list(row))
			free_texts(setting_field(row, base));
	}
}

const char *
settings_fields_set_uint(const struct setting_row *row, void *base, long long value)
{
	if (value < row->min || value > row->max) {
		snprintf(reason, sizeof reason, "%lld is out of range, %u to %u", value,
			 row->min, row->max);
		return reason;
	}
	*(unsigned *)setting_field(row, base) = (unsigned)value;
	return NULL;
}

const char *
settings_fields_set_share(const struct setting_row *row, void *base, double value)
{
	if (!(value >= row->min && value <= row->max)) {
		snprintf(reason, sizeof reason, "%g is out of range, %u to %u", value,
			 row->min, row->max);
		return reason;
	}
	*(double *)setting_field(row, base) = value;
	return NULL;
}

const char *
settings_fields_set_choice(const struct setting_row *row, void *base, const char *word)
{
	int number = settings_choice_find(row->choices, word);
	char nearest[SETTINGS_NAME_MAX + 1];

	if (number < 0) {
		settings_choice_nearest(row->choices, word, nearest);
		snprintf(reason, sizeof reason,
			 "\"%.60s\" is none of %s; nearest is \"%s\"", word, row->choices,
			 nearest);
		return reason;
	}
	*(unsigned *)setting_field(row, base) = (unsigned)number;
	return NULL;
}

static bool
has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* A path that may also be one of some words: without a '/' it is a word misspelt. */
static bool
is_bad_word(const struct setting_row *row, const char *text)
{
	return row->type == SETTING_PATH && row->choices && text[0] &&
	       !strchr(text, '/') && settings_choice_find(row->choices, text) < 0;
}

/* The same, where a '/' stands in a URL.  returns the length of its scheme, 0: it is none. */
static size_t
scheme_len(const struct setting_row *row, const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789+-._");

	return row->type == SETTING_PATH && row->choices && text[len] == ':' ? len : 0;
}

/* What to write instead of a URL. */
static const char *
refuse_url(const struct setting_row *row, const char *text, size_t scheme)
{
	char word[SETTINGS_NAME_MAX + 1];

	snprintf(word, sizeof word, "%.*s", (int)scheme, text);
	if (settings_choice_find(row->choices, word) >= 0)
		snprintf(reason, sizeof reason,
			 "\"%.60s\" is a URL: write \"%s\" alone; what belongs to it has "
			 "options of its own",
			 text, word);
	else
		snprintf(reason, sizeof reason,
			 "\"%.60s\" is a URL: one of %s or the path of a file is needed",
			 text, row->choices);
	return reason;
}

/* Owned by the caller. */
static char *
full_text(const struct setting_row *row, const char *text, const char *dir)
{
	bool is_word = row->choices && settings_choice_find(row->choices, text) >= 0;

	bool is_path = row->type == SETTING_PATH ||
		       (row->type == SETTING_ADDRESS && settings_redis_is_path(text)) ||
		       (row->type == SETTING_ADDRESSES && settings_redis_is_path(text));

	if (!is_path || text[0] == '\0' || text[0] == '/' || is_word)
		return alloc_text(text);
	return alloc_printf("%s/%s", dir, text);
}

/* The reason of an address that is none; "" is left to the bounds. */
static const char *
check_address(const struct setting_row *row, const char *text)
{
	bool is_address = row->type == SETTING_ADDRESS || row->type == SETTING_ADDRESSES;

	return is_address && text[0] ? settings_redis_check_address(text) : NULL;
}

const char *
settings_fields_set_text(const struct setting_row *row, void *base, const char *text,
			 const char *dir)
{
	char nearest[SETTINGS_NAME_MAX + 1];
	const char *why;
	char *full;
	size_t len;

	if (has_controls(text))
		return "control characters are not allowed; if none is meant, a quote is "
		       "missing";
	if (is_bad_word(row, text)) {
		settings_choice_nearest(row->choices, text, nearest);
		snprintf(reason, sizeof reason,
			 "\"%.60s\" is none of %s and no path with a '/'; nearest is "
			 "\"%s\"",
			 text, row->choices, nearest);
		return reason;
	}
	if (scheme_len(row, text) > 0)
		return refuse_url(row, text, scheme_len(row, text));
	full = full_text(row, text, dir);
	len = strlen(full);
	why = check_address(row, full);
	if (why) {
		free(full);
		return why;
	}
	if (len >= row->min && len <= row->max) {
		set_owned(row, base, full);
		return NULL;
	}
	if (len < row->min)
		snprintf(reason, sizeof reason, "may not be empty");
	else if (row->type == SETTING_SECRET)
		snprintf(reason, sizeof reason, "has %zu octets, at most %u fit", len,
			 row->max);
	else
		snprintf(reason, sizeof reason, "%.200s has %zu octets, at most %u fit",
			 full, len, row->max);
	free(full);
	return reason;
}

const char *
settings_fields_add_address(const struct setting_row *row, void *base, const char *text,
			    const char *dir)
{
	struct setting_texts *texts = setting_field(row, base);
	const char *why = "may not be empty";
	char *full;

	if (has_controls(text))
		return "control characters are not allowed; if none is meant, a quote is "
		       "missing";
	full = full_text(row, text, dir);
	if (full[0])
		why = check_address(row, full);
	if (why) {
		free(full);
		return why;
	}
	add_text(texts, full);
	return NULL;
}

const char *
settings_fields_add_network(const struct setting_row *row, void *base, const char *text)
{
	struct network network;

	if (!network_parse(text, &network)) {
		snprintf(reason, sizeof reason,
			 "\"%.60s\" is no address and no network, as \"192.0.2.0/24\"",
			 text);
		return reason;
	}
	add_text(setting_field(row, base), alloc_text(text));
	return NULL;
}

/* As it stands in a Host header, but for the port. */
static bool
is_host(const char *text)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	struct in6_addr address;
	size_t len = strlen(text);

	if (inet_pton(AF_INET6, text, &address) == 1)
		return true;
	return len > 0 && len <= DNAME_TEXT_MAX && strspn(text, allowed) == len;
}

/* Without the root's dot: that of a Host header is cut off, too. */
static size_t
host_len(const char *text)
{
	size_t len = strlen(text);

	return len > 1 && text[len - 1] == '.' ? len - 1 : len;
}

const char *
settings_fields_add_host(const struct setting_row *row, void *base, const char *text)
{
	if (!is_host(text)) {
		snprintf(reason, sizeof reason,
			 "\"%.60s\" is no host name: write it without a port, as "
			 "\"dns1.example.net\"",
			 text);
		return reason;
	}
	add_text(setting_field(row, base),
		 alloc_printf("%.*s", (int)host_len(text), text));
	return NULL;
}

void
settings_fields_clear(const struct setting_row *row, void *base)
{
	free_texts(setting_field(row, base));
}

void
settings_free(struct settings *settings)
{
	if (!settings)
		return;
	settings_fields_free(NULL, settings);
	for (size_t i = 0; i < settings->zones.file_count; i++)
		free(settings->zones.files[i].path);
	free(settings->zones.files);
	free(settings->workers.cpus);
	free(settings->listen);
	free(settings->resolver.servers);
	free(settings->config_path);
	free(settings);
}
