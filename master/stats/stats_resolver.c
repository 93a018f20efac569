/* Servers, names, failures. */
#include "master/stats/stats_resolver.h"

#include <inttypes.h>
#include <stdio.h>

enum { TEXT_MAX = 512 };

void
stats_resolver_put(const struct server *server, struct json_out *json)
{
	const struct region_resolver *resolver = &server->region->resolver;
	const struct settings *settings = server->settings;
	char error[RESOLVER_ERROR_MAX];

	region_resolver_get_error(resolver, error);
	json_out_begin_object(json, "resolver");
	json_out_begin_array(json, "servers");
	for (size_t i = 0; i < settings->resolver.server_count; i++)
		json_out_text(json, NULL, settings->resolver.servers[i].text);
	json_out_end_array(json);
	json_out_uint(json, "servers_down", atomic_load(&resolver->servers_down));
	json_out_uint(json, "names", atomic_load(&resolver->names));
	json_out_uint(json, "resolved", atomic_load(&resolver->resolved));
	json_out_uint(json, "failing", atomic_load(&resolver->failing));
	json_out_uint(json, "lookups", atomic_load(&resolver->lookups));
	json_out_uint(json, "failures", atomic_load(&resolver->failures));
	json_out_text(json, "last_error", error[0] ? error : NULL);
	json_out_end_object(json);
}

unsigned
stats_resolver_put_problems(const struct server *server, struct json_out *json)
{
	uint64_t down = atomic_load(&server->region->resolver.servers_down);
	const struct child *child = &server->processes.services[SERVICE_RESOLVER];

	if (server->settings->resolver.server_count == 0)
		return 0;
	if (child->state == CHILD_WAITING) {
		json_out_text(json, NULL,
			      "the resolver process does not run: ANAMEs and flattened "
			      "CNAMEs are served with the last addresses until it is "
			      "started again; see the log");
		return 1;
	}
	if (down < server->settings->resolver.server_count)
		return 0;
	json_out_text(json, NULL,
		      "none of resolver.servers answers: ANAMEs and flattened CNAMEs are "
		      "served with the last addresses");
	return 1;
}

void
stats_resolver_put_notices(const struct server *server, struct json_out *json)
{
	const struct region_resolver *resolver = &server->region->resolver;
	uint64_t failing = atomic_load(&resolver->failing);
	char error[RESOLVER_ERROR_MAX], text[TEXT_MAX];

	if (failing == 0 || server->settings->resolver.server_count == 0)
		return;
	region_resolver_get_error(resolver, error);
	snprintf(text, sizeof text,
		 "%" PRIu64 " name%s that ANAMEs and flattened CNAMEs lead to cannot be "
		 "resolved now, the last one: %s",
		 failing, failing == 1 ? "" : "s", error);
	json_out_text(json, NULL, text);
}
