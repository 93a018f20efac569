/* redins's status keys: "redins:healthcheck:<name>:<address>" holds what was found of one
 * address of one name, as JSON:
 *
 *	{"protocol":"http","uri":"/","port":80,"status":3,
 *	 "lastcheck":"2026-11-21T01:59:24.957173653Z","timeout":500,"up_count":3,
 *	 "down_count":-3,"enable":true,"domain_uuid":""} */
#ifndef LOADER_HEALTH_STATUS_ITEM_H
#define LOADER_HEALTH_STATUS_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/health_target.h"

enum { STATUS_ITEM_MAX = 8192, STATUS_KEY_MAX = 2048 };

struct status_item {
	int status;
	int64_t checked_ms;		/* Unix time */
};

/* The key, between prefix and suffix.  returns its length, 0 when it is too long. */
__attribute__((nonnull))
size_t status_item_key(const char *prefix, const char *suffix, const char *owner,
		       const uint8_t address[HEALTH_ADDRESS_LEN], char out[STATUS_KEY_MAX]);

/* The value.  returns its length. */
__attribute__((nonnull))
size_t status_item_write(const struct health_check *check, const struct status_item *item,
			 char out[STATUS_ITEM_MAX]);

/* Any octets.  returns false when they are no item with a status and a time. */
__attribute__((nonnull, warn_unused_result))
bool status_item_read(const char *bytes, size_t len, struct status_item *out);

/* "2026-11-21T01:59:24.957Z", also with an offset from UTC.  returns false for all else. */
__attribute__((nonnull, warn_unused_result))
bool status_item_read_time(const char *text, int64_t *unix_ms);

#endif
