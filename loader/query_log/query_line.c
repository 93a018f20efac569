/* Names, addresses and times of a query as text. */
#include "loader/query_log/query_line.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shm/dns.h"
#include "shm/wire.h"

enum { RCODE_LOW_BITS = 15, US_PER_S = 1000000 };

bool
query_record_is_sound(const struct query_record *record)
{
	unsigned len = record->question_len, zone_len = record->zone_len;

	if (record->record_len < sizeof *record + len || record->subnet_len > 128)
		return false;
	if (len == 0)
		return zone_len == 0;
	return len > 4 && len <= DNAME_MAX + 4 && zone_len <= len - 4 &&
	       dname_is_whole(record->question, len - 4) &&
	       (zone_len == 0 ||
		dname_is_whole(record->question + len - 4 - zone_len, zone_len));
}

/* Of those that do not fit the header, BADCOOKIE alone shares its low bits with none that
 * we answer with. */
unsigned
query_record_rcode(const struct query_record *record)
{
	unsigned low = record->header[3] & RCODE_LOW_BITS;

	if (record->flags & QUERY_RECORD_BADVERS)
		return RCODE_BADVERS;
	return low == (RCODE_BADCOOKIE & RCODE_LOW_BITS) ? RCODE_BADCOOKIE : low;
}

/* ---- texts ---- */

/* "2026-11-21T19:55:01.123Z"; the second is printed anew only when it changes. */
static void
print_time(uint64_t us, char out[QUERY_TIME_MAX])
{
	static time_t second = -1;
	static char text[QUERY_TIME_MAX];
	static size_t len;
	unsigned ms = (unsigned)(us / 1000 % 1000);
	struct tm parts;

	if ((time_t)(us / US_PER_S) != second) {
		second = (time_t)(us / US_PER_S);
		gmtime_r(&second, &parts);
		len = strftime(text, sizeof text - 6, "%Y-%m-%dT%H:%M:%S", &parts);
	}
	memcpy(out, text, len);
	out[len] = '.';
	out[len + 1] = (char)('0' + ms / 100);
	out[len + 2] = (char)('0' + ms / 10 % 10);
	out[len + 3] = (char)('0' + ms % 10);
	out[len + 4] = 'Z';
	out[len + 5] = '\0';
}

static size_t
print_ipv4(const uint8_t octets[4], char out[INET6_ADDRSTRLEN])
{
	char *at = out;

	for (unsigned i = 0; i < 4; i++) {
		if (octets[i] >= 100)
			*at++ = (char)('0' + octets[i] / 100);
		if (octets[i] >= 10)
			*at++ = (char)('0' + octets[i] / 10 % 10);
		*at++ = (char)('0' + octets[i] % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return (size_t)(at - out) - 1;
}

static size_t
print_address(const uint8_t address[16], char out[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address))
		return print_ipv4(address + 12, out);
	if (!inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN))
		out[0] = '\0';
	return strlen(out);
}

static size_t
print_subnet(const struct query_record *record, char out[QUERY_SUBNET_MAX])
{
	size_t len;

	out[0] = '\0';
	if (!(record->flags & QUERY_RECORD_ECS))
		return 0;
	len = print_address(record->subnet, out);
	return len + (size_t)snprintf(out + len, QUERY_SUBNET_MAX - len, "/%u/%u",
				      (unsigned)record->subnet_len,
				      (unsigned)record->scope_len);
}

/* ---- members ---- */

/* `name` is a literal: its length costs nothing. */
#define add_text(line, name, text, len) \
	put_field(line, name, sizeof name - 1, text, len, 0)
#define add_number(line, name, number) \
	put_field(line, name, sizeof name - 1, NULL, 0, number)

static inline void
put_field(struct query_line *line, const char *name, size_t name_len, const char *text,
	  size_t len, uint64_t number)
{
	line->fields[line->count++] =
		(struct query_field){ name, name_len, text, len, number };
}

static void
print_class(unsigned class, char out[RRTYPE_TEXT_MAX])
{
	if (class == CLASS_CH)
		snprintf(out, RRTYPE_TEXT_MAX, "CH");
	else if (class == CLASS_ANY)
		snprintf(out, RRTYPE_TEXT_MAX, "ANY");
	else
		snprintf(out, RRTYPE_TEXT_MAX, "CLASS%u", class);
}

