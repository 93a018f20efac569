/* Telling what a reload did. */
#include "loader/store/reload_result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/zone_state.h"
#include "loader/zone/grow.h"
#include "shm/dname.h"
#include "shm/log.h"
#include "shm/rrtype.h"

enum { LOGGED_MAX = 20 };

/* The next error, all zero but its zone and place; NULL without memory. */
static struct reload_error *
next_error(struct reload_result *result, const uint8_t *origin, size_t order)
{
	char zone[DNAME_TEXT_MAX];
	struct reload_error *error = grow_items(result->errors, &result->error_room,
						result->error_count + 1, sizeof *error);

	if (!error)
		return NULL;
	result->errors = error;
	dname_to_text(origin, zone);
	error = &result->errors[result->error_count++];
	*error = (struct reload_error){ .order = order, .zone = strdup(zone) };
	return error;
}

static bool
is_whole(const struct reload_error *error)
{
	return error->zone && error->owner && error->path && error->reason;
}

bool
reload_result_add_error(struct reload_result *result, const uint8_t *origin, size_t order,
			const struct zone_message *message, bool is_stale)
{
	struct reload_error *error = next_error(result, origin, order);

	if (!error)
		return false;
	error->owner = strdup("");
	error->path = strdup(message ? message->path : "");
	error->reason = strdup(message ? message->reason : "not enough memory");
	error->line = message ? message->line : 0;
	error->state = is_stale ? "stale" : "error";
	return is_whole(error);
}

bool
reload_result_add_fault(struct reload_result *result, const uint8_t *origin, size_t order,
			const struct rrset_fault *fault)
{
	struct reload_error *error = next_error(result, origin, order);
	char owner[DNAME_TEXT_MAX];

	if (!error)
		return false;
	dname_to_text(fault->owner, owner);
	error->owner = strdup(owner);
	error->type = fault->head.type;
	error->path = strndup(fault->path, fault->head.path_len);
	error->reason = strndup(fault->reason, fault->head.reason_len);
	error->line = fault->head.line;
	error->state = zone_state_fault_name(fault->head.kind);
	return is_whole(error);
}

size_t
reload_result_bad_zones(const struct reload_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->error_count; i++)
		count += result->errors[i].owner[0] == '\0';
	return count;
}

static int
compare_errors(const void *a, const void *b)
{
	const struct reload_error *left = a, *right = b;

	if (left->order != right->order)
		return left->order > right->order ? 1 : -1;
	if (!left->owner[0] != !right->owner[0])
		return left->owner[0] ? 1 : -1;
	return (left->line > right->line) - (left->line < right->line);
}

void
reload_result_sort(struct reload_result *result)
{
	if (result->error_count > 1)
		qsort(result->errors, result->error_count, sizeof *result->errors,
		      compare_errors);
}

static void
write_error(const struct reload_error *error, struct json_out *json)
{
	char type[RRTYPE_TEXT_MAX];

	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", error->zone);
	rrtype_to_text(error->type, type);
	json_out_text(json, "owner", error->owner[0] ? error->owner : NULL);
	json_out_text(json, "type", error->owner[0] ? type : NULL);
	json_out_text(json, "source", error->path[0] ? error->path : NULL);
	if (error->line > 0)
		json_out_uint(json, "line", error->line);
	else
		json_out_null(json, "line");
	json_out_text(json, "reason", error->reason);
	json_out_text(json, "state", error->state);
	json_out_end_object(json);
}

void
reload_result_write(const struct reload_result *result, struct json_out *json)
{
	json_out_uint(json, "generation", result->generation);
	json_out_uint(json, "zones", result->zones);
	json_out_uint(json, "records", result->records);
	json_out_uint(json, "changed", result->changed);
	json_out_uint(json, "removed", result->removed);
	json_out_uint(json, "zones_in_error", result->zones_in_error);
	json_out_uint(json, "rrsets_in_error", result->rrsets_in_error);
	json_out_begin_array(json, "errors");
	for (size_t i = 0; i < result->error_count; i++)
		write_error(&result->errors[i], json);
	json_out_end_array(json);
	json_out_uint(json, "took_ms", result->took_ms);
}

