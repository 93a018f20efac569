/* Walks what libconfig parsed and fills struct settings, row by row of the schema. */
#include "master/settings/settings_load.h"

#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_limit.h"
#include "master/settings/settings_query_log.h"
#include "master/settings/settings_redis.h"
#include "master/settings/settings_resolve.h"
#include "master/settings/settings_schema.h"
#include "master/settings/settings_text.h"
#include "shm/errcode.h"
#include "shm/network.h"

struct load {
	char *path, *dir; /* absolute */
	struct settings *settings;
	struct settings_report report;
	size_t text_finding_count; /* of the report, by settings_text_check */
};

/* The file that libconfig names: an included one without its directory.  Owned. */
static char *
full_file(const struct load *load, const char *file)
{
	if (!file)
		return alloc_text(load->path);
	return file[0] == '/' ? alloc_text(file) : alloc_printf("%s/%s", load->dir, file);
}

static void
tell(struct load *load, const config_setting_t *at, bool is_error, const char *format,
     va_list args)
{
	char *file = full_file(load, config_setting_source_file(at));
	unsigned line = config_setting_source_line(at);
	char text[400];

	vsnprintf(text, sizeof text, format, args);
	/* an integer that was wrapped has been named: what it became says nothing */
	if (!settings_report_has(&load->report, load->text_finding_count, file, line))
		settings_report_add(&load->report, is_error, file, line, "%s", text);
	free(file);
}

__attribute__((format(printf, 3, 4))) static void
complain(struct load *load, const config_setting_t *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(load, at, true, format, args);
	va_end(args);
}

__attribute__((format(printf, 3, 4))) static void
warn(struct load *load, const config_setting_t *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(load, at, false, format, args);
	va_end(args);
}

static const char *
type_name(const config_setting_t *at)
{
	switch (config_setting_type(at)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a fraction";
	case CONFIG_TYPE_STRING:
		return "text in quotes";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	}
	return "nothing";
}

static void
wrong_type(struct load *load, const config_setting_t *at, const char *name,
	   const char *want)
{
	complain(load, at, "%s: %s is needed, this is %s", name, want, type_name(at));
}

static bool
is_whole(const config_setting_t *at)
{
	return config_setting_type(at) == CONFIG_TYPE_INT ||
	       config_setting_type(at) == CONFIG_TYPE_INT64;
}

static long long
whole_value(const config_setting_t *at)
{
	return config_setting_type(at) == CONFIG_TYPE_INT ? config_setting_get_int(at)
							  : config_setting_get_int64(at);
}

static void
read_uint(struct load *load, const config_setting_t *at, const struct setting_row *row,
	  void *base)
{
	const char *why;

	if (!is_whole(at)) {
		wrong_type(load, at, row->name, "a whole number");
		return;
	}
	why = settings_fields_set_uint(row, base, whole_value(at));
	if (why)
		complain(load, at, "%s: %s", row->name, why);
}

static void
read_text(struct load *load, const config_setting_t *at, const struct setting_row *row,
	  void *base)
{
	const char *text = config_setting_get_string(at);
	const char *why;

	if (!text) {
		wrong_type(load, at, row->name, "text in quotes");
		return;
	}
	why = row->type == SETTING_CHOICE
		      ? settings_fields_set_choice(row, base, text)
		      : settings_fields_set_text(row, base, text, load->dir);
	if (why)
		complain(load, at, "%s: %s", row->name, why);
}

static void
read_share(struct load *load, const config_setting_t *at, const struct setting_row *row,
	   void *base)
{
	const char *why;

	if (!is_whole(at) && config_setting_type(at) != CONFIG_TYPE_FLOAT) {
		wrong_type(load, at, row->name, "a fraction");
		return;
	}
	why = settings_fields_set_share(row, base,
					is_whole(at) ? (double)whole_value(at)
						     : config_setting_get_float(at));
	if (why)
		complain(load, at, "%s: %s", row->name, why);
}

