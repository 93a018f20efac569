/* How long zones take from text to checked records: zone_load DIR, or FILE ORIGIN. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "loader/zone/zone_load.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"

struct tally {
	_Atomic size_t zones, records, errors, warnings;
};

static void
take_zone(void *context, size_t index, struct zone_records *records,
	  struct zone_messages *messages)
{
	struct tally *tally = context;

	(void)index;
	tally->zones += records != NULL;
	tally->records += records ? records->count : 0;
	tally->errors += messages->counts[ZONE_ERROR] + messages->counts[ZONE_DROPPED];
	tally->warnings += messages->counts[ZONE_WARNING];
	for (size_t i = 0; i < messages->kept_count && i < 3; i++) {
		char text[1000];

		zone_message_to_text(&messages->kept[i], text, sizeof text);
		fprintf(stderr, "%s\n", text);
	}
	zone_records_free(records);
}

static void
tell_progress(void *context, const struct zone_load_progress *progress)
{
	(void)context;
	fprintf(stderr, "%zu of %zu zones, %llu MB\n", progress->zones_done,
		progress->zones_count, (unsigned long long)(progress->bytes / 1000000));
}

static void
fail(const char *what)
{
	fprintf(stderr, "zone_load: %s\n", what);
	exit(1);
}

int
main(int argc, char **argv)
{
	struct settings settings = { 0 };
	struct zone_file_setting file = { 0 };
	struct zone_messages messages = { 0 };
	struct zone_list list;
	struct tally tally = { 0 };
	const struct zone_list_entry **entries;
	struct zone_load_job job = { .done = take_zone,
				     .progress = tell_progress,
				     .context = &tally };
	struct rusage usage;
	uint64_t start, listed, end;

	if (argc < 2)
		fail("usage: zone_load DIR | FILE ORIGIN");
	settings.zones.dir = argv[1];
	if (argc > 2) {
		settings.zones.dir = NULL;
		settings.zones.files = &file;
		settings.zones.file_count = 1;
		file.path = argv[1];
		file.origin_len = dname_from_text(argv[2], file.origin);
	}
	start = clock_now_ns();
	if (zone_list_make(&settings, &list, &messages) != ERR_OK)
		fail("cannot list the zones");
	listed = clock_now_ns();
	entries = calloc(list.count + 1, sizeof *entries);
	for (size_t i = 0; i < list.count; i++)
		entries[i] = &list.entries[i];
	job.entries = entries;
	job.count = list.count;
	if (zone_load_all(&job) != ERR_OK)
		fail("no memory");
	end = clock_now_ns();
	getrusage(RUSAGE_SELF, &usage);
	printf("%zu zones, %zu records, %zu errors, %zu warnings: list %.1f ms, load "
	       "%.1f ms, "
	       "CPU %.1f ms, peak %ld MB\n",
	       tally.zones, tally.records, tally.errors, tally.warnings,
	       (double)(listed - start) / 1e6, (double)(end - listed) / 1e6,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3,
	       usage.ru_maxrss / 1024);
	free(entries);
	zone_list_fini(&list);
	zone_messages_fini(&messages);
	return 0;
}
