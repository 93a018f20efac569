/* Copies of databases: made, checked, told of, and removed. */
#include "loader/geo_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/attend.h"
#include "loader/file_copy.h"
#include "loader/job.h"
#include "loader/publish.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/geo_path.h"
#include "shm/log.h"

enum { FOLLOW_MS = 3000, FOLLOW_STEP_MS = 5, DIR_MODE = 0750, FILE_MODE = 0440 };

static const char *
source_of(const struct sync *sync, enum geo_db_kind kind)
{
	return kind == GEO_ASN ? sync->settings->geoip.asn_db
			       : sync->settings->geoip.country_db;
}

/* ---- in the job's process ---- */

struct copying {
	const char *from, *temporary, *to;
	enum geo_db_kind kind;
};

/* returns the descriptor of the regular file, or an error code with a reason. */
static int
open_source(const struct copying *copying, struct stat *stat, char reason[JOB_REASON_MAX])
{
	int fd = open(copying->from, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, stat) == 0 && S_ISREG(stat->st_mode))
		return fd;
	if (fd < 0) {
		snprintf(reason, JOB_REASON_MAX, "cannot be read: %s", strerror(errno));
		return errcode_from_errno(errno);
	}
	snprintf(reason, JOB_REASON_MAX, "is no regular file");
	close(fd);
	return ERR_FORMAT;
}

/* The copy gets the time of the file, by which both are known to be the same. */
static int
write_copy(const struct copying *copying, int in, const struct stat *stat)
{
	const struct timespec times[2] = { stat->st_atim, stat->st_mtim };
	int out, rc;

	/* of a job that was killed: it may not be written to */
	(void)unlink(copying->temporary);
	out = open(copying->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		   FILE_MODE);
	if (out < 0)
		return errcode_from_errno(errno);
	rc = file_copy(in, out, (uint64_t)stat->st_size);
	if (rc == ERR_OK && futimens(out, times) != 0)
		rc = errcode_from_errno(errno);
	close(out);
	return rc;
}

static int
copy_file(const struct copying *copying, char reason[JOB_REASON_MAX])
{
	struct stat stat = { 0 };
	int in = open_source(copying, &stat, reason), rc;

	if (in < 0)
		return in;
	rc = write_copy(copying, in, &stat);
	close(in);
	if (rc != ERR_OK)
		snprintf(reason, JOB_REASON_MAX, "cannot be copied: %s",
			 rc == ERR_DAMAGED ? "it shrinks while it is read"
					   : errcode_text(rc));
	return rc;
}

static int
copy_and_check(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	const struct copying *copying = context;
	char why[GEO_DB_REASON_MAX] = "";
	struct geo_db *db;
	int rc = copy_file(copying, reason);

	(void)report;
	if (rc != ERR_OK)
		return rc;
	rc = geo_db_open(copying->temporary, copying->kind, &db, why);
	if (rc == ERR_OK) {
		rc = geo_db_check(db, why);
		geo_db_close(db);
	}
	if (rc == ERR_OK && rename(copying->temporary, copying->to) != 0) {
		rc = errcode_from_errno(errno);
		snprintf(why, sizeof why, "cannot be copied to %.150s", copying->to);
	}
	if (rc != ERR_OK)
		snprintf(reason, JOB_REASON_MAX, "%s", why);
	return rc;
}

/* ---- copies ---- */

/* The number in the name of a copy; 0 when it is none of this kind. */
static uint64_t
number_of(const char *name, enum geo_db_kind kind)
{
	const char *stem = geo_path_stem(kind);
	size_t len = strlen(stem);
	uint64_t number;
	int end = 0;

	if (strncmp(name, stem, len) != 0 ||
	    sscanf(name + len, "-%8" SCNu64 ".mmdb%n", &number, &end) != 1 || end == 0 ||
	    name[len + (size_t)end] != '\0')
		return 0;
	return number;
}

/* Remove all copies of a kind but `keep`, and what was left half made.
 * returns the highest number that was there. */
static uint64_t
remove_others(const struct sync *sync, enum geo_db_kind kind, uint64_t keep)
{
	char path[PATH_MAX];
	uint64_t highest = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "%s/" GEO_DIR, sync->state_dir);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		uint64_t number = number_of(entry->d_name, kind);

		if (number > highest)
			highest = number;
		if (number != 0 && number != keep && keep != UINT64_MAX &&
		    geo_path(sync->state_dir, kind, number, path))
			(void)unlink(path);
	}
	if (dir)
		closedir(dir);
	return highest;
}

static void
publish(struct sync *sync, enum geo_db_kind kind, uint64_t number)
{
	sync->geo.numbers[kind] = number;
	atomic_store_explicit(&sync->region->geo.numbers[kind], number,
			      memory_order_release);
}

/* ---- one file ---- */

static struct geo_stamp
stamp_of(const struct stat *stat)
{
	return (struct geo_stamp){
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.len = stat->st_size,
		.time_s = stat->st_mtim.tv_sec,
		.time_ns = stat->st_mtim.tv_nsec,
	};
}

static bool
stamps_are_equal(const struct geo_stamp *a, const struct geo_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->len == b->len &&
	       a->time_s == b->time_s && a->time_ns == b->time_ns;
}

/* Is the copy that is in use one of this very file? */
static bool
is_copied(const struct sync *sync, enum geo_db_kind kind, const struct stat *source)
{
	char path[PATH_MAX];
	struct stat copy;

	return sync->geo.numbers[kind] != 0 &&
	       geo_path(sync->state_dir, kind, sync->geo.numbers[kind], path) &&
	       stat(path, &copy) == 0 && copy.st_size == source->st_size &&
	       copy.st_mtim.tv_sec == source->st_mtim.tv_sec &&
	       copy.st_mtim.tv_nsec == source->st_mtim.tv_nsec;
}

