/* Adds up the boards of the workers. */
#include "master/stats/stats_top.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "master/stats/stats_counters.h"
#include "shm/clock.h"
#include "shm/rcode.h"

enum { TOP_MOST = 20, SOURCE_TEXT_LEN = INET6_ADDRSTRLEN + 4 };

/* The windows of all workers. */
struct windows {
	const struct top_window **list; /* owned */
	size_t count;
	double seconds; /* that they tell of; 0: nothing as yet */
	uint64_t queries, thinned, rcodes[TOP_RCODES]; /* their sums */
};

static double
seconds_told(const struct region *region, uint64_t now_ns)
{
	uint64_t start_ns = (top_board_period(now_ns) - (TOP_WINDOWS - 1)) *
			    TOP_PERIOD_S * UINT64_C(1000000000);

	/* a machine that has just booted, a server that has just started */
	if (top_board_period(now_ns) < TOP_WINDOWS || start_ns < region->started_ns)
		start_ns = region->started_ns;
	return (double)(now_ns - start_ns) / 1e9;
}

static uint64_t
get(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
windows_sum(struct windows *windows)
{
	for (size_t i = 0; i < windows->count; i++) {
		const struct top_window *window = windows->list[i];

		windows->queries += get(&window->queries);
		windows->thinned += get(&window->thinned);
		for (unsigned rcode = 0; rcode < TOP_RCODES; rcode++)
			windows->rcodes[rcode] += get(&window->rcodes[rcode]);
	}
}

static bool
windows_take(const struct region *region, struct windows *out)
{
	uint64_t now_ns = clock_now_ns();

	memset(out, 0, sizeof *out);
	out->list = calloc((size_t)region->worker_count * TOP_WINDOWS, sizeof *out->list);
	out->seconds = seconds_told(region, now_ns);
	for (unsigned i = 0; out->list && i < region->worker_count; i++)
		out->count += top_board_windows(&region->slots[i].top, now_ns,
						out->list + out->count);
	windows_sum(out);
	return out->list != NULL;
}

static void
put_rate(struct json_out *json, const struct windows *windows, uint64_t queries)
{
	json_out_double(json, "qps",
			windows->seconds > 0 ? (double)queries / windows->seconds : 0, 1);
}

/* ---- the lists ---- */

static void
put_name(struct json_out *json, const char *member, const uint8_t *name)
{
	char text[DNAME_TEXT_MAX];

	dname_to_text(name, text);
	json_out_text(json, member, text);
}

/* "192.0.2.1", "2001:db8::/64" */
static void
put_source(struct json_out *json, uint64_t source)
{
	static const uint8_t mapped[4] = { 0, 0, 0xff, 0xff };
	char text[SOURCE_TEXT_LEN];
	uint8_t octets[16] = { 0 };

	/* 1 stands for ::/64, see worker/client_key.h */
	if (source != 1)
		memcpy(octets, &source, sizeof source);
	if (memcmp(octets, mapped, sizeof mapped) == 0) {
		inet_ntop(AF_INET, octets + sizeof mapped, text, sizeof text);
	} else {
		inet_ntop(AF_INET6, octets, text, sizeof text);
		strcat(text, "/64");
	}
	json_out_text(json, "client", text);
}

static void
put_entry(struct json_out *json, const struct windows *windows, enum top_list list,
	  const struct top_entry *entry)
{
	const struct top_name *name = &entry->name;

	json_out_begin_object(json, NULL);
	switch (list) {
	case TOP_ZONES:
		put_name(json, "zone", name->name);
		break;
	case TOP_NAMES:
		put_name(json, "name", name->name);
		put_name(json, "zone", name->name + (name->len - name->apex_len));
		break;
	case TOP_SOURCES:
		put_source(json, entry->source);
		break;
	case TOP_LISTS:
		break;
	}
	json_out_uint(json, "queries", entry->queries);
	json_out_uint(json, "error", entry->error);
	put_rate(json, windows, entry->queries);
	json_out_uint(json, "nxdomain", entry->nxdomain);
	json_out_end_object(json);
}

static bool
put_list(struct json_out *json, const struct windows *windows, enum top_list list)
{
	static const char *const names[TOP_LISTS] = { "zones", "names", "sources" };
	struct top_entry entries[TOP_MOST];
	int count =
		top_board_list(windows->list, windows->count, list, entries, TOP_MOST);

	json_out_begin_array(json, names[list]);
	for (int i = 0; i < count; i++)
		put_entry(json, windows, list, &entries[i]);
	json_out_end_array(json);
	return count >= 0;
}

static void
put_rcodes(struct json_out *json, const struct windows *windows)
{
	json_out_begin_array(json, "rcodes");
	for (unsigned i = 0; i < TOP_RCODES; i++) {
		uint64_t queries = windows->rcodes[i];
		char text[RCODE_TEXT_MAX];

		if (queries == 0)
			continue;
		json_out_begin_object(json, NULL);
		json_out_text(json, "rcode",
			      i == TOP_NOT_ANSWERED ? NULL : rcode_text(i, text));
		json_out_uint(json, "queries", queries);
		json_out_uint(json, "error", top_board_error(queries, windows->thinned));
		put_rate(json, windows, queries);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

/* ---- what is beside them ---- */

static void
put_worker(const struct server *server, struct json_out *json, unsigned id)
{
	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", id);
	json_out_double(json, "qps", qps_mean(&server->qps, server->region, id), 1);
	json_out_double(json, "busy", recent_busy(&server->recent, server->region, id),
			3);
	json_out_end_object(json);
}

static void
put_times(const struct server *server, struct json_out *json)
{
	static struct histogram served, queue;
	uint64_t drops, since_ns;

	since_ns = recent_take(&server->recent, server->region, &served, &queue, &drops);
	json_out_begin_object(json, "receive_to_send");
	stats_counters_put_times(json, &served);
	json_out_end_object(json);
	json_out_begin_object(json, "queue");
	stats_counters_put_times(json, &queue);
	json_out_end_object(json);
	json_out_uint(json, "dropped", since_ns ? drops : 0);
}

static unsigned
put_all(struct server *server, struct json_out *json, const struct windows *windows,
	bool has_clients)
{
	bool is_done;

	json_out_double(json, "window_s", windows->seconds, 1);
	json_out_uint(json, "queries", windows->queries);
	put_rate(json, windows, windows->queries);
	put_times(server, json);
	json_out_begin_array(json, "workers");
	for (unsigned i = 0; i < server->region->worker_count; i++)
		put_worker(server, json, i);
	json_out_end_array(json);
	json_out_begin_object(json, "top");
	is_done = put_list(json, windows, TOP_ZONES);
	is_done &= put_list(json, windows, TOP_NAMES);
	if (has_clients)
		is_done &= put_list(json, windows, TOP_SOURCES);
	put_rcodes(json, windows);
	json_out_end_object(json);
	if (!is_done)
		json_out_text(json, "error", "there is no memory to add up the lists");
	return is_done ? 0 : 1;
}

unsigned
stats_top_report(struct server *server, struct json_out *json, bool has_clients)
{
	struct windows windows;
	unsigned status = 1;

	json_out_begin_object(json, NULL);
	if (windows_take(server->region, &windows))
		status = put_all(server, json, &windows, has_clients);
	else
		json_out_text(json, "error", "there is no memory to add up the lists");
	json_out_end_object(json);
	free(windows.list);
	return status;
}
