/* One row per option of the configuration file.  Reading, checking, comparing, and the
 * tests that manual and example agree, all go through this table.
 *
 * A new option is a field in shm/settings.h and a row in settings_schema.c; a new kind
 * of value is also a case in settings_load.c and settings_diff.c. */
#ifndef MASTER_SETTINGS_SETTINGS_SCHEMA_H
#define MASTER_SETTINGS_SETTINGS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SETTINGS_NAME_MAX = 63,
	SETTINGS_ROWS_MAX = 160, /* room for the names of any set of options */
};

enum setting_type {
	SETTING_TEXT, /* char *; bounds are octets */
	SETTING_PATH, /* char *, made absolute; bounds are octets of that */
	SETTING_SECRET, /* char *, never shown; bounds are octets */
	SETTING_ADDRESS, /* char *, see master/settings/settings_redis.h; bounds are octets */
	SETTING_ADDRESSES, /* struct setting_texts of such; the upper bound is their number */
	SETTING_NETWORKS, /* the same of networks, see shm/network.h */
	SETTING_HOSTS, /* the same of host names and addresses */
	SETTING_UINT, /* unsigned */
	SETTING_SHARE, /* double; both bounds are allowed */
	SETTING_BOOL, /* bool */
	SETTING_CHOICE, /* an enum whose values count through `choices` */
	SETTING_CPUS, /* settings.workers.cpus */
	SETTING_LIST, /* of groups, whose options are the rows with this name as `list` */
};

/* When a changed value takes effect. */
enum setting_scope {
	SETTING_LIVE, /* at a reload: master and workers follow */
	SETTING_SYNC, /* at a reload: sync is started anew with it */
	SETTING_PROBER, /* at a reload: the prober is */
	SETTING_SIGNER, /* the same of the signer */
	SETTING_RESOLVER, /* the same of the resolver process */
	SETTING_REPORTER, /* and of the reporter */
	SETTING_LOGGER, /* the same of the logger; workers follow too */
	SETTING_RESTART,
};

struct setting_row {
	const char *name; /* "workers.count" */
	enum setting_type type;
	enum setting_scope scope;
	uint32_t min, max; /* both allowed */
	const char *fallback; /* the default, as in the file but without quotes */
	const char *choices; /* "hash|cpu"; of a path: words that are none; or NULL */
	const char *list; /* NULL: `offset` is in struct settings */
	size_t offset;
	const char *help;
};

/* What a group inside `listen`, `zones.files` or `resolver.servers` says, before it is resolved. */
struct listen_option {
	char *address;
	unsigned port;
	bool freebind;
};

struct zone_file_option {
	char *origin;
	char *file;
	bool sign;
};

struct server_option {
	char *address;
	unsigned port;
};

extern const struct setting_row settings_rows[];
extern const size_t settings_row_count;

/* The field of an option in a struct settings, or in the option struct of its list. */
static inline void *
setting_field(const struct setting_row *row, void *base)
{
	return (char *)base + row->offset;
}

static inline const void *
setting_const_field(const struct setting_row *row, const void *base)
{
	return (const char *)base + row->offset;
}

/* The row of an option by its full name, or NULL. */
const struct setting_row *settings_row_find(const char *name);

/* Is `name` a group ("dns"), that is the first part of some row's name? */
bool settings_name_is_group(const char *name);

/* The known option or group that resembles `name` most. */
void settings_name_nearest(const char *name, char out[SETTINGS_NAME_MAX + 1]);

/* The number of the word `text` in "one|two|three", -1 when it is none of them. */
int settings_choice_find(const char *choices, const char *text);

/* The word that resembles `text` most. */
void settings_choice_nearest(const char *choices, const char *text,
			     char out[SETTINGS_NAME_MAX + 1]);

#endif