/* Is it a list that has not too many elements? */
static bool
is_list_of(struct load *load, const config_setting_t *at, const struct setting_row *row,
	   const char *what)
{
	if (!config_setting_is_list(at) && !config_setting_is_array(at)) {
		wrong_type(load, at, row->name, what);
		return false;
	}
	if ((unsigned)config_setting_length(at) > row->max) {
		complain(load, at, "%s: at most %u", row->name, row->max);
		return false;
	}
	return true;
}

/* Take each text of a list by `add`, which returns what is wrong with it, or NULL. */
static void
read_texts(struct load *load, const config_setting_t *at, const struct setting_row *row,
	   void *base,
	   const char *(*add)(const struct setting_row *row, void *base, const char *text,
			      const char *dir))
{
	for (unsigned i = 0; i < (unsigned)config_setting_length(at); i++) {
		const config_setting_t *element = config_setting_get_elem(at, i);
		const char *text = config_setting_get_string(element), *why;

		if (!text) {
			wrong_type(load, element, row->name, "text in quotes");
			continue;
		}
		why = add(row, base, text, load->dir);
		if (why)
			complain(load, element, "%s: %s", row->name, why);
	}
}

static void
read_addresses(struct load *load, const config_setting_t *at,
	       const struct setting_row *row, void *base)
{
	if (is_list_of(load, at, row, "a list ( ) of addresses"))
		read_texts(load, at, row, base, settings_fields_add_address);
}

static const char *
add_network(const struct setting_row *row, void *base, const char *text, const char *dir)
{
	(void)dir;
	return settings_fields_add_network(row, base, text);
}

static void
warn_of_rest(struct load *load, const config_setting_t *at, const struct setting_row *row)
{
	const char *text = config_setting_get_string(at);

	if (text && network_has_rest(text))
		warn(load, at,
		     "%s: \"%.60s\" has bits behind its length: the network without them "
		     "is "
		     "meant",
		     row->name, text);
}

static void
read_networks(struct load *load, const config_setting_t *at,
	      const struct setting_row *row, void *base)
{
	if (!is_list_of(load, at, row, "an array [ ] of networks"))
		return;
	settings_fields_clear(row, base);
	read_texts(load, at, row, base, add_network);
	for (unsigned i = 0; i < (unsigned)config_setting_length(at); i++)
		warn_of_rest(load, config_setting_get_elem(at, i), row);
}

static const char *
add_host(const struct setting_row *row, void *base, const char *text, const char *dir)
{
	(void)dir;
	return settings_fields_add_host(row, base, text);
}

static void
read_hosts(struct load *load, const config_setting_t *at, const struct setting_row *row,
	   void *base)
{
	if (!is_list_of(load, at, row, "an array [ ] of host names"))
		return;
	settings_fields_clear(row, base);
	read_texts(load, at, row, base, add_host);
}

static void
read_bool(struct load *load, const config_setting_t *at, const struct setting_row *row,
	  void *base)
{
	if (config_setting_type(at) == CONFIG_TYPE_BOOL)
		settings_fields_set_bool(row, base, config_setting_get_bool(at) != 0);
	else
		wrong_type(load, at, row->name, "true or false");
}

static void read_group(struct load *load, const config_setting_t *group,
		       const char *prefix, void *base);

static void
read_cpus(struct load *load, const config_setting_t *at, const struct setting_row *row)
{
	if (!config_setting_is_array(at) && !config_setting_is_list(at)) {
		wrong_type(load, at, row->name, "an array [ ]");
		return;
	}
	for (unsigned i = 0; i < (unsigned)config_setting_length(at); i++) {
		const config_setting_t *element = config_setting_get_elem(at, i);
		const char *why;

		if (!is_whole(element)) {
			wrong_type(load, element, row->name, "a whole number");
			return;
		}
		if (i == row->max) {
			complain(load, at, "%s: at most %u", row->name, row->max);
			return;
		}
		why = settings_resolve_cpu(load->settings, whole_value(element));
		if (why)
			complain(load, element, "%s: %s", row->name, why);
	}
}

