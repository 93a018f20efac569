/* `martletctl import`: from zone files into Redis. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_write.h"
#include "loader/redis/zone_values.h"
#include "loader/redis/zone_values_check.h"
#include "loader/zone/zone_list.h"
#include "loader/zone/zone_load.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	IMPORT_TIMEOUT_MS = 60000, /* Redis may take long over a large zone */
	PROGRESS_MS = 2000,
};

struct import {
	struct settings settings; /* a copy, with our patience */
	struct redis_writer writer;
	struct zone_text *text;
	struct loader_import *out;
	uint64_t told_ms;
	size_t file_count;
};

static void
print_message(const char *kind, const char *path, uint32_t line, const char *reason)
{
	if (line > 0)
		fprintf(stderr, "%s: %s:%" PRIu32 ": %s\n", kind, path, line, reason);
	else
		fprintf(stderr, "%s: %s: %s\n", kind, path, reason);
}

static void
print_messages(const struct zone_messages *messages)
{
	for (size_t i = 0; i < messages->kept_count; i++) {
		const struct zone_message *message = &messages->kept[i];

		print_message(message->severity == ZONE_WARNING ? "warning" : "error",
			      message->path, message->line, message->reason);
	}
}

/* ORIGIN=PATH, or a path that ends in <origin>.zone; a path may hold a '=' itself. */
static int
parse_file(const char *file, uint8_t origin[DNAME_MAX], size_t *origin_len,
	   const char **path)
{
	char name[DNAME_TEXT_MAX];
	size_t len = strcspn(file, "=/");

	*path = file;
	*origin_len = 0;
	if (len < sizeof name && file[len] == '=') {
		memcpy(name, file, len);
		name[len] = '\0';
		*origin_len = dname_from_text(name, origin);
		*path = file + len + 1;
		dname_lower(origin, *origin_len);
	}
	if (*origin_len == 0)
		*origin_len = zone_list_origin(file, origin);
	return *origin_len > 0 ? 0 : ERR_SYNTAX;
}

/* Why the zone is not written, after it was said. */
static int
refuse(const char *path, const char *reason)
{
	fprintf(stderr, "error: %s: the zone %s\n", path, reason);
	return ERR_RANGE;
}

static int
write_zone(struct import *import, const char *path, const struct zone_records *zone,
	   const struct zone_values *values)
{
	char reason[REDIS_REASON_MAX];
	int code = redis_write_zone(&import->writer, zone->origin, values, reason);

	if (code) {
		fprintf(stderr, "error: %s: %s\n", path, reason);
		snprintf(import->out->error, sizeof import->out->error, "%s", reason);
		return code;
	}
	import->out->zone_count++;
	import->out->record_count += zone->count;
	return 0;
}

static int
take_zone(struct import *import, const char *path, const struct zone_records *zone)
{
	bool is_per_rrset = import->settings.redis.schema == REDIS_SCHEMA_Z42;
	char reason[ZONE_VALUES_REASON_MAX];
	struct zone_values values;
	size_t capped = 0;
	int code = zone_values_make(zone, is_per_rrset, &values, reason);

	if (!code)
		code = zone_values_check(zone, &values, &import->settings, &capped,
					 reason);
	if (code)
		code = refuse(path, reason);
	else
		code = write_zone(import, path, zone, &values);
	if (!code && capped > 0)
		fprintf(stderr,
			"warning: %s: the TTLs of %zu records are above redis.max_ttl "
			"and "
			"will be served as %u; with redis.max_ttl = 0 as they are\n",
			path, capped, import->settings.redis.max_ttl);
	zone_values_fini(&values);
	return code;
}

static int
load_zone(struct import *import, const char *path, const uint8_t *origin,
	  size_t origin_len)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char real[PATH_MAX];
	const struct zone_list_entry entry = {
		.origin = origin,
		.origin_len = (uint8_t)origin_len,
		.path = realpath(path, real) ? real : path,
		.is_alone = true,
	};
	int code = zone_load(import->text, &entry, &zone, &messages);

	print_messages(&messages);
	zone_messages_fini(&messages);
	if (!code)
		code = take_zone(import, path, zone);
	zone_records_free(zone);
	return code;
}

