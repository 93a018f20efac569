/* `martletctl build DIR`: a generation without a server. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/redis/redis_update.h"
#include "loader/sign/signer.h"
#include "loader/store/zone_update.h"
#include "shm/errcode.h"

static void
show_progress(void *update, const struct zone_load_progress *progress)
{
	(void)update;
	fprintf(stderr, "reading zones: %zu of %zu, %" PRIu64 " MB\n",
		progress->zones_done, progress->zones_count, progress->bytes >> 20);
}

static void
show_redis_progress(void *update, const struct redis_load_progress *progress)
{
	(void)update;
	fprintf(stderr, "reading Redis: %zu of %zu zones, %" PRIu64 " records\n",
		progress->zones_done, progress->zones_count, progress->records);
}

static void
print_errors(const struct reload_result *result)
{
	for (size_t i = 0; i < result->error_count; i++) {
		const struct reload_error *error = &result->errors[i];

		fprintf(stderr, "error: %s", error->path[0] ? error->path : error->zone);
		if (error->line > 0)
			fprintf(stderr, ":%" PRIu32, error->line);
		if (error->owner[0])
			fprintf(stderr, ": %s", error->owner);
		fprintf(stderr, ": %s\n", error->reason);
	}
	if (reload_result_bad_zones(result) > 0)
		fprintf(stderr, "zones that will answer SERVFAIL: %zu\n",
			reload_result_bad_zones(result));
}

int
loader_build(const struct settings *settings, const char *dir)
{
	const struct builder_seal_options options = { .id = 1,
						      .durable = true,
						      .show_progress = true };
	struct zone_update update = { .progress = show_progress,
				      .reads_redis = true,
				      .is_for_swap = true,
				      .signer_fd = -1 };
	char reason[ZONE_UPDATE_REASON_MAX];
	struct generation_manifest manifest;
	pid_t signer;
	int result;

	if (access(dir, F_OK) == 0) {
		/* before what may take minutes; sealing would find it, too */
		fprintf(stderr, "error: %s exists: name a new directory\n", dir);
		return ERR_EXISTS;
	}
	update.signer_fd = signer_fork(settings, &signer);
	result = zone_update_read(&update, settings, reason);
	if (result == 0 && settings->redis.enable)
		result =
			redis_update_read(&update, settings, show_redis_progress, reason);
	if (result == 0) {
		print_errors(&update.result);
		result = zone_update_keep(&update, reason);
	}
	if (result == 0)
		result = builder_seal(update.builder, dir, &options, &manifest, reason);
	if (result)
		fprintf(stderr, "error: %s\n", reason);
	zone_update_fini(&update);
	if (signer > 0) {
		close(update.signer_fd);
		waitpid(signer, NULL, 0);
	}
	return result;
}
