/* Writes zone files into the Redis that the configuration names. */
#include "master/client/ctl_client_import.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/loader.h"
#include "master/alloc.h"
#include "master/client/ctl_client_config.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_redis.h"
#include "shm/json_out.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, DB_MAX = 65535 };

static const char *const names[CTL_IMPORT_OPTION_COUNT] = {
	[CTL_IMPORT_REDIS] = "redis",   [CTL_IMPORT_DB] = "db",
	[CTL_IMPORT_USER] = "user",     [CTL_IMPORT_PASSWORD_FILE] = "password-file",
	[CTL_IMPORT_PREFIX] = "prefix", [CTL_IMPORT_SUFFIX] = "suffix",
	[CTL_IMPORT_SCHEMA] = "schema",
};

const char *
ctl_import_option_name(enum ctl_import_option which)
{
	return names[which];
}

static void
replace(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = alloc_text(with);
}

/* What is wrong with the options, NULL when nothing is. */
static const char *
complaint(const char *const options[CTL_IMPORT_OPTION_COUNT])
{
	const char *db = options[CTL_IMPORT_DB], *schema = options[CTL_IMPORT_SCHEMA];
	const char *wrong = NULL;

	if (options[CTL_IMPORT_REDIS])
		wrong = settings_redis_check_address(options[CTL_IMPORT_REDIS]);
	if (!wrong && db &&
	    (!*db || strspn(db, "0123456789") != strlen(db) || strlen(db) > 5 ||
	     atoi(db) > DB_MAX))
		wrong = "--db must be a number of 0 to 65535";
	if (!wrong && schema && strcmp(schema, "redins") != 0 &&
	    strcmp(schema, "z42") != 0)
		wrong = "--schema must be redins or z42";
	return wrong;
}

/* Another server has another user: the configured one is not tried there. */
static void
apply(struct settings *settings, const char *const options[CTL_IMPORT_OPTION_COUNT])
{
	const char *schema = options[CTL_IMPORT_SCHEMA];

	settings->redis.enable = true;
	replace(&settings->redis.address, options[CTL_IMPORT_REDIS]);
	if (options[CTL_IMPORT_REDIS])
		replace(&settings->redis.sentinel.master, "");
	if (options[CTL_IMPORT_REDIS] || options[CTL_IMPORT_USER]) {
		replace(&settings->redis.username, "");
		replace(&settings->redis.password, "");
		replace(&settings->redis.password_file, "");
	}
	replace(&settings->redis.username, options[CTL_IMPORT_USER]);
	replace(&settings->redis.password_file, options[CTL_IMPORT_PASSWORD_FILE]);
	if (options[CTL_IMPORT_PASSWORD_FILE])
		replace(&settings->redis.password, "");
	replace(&settings->redis.prefix, options[CTL_IMPORT_PREFIX]);
	replace(&settings->redis.suffix, options[CTL_IMPORT_SUFFIX]);
	if (options[CTL_IMPORT_DB])
		settings->redis.db = (unsigned)atoi(options[CTL_IMPORT_DB]);
	if (schema)
		settings->redis.schema = strcmp(schema, "z42") == 0 ? REDIS_SCHEMA_Z42
								    : REDIS_SCHEMA_REDINS;
}

static void
tell(void *arg, bool is_error, const char *text)
{
	(void)arg;
	fprintf(stderr, "martletctl: %s%s\n", is_error ? "" : "warning: ", text);
}

/* The configuration with the options over it; NULL after having said why not. */
static struct settings *
load(const char *config, const char *const options[CTL_IMPORT_OPTION_COUNT])
{
	const struct settings_sink sink = { tell, NULL };
	struct settings *settings;

	if (!config && access(CTL_CONFIG_FILE, F_OK) != 0)
		settings = ctl_config_defaults();
	else
		settings = ctl_config_load(config ? config : CTL_CONFIG_FILE);
	if (!settings)
		return NULL;
	apply(settings, options);
	if (settings_redis_read_password(settings, &sink) == 0)
		return settings;
	settings_free(settings);
	return NULL;
}

static int
take_data(void *arg, const void *data, size_t len)
{
	return ctl_output_data(arg, data, len);
}

static int
print_result(struct ctl_output *output, const struct loader_import *done)
{
	char buffer[1024];
	struct json_out json;
	int code;

	json_out_init(&json, buffer, sizeof buffer, take_data, output);
	json_out_begin_object(&json, NULL);
	json_out_text(&json, "server", done->server[0] ? done->server : NULL);
	json_out_uint(&json, "zones", done->zone_count);
	json_out_uint(&json, "zones_in_error", done->failed_count);
	json_out_uint(&json, "records", done->record_count);
	if (done->error[0])
		json_out_text(&json, "error", done->error);
	json_out_end_object(&json);
	code = json_out_finish(&json);
	return code ? code : ctl_output_end(output);
}

int
ctl_import_run(const char *config, const char *const options[CTL_IMPORT_OPTION_COUNT],
	       char *const *files, size_t file_count, struct ctl_output *output)
{
	const char *wrong = complaint(options);
	struct loader_import done;
	struct settings *settings;
	int code;

	if (wrong) {
		ctl_output_fail(output, wrong);
		return EXIT_USAGE;
	}
	settings = load(config, options);
	if (!settings) {
		ctl_output_fail_told(output, "the configuration has errors");
		return EXIT_FAILED;
	}
	code = loader_import_files(settings, files, file_count, &done);
	settings_free(settings);
	if (print_result(output, &done) != 0)
		return EXIT_FAILED;
	return code ? EXIT_FAILED : 0;
}
