/* Status keys, written and read. */
#include "loader/health/status_item.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "loader/zone/json_reader.h"
#include "shm/json_out.h"

enum { TIME_MAX = 48, STATUS_BOUND = 1000000 };

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

size_t
status_item_key(const char *prefix, const char *suffix, const char *owner,
		const uint8_t address[HEALTH_ADDRESS_LEN], char out[STATUS_KEY_MAX])
{
	bool is_v4 = memcmp(address, mapped, sizeof mapped) == 0;
	char text[INET6_ADDRSTRLEN] = "";
	int len;

	inet_ntop(is_v4 ? AF_INET : AF_INET6, address + (is_v4 ? sizeof mapped : 0), text,
		  sizeof text);
	len = snprintf(out, STATUS_KEY_MAX, "%sredins:healthcheck:%s:%s%s", prefix, owner,
		       text, suffix);
	return len > 0 && len < STATUS_KEY_MAX ? (size_t)len : 0;
}

static void
print_time(int64_t unix_ms, char out[TIME_MAX])
{
	time_t at = (time_t)(unix_ms / 1000);
	char seconds[32] = "";
	struct tm parts;

	if (gmtime_r(&at, &parts))
		strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out, TIME_MAX, "%s.%03dZ", seconds, (int)(unix_ms % 1000));
}

size_t
status_item_write(const struct health_check *check, const struct status_item *item,
		  char out[STATUS_ITEM_MAX])
{
	struct json_out json;
	char at[TIME_MAX];

	print_time(item->checked_ms, at);
	json_out_init(&json, out, STATUS_ITEM_MAX, NULL, NULL);
	json_out_begin_object(&json, NULL);
	json_out_text(&json, "protocol", health_protocol_name(check->protocol));
	json_out_text(&json, "uri", check->uri);
	json_out_uint(&json, "port", check->port);
	json_out_int(&json, "status", item->status);
	json_out_text(&json, "lastcheck", at);
	json_out_uint(&json, "timeout", check->timeout_ms);
	json_out_int(&json, "up_count", check->up_count);
	json_out_int(&json, "down_count", check->down_count);
	json_out_bool(&json, "enable", true);
	json_out_text(&json, "domain_uuid", "");
	json_out_end_object(&json);
	return json_out_finish(&json) == 0 ? json.len : 0;
}

/* `digits` decimal digits at *at.  returns false when there are others. */
static bool
take_number(const char **at, unsigned digits, int *out)
{
	*out = 0;
	for (; digits > 0; digits--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

static bool
take_char(const char **at, const char *allowed)
{
	if (**at == '\0' || !strchr(allowed, **at))
		return false;
	(*at)++;
	return true;
}

/* "Z", or "+01:00": seconds to be taken off. */
static bool
take_offset(const char **at, int *seconds)
{
	int hours, minutes, sign = **at == '-' ? -1 : 1;

	*seconds = 0;
	if (take_char(at, "Zz"))
		return true;
	if (!take_char(at, "+-") || !take_number(at, 2, &hours) || !take_char(at, ":") ||
	    !take_number(at, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 60 + minutes) * 60;
	return true;
}

static bool
take_fraction(const char **at, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (!take_char(at, "."))
		return true;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		*ms += (**at - '0') * scale;
	return true;
}

bool
status_item_read_time(const char *text, int64_t *unix_ms)
{
	struct tm parts = { 0 };
	int offset_s, ms;

	if (!take_number(&text, 4, &parts.tm_year) || !take_char(&text, "-") ||
	    !take_number(&text, 2, &parts.tm_mon) || !take_char(&text, "-") ||
	    !take_number(&text, 2, &parts.tm_mday) || !take_char(&text, "Tt") ||
	    !take_number(&text, 2, &parts.tm_hour) || !take_char(&text, ":") ||
	    !take_number(&text, 2, &parts.tm_min) || !take_char(&text, ":") ||
	    !take_number(&text, 2, &parts.tm_sec) || !take_fraction(&text, &ms) ||
	    !take_offset(&text, &offset_s) || *text != '\0')
		return false;
	if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 ||
	    parts.tm_mday > 31 || parts.tm_hour > 23 || parts.tm_min > 59 ||
	    parts.tm_sec > 60)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon--;
	*unix_ms = ((int64_t)timegm(&parts) - offset_s) * 1000 + ms;
	return true;
}

bool
status_item_read(const char *bytes, size_t len, struct status_item *out)
{
	struct json_node root = { 0 }, status, checked;
	struct json_fault fault = { .found = false };
	struct json_text text;
	bool is_good = false;

	if (len > STATUS_ITEM_MAX || json_reader_open(bytes, len, &root, &fault) != 0)
		return false;
	json_reader_object(&fault, &root);
	status = json_node_member(&root, "status");
	checked = json_node_member(&root, "lastcheck");
	if (status.value && checked.value) {
		out->status = json_reader_signed(&fault, &status, STATUS_BOUND, 0);
		text = json_reader_text(&fault, &checked);
		is_good = !fault.found && strlen(text.bytes) == text.len &&
			  status_item_read_time(text.bytes, &out->checked_ms);
	}
	json_reader_close(&root);
	return is_good;
}
