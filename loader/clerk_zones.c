/* `zones` and `errors`: what the apex nodes of the served generation say. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/store/store_walk.h"
#include "loader/store/zone_state.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum { ROWS_PER_TURN = 4096 };

static void
write_source(struct clerk *clerk, const struct zone_state *zone)
{
	if (zone->is_redis)
		json_out_text(clerk->json, "source", "redis");
	else if (zone->source.path_count > 0)
		json_out_text(clerk->json, "source", zone_state_path(zone));
	else
		json_out_null(clerk->json, "source");
}

static void
write_name(struct clerk *clerk, const char *member, const struct zone_state *zone)
{
	char name[DNAME_TEXT_MAX];

	dname_to_text(node_owner(&zone->apex), name);
	json_out_text(clerk->json, member, name);
}

static void
write_fault_count(struct json_out *json, uint32_t count)
{
	char text[96];

	snprintf(text, sizeof text,
		 "%" PRIu32 " RRset%s not served as the source has %s: martletctl errors",
		 count, count == 1 ? " is" : "s are", count == 1 ? "it" : "them");
	json_out_text(json, "error", count ? text : NULL);
}

/* What brought the zone's last change: an entry of the stream, or the time it was seen. */
static void
write_change(struct json_out *json, const struct zone_state *zone)
{
	char text[48];

	snprintf(text, sizeof text, "%" PRIu64 "-%" PRIu64, zone->redis.change_ms,
		 zone->redis.change_seq);
	json_out_text(json, "change", zone->redis.change_ms ? text : NULL);
}

static void
write_zone(struct clerk *clerk, const struct zone_state *zone)
{
	struct json_out *json = clerk->json;
	bool is_broken = zone->facts.flags & ZONE_BROKEN;
	char time[CLERK_TIME_MAX];

	json_out_begin_object(json, NULL);
	write_name(clerk, "name", zone);
	if (is_broken)
		json_out_null(json, "serial");
	else
		json_out_uint(json, "serial", zone->facts.serial);
	json_out_uint(json, "records", zone->facts.record_count);
	write_source(clerk, zone);
	write_change(json, zone);
	json_out_text(json, "state", zone_state_name(zone));
	clerk_print_time(zone->facts.loaded_at_s, time);
	json_out_text(json, "loaded_at", is_broken ? NULL : time);
	if (zone->error)
		json_out_text_len(json, "error", zone->error, zone->error_len);
	else
		write_fault_count(json, zone->facts.fault_count);
	json_out_end_object(json);
}

static void
write_error(struct clerk *clerk, const struct zone_state *zone)
{
	struct json_out *json = clerk->json;
	struct zone_error error;

	zone_state_parse_error(zone, &error);
	json_out_begin_object(json, NULL);
	write_name(clerk, "zone", zone);
	json_out_null(json, "owner");
	json_out_null(json, "type");
	if (error.path_len > 0)
		json_out_text_len(json, "source", error.path, error.path_len);
	else
		write_source(clerk, zone);
	if (error.line > 0)
		json_out_uint(json, "line", error.line);
	else
		json_out_null(json, "line");
	json_out_text_len(json, "reason", error.reason, error.reason_len);
	json_out_text(json, "state", zone_state_name(zone));
	json_out_end_object(json);
}

static void
write_fault(struct clerk *clerk, const struct zone_state *zone,
	    const struct rrset_fault *fault)
{
	char owner[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	struct json_out *json = clerk->json;

	dname_to_text(fault->owner, owner);
	rrtype_to_text(fault->head.type, type);
	json_out_begin_object(json, NULL);
	write_name(clerk, "zone", zone);
	json_out_text(json, "owner", owner);
	json_out_text(json, "type", type);
	if (fault->head.path_len > 0)
		json_out_text_len(json, "source", fault->path, fault->head.path_len);
	else
		write_source(clerk, zone);
	if (fault->head.line > 0)
		json_out_uint(json, "line", fault->head.line);
	else
		json_out_null(json, "line");
	json_out_text_len(json, "reason", fault->reason, fault->head.reason_len);
	json_out_text(json, "state", zone_state_fault_name(fault->head.kind));
	json_out_end_object(json);
}

/* The zone as a whole, then its RRsets, as far as the list goes. */
static int
write_errors(struct clerk *clerk, struct store_walk *walk, const struct zone_state *zone)
{
	uint32_t at = 0, count = 0;
	struct rrset_fault fault;

	if (zone->error)
		write_error(clerk, zone);
	clerk_signing(clerk, walk, zone);
	if (zone->is_redis)
		return clerk_bad_rrsets(clerk, walk, zone);
	while (rrset_fault_next(&zone->faults, &at, &fault)) {
		write_fault(clerk, zone, &fault);
		count += fault.head.kind != FAULT_WARNING;
	}
	clerk->unlisted +=
		zone->facts.fault_count > count ? zone->facts.fault_count - count : 0;
	return 0;
}

/* returns the exit code: damage ends the list early. */
static unsigned
write_rows(struct clerk *clerk, struct store_walk *walk, struct store_cursor *cursor,
	   bool errors_only)
{
	struct zone_state zone;
	struct node apex;
	int result;

	for (size_t i = 0; (result = store_cursor_next(cursor, &apex)) == 0; i++) {
		if (!zone_state_read(&apex, &zone))
			return 1;
		if (!errors_only)
			write_zone(clerk, &zone);
		else if (write_errors(clerk, walk, &zone) != 0)
			return 1;
		if (i % ROWS_PER_TURN == 0)
			clerk_go_on(clerk);
	}
	return result == ERR_NOTFOUND ? 0 : 1;
}

/* Databases that are configured and not in use. */
static void
write_geo_faults(struct clerk *clerk)
{
	for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
		struct json_out *json = clerk->json;
		struct region_geo_fault fault;
		char reason[REGION_GEO_REASON_MAX + 64];

		if (!region_get_geo_fault(clerk->heritage->region, (enum geo_db_kind)kind,
					  &fault))
			continue;
		snprintf(reason, sizeof reason, "%s: %s",
			 geo_db_kind_name((enum geo_db_kind)kind), fault.reason);
		json_out_begin_object(json, NULL);
		json_out_null(json, "zone");
		json_out_null(json, "owner");
		json_out_null(json, "type");
		json_out_text(json, "source", fault.path);
		json_out_null(json, "line");
		json_out_text(json, "reason", reason);
		json_out_text(json, "state", fault.has_older ? "stale" : "error");
		json_out_end_object(json);
	}
}

