/* From a query to its record, its line of JSON and its message of dnstap. */
#include "worker/query_log.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "loader/query_log/dnstap_message.h"
#include "loader/query_log/query_line.h"
#include "loader/query_log/query_places.h"
#include "shm/node.h"
#include "shm/query_record.h"
#include "t/tap.h"
#include "worker/answer.h"

enum { ROUNDS = 20000, SECOND_NS = 1000000000 };

static struct heritage heritage;
static struct settings settings;
static struct stats_block stats;
static struct query_log log_;
static struct ring reader;
static uint8_t packets[ANSWER_BATCH][512];
static struct query queries[ANSWER_BATCH];
static struct node_head apex;

static void
begin(uint32_t sample)
{
	memset(&stats, 0, sizeof stats);
	memset(&heritage.region->slots[0].query_ring, 0, sizeof(struct ring_ends));
	query_log_init(&log_, &heritage, 0);
	query_log_follow(&log_, sample);
	ring_open_reader(&reader, &heritage.region->slots[0].query_ring,
			 heritage.query_rings, QUERY_RING_LEN);
}

/* Query `i` of the batch: `name_len` octets of a name, answered with `rcode`. */
static struct query *
make(unsigned i, const uint8_t *name, unsigned name_len, unsigned rcode)
{
	uint8_t *packet = packets[i];
	struct query *q = &queries[i];

	memset(packet, 0, QUERY_HEADER_LEN);
	packet[0] = 0x12;
	packet[2] = 0x84;
	packet[3] = (uint8_t)rcode;
	memcpy(packet + QUERY_HEADER_LEN, name, name_len);
	memcpy(packet + QUERY_HEADER_LEN + name_len, "\0\x1c\0\1", 4);
	*q = (struct query){ .packet = packet,
			     .response_len = 100,
			     .question_end =
				     (uint16_t)(QUERY_HEADER_LEN + name_len + 4) };
	return q;
}

static void
put(unsigned count)
{
	if (query_log_wants(&log_, count))
		query_log_write(&log_, queries, count, SECOND_NS, SECOND_NS + 7654321,
				&stats);
}

static const struct query_record *
take(void)
{
	bool is_damaged = false;

	return ring_next(&reader, sizeof(struct query_record), &is_damaged);
}

static uint64_t
stat(enum stat_id which)
{
	return atomic_load(&stats.value[which]);
}

/* The line, as a program reads it; owned by the caller. */
static json_t *
line_of(const struct query_record *record, const struct query_facts *facts)
{
	static struct query_line line;
	char text[8192];
	size_t len, small;

	query_line_make(record, facts, &line);
	len = query_line_print(&line, text, sizeof text);
	ok(len > 0 && text[len - 1] == '\n', "a line of %zu octets", len);
	for (small = 0; small < len; small++)
		if (query_line_print(&line, text, small) != 0)
			break;
	ok(small == len || small > len - 300, "which needs %zu octets of room", small);
	return json_loadb(text, len - 1, JSON_REJECT_DUPLICATES, NULL);
}

static const char *
member(json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	return text ? text : "(none)";
}