static void
log_fault(const struct reload_error *error)
{
	char type[RRTYPE_TEXT_MAX];

	rrtype_to_text(error->type, type);
	if (error->line > 0)
		log_errorx("zone %s: %s:%" PRIu32 ": %s %s: %s", error->zone, error->path,
			   error->line, error->owner, type, error->reason);
	else
		log_errorx("zone %s: %s: %s %s: %s", error->zone, error->path,
			   error->owner, type, error->reason);
}

static void
log_one(const struct reload_error *error)
{
	const char *served = strcmp(error->state, "stale") == 0
				     ? "its older data goes on being served"
				     : "its names get SERVFAIL";

	/* the builder has told of it */
	if (strcmp(error->state, "warning") == 0)
		return;
	if (error->owner[0])
		log_fault(error);
	else if (error->line > 0)
		log_errorx("zone %s: %s:%" PRIu32 ": %s; %s", error->zone, error->path,
			   error->line, error->reason, served);
	else if (error->path[0] != '\0')
		log_errorx("zone %s: %s: %s; %s", error->zone, error->path, error->reason,
			   served);
	else
		log_errorx("zone %s: %s; %s", error->zone, error->reason, served);
}

void
reload_result_log(const struct reload_result *result)
{
	for (size_t i = 0; i < result->error_count && i < LOGGED_MAX; i++)
		log_one(&result->errors[i]);
	if (result->error_count > LOGGED_MAX)
		log_errorx("and %zu more errors: martletctl errors",
			   result->error_count - LOGGED_MAX);
	if (result->changed == 0 && result->removed == 0)
		log_info("nothing changed: generation %" PRIu64 " is served, %" PRIu64
			 " zones, %" PRIu64 " in error",
			 result->generation, result->zones, result->zones_in_error);
	else
		log_info("generation %" PRIu64 " is served: %" PRIu64 " zones, %" PRIu64
			 " records; %" PRIu64 " zones changed, %" PRIu64
			 " removed, %" PRIu64 " in error; %" PRIu64 " ms",
			 result->generation, result->zones, result->records,
			 result->changed, result->removed, result->zones_in_error,
			 result->took_ms);
}

void
reload_result_put(const struct reload_result *result, struct job_report *report)
{
	job_report_put(report, result, sizeof *result);
	for (size_t i = 0; i < result->error_count; i++) {
		job_report_put(report, &result->errors[i], sizeof result->errors[i]);
		job_report_put_text(report, result->errors[i].zone);
		job_report_put_text(report, result->errors[i].owner);
		job_report_put_text(report, result->errors[i].path);
		job_report_put_text(report, result->errors[i].reason);
	}
}

bool
reload_result_take(struct reload_result *result, struct job_report *report)
{
	job_report_take(report, result, sizeof *result);
	result->error_room = result->error_count;
	result->errors = calloc(result->error_count + 1, sizeof *result->errors);
	result->error_count = 0;
	while (result->errors && result->error_count < result->error_room) {
		struct reload_error *error = &result->errors[result->error_count++];

		job_report_take(report, error, sizeof *error);
		error->zone = job_report_take_text(report);
		error->owner = job_report_take_text(report);
		error->path = job_report_take_text(report);
		error->reason = job_report_take_text(report);
		if (report->is_broken)
			break;
	}
	if (result->errors && !report->is_broken)
		return true;
	reload_result_fini(result);
	return false;
}

void
reload_result_fini(struct reload_result *result)
{
	for (size_t i = 0; i < result->error_count; i++) {
		free(result->errors[i].zone);
		free(result->errors[i].owner);
		free(result->errors[i].path);
		free(result->errors[i].reason);
	}
	free(result->errors);
	memset(result, 0, sizeof *result);
}