static void
read_listen(struct load *load, const config_setting_t *element)
{
	struct listen_option option = { .address = NULL };
	unsigned error_count = load->report.error_count;
	const char *why = NULL;

	settings_fields_default("listen", &option);
	read_group(load, element, "listen", &option);
	if (load->report.error_count == error_count)
		why = settings_resolve_listen(load->settings, &option);
	if (why)
		complain(load, element, "listen: %s", why);
	settings_fields_free("listen", &option);
}

static void
read_zone_file(struct load *load, const config_setting_t *element)
{
	struct zone_file_option option = { .origin = NULL };
	const char *why = NULL;

	settings_fields_default("zones.files", &option);
	read_group(load, element, "zones.files", &option);
	if (!config_setting_get_member(element, "origin") ||
	    !config_setting_get_member(element, "file"))
		why = "a group { origin = \"example.com.\"; file = \"PATH\"; } is needed";
	else if (option.origin[0] && option.file[0])
		why = settings_resolve_zone_file(load->settings, &option,
						 config_setting_source_line(element));
	if (why)
		complain(load, element, "zones.files: %s", why);
	settings_fields_free("zones.files", &option);
}

/* A group, or the address alone. */
static void
read_server(struct load *load, const config_setting_t *element)
{
	const struct setting_row *row = settings_row_find("resolver.servers.address");
	struct server_option option = { .address = NULL };
	unsigned error_count = load->report.error_count;
	const char *why = NULL;

	settings_fields_default("resolver.servers", &option);
	if (config_setting_is_group(element))
		read_group(load, element, "resolver.servers", &option);
	else
		read_text(load, element, row, &option);
	if (load->report.error_count == error_count)
		why = option.address[0]
			      ? settings_resolve_server(load->settings, &option)
			      : "a group { address = \"192.0.2.1\"; } is needed";
	if (why)
		complain(load, element, "resolver.servers: %s", why);
	settings_fields_free("resolver.servers", &option);
}

static void
read_list(struct load *load, const config_setting_t *at, const struct setting_row *row)
{
	unsigned count = (unsigned)config_setting_length(at);

	bool is_servers = strcmp(row->name, "resolver.servers") == 0;

	if (!config_setting_is_list(at) &&
	    !(config_setting_is_array(at) && (count == 0 || is_servers))) {
		wrong_type(load, at, row->name, "a list ( ) of groups { }");
		return;
	}
	if (count < row->min || count > row->max) {
		complain(load, at, "%s: %u elements, %u to %u are needed", row->name,
			 count, row->min, row->max);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const config_setting_t *element = config_setting_get_elem(at, i);

		if (is_servers)
			read_server(load, element);
		else if (!config_setting_is_group(element))
			wrong_type(load, element, row->name, "a group { }");
		else if (strcmp(row->name, "listen") == 0)
			read_listen(load, element);
		else
			read_zone_file(load, element);
	}
}

static void
read_row(struct load *load, const config_setting_t *at, const struct setting_row *row,
	 void *base)
{
	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
	case SETTING_ADDRESS:
	case SETTING_CHOICE:
		read_text(load, at, row, base);
		break;
	case SETTING_UINT:
		read_uint(load, at, row, base);
		break;
	case SETTING_ADDRESSES:
		read_addresses(load, at, row, base);
		break;
	case SETTING_NETWORKS:
		read_networks(load, at, row, base);
		break;
	case SETTING_HOSTS:
		read_hosts(load, at, row, base);
		break;
	case SETTING_SHARE:
		read_share(load, at, row, base);
		break;
	case SETTING_BOOL:
		read_bool(load, at, row, base);
		break;
	case SETTING_CPUS:
		read_cpus(load, at, row);
		break;
	case SETTING_LIST:
		read_list(load, at, row);
		break;
	}
}

