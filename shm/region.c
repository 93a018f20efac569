/* Creating the shared region, and what seqlocks guard: `live`, `notice`, `last_error`. */
#include "shm/region.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/seqlock.h"

enum { REGION_SUM_TURNS = 100 }; /* only a master that dies takes longer */

struct region *
region_create(unsigned worker_count)
{
	size_t size = sizeof(struct region) + worker_count * sizeof(struct worker_slot);
	struct region *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED)
		return NULL;
	memcpy(region->magic, REGION_MAGIC, sizeof region->magic);
	region->version = REGION_VERSION;
	region->worker_count = worker_count;
	region->size = size;
	region->started_ns = clock_now_ns();
	region->started_wall_s = clock_wall_s();
	region->master_pid = (int32_t)getpid();
	if (getentropy(&region->client_seed, sizeof region->client_seed) != 0) {
		munmap(region, size);
		return NULL;
	}
	for (unsigned i = 0; i < worker_count; i++)
		atomic_init(&region->slots[i].cpu, -1);
	return region;
}

static uint8_t
copy_text(char to[SETTINGS_IDENTITY_MAX + 1], const char *from)
{
	size_t len = strnlen(from, SETTINGS_IDENTITY_MAX);

	memcpy(to, from, len);
	to[len] = '\0';
	return (uint8_t)len;
}

void
region_set_live(struct region *region, const struct settings *settings)
{
	struct region_live *live = &region->live;

	seqlock_begin(&live->seq);
	live->udp_size = (uint16_t)settings->dns.udp_size;
	live->any_policy = (uint8_t)settings->dns.any;
	live->identity_len = copy_text(live->identity, settings->dns.identity);
	live->version_len = copy_text(live->version, settings->dns.version);
	live->shows_changes = settings->dns.changes;
	live->tcp_clients = settings->tcp.clients;
	live->tcp_per_client = settings->tcp.per_client;
	live->tcp_idle_ms = settings->tcp.idle_ms;
	live->tcp_queries = settings->tcp.queries;
	live->log_level = (uint32_t)settings->log.level;
	live->ecs = settings->geoip.ecs;
	live->health_interval_s = settings->health.interval_s;
	live->steer_no_match = (uint8_t)settings->steer.no_match;
	live->query_log_sample =
		settings->query_log.enable ? settings->query_log.sample : 0;
	seqlock_end(&live->seq);
}

uint32_t
region_get_live(const struct region *region, struct region_live *out)
{
	const size_t data_off = offsetof(struct region_live, udp_size);
	uint32_t seq = seqlock_copy(&region->live.seq, (char *)out + data_off,
				    (const char *)&region->live + data_off,
				    sizeof *out - data_off, INT_MAX);

	atomic_init(&out->seq, seq);
	return seq;
}

void
region_set_error(struct region *region, const char *text)
{
	struct region_swap *swap = &region->swap;

	seqlock_begin(&swap->last_error_seq);
	snprintf(swap->last_error, sizeof swap->last_error, "%s", text);
	seqlock_end(&swap->last_error_seq);
}

void
region_get_error(const struct region *region, char out[256])
{
	seqlock_copy(&region->swap.last_error_seq, out, region->swap.last_error,
		     sizeof region->swap.last_error, SEQLOCK_TURNS);
	out[sizeof region->swap.last_error - 1] = '\0';
}

void
region_set_geo_fault(struct region *region, enum geo_db_kind kind,
		     const struct region_geo_fault *fault)
{
	static const struct region_geo_fault none;

	seqlock_begin(&region->geo.fault_seq);
	region->geo.faults[kind] = fault ? *fault : none;
	seqlock_end(&region->geo.fault_seq);
}

bool
region_get_geo_fault(const struct region *region, enum geo_db_kind kind,
		     struct region_geo_fault *out)
{
	seqlock_copy(&region->geo.fault_seq, (char *)out,
		     (const char *)&region->geo.faults[kind], sizeof *out, SEQLOCK_TURNS);
	out->path[sizeof out->path - 1] = '\0';
	out->reason[sizeof out->reason - 1] = '\0';
	return out->reason[0] != '\0';
}

void
region_set_restart_options(struct region *region, const char *names)
{
	seqlock_begin(&region->notice.seq);
	snprintf(region->notice.restart_options, REGION_NOTICE_MAX, "%s", names);
	seqlock_end(&region->notice.seq);
}

void
region_get_restart_options(const struct region *region, char out[REGION_NOTICE_MAX])
{
	seqlock_copy(&region->notice.seq, out, region->notice.restart_options,
		     REGION_NOTICE_MAX, INT_MAX);
}

bool
region_is_ready(const struct region *region)
{
	if (atomic_load(&region->swap.published_id) == 0)
		return false;
	for (unsigned i = 0; i < region->worker_count; i++)
		if (atomic_load(&region->slots[i].state) == WORKER_SERVING)
			return true;
	return false;
}

void
region_retire(struct region *region, unsigned id)
{
	struct worker_slot *slot = &region->slots[id];

	seqlock_begin(&region->retired_seq);
	stats_retire(&region->retired, &slot->stats);
	stage_times_retire(&region->retired_times, &slot->times);
	seqlock_end(&region->retired_seq);
}

void
region_sum_stats(const struct region *region, struct stats_block *sum)
{
	uint32_t seq;
	int turns = REGION_SUM_TURNS;

	do {
		seq = seqlock_read(&region->retired_seq);
		memset(sum, 0, sizeof *sum);
		stats_sum(sum, &region->retired);
		for (unsigned i = 0; i < region->worker_count; i++)
			stats_sum(sum, &region->slots[i].stats);
	} while (!seqlock_held(&region->retired_seq, seq) && --turns > 0);
}

void
region_sum_times(const struct region *region, struct stage_times *sum)
{
	uint32_t seq;
	int turns = REGION_SUM_TURNS;

	do {
		seq = seqlock_read(&region->retired_seq);
		memset(sum, 0, sizeof *sum);
		stage_times_sum(sum, &region->retired_times);
		for (unsigned i = 0; i < region->worker_count; i++)
			stage_times_sum(sum, &region->slots[i].times);
	} while (!seqlock_held(&region->retired_seq, seq) && --turns > 0);
}

const char *
worker_state_name(enum worker_state state)
{
	switch (state) {
	case WORKER_STARTING:
		return "starting";
	case WORKER_SERVING:
		return "serving";
	case WORKER_BACKOFF:
		return "backoff";
	case WORKER_STOPPING:
		return "stopping";
	case WORKER_STATE_COUNT:
		break;
	}
	return "unknown";
}