static void
refuse(struct sync *sync, enum geo_db_kind kind, const char *reason)
{
	struct region_geo_fault fault = { .has_older = sync->geo.numbers[kind] != 0 };

	snprintf(fault.path, sizeof fault.path, "%s", source_of(sync, kind));
	snprintf(fault.reason, sizeof fault.reason, "%.200s: %s", reason,
		 fault.has_older ? "the one before it stays in use"
				 : "nothing is known by it");
	log_warnx("%s: %s %s", geo_db_kind_name(kind), fault.path, fault.reason);
	region_set_geo_fault(sync->region, kind, &fault);
}

static void
refuse_unreadable(struct sync *sync, enum geo_db_kind kind, int error)
{
	char reason[REGION_GEO_REASON_MAX];

	snprintf(reason, sizeof reason, "cannot be read: %s", strerror(error));
	refuse(sync, kind, reason);
}

static void
take(struct sync *sync, enum geo_db_kind kind)
{
	char to[PATH_MAX], temporary[PATH_MAX + 8], reason[JOB_REASON_MAX] = "";
	uint64_t number = sync->geo.numbers[kind] + 1;
	struct copying copying = { source_of(sync, kind), temporary, to, kind };
	const struct job job = { "copier", copy_and_check, &copying, NULL, false };
	struct job_report report = { 0 };
	int rc = ERR_RANGE;

	if (geo_path(sync->state_dir, kind, number, to)) {
		snprintf(temporary, sizeof temporary, "%s.tmp", to);
		rc = job_run(sync, &job, &report, reason);
		(void)unlink(temporary);
	}
	job_report_fini(&report);
	if (rc != ERR_OK) {
		refuse(sync, kind, reason);
		return;
	}
	publish(sync, kind, number);
	region_set_geo_fault(sync->region, kind, NULL);
	(void)remove_others(sync, kind, number);
	log_info("%s: %s is in use", geo_db_kind_name(kind), copying.from);
}

static void
look(struct sync *sync, enum geo_db_kind kind, bool is_told)
{
	const char *path = source_of(sync, kind);
	struct geo_stamp stamp = { 0 };
	struct stat source;
	bool is_there;

	if (path[0] == '\0')
		return;
	is_there = stat(path, &source) == 0;
	if (is_there)
		stamp = stamp_of(&source);
	else
		stamp.len = -errno;
	if (!is_told && stamps_are_equal(&stamp, &sync->geo.stamps[kind]))
		return;
	sync->geo.stamps[kind] = stamp;
	if (!is_there)
		refuse_unreadable(sync, kind, -(int)stamp.len);
	else if (is_copied(sync, kind, &source))
		region_set_geo_fault(sync->region, kind, NULL);
	else
		take(sync, kind);
}

/* Does each worker that serves have, for its next batch, what was published? */
static bool
is_followed(const struct sync *sync)
{
	for (uint32_t i = 0; i < sync->region->worker_count; i++) {
		const struct worker_slot *slot = &sync->region->slots[i];

		if (atomic_load(&slot->pid) == 0 ||
		    atomic_load(&slot->state) != WORKER_SERVING)
			continue;
		for (unsigned kind = 0; kind < GEO_KINDS; kind++)
			if (atomic_load(&slot->geo_numbers[kind]) !=
			    sync->geo.numbers[kind])
				return false;
	}
	return true;
}

/* A worker that cannot open it says so in the log, and goes on with what it has. */
static void
await_workers(struct sync *sync)
{
	uint64_t until_ms = clock_now_ms() + FOLLOW_MS;

	publish_wake(sync->region);
	while (!is_followed(sync) && clock_now_ms() < until_ms)
		(void)attend_wait(sync, -1, FOLLOW_STEP_MS);
}

static void
look_at_all(struct sync *sync, bool is_told)
{
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		look(sync, (enum geo_db_kind)kind, is_told);
	sync->geo.looked_ms = clock_now_ms();
}

void
geo_files_look(struct sync *sync, bool is_told)
{
	if (!is_told && clock_now_ms() - sync->geo.looked_ms < GEO_FILES_LOOK_MS)
		return;
	look_at_all(sync, is_told);
	if (is_told)
		await_workers(sync);
}

/* ---- the start ---- */

/* Use the newest copy that is there, if its kind is configured. */
static void
take_last(struct sync *sync, enum geo_db_kind kind)
{
	uint64_t number = remove_others(sync, kind, UINT64_MAX);
	char path[PATH_MAX], reason[GEO_DB_REASON_MAX];
	struct geo_db *db;

	region_set_geo_fault(sync->region, kind, NULL);
	if (number != 0 && source_of(sync, kind)[0] != '\0' &&
	    geo_path(sync->state_dir, kind, number, path) &&
	    geo_db_open(path, kind, &db, reason) == ERR_OK) {
		geo_db_close(db);
		publish(sync, kind, number);
		return;
	}
	(void)remove_others(sync, kind, 0);
	publish(sync, kind, 0);
}

void
geo_files_start(struct sync *sync)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/" GEO_DIR, sync->state_dir);
	if ((sync->settings->geoip.country_db[0] || sync->settings->geoip.asn_db[0]) &&
	    mkdir(path, DIR_MODE) != 0 && errno != EEXIST)
		log_warn("%s", path);
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		take_last(sync, (enum geo_db_kind)kind);
	look_at_all(sync, true);
}