static void
check_record(void)
{
	static const uint8_t name[] = "\3WwW\7Example\3com";
	struct sockaddr_in6 client = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	const struct query_facts facts = { .has_client = true,
					   .has_country = true,
					   .country = "DE",
					   .has_asn = true,
					   .asn = 64496,
					   .domain_id = "d\"\\1",
					   .sample = 7 };
	const struct query_record *record;
	struct query *q;
	json_t *line;

	begin(1);
	inet_pton(AF_INET6, "2001:db8::53", &client.sin6_addr);
	apex.owner_len = 13;
	q = make(0, name, sizeof name, 3);
	q->client = &client;
	q->apex = (const uint8_t *)&apex;
	q->flags = QUERY_TCP | QUERY_IPV6 | QUERY_ECS;
	q->subnet = (struct query_subnet){ 1, 24, { 192, 0, 2 } };
	q->scope_len = 16;
	put(1);
	record = take();
	ok(record && query_record_is_sound(record), "a record");
	line = line_of(record, &facts);
	is(member(line, "record"), "www.example.com.", "the name, in lower case");
	is(member(line, "zone"), "example.com.", "its zone");
	is(member(line, "type"), "AAAA", "type");
	is(member(line, "source_ip"), "2001:db8::53", "client");
	is(member(line, "client_subnet"), "192.0.2.0/24/16", "subnet and scope");
	is(member(line, "source_country"), "DE", "country");
	is(member(line, "domain_uuid"), "d\"\\1", "domain_id, whatever is in it");
	is(member(line, "protocol"), "tcp", "protocol");
	is_int(json_integer_value(json_object_get(line, "response_code")), 3, "rcode");
	is_int(json_integer_value(json_object_get(line, "source_asn")), 64496, "ASN");
	is_int(json_integer_value(json_object_get(line, "process_time")), 7, "ms");
	is_int(json_integer_value(json_object_get(line, "process_time_us")), 7654, "us");
	is_int(json_integer_value(json_object_get(line, "sample")), 7, "sample");
	ok(!take(), "and no more");
	json_decref(line);
}

static void
check_rcodes(void)
{
	static const uint8_t root[] = "";
	struct query *q;

	begin(1);
	make(0, root, 1, 0)->flags = QUERY_BADVERS;
	make(1, root, 1, 23 & 15);
	q = make(2, root, 1, 1);
	q->question_end = QUERY_HEADER_LEN;
	make(3, root, 1, 0)->response_len = 0;
	put(4);
	is_int(query_record_rcode(take()), 16, "BADVERS");
	is_int(query_record_rcode(take()), 23, "BADCOOKIE");
	is_int(take()->question_len, 0, "a message without a question");
	ok(!take(), "what is not answered is not logged");
	is_int((long)stat(STAT_query_log_records), 3, "counted");
}

/* Every octet, in names of every length. */
static void
check_names(void)
{
	const struct query_facts facts = { .has_client = true };
	uint8_t name[DNAME_MAX];
	unsigned wrong = 0;

	begin(1);
	for (unsigned first = 0; first < 256; first++) {
		char text[DNAME_TEXT_MAX];
		unsigned at = 0;
		json_t *line;

		while (at < 1 + first % 250) {
			unsigned len = 250 - at < 63 ? 250 - at : 63;

			name[at++] = (uint8_t)len;
			for (unsigned i = 0; i < len; i++)
				name[at++] = (uint8_t)(first + i);
		}
		name[at++] = 0;
		make(0, name, at, 0);
		put(1);
		line = line_of(take(), &facts);
		dname_lower(name, at);
		dname_to_text(name, text);
		wrong += !line || strcmp(member(line, "record"), text) != 0;
		json_decref(line);
		ring_release(&reader);
	}
	is_int(wrong, 0, "every octet in a name makes a line of valid JSON");
}

static void
check_full(void)
{
	static const uint8_t name[] = "\4full\4test";
	uint64_t asked = 0, read = 0;

	begin(1);
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		make(i, name, sizeof name, 0);
	while (stat(STAT_query_log_dropped) == 0) {
		put(ANSWER_BATCH);
		asked += ANSWER_BATCH;
	}
	put(ANSWER_BATCH);
	asked += ANSWER_BATCH;
	is_int((long)(stat(STAT_query_log_records) + stat(STAT_query_log_dropped)),
	       (long)asked, "a full ring drops, and counts");
	ok(stat(STAT_query_log_records) > 80000, "not before it holds %llu",
	   (unsigned long long)stat(STAT_query_log_records));
	while (take())
		read++;
	is_int((long)read, (long)stat(STAT_query_log_records), "what it took is there");
	ring_release(&reader);
	put(ANSWER_BATCH);
	ok(take(), "it takes again when it was read");
}

