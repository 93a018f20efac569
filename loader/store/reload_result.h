/* What a reload has to tell: to the peer that asked, and to the log. */
#ifndef LOADER_STORE_RELOAD_RESULT_H
#define LOADER_STORE_RELOAD_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/job_report.h"
#include "loader/zone/zone_messages.h"
#include "shm/json_out.h"
#include "shm/node.h"

/* A zone, or an RRset of one, that is not served from its present source. */
struct reload_error {
	size_t order;			/* the zone's place among the configured zones */
	char *zone, *path, *reason;	/* owned; "" for no path */
	char *owner;			/* owned; of an RRset, "" for the whole zone */
	uint16_t type;
	uint32_t line;			/* 0: none is known */
	const char *state;		/* as zone_state.h names it; static */
};

/* All zero is a good start. */
struct reload_result {
	uint64_t generation;		/* that is served now */
	uint64_t zones, records;
	uint64_t changed, removed;	/* zones; an error that comes or goes is a change */
	uint64_t zones_in_error;	/* in all of the generation */
	uint64_t took_ms;
	uint64_t rrsets_in_error;	/* the same, RRsets of zones that are served */
	struct reload_error *errors;	/* owned */
	size_t error_count, error_room;
};

/* Note a zone in error; the message may be NULL without memory for one.
 * returns false without memory. */
__attribute__((nonnull(1, 2), warn_unused_result))
bool reload_result_add_error(struct reload_result *result, const uint8_t *origin, size_t order,
			     const struct zone_message *message, bool is_stale);

/* Note an RRset in error.  returns as above. */
__attribute__((nonnull, warn_unused_result))
bool reload_result_add_fault(struct reload_result *result, const uint8_t *origin, size_t order,
			     const struct rrset_fault *fault);

/* How many of the errors concern whole zones. */
__attribute__((nonnull, pure))
size_t reload_result_bad_zones(const struct reload_result *result);

/* Bring the errors into the order of the zones, each before its RRsets. */
__attribute__((nonnull))
void reload_result_sort(struct reload_result *result);

/* The members of the reply's object, see shm/ctl_proto.h, between begin and end. */
__attribute__((nonnull))
void reload_result_write(const struct reload_result *result, struct json_out *json);

/* Errors (the first ones of many), then what is served. */
__attribute__((nonnull))
void reload_result_log(const struct reload_result *result);

/* From the process that reads to the one that tells.  reload_result_take leaves nothing to
 * be freed when it returns false: the report is broken. */
__attribute__((nonnull))
void reload_result_put(const struct reload_result *result, struct job_report *report);
__attribute__((nonnull, warn_unused_result))
bool reload_result_take(struct reload_result *result, struct job_report *report);

__attribute__((nonnull))
void reload_result_fini(struct reload_result *result);

#endif
