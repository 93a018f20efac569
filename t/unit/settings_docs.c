/* The example configuration and the manual know the same options as the schema. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/settings/settings_diff.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_load.h"
#include "master/settings/settings_schema.h"
#include "t/tap.h"

static void
tell(void *arg, bool is_error, const char *text)
{
	(void)arg;
	diag("%s: %s", is_error ? "error" : "warning", text);
}

/* NULL when there is no such file. */
static char *
read_all(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len = 0, room = 0, got = 1;

	while (file && got > 0) {
		if (room - len < 4096) {
			room += 65536;
			text = realloc(text, room);
		}
		if (!text)
			bail_out("no memory");
		got = fread(text + len, 1, room - len - 1, file);
		len += got;
		text[len] = '\0';
	}
	if (file)
		fclose(file);
	return text;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Does the last part of an option's name stand in the text, as a word? */
static bool
names_option(const char *text, const char *name)
{
	const char *word = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len)
		if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[len]))
			return true;
	return false;
}

static void
check_names(const char *path)
{
	char *text = read_all(path);

	if (!text) {
		skip(1, "there is no %s", path);
		return;
	}
	for (size_t i = 0; i < settings_row_count; i++)
		ok(names_option(text, settings_rows[i].name), "%s has %s", path,
		   settings_rows[i].name);
	free(text);
}

static void
check_loads(const char *path)
{
	const struct settings_sink sink = { tell, NULL };
	struct settings *settings = NULL;
	FILE *file = fopen(path, "re");

	if (!file) {
		skip(1, "there is no %s", path);
		return;
	}
	fclose(file);
	ok(settings_load(path, &settings, &sink) == 0, "%s can be loaded", path);
	settings_free(settings);
}

/* Without those that the example turns on, to be looked at. */
static unsigned
drop_examples(const char **names, unsigned count)
{
	static const char *const examples[] = { "limit.log_only", "limit.rrl.answers",
						"limit.rrl.nxdomain",
						"limit.rrl.referrals",
						"limit.rrl.errors" };
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		bool is_example = false;

		for (size_t k = 0; k < sizeof examples / sizeof *examples; k++)
			is_example |= strcmp(names[i], examples[k]) == 0;
		if (!is_example)
			names[kept++] = names[i];
	}
	return kept;
}

/* Whoever takes another line out changes nothing by it. */
static void
check_defaults(const char *path)
{
	const struct settings_sink sink = { tell, NULL };
	char empty_path[] = "/tmp/martlet-settings-docs-XXXXXX";
	struct settings *settings = NULL, *empty = NULL;
	const char **names = calloc(settings_row_count, sizeof *names);
	int fd = mkstemp(empty_path);

	if (fd < 0 || !names)
		bail_out("%s", empty_path);
	close(fd);
	if (settings_load(path, &settings, &sink) != 0 ||
	    settings_load(empty_path, &empty, &sink) != 0)
		bail_out("%s cannot be compared", path);
	for (unsigned scope = SETTING_LIVE; scope <= SETTING_RESTART; scope++) {
		unsigned count = settings_diff_names(settings, empty,
						     (enum setting_scope)scope, names);

		count = drop_examples(names, count);
		is_int(count, 0, "%s has the defaults, first not: %s", path,
		       count ? names[0] : "none");
	}
	free(names);
	unlink(empty_path);
	settings_free(settings);
	settings_free(empty);
}

int
main(void)
{
	check_names("etc/martlet.conf");
	check_defaults("etc/martlet.conf");
	check_names("man/martlet.conf.5");
	check_loads("etc/martlet.conf");
	check_loads("etc/run.conf");
	return done_testing();
}