static int
refuse_name(const char *file)
{
	fprintf(stderr,
		"error: %s: the zone's name is not known: name the file <origin>.zone, "
		"or write ORIGIN=%s\n",
		file, file);
	return ERR_SYNTAX;
}

/* Is any of the files worth a look?  Else each is named: what is mistyped is no matter of
 * Redis, which is not asked then. */
static bool
has_usable(char *const *files, size_t count)
{
	uint8_t origin[DNAME_MAX];
	const char *path;
	size_t origin_len;

	for (size_t i = 0; i < count; i++)
		if (parse_file(files[i], origin, &origin_len, &path) == 0 &&
		    access(path, R_OK) == 0)
			return true;
	for (size_t i = 0; i < count; i++)
		if (parse_file(files[i], origin, &origin_len, &path) != 0)
			refuse_name(files[i]);
		else if (access(path, R_OK) != 0)
			print_message("error", path, 0, strerror(errno));
	return false;
}

static int
import_file(struct import *import, const char *file)
{
	uint8_t origin[DNAME_MAX];
	const char *path;
	size_t origin_len;

	if (parse_file(file, origin, &origin_len, &path) != 0)
		return refuse_name(file);
	return load_zone(import, path, origin, origin_len);
}

static void
tell_progress(struct import *import, size_t done)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - import->told_ms < PROGRESS_MS)
		return;
	import->told_ms = now_ms;
	fprintf(stderr, "import: %zu of %zu zones, %" PRIu64 " records\n", done,
		import->file_count, import->out->record_count);
}

/* A zone's own errors cost that zone; without Redis there is nothing more to be done. */
static int
import_all(struct import *import, char *const *files)
{
	int result = 0;

	for (size_t i = 0; i < import->file_count; i++) {
		int code = import_file(import, files[i]);

		if (code) {
			import->out->failed_count++;
			result = code;
		}
		if (code && !redis_link_is_open(import->writer.link))
			return code;
		tell_progress(import, i + 1);
	}
	return result;
}

static int
open_redis(struct import *import)
{
	const char *master = import->settings.redis.sentinel.master;
	struct redis_link *link;
	int code = redis_connect_wait(&import->settings, &link, import->out->error);

	snprintf(import->out->server, sizeof import->out->server, "%s%s",
		 *master ? "the primary of " : "",
		 *master ? master : import->settings.redis.address);

	if (code)
		return code;
	import->writer.link = link;
	import->writer.stream = import->settings.redis.stream;
	redis_keys_init(&import->writer.keys, &import->settings);
	code = redis_write_check(&import->writer, import->out->error);
	if (!code)
		import->out->error[0] = '\0';
	return code;
}

int
loader_import_files(const struct settings *settings, char *const *files, size_t count,
		    struct loader_import *out)
{
	static struct import import;
	int code = ERR_NOMEM;

	memset(out, 0, sizeof *out);
	import = (struct import){
		.settings = *settings,
		.text = zone_text_new(),
		.out = out,
		.told_ms = clock_now_ms(),
		.file_count = count,
	};
	if (import.settings.redis.timeout_ms < IMPORT_TIMEOUT_MS)
		import.settings.redis.timeout_ms = IMPORT_TIMEOUT_MS;
	if (import.text && !has_usable(files, count)) {
		out->failed_count = count;
		code = ERR_NOTFOUND;
	} else if (import.text) {
		code = open_redis(&import);
	} else {
		snprintf(out->error, sizeof out->error, "%s", errcode_text(code));
	}
	if (!code)
		code = import_all(&import, files);
	redis_link_free(import.writer.link);
	zone_text_free(import.text);
	return code;
}
