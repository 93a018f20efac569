/* `martletd -t`: all zone files checked, and said what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>

#include "loader/check_keys.h"
#include "loader/loader.h"
#include "loader/zone/zone_list.h"
#include "loader/zone/zone_load.h"
#include "shm/errcode.h"

enum { LINE_MAX_LEN = 6000 };

struct check_run {
	const struct settings *settings;
	struct key_store *keys;
	char **texts; /* of each zone its lines, NULL for none */
	_Atomic unsigned errors;
};

static const char *const severity_words[ZONE_SEVERITIES] = { "error", "error",
							     "warning" };

static unsigned
count_errors(const struct zone_messages *messages)
{
	return (unsigned)(messages->counts[ZONE_ERROR] + messages->counts[ZONE_DROPPED]);
}

static void
print_messages(FILE *out, const struct zone_messages *messages)
{
	char line[LINE_MAX_LEN];

	for (size_t i = 0; i < messages->kept_count; i++) {
		zone_message_to_text(&messages->kept[i], line, sizeof line);
		fprintf(out, "%s: %s\n", severity_words[messages->kept[i].severity],
			line);
	}
	for (unsigned severity = 0; severity < ZONE_SEVERITIES; severity++) {
		size_t lost = zone_messages_lost(messages, (enum zone_severity)severity);

		if (lost > 0 && messages->kept_count > 0)
			fprintf(out, "%s: %s: and %zu more\n", severity_words[severity],
				messages->kept[0].path, lost);
	}
}

/* Lines of threads must not mix, and should come in the order of the zones. */
static void
take_zone(void *context, size_t index, struct zone_records *records,
	  struct zone_messages *messages)
{
	struct check_run *run = context;
	size_t len;
	FILE *out;

	if (records && records->signing_wish.is_wanted)
		check_keys(run->keys, run->settings, records, messages);
	zone_records_free(records);
	run->errors += count_errors(messages);
	if (messages->kept_count == 0)
		return;
	out = open_memstream(&run->texts[index], &len);
	if (!out)
		return;
	print_messages(out, messages);
	fclose(out);
}

static void
tell_progress(void *context, const struct zone_load_progress *progress)
{
	(void)context;
	fprintf(stderr, "%zu of %zu zones checked, %llu MB read\n", progress->zones_done,
		progress->zones_count, (unsigned long long)(progress->bytes / 1000000));
}

/* returns the number of errors. */
static unsigned
check_list(const struct settings *settings, const struct zone_list *list)
{
	const struct zone_list_entry **entries =
		reallocarray(NULL, list->count + 1, sizeof *entries);
	struct check_run run = {
		.settings = settings,
		.texts = calloc(list->count + 1, sizeof *run.texts),
	};
	struct zone_load_job job = {
		.entries = entries,
		.count = list->count,
		.done = take_zone,
		.progress = tell_progress,
		.context = &run,
	};
	int rc;

	for (size_t i = 0; entries && i < list->count; i++)
		entries[i] = &list->entries[i];
	rc = entries && run.texts ? key_store_new(settings, false, &run.keys) : ERR_NOMEM;
	if (rc == ERR_OK)
		rc = zone_load_all(&job);
	if (rc != ERR_OK) {
		fprintf(stderr, "error: %s\n", errcode_text(rc));
		run.errors++;
	}
	for (size_t i = 0; run.texts && i < list->count; i++) {
		if (run.texts[i])
			fputs(run.texts[i], stderr);
		free(run.texts[i]);
	}
	key_store_free(run.keys);
	free(run.texts);
	free(entries);
	return run.errors;
}

unsigned
loader_check_zones(const struct settings *settings)
{
	struct zone_messages messages = { 0 };
	struct zone_list list;
	unsigned errors;
	int code = zone_list_make(settings, &list, &messages);

	check_key_dir(settings, &messages);
	print_messages(stderr, &messages);
	errors = count_errors(&messages);
	if (code == ERR_NOMEM) {
		fprintf(stderr, "error: %s\n", errcode_text(code));
		errors++;
	}
	zone_messages_fini(&messages);
	if (code != ERR_OK)
		return errors;
	errors += check_list(settings, &list);
	zone_list_fini(&list);
	return errors;
}
