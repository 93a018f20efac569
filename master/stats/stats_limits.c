/* Adds up what the workers have noted. */
#include "master/stats/stats_limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "master/stats/stats_floods.h"
#include "master/stats/stats_time.h"
#include "shm/clock.h"

enum { MAPPED_BITS = 96, NETWORK_TEXT_MAX = INET6_ADDRSTRLEN + 4 };

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/64" */
static void
print_network(const struct limit_case *what, char out[NETWORK_TEXT_MAX])
{
	static const uint8_t mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };
	bool is_ipv4 = what->prefix_len >= MAPPED_BITS &&
		       memcmp(what->address, mapped, sizeof mapped) == 0;
	unsigned bits =
		is_ipv4 ? what->prefix_len - (unsigned)MAPPED_BITS : what->prefix_len;
	size_t len;

	inet_ntop(is_ipv4 ? AF_INET : AF_INET6,
		  what->address + (is_ipv4 ? sizeof mapped : 0), out, INET6_ADDRSTRLEN);
	len = strlen(out);
	if (bits < (is_ipv4 ? 32 : 128))
		snprintf(out + len, NETWORK_TEXT_MAX - len, "/%u", bits);
}

/* The same case in the list of another worker. */
static bool
find(const struct limit_seen *seen, uint64_t hash, uint64_t now_ns,
     struct limit_told *out)
{
	unsigned set = (hash & (LIMIT_SEEN_SETS - 1)) * LIMIT_SEEN_WAYS;

	for (unsigned i = set; i < set + LIMIT_SEEN_WAYS; i++)
		if (limit_seen_get(seen, i, now_ns, out) && out->what.hash == hash)
			return true;
	return false;
}

static void
put_case(struct json_out *json, const struct limit_told *told, uint64_t now_ns)
{
	enum limit_reason reason = (enum limit_reason)told->what.reason;
	char network[NETWORK_TEXT_MAX], name[DNAME_TEXT_MAX];

	print_network(&told->what, network);
	json_out_begin_object(json, NULL);
	json_out_text(json, "client", network);
	json_out_text(json, "class", limit_reason_class(reason));
	json_out_text(json, "reason", limit_reason_text(reason));
	if (told->what.name_len != 0 &&
	    dname_len(told->what.name, told->what.name_len) == told->what.name_len) {
		dname_to_text(told->what.name, name);
		json_out_text(json, "name", name);
	} else {
		json_out_null(json, "name");
	}
	json_out_uint(json, "count", told->count);
	stats_time_put_ago(json, "since", now_ns - told->since_ns);
	stats_time_put_ago(json, "last", now_ns - told->last_ns);
	json_out_end_object(json);
}

/* Told once, by the first worker that has it. */
static void
put_entry(const struct region *region, struct json_out *json, unsigned worker, unsigned i,
	  uint64_t now_ns)
{
	struct limit_told told, other;

	if (!limit_seen_get(&region->slots[worker].limited, i, now_ns, &told))
		return;
	for (unsigned w = 0; w < region->worker_count; w++) {
		if (w == worker ||
		    !find(&region->slots[w].limited, told.what.hash, now_ns, &other))
			continue;
		if (w < worker)
			return;
		told.count += other.count;
		if (other.since_ns < told.since_ns)
			told.since_ns = other.since_ns;
		if (other.last_ns > told.last_ns)
			told.last_ns = other.last_ns;
	}
	put_case(json, &told, now_ns);
}

unsigned
stats_limits_report(struct server *server, struct json_out *json)
{
	const struct region *region = server->region;
	uint64_t now_ns = clock_now_ns();

	json_out_begin_object(json, NULL);
	json_out_bool(json, "log_only", server->settings->limit.log_only);
	json_out_begin_array(json, "limits");
	for (unsigned w = 0; w < region->worker_count; w++)
		for (unsigned i = 0; i < LIMIT_SEEN_SETS * LIMIT_SEEN_WAYS; i++)
			put_entry(region, json, w, i, now_ns);
	stats_floods_put_limits(server, json);
	json_out_end_array(json);
	json_out_end_object(json);
	return 0;
}