static void
unknown_name(struct load *load, const config_setting_t *at, const char *name)
{
	char nearest[SETTINGS_NAME_MAX + 1];

	settings_name_nearest(name, nearest);
	complain(load, at, "%.100s: unknown option; nearest is \"%s\"", name, nearest);
}

static void
read_group(struct load *load, const config_setting_t *group, const char *prefix,
	   void *base)
{
	for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
		const config_setting_t *at = config_setting_get_elem(group, i);
		char *name = alloc_printf("%s%s%s", prefix, *prefix ? "." : "",
					  config_setting_name(at));
		const struct setting_row *row = settings_row_find(name);

		if (row)
			read_row(load, at, row, base);
		else if (!settings_name_is_group(name))
			unknown_name(load, at, name);
		else if (!config_setting_is_group(at))
			wrong_type(load, at, name, "a group { }");
		else
			read_group(load, at, name, base);
		free(name);
	}
}

/* A password that others can read. */
static void
check_password(struct load *load, const config_t *config, const char *name,
	       const char *password)
{
	const config_setting_t *at = config_lookup(config, name);
	const char *why;
	char *file;

	if (!at || !password[0])
		return;
	file = full_file(load, config_setting_source_file(at));
	why = settings_redis_open_to_others(file);
	if (why)
		settings_report_add(&load->report, false, file,
				    config_setting_source_line(at), "%s: %s", name, why);
	free(file);
}

/* The group of the option that a reason begins with. */
static const config_setting_t *
named_group(const config_t *config, const char *why)
{
	static const char *const groups[] = { "health", "query_log", "dnssec" };

	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strncmp(why, groups[i], strlen(groups[i])) == 0)
			return config_lookup(config, groups[i]);
	return config_lookup(config, "redis");
}

static void
settle_redis(struct load *load, const config_t *config)
{
	const char *why = settings_redis_contradiction(load->settings);

	if (why)
		complain(load, named_group(config, why), "%s", why);
	check_password(load, config, "redis.password", load->settings->redis.password);
	check_password(load, config, "redis.sentinel.password",
		       load->settings->redis.sentinel.password);
	check_password(load, config, "health.redis.password",
		       load->settings->health.redis.password);
	check_password(load, config, "dnssec.redis.password",
		       load->settings->dnssec.redis.password);
	check_password(load, config, "query_log.redis.password",
		       load->settings->query_log.redis.password);
}

static void
settle_http(struct load *load, const config_t *config)
{
	const struct settings *settings = load->settings;
	const char *why = settings_resolve_http(load->settings);

	if (why)
		complain(load, config_lookup(config, "http.address"), "http.address: %s",
			 why);
	else if (settings->http.debug && settings->http.address[0] &&
		 !settings->http.is_loopback)
		warn(load, config_lookup(config, "http"),
		     "http.debug: without effect, http.address is no loopback "
		     "address");
}

/* Without `listen` the address of the schema is listened on. */
static void
settle_listen(struct settings *settings, const config_t *config)
{
	struct listen_option fallback = { .address = NULL };

	if (settings->listen_count > 0 || config_lookup(config, "listen"))
		return;
	settings_fields_default("listen", &fallback);
	(void)settings_resolve_listen(settings, &fallback);
	settings_fields_free("listen", &fallback);
}

typedef void teller(struct load *load, const config_setting_t *at, const char *format,
		    ...);

/* Tell what is wrong with an option that stands in the file. */
static void
tell_of(struct load *load, const config_t *config, teller *how, const char *name,
	const char *why)
{
	const config_setting_t *at = config_lookup(config, name);

	if (why && at)
		how(load, at, "%s: %s", name, why);
}

static void
complain_of_group(struct load *load, const config_t *config, const char *name,
		  const char *why)
{
	if (why)
		complain(load, config_lookup(config, name), "%s", why);
}

