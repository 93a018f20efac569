/* From the members of a health check to its settled form. */
#include "loader/zone/health_json.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shm/dname.h"

enum { CODE_MIN = 100, CODE_MAX = 999, WILDCARD_LABEL = 2 };

/* A check on its way. */
struct reading {
	const struct steering_reader *reader;
	const struct json_node *object;
	struct health_check *check;
	bool is_sound; /* it can be made, so far */
};

#define UNKNOWN "no probe is made, and its targets stay unknown"

static struct json_text
read_text(struct reading *r, const char *key, struct json_node *node)
{
	*node = json_node_member(r->object, key);
	return json_reader_text(r->reader->fault, node);
}

/* Copy a text to `room` octets, NUL included. */
static void
read_copy(struct reading *r, const char *key, char *out, size_t room)
{
	struct json_node node;
	struct json_text text = read_text(r, key, &node);

	if (text.len >= room || strlen(text.bytes) != text.len) {
		record_notes_warn(r->reader->notes, &node,
				  "is longer than %zu octets, or holds a NUL: " UNKNOWN,
				  room - 1);
		r->is_sound = false;
		return;
	}
	memcpy(out, text.bytes, text.len + 1);
}

/* A whole number from 0 to `max`; others are noted. */
static uint32_t
read_number(struct reading *r, const char *key, uint32_t max)
{
	struct json_node node = json_node_member(r->object, key);
	struct json_fault fault = { 0 };
	uint32_t number;

	json_reader_check_integer(r->reader->fault, &node);
	number = json_reader_number(&fault, &node, max, 0);
	if (fault.found && !r->reader->fault->found) {
		record_notes_warn(r->reader->notes, &node,
				  "is not from 0 to %lu: " UNKNOWN, (unsigned long)max);
		r->is_sound = false;
	}
	return number;
}

static int
read_count(struct reading *r, const char *key)
{
	struct json_node node = json_node_member(r->object, key);

	return json_reader_signed(r->reader->fault, &node, HEALTH_COUNT_MAX, 0);
}

static void
read_protocol(struct reading *r)
{
	struct json_node node;
	struct json_text text = read_text(r, "protocol", &node);

	if (health_protocol_find(text.bytes, &r->check->protocol))
		return;
	record_notes_warn(r->reader->notes, &node,
			  "\"%.60s\" is no protocol (http, https, tcp, icmp): " UNKNOWN,
			  text.bytes);
	r->is_sound = false;
}

static void
read_policy(struct reading *r)
{
	static const char *const words[] = {
		[STEERED_OPEN] = "open",
		[STEERED_CLOSED] = "closed",
		[STEERED_LAST] = "last",
	};
	struct json_node node;
	struct json_text text = read_text(r, "policy", &node);

	r->reader->steering->policy = STEERED_OPEN;
	if (text.len == 0)
		return;
	for (unsigned i = STEERED_OPEN; i <= STEERED_LAST; i++)
		if (strcmp(text.bytes, words[i]) == 0) {
			r->reader->steering->policy = (enum steered_policy)i;
			return;
		}
	record_notes_warn(r->reader->notes, &node,
			  "\"%.60s\" is no policy (open, closed, last): it is open",
			  text.bytes);
}

/* "200-299", "204".  returns false when it is none. */
static bool
parse_codes(const char *text, struct health_codes *out)
{
	char *end;
	unsigned long low = strtoul(text, &end, 10), high = low;

	if (text[0] < '0' || text[0] > '9')
		return false;
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		high = strtoul(end + 1, &end, 10);
	if (*end != '\0' || low < CODE_MIN || high > CODE_MAX || low > high)
		return false;
	*out = (struct health_codes){ (uint16_t)low, (uint16_t)high };
	return true;
}

static bool
read_code(const struct json_node *node, struct health_codes *out)
{
	struct json_fault fault = { 0 };
	struct json_text text = json_reader_text(&fault, node);
	uint32_t code;

	if (!fault.found)
		return strlen(text.bytes) == text.len && parse_codes(text.bytes, out);
	fault.found = false;
	code = json_reader_number(&fault, node, CODE_MAX, 0);
	*out = (struct health_codes){ (uint16_t)code, (uint16_t)code };
	return !fault.found && code >= CODE_MIN;
}

static void
add_code(struct reading *r, const struct json_node *node)
{
	struct health_check *check = r->check;

	if (check->code_count < HEALTH_CODES_MAX &&
	    read_code(node, &check->codes[check->code_count])) {
		check->code_count++;
		return;
	}
	record_notes_warn(
		r->reader->notes, node,
		"is no code as 200 or \"200-299\", or one of more than %d: " UNKNOWN,
		(int)HEALTH_CODES_MAX);
	r->is_sound = false;
}

/* A number, a text, or a list of them. */
static void
read_codes(struct reading *r)
{
	struct json_node node = json_node_member(r->object, "codes"), item;
	const struct json_value *at = NULL;

	if (node.value && !json_node_is_list(&node)) {
		add_code(r, &node);
		return;
	}
	while (r->is_sound && json_node_next_item(&node, &at, &item))
		add_code(r, &item);
}

/* The name that is asked for: that of the RRset when no other is given, of a wildcard what
 * it stands below; without the final dot. */
static void
set_host(struct reading *r, const uint8_t *owner)
{
	char *host = r->check->host, name[DNAME_TEXT_MAX];
	size_t len;

	if (host[0] == '\0') {
		dname_to_text(owner + (dname_is_wildcard(owner) ? WILDCARD_LABEL : 0),
			      name);
		if (strlen(name) < sizeof r->check->host)
			strcpy(host, name);
	}
	len = strlen(host);
	if (len > 0 && host[len - 1] == '.')
		host[len - 1] = '\0';
}

void
health_json_read(const struct steering_reader *reader, const struct json_node *object,
		 const uint8_t *owner)
{
	struct health_check *check = &reader->steering->check;
	struct reading r = { reader, object, check, true };
	struct json_node enable, verify;

	if (!object->value)
		return;
	enable = json_node_member(object, "enable");
	verify = json_node_member(object, "verify");
	json_reader_object(reader->fault, object);
	memset(check, 0, offsetof(struct health_check, host));
	check->host[0] = check->uri[0] = check->body[0] = '\0';
	read_protocol(&r);
	read_copy(&r, "uri", check->uri, sizeof check->uri);
	read_copy(&r, "host", check->host, sizeof check->host);
	read_copy(&r, "body", check->body, sizeof check->body);
	check->port = (uint16_t)read_number(&r, "port", UINT16_MAX);
	check->timeout_ms = read_number(&r, "timeout", HEALTH_TIMEOUT_MAX_MS);
	check->interval_s = read_number(&r, "interval", HEALTH_INTERVAL_MAX_S);
	check->up_count = read_count(&r, "up_count");
	check->down_count = read_count(&r, "down_count");
	check->verify = json_reader_bool(reader->fault, &verify, false);
	read_codes(&r);
	read_policy(&r);
	set_host(&r, owner);
	health_check_settle(check);
	if (r.is_sound && !health_check_is_sound(check)) {
		record_notes_warn(reader->notes, object,
				  "\"uri\" must begin with a slash, and \"host\" be a "
				  "name, without blanks: " UNKNOWN);
		r.is_sound = false;
	}
	reader->steering->is_probed =
		json_reader_bool(reader->fault, &enable, false) && r.is_sound;
}
