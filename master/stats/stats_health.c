/* The prober, as it tells of itself in shared memory. */
#include "master/stats/stats_health.h"

#include <stdio.h>

#include "shm/clock.h"

static const char *
role_name(const struct settings *settings)
{
	if (!settings->health.enable)
		return "off";
	switch (settings->health.role) {
	case HEALTH_ROLE_PROBE:
		return "probe";
	case HEALTH_ROLE_FOLLOW:
		return "follow";
	case HEALTH_ROLE_OFF:
		break;
	}
	return "off";
}

static void
put_error(const struct region_health *health, enum health_error which, const char *name,
	  struct json_out *json)
{
	char error[HEALTH_ERROR_MAX];

	region_health_get_error(health, which, error);
	json_out_text(json, name, error[0] ? error : NULL);
}

static void
put_figure(const struct region_health *health, enum health_figure which, const char *name,
	   struct json_out *json)
{
	json_out_uint(json, name, region_health_get(health, which));
}

void
stats_health_put(const struct server *server, struct json_out *json)
{
	const struct region_health *health = &server->region->health;
	int32_t pid = atomic_load(&health->pid);

	json_out_begin_object(json, "health");
	json_out_text(json, "role", role_name(server->settings));
	if (pid)
		json_out_int(json, "pid", pid);
	else
		json_out_null(json, "pid");
	json_out_uint(json, "restarts", atomic_load(&health->restarts));
	put_figure(health, HEALTH_targets, "targets", json);
	put_figure(health, HEALTH_up, "up", json);
	put_figure(health, HEALTH_down, "down", json);
	put_figure(health, HEALTH_unknown, "unknown", json);
	put_figure(health, HEALTH_denied, "denied", json);
	put_figure(health, HEALTH_held, "held", json);
	put_figure(health, HEALTH_probes, "probes", json);
	json_out_bool(json, "mass_guard", atomic_load(&health->is_guarding) != 0);
	put_error(health, HEALTH_ERROR_PROBE, "last_error", json);
	put_error(health, HEALTH_ERROR_LINK, "redis_error", json);
	json_out_end_object(json);
}

unsigned
stats_health_put_problems(const struct server *server, struct json_out *json)
{
	const struct region_health *health = &server->region->health;
	char error[HEALTH_ERROR_MAX], text[2 * HEALTH_ERROR_MAX];
	unsigned count = 0;

	if (atomic_load(&health->is_guarding)) {
		snprintf(text, sizeof text,
			 "health.mass_guard holds the last state of %llu targets since "
			 "%lld s: so many failed at once that this machine may be cut "
			 "off; if they are down, set health.mass_guard = 1 and reload",
			 (unsigned long long)region_health_get(health, HEALTH_held),
			 (long long)(clock_wall_s() -
				     atomic_load(&health->guard_since_s)));
		json_out_text(json, NULL, text);
		count++;
	}
	region_health_get_error(health, HEALTH_ERROR_LINK, error);
	if (error[0]) {
		snprintf(text, sizeof text, "status keys of health checks: %s", error);
		json_out_text(json, NULL, text);
		count++;
	}
	return count;
}