/* A message may have no question: then there is none to be told. */
static void
add_question(const struct query_record *record, struct query_line *line)
{
	unsigned name_len = record->question_len - 4u, class;
	uint8_t name[DNAME_MAX];

	if (record->question_len == 0)
		return;
	memcpy(name, record->question, name_len);
	dname_lower(name, name_len);
	add_text(line, "record", line->name, dname_to_text(name, line->name));
	rrtype_to_text(wire_get_u16(record->question + name_len), line->type);
	add_text(line, "type", line->type, strlen(line->type));
	class = wire_get_u16(record->question + name_len + 2);
	if (class != CLASS_IN) {
		print_class(class, line->class);
		add_text(line, "class", line->class, strlen(line->class));
	}
	if (record->zone_len > 0)
		add_text(line, "zone", line->zone,
			 dname_to_text(name + name_len - record->zone_len, line->zone));
}

static void
add_client(const struct query_record *record, const struct query_facts *facts,
	   struct query_line *line)
{
	if (facts->has_client) {
		add_text(line, "source_ip", line->client,
			 print_address(record->client, line->client));
		add_text(line, "client_subnet", line->subnet,
			 print_subnet(record, line->subnet));
	}
	if (facts->has_country)
		add_text(line, "source_country", facts->country, strlen(facts->country));
	if (facts->has_asn)
		add_number(line, "source_asn", facts->asn);
}

void
query_line_make(const struct query_record *record, const struct query_facts *facts,
		struct query_line *out)
{
	const char *id = facts->domain_id ? facts->domain_id : "";

	out->count = 0;
	print_time(record->received_us, out->time);
	add_text(out, "time", out->time, sizeof "2026-11-21T19:55:01.123Z" - 1);
	add_text(out, "level", "info", 4);
	add_text(out, "log_type", "request", 7);
	add_text(out, "msg", "dns request", 11);
	add_question(record, out);
	add_number(out, "response_code", query_record_rcode(record));
	add_client(record, facts, out);
	add_text(out, "domain_uuid", id, strlen(id));
	add_number(out, "process_time", record->took_ns / 1000000);
	add_number(out, "process_time_us", record->took_ns / 1000);
	add_text(out, "protocol", record->flags & QUERY_RECORD_TCP ? "tcp" : "udp", 3);
	add_number(out, "size", record->response_len);
	if (facts->sample > 1)
		add_number(out, "sample", facts->sample);
}

/* ---- JSON ---- */

enum { NUMBER_MAX = 20, MEMBER_MAX = 6 }; /* ',"' '":' and quotes around a text */

/* Octets that it can take at most. */
static size_t
print_bound(const struct query_line *line)
{
	size_t bound = sizeof "{}\n";

	for (unsigned i = 0; i < line->count; i++) {
		const struct query_field *field = &line->fields[i];

		bound += MEMBER_MAX + field->name_len +
			 (field->text ? 2 * field->len : NUMBER_MAX);
	}
	return bound;
}

/* All texts are printable ASCII as they are made; what is not would be '?'. */
static char *
put_escaped(char *at, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"' || c == '\\')
			*at++ = '\\';
		*at++ = c >= ' ' && c <= '~' ? c : '?';
	}
	return at;
}

static char *
put_number(char *at, uint64_t number)
{
	char digits[NUMBER_MAX], *first = digits + sizeof digits;
	size_t len;

	do
		*--first = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	len = (size_t)(digits + sizeof digits - first);
	memcpy(at, first, len);
	return at + len;
}

static char *
put_member(char *at, const struct query_field *field)
{
	*at++ = '"';
	memcpy(at, field->name, field->name_len);
	at += field->name_len;
	*at++ = '"';
	*at++ = ':';
	if (!field->text)
		return put_number(at, field->number);
	*at++ = '"';
	at = put_escaped(at, field->text, field->len);
	*at++ = '"';
	return at;
}

size_t
query_line_print(const struct query_line *line, char *out, size_t room)
{
	char *at = out;

	if (print_bound(line) > room)
		return 0;
	for (unsigned i = 0; i < line->count; i++) {
		*at++ = i > 0 ? ',' : '{';
		at = put_member(at, &line->fields[i]);
	}
	*at++ = '}';
	*at++ = '\n';
	return (size_t)(at - out);
}