static void
check_sample(void)
{
	static const uint8_t name[] = "\6sample\4test";
	unsigned count = 0, wanted = ROUNDS * 48 / 100;

	begin(100);
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		make(i, name, sizeof name, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		put(48);
		while (take())
			count++;
		ring_release(&reader);
	}
	ok(count > wanted * 95 / 100 && count < wanted * 105 / 100,
	   "one of 100: %u of %u", count, ROUNDS * 48);
	is_int((long)stat(STAT_query_log_records), count, "counted");
	query_log_follow(&log_, 0);
	ok(!query_log_wants(&log_, 1), "none of 0");
}

static void
check_hiding(void)
{
	static const struct {
		const char *address;
		unsigned v4, v6;
		const char *want;
	} cases[] = {
		{ "::ffff:198.51.100.77", 24, 56, "::ffff:198.51.100.0" },
		{ "::ffff:198.51.100.77", 31, 56, "::ffff:198.51.100.76" },
		{ "::ffff:198.51.100.77", 32, 56, "::ffff:198.51.100.77" },
		{ "::ffff:198.51.100.77", 0, 56, "::ffff:0.0.0.0" },
		{ "2001:db8:1234:56ff::1", 24, 56, "2001:db8:1234:5600::" },
		{ "2001:db8:1234:56ff::1", 24, 128, "2001:db8:1234:56ff::1" },
		{ "2001:db8:1234:56ff::1", 24, 0, "::" },
	};

	settings.query_log.client = LOG_CLIENT_PREFIX;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct query_record record = { .subnet_len = 128 };
		char text[INET6_ADDRSTRLEN];

		inet_pton(AF_INET6, cases[i].address, record.client);
		settings.query_log.v4_prefix = cases[i].v4;
		settings.query_log.v6_prefix = cases[i].v6;
		query_places_hide(&settings, &record);
		inet_ntop(AF_INET6, record.client, text, sizeof text);
		is(text, cases[i].want, "what is left of an address");
		is_int(record.subnet_len, (long)cases[i].v6, "and of a subnet");
	}
}

static void
check_damage(void)
{
	static const uint8_t name[] = "\3www\4test";
	union {
		struct query_record record;
		uint8_t octets[QUERY_RECORD_MAX];
	} copy;
	unsigned sound = 0;

	begin(1);
	make(0, name, sizeof name, 0);
	put(1);
	memcpy(copy.octets, take(), sizeof copy);
	copy.record.question_len = 4;
	ok(!query_record_is_sound(&copy.record), "a question without a name");
	copy.record.question_len = 14;
	copy.record.zone_len = 11;
	ok(!query_record_is_sound(&copy.record), "a zone longer than its name");
	copy.record.zone_len = 5;
	ok(!query_record_is_sound(&copy.record), "a zone that begins within a label");
	copy.record.zone_len = 0;
	for (unsigned len = 0; len < 256; len++) {
		copy.record.question[0] = (uint8_t)len;
		sound += query_record_is_sound(&copy.record);
	}
	is_int(sound, 2, "a name is one only where its labels end at the root");
}

/* An independent reading of the outermost members, as protocol buffers have them. */
static void
check_dnstap(void)
{
	static const uint8_t name[] = "\3www\4test";
	uint8_t out[DNSTAP_MESSAGE_MAX];
	char identity[300];
	size_t len;

	begin(1);
	make(0, name, sizeof name, 0);
	put(1);
	memset(identity, 'i', sizeof identity - 1);
	identity[sizeof identity - 1] = '\0';
	len = dnstap_message_print(take(), identity, true, out);
	ok(len < sizeof out && out[0] == (1 << 3 | 2) && out[1] == 0xff && out[2] == 1,
	   "an identity of 255 octets at most");
	ok(out[len - 2] == 15 << 3 && out[len - 1] == 1, "a MESSAGE");
}

int
main(void)
{
	heritage.settings = &settings;
	heritage.region = region_create(1);
	heritage.query_rings = calloc(1, QUERY_RING_LEN);
	if (!heritage.region || !heritage.query_rings)
		bail_out("no memory");
	check_record();
	check_rcodes();
	check_names();
	check_full();
	check_sample();
	check_hiding();
	check_damage();
	check_dnstap();
	free(heritage.query_rings);
	return done_testing();
}