/* What needs more than one option; `config` gives the lines. */
static void
settle(struct load *load, const config_t *config)
{
	struct settings *settings = load->settings;
	const char *why;

	settle_listen(settings, config);
	tell_of(load, config, complain, "dns.identity",
		settings_resolve_identity(settings));
	settle_redis(load, config);
	settle_http(load, config);
	tell_of(load, config, warn, "resolver.servers",
		settings_resolve_check_servers(settings));
	why = settings_query_log_contradiction(settings);
	/* of a target that was refused there is nothing more to say */
	if (load->report.error_count == 0)
		complain_of_group(load, config, "query_log", why);
	complain_of_group(load, config, "limit", settings_limit_contradiction(settings));
	complain_of_group(load, config, "dnssec", settings_resolve_dnssec(settings));
	tell_of(load, config, warn, "workers.count", settings_resolve_workers(settings));
}

/* libconfig knows little of what is wrong, and nothing of where it began. */
static void
tell_syntax(struct load *load, const config_t *config,
	    const struct settings_syntax *syntax)
{
	const char *text = config_error_text(config);
	char *file;

	if (strcmp(text, "syntax error") == 0 && syntax->hint[0]) {
		settings_report_add(&load->report, true, syntax->hint_path,
				    syntax->hint_line, "%s", syntax->hint);
		return;
	}
	if (strcmp(text, "duplicate setting name") == 0)
		text = "an option of this name stands above already: remove one of them";
	file = full_file(load, config_error_file(config));
	settings_report_add(&load->report, true, file,
			    (unsigned)config_error_line(config), "%s", text);
	free(file);
}

static void
read_file(struct load *load)
{
	struct settings_syntax syntax = { .state = WANTS_NAME };
	config_t config;

	if (!settings_text_check(load->path, load->dir, &load->report, &syntax)) {
		settings_syntax_fini(&syntax);
		return;
	}
	load->text_finding_count = load->report.count;
	config_init(&config);
	config_set_include_dir(&config, load->dir);
	if (config_read_file(&config, load->path) == CONFIG_TRUE) {
		read_group(load, config_root_setting(&config), "", load->settings);
		settle(load, &config);
	} else {
		tell_syntax(load, &config, &syntax);
	}
	config_destroy(&config);
	settings_syntax_fini(&syntax);
}

static char *
absolute_path(const char *path)
{
	char *cwd, *full;

	if (path[0] == '/')
		return alloc_text(path);
	cwd = getcwd(NULL, 0);
	full = alloc_printf("%s/%s", cwd ? cwd : ".", path);
	free(cwd);
	return full;
}

int
settings_load(const char *path, struct settings **out, const struct settings_sink *sink)
{
	struct load load = { .path = absolute_path(path) };
	unsigned error_count;

	load.dir = alloc_text(load.path);
	*strrchr(load.dir, '/') = '\0';
	load.settings = alloc_zero(1, sizeof *load.settings);
	settings_fields_default(NULL, load.settings);
	load.settings->config_path = alloc_text(load.path);
	read_file(&load);
	error_count = load.report.error_count;
	settings_report_tell(&load.report, sink);
	if (error_count)
		settings_free(load.settings);
	else
		*out = load.settings;
	free(load.path);
	free(load.dir);
	return error_count ? ERR_SYNTAX : 0;
}

char *
settings_load_place(const struct settings *settings, const char *option)
{
	struct load load = { .path = alloc_text(settings->config_path) };
	const config_setting_t *at = NULL;
	char *file, *place;
	config_t config;

	load.dir = alloc_text(load.path);
	*strrchr(load.dir, '/') = '\0';
	config_init(&config);
	config_set_include_dir(&config, load.dir);
	if (config_read_file(&config, load.path) == CONFIG_TRUE)
		at = config_lookup(&config, option);
	file = full_file(&load, at ? config_setting_source_file(at) : NULL);
	place = at ? alloc_printf("%s:%u", file, config_setting_source_line(at))
		   : alloc_text(file);
	config_destroy(&config);
	free(file);
	free(load.path);
	free(load.dir);
	return place;
}