/* Under a wrong time no zone is signed as it should be. */
static void
write_clock(struct clerk *clerk)
{
	struct json_out *json = clerk->json;
	char reason[REGION_CLOCK_TEXT_MAX];

	if (!region_clock_explain(clerk->heritage->region, reason))
		return;
	json_out_begin_object(json, NULL);
	json_out_null(json, "zone");
	json_out_null(json, "owner");
	json_out_null(json, "type");
	json_out_null(json, "source");
	json_out_null(json, "line");
	json_out_text(json, "reason", reason);
	json_out_text(json, "state", "error");
	json_out_end_object(json);
}

static unsigned
write_list(struct clerk *clerk, struct store_walk *walk, bool errors_only)
{
	struct store_cursor *cursor;
	unsigned status;
	int result;

	result = store_cursor_open(walk, CATALOGUE_ID, &cursor);
	if (result)
		return clerk_refuse(clerk, "the generation that is served %s",
				    errcode_text(result));
	json_out_begin_object(clerk->json, NULL);
	json_out_begin_array(clerk->json, clerk->args[0]);
	if (errors_only) {
		write_clock(clerk);
		write_geo_faults(clerk);
	}
	status = write_rows(clerk, walk, cursor, errors_only);
	if (errors_only && status == 0)
		clerk_unresolved(clerk, walk);
	json_out_end_array(clerk->json);
	if (errors_only)
		json_out_uint(clerk->json, "unlisted", clerk->unlisted);
	if (status)
		json_out_text(clerk->json, "error",
			      "the generation that is served is damaged");
	json_out_end_object(clerk->json);
	store_cursor_close(cursor);
	return status;
}

static unsigned
write_one(struct clerk *clerk, struct store_walk *walk, const char *text)
{
	struct zone_state zone;
	struct node apex;

	if (clerk_find_zone(clerk, walk, text, &apex) != 0)
		return 1;
	if (!zone_state_read(&apex, &zone))
		return clerk_refuse(clerk, "zone %s is damaged in the generation", text);
	json_out_begin_object(clerk->json, NULL);
	json_out_begin_array(clerk->json, "zones");
	write_zone(clerk, &zone);
	json_out_end_array(clerk->json);
	json_out_end_object(clerk->json);
	return 0;
}

static unsigned
list_served(struct clerk *clerk, const char *zone, bool errors_only)
{
	struct store_walk *walk;
	char reason[256];
	unsigned status;

	if (clerk_open_served(clerk, &walk, reason) != 0)
		return clerk_refuse(clerk, "%s", reason);
	if (zone)
		status = write_one(clerk, walk, zone);
	else
		status = write_list(clerk, walk, errors_only);
	store_walk_close(walk);
	return status;
}

/* The name may stand before or behind the option. */
unsigned
clerk_zones(struct clerk *clerk)
{
	bool has_digest = false;
	const char *zone = NULL;

	for (int i = 1; i < clerk->arg_count; i++) {
		bool is_option = strcmp(clerk->args[i], "--digest") == 0;

		if (is_option ? has_digest : zone != NULL)
			return clerk_refuse(clerk, "usage: zones [--digest] [NAME]");
		if (is_option)
			has_digest = true;
		else
			zone = clerk->args[i];
	}
	return has_digest ? clerk_digest(clerk, zone) : list_served(clerk, zone, false);
}

unsigned
clerk_errors(struct clerk *clerk)
{
	return list_served(clerk, NULL, true);
}
