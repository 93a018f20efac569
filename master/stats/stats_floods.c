/* Floods, in figures and in words. */
#include "master/stats/stats_floods.h"

#include <inttypes.h>
#include <stdio.h>

#include "master/floods.h"
#include "master/stats/stats_time.h"
#include "shm/clock.h"

enum {
	TEXT_MAX = 2 * DNAME_TEXT_MAX + 512,
	LOST_SHARE = 100, /* of what comes: one of so many lost is a problem */
};

/* Large; the master has one thread. */
static struct flood floods[FLOODS_MAX];

static double
share(double part, double all)
{
	return all > 0 ? part / all : 0;
}

/* ---- figures ---- */

static void
put_name(struct json_out *json, const char *member, const uint8_t *name,
	 unsigned name_len)
{
	char text[DNAME_TEXT_MAX];

	if (name_len == 0 || dname_len(name, name_len) != name_len) {
		json_out_null(json, member);
		return;
	}
	dname_to_text(name, text);
	json_out_text(json, member, text);
}

static void
put_enclosers(struct json_out *json, const struct flood *flood)
{
	json_out_begin_array(json, "enclosers");
	for (unsigned i = 0; i < FLOOD_ENCLOSERS && flood->enclosers[i].count > 0; i++) {
		const struct flood_encloser *encloser = &flood->enclosers[i];

		json_out_begin_object(json, NULL);
		put_name(json, "name", encloser->name, encloser->name_len);
		json_out_double(json, "share",
				share(encloser->count, (double)flood->sampled), 3);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

void
stats_floods_put(const struct server *server, struct json_out *json)
{
	uint64_t now_ns = clock_now_ns();
	unsigned count = floods_get(server->region, now_ns, floods);

	json_out_begin_array(json, "floods");
	for (unsigned i = 0; i < count; i++) {
		const struct flood *flood = &floods[i];

		json_out_begin_object(json, NULL);
		put_name(json, "zone", flood->name, flood->name_len);
		json_out_double(json, "qps", flood->asked_s, 0);
		json_out_double(json, "shed_qps", flood->shed_s, 0);
		json_out_double(json, "shed_existing_qps", flood->shed_existing_s, 0);
		json_out_double(json, "nxdomain_ratio",
				share(flood->absent_s, flood->asked_s), 3);
		put_enclosers(json, flood);
		json_out_uint(json, "shed", flood->shed);
		stats_time_put_ago(json, "since", now_ns - flood->since_ns);
		stats_time_put_ago(json, "last", now_ns - flood->last_ns);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

void
stats_floods_put_limits(const struct server *server, struct json_out *json)
{
	uint64_t now_ns = clock_now_ns();
	unsigned count = floods_get(server->region, now_ns, floods);

	for (unsigned i = 0; i < count; i++) {
		json_out_begin_object(json, NULL);
		json_out_null(json, "client");
		json_out_text(json, "class", limit_reason_class(LIMIT_ISOLATION));
		json_out_text(json, "reason", limit_reason_text(LIMIT_ISOLATION));
		put_name(json, "name", floods[i].name, floods[i].name_len);
		json_out_uint(json, "count", floods[i].shed);
		stats_time_put_ago(json, "since", now_ns - floods[i].since_ns);
		stats_time_put_ago(json, "last", now_ns - floods[i].last_ns);
		json_out_end_object(json);
	}
}

/* ---- words ---- */

/* ", most of them below a.example." */
static void
print_encloser(const struct flood *flood, char *out, size_t room)
{
	const struct flood_encloser *most = &flood->enclosers[0];
	char name[DNAME_TEXT_MAX];

	out[0] = '\0';
	if (most->count == 0 || 2 * (uint64_t)most->count <= flood->sampled)
		return;
	dname_to_text(most->name, name);
	snprintf(out, room, ", most right below %s", name);
}

static void
put_problem(struct json_out *json, const struct flood *flood)
{
	char text[TEXT_MAX], zone[DNAME_TEXT_MAX], below[DNAME_TEXT_MAX + 32];

	if (flood->name_len == 0) {
		snprintf(text, sizeof text,
			 "a flood of queries for no zone that is served, and of errors: "
			 "%.0f a second, of which %.0f are not answered, so that the "
			 "zones are (limit.isolation)",
			 flood->asked_s, flood->shed_s);
		json_out_text(json, NULL, text);
		return;
	}
	dname_to_text(flood->name, zone);
	print_encloser(flood, below, sizeof below);
	snprintf(text, sizeof text,
		 "zone %s is under flood: %.0f queries a second, %.0f %% of them for "
		 "names "
		 "that do not exist or of a wildcard%s; %.0f a second are not answered, "
		 "so "
		 "that the other zones are (limit.isolation)",
		 zone, flood->asked_s, 100 * share(flood->absent_s, flood->asked_s),
		 below, flood->shed_s);
	json_out_text(json, NULL, text);
}

/* Datagrams that were lost within the last 10 s.  returns whether they are many. */
static bool
print_losses(const struct server *server, char *out, size_t room)
{
	uint64_t lost, received;

	out[0] = '\0';
	losses_get(&server->losses, server->region, &lost, &received);
	if (lost == 0)
		return false;
	snprintf(out, room,
		 "%" PRIu64 " datagrams were lost in the last %d s, beside %" PRIu64
		 " received: they came faster than the workers take them, or than "
		 "dns.rcvbuf_kb = %u holds for a moment (udp_socket_drops)",
		 lost, LOSSES_SECONDS, received, server->settings->dns.rcvbuf_kb);
	return lost * LOST_SHARE >= lost + received;
}

unsigned
stats_floods_put_problems(const struct server *server, struct json_out *json)
{
	unsigned count = floods_get(server->region, clock_now_ns(), floods);
	char text[TEXT_MAX];

	for (unsigned i = 0; i < count; i++)
		put_problem(json, &floods[i]);
	if (print_losses(server, text, sizeof text)) {
		json_out_text(json, NULL, text);
		count++;
	}
	return count;
}

void
stats_floods_put_notices(const struct server *server, struct json_out *json)
{
	char text[TEXT_MAX];

	if (!print_losses(server, text, sizeof text) && text[0])
		json_out_text(json, NULL, text);
}
