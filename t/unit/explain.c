/* explain and simulate without a server: arguments, the bound of a trace, the texts of
 * events, and shares against draws. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/zone/steering.h"
#include "master/explain/explain_args.h"
#include "master/explain/explain_steps.h"
#include "master/explain/simulate_args.h"
#include "master/explain/simulate_input.h"
#include "master/explain/simulate_shares.h"
#include "shm/rrtype.h"
#include "t/draw.h"
#include "t/steered_maker.h"
#include "worker/answering.h"

enum { DRAWS = 20000, SETS = 12, RECORDS = 8 };

/* ---- arguments ---- */

static bool
parse(const char *words, struct explain_question *out, char *complaint)
{
	static char text[512];
	char *args[16];
	int count = 0;

	snprintf(text, sizeof text, "explain %s", words);
	for (char *word = strtok(text, " "); word && count < 16; word = strtok(NULL, " "))
		args[count++] = word;
	return explain_args_parse(count, args, out, complaint);
}

static void
test_args(void)
{
	static const struct {
		const char *words, *complaint;
	} bad[] = {
		{ "", "usage" },
		{ "a.test", "usage" },
		{ "a..test A", "no domain name" },
		{ "a.test WHAT", "no type" },
		{ "a.test OPT", "no type" },
		{ "a.test A b", "one argument too many" },
		{ "a.test A --client", "needs a value" },
		{ "a.test A --client 192.0.2", "no address" },
		{ "a.test A --client 192.0.2.0/24", "no address" },
		{ "a.test A --ecs 192.0.2.0/33", "no prefix" },
		{ "a.test A --ecs 2001:db8::/129", "no prefix" },
		{ "a.test A --ecs 192.0.2.0/", "no prefix" },
		{ "a.test A --ecs /24", "no prefix" },
		{ "a.test A --down 192.0.2.1", "knows no" },
	};
	char complaint[EXPLAIN_COMPLAINT_MAX];
	struct explain_question question;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		bool taken = parse(bad[i].words, &question, complaint);

		ok(!taken && strstr(complaint, bad[i].complaint), "'%s': %s",
		   bad[i].words, taken ? "taken" : complaint);
	}
	ok(parse("--tcp WWW.example.com --ecs 203.0.113.255/20 aaaa --do --client ::1",
		 &question, complaint),
	   "options anywhere");
	ok(question.is_tcp && question.dnssec && question.type == RRTYPE_AAAA,
	   "are taken");
	is_int(question.client.subnet.source_len, 20, "a length");
	is_int(question.client.subnet.address[2], 112, "bits behind it are cleared");
	is_int(question.client.subnet.address[3], 0, "all of them");
	is_int(question.client.address.sin6_family, AF_INET6, "the sender");
	ok(parse("a. A --ecs 203.0.113.9", &question, complaint),
	   "a prefix without a length");
	is_int(question.client.subnet.source_len, 24, "is a /24");
	ok(parse("a. A --ecs 2001:db8::1", &question, complaint), "of IPv6");
	is_int(question.client.subnet.source_len, 56, "a /56");
	is_int(question.client.subnet.address[15], 0, "cut off");
}

static void
test_clients(void)
{
	static const struct {
		const char *line;
		int kind;
		double count;
	} lines[] = {
		{ "", 0, 0 },
		{ "  # 192.0.2.1", 0, 0 },
		{ "192.0.2.1", 1, 1 },
		{ " 192.0.2.1\t 5 ", 1, 5 },
		{ "192.0.2.1 5 # why", -1, 0 },
		{ "2001:db8::1 0.5\r", 1, 0.5 },
		{ "203.0.113.0/24 7", 1, 7 },
		{ "192.0.2.1 -1", -1, 0 },
		{ "192.0.2.1 nan", -1, 0 },
		{ "192.0.2.1 1e300", -1, 0 },
		{ "192.0.2.1 x", -1, 0 },
		{ "me", -1, 0 },
		{ "203.0.113.0/33", -1, 0 },
	};
	char line[64];

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct explain_client client;
		double count = 0;

		snprintf(line, sizeof line, "%s", lines[i].line);
		is_int(simulate_args_client(line, &client, &count), lines[i].kind,
		       "line '%s'", lines[i].line);
		if (lines[i].kind == 1)
			ok(count == lines[i].count, "line '%s': how many", lines[i].line);
	}
}

/* ---- events ---- */

static struct explainer explainer;
static char json_text[65536];

/* A steered RRset in memory: 192.0.2.`lasts[i]` with these weights. */
static struct block
make_steered(enum steered_count count, enum steered_order order, uint16_t first,
	     unsigned records, const uint8_t *lasts, const uint32_t *weights)
{
	static uint8_t payload[STEERING_LEN_MAX];
	static struct steering steering;
	uint8_t address[16];
	struct block block = {
		.head = { .kind = BLOCK_STEERED, .type = RRTYPE_A },
		.payload = payload,
	};

	steering_begin(&steering, RRTYPE_A);
	steering.count = count;
	steering.order = order;
	steering.first = first;
	for (unsigned i = 0; i < records; i++) {
		steered_address_of(RRTYPE_A, lasts[i], address);
		steering_add(&steering, address, weights[i]);
	}
	block.head.len = (uint32_t)steering_write(&steering, 60, payload);
	return block;
}

static const char *
tell(void)
{
	static struct settings settings;
	static struct heritage heritage = { .settings = &settings };
	static const struct explain_question question = { .type = RRTYPE_A };
	static struct zone_store store;
	static char no_text[] = "";
	struct json_out json;

	settings.redis.prefix = settings.redis.suffix = no_text;
	explainer.heritage = &heritage;
	explainer.store = &store;
	json_out_init(&json, json_text, sizeof json_text, NULL, NULL);
	json_out_begin_object(&json, NULL);
	explain_steps_print(&explainer, &question, NULL, &json);
	json_out_end_object(&json);
	if (json_out_finish(&json) != 0)
		bail_out("the steps do not fit");
	json_text[json.len] = '\0';
	return json_text;
}

static void
test_trace_bound(void)
{
	struct trace *trace = &explainer.trace;

	trace->count = 0;
	trace->is_full = false;
	for (unsigned i = 0; i < TRACE_MAX; i++)
		trace_value(trace, TRACE_NODATA, i);
	ok(!trace->is_full, "so many events fit");
	trace_value(trace, TRACE_NXDOMAIN, 0);
	ok(trace->is_full && trace->count == TRACE_MAX, "one more is only noted");
	is_int(trace->events[TRACE_MAX - 1].value, TRACE_MAX - 1, "and harms nothing");
	ok(strstr(tell(), "further steps are not shown") != NULL, "which is told");
	trace_value(NULL, TRACE_NODATA, 0);
	trace_chosen(NULL, NULL, 0);
	ok(true, "no trace, no event");
}

static void
test_texts(void)
{
	static const uint8_t lasts[] = { 1, 2, 3 }, name[] = "\3www\1z\4test";
	static const uint32_t weights[] = { 3, 1, 0 };
	static const char *const want[] = {
		"www.z.test. is in no zone that is served here",
		"CNAME: www.z.test. is next",
		("A: 3 records to choose from; count single, order weighted, geo_filter "
		 "none"),
		"the place of the sender is not known: no --client was given",
		"those that are up, or not known to be down: 192.0.2.1 192.0.2.2",
		"all are down, and none is kept: none",
		"only fallbacks are left: 192.0.2.3",
		"none matches, the default ones: 192.0.2.2",
		"192.0.2.2 is first in this draw: 3 below 4, sum of weights\"",
		"192.0.2.1 is first, without a draw",
		"\"step\":\"chosen\",\"text\":\"192.0.2.1 192.0.2.3\"",
		"the name has no such type",
		"does not fit: TC",
	};
	const struct block block =
		make_steered(STEERED_SINGLE, STEERED_WEIGHTED, 0, 3, lasts, weights);
	const struct client_place nobody = { .is_known = false };
	const uint64_t two[4] = { 3 }, none[4] = { 0 }, third[4] = { 4 },
		       second[4] = { 2 };
	const uint8_t chosen[] = { 2, 0 };
	struct trace *trace = &explainer.trace;
	const char *told;

	trace->count = 0;
	trace->is_full = false;
	trace_name(trace, TRACE_NO_ZONE, 0, name, sizeof name);
	trace_name(trace, TRACE_FOLLOW, RRTYPE_CNAME, name, sizeof name);
	trace_block(trace, TRACE_STEERED, SECTION_ANSWER, &block);
	trace_client(trace, &nobody);
	trace_step(trace, TRACE_HEALTH, TRACE_MATCHED, two, 1);
	trace_step(trace, TRACE_HEALTH, TRACE_KEPT_NONE, none, 1);
	trace_step(trace, TRACE_FALLBACK, TRACE_DEFAULT, third, 1);
	trace_step(trace, TRACE_COUNTRY, TRACE_DEFAULT, second, 1);
	trace_draw(trace, 1, 3, 4);
	trace_draw(trace, 0, 0, 0);
	trace_chosen(trace, chosen, 2);
	trace_value(trace, TRACE_NODATA, 0);
	trace_value(trace, TRACE_END, STEP_FULL);
	told = tell();
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		ok(strstr(told, want[i]) != NULL, "%s", want[i]) || (diag("%s", told), 0);
}

/* ---- what comes behind a request ---- */

static void
send_frame(int fd, uint8_t kind, const char *text, uint32_t len)
{
	const struct ctl_head head = {
		.magic_be = htons(CTL_MAGIC),
		.version = CTL_VERSION,
		.kind = kind,
		.len_be = htonl(len),
	};

	if (write(fd, &head, sizeof head) != sizeof head ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		bail_out("cannot send");
}

static void
test_input(void)
{
	static struct simulate_input input;
	char line[SIMULATE_LINE_MAX], octets[16];
	int fds[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		bail_out("no socket");
	send_frame(fds[0], CTL_INPUT, "a data", 6);
	send_frame(fds[0], CTL_INPUT, "base", 4);
	send_frame(fds[0], CTL_INPUT, "", 0);
	send_frame(fds[0], CTL_INPUT, "one\ntw", 6);
	send_frame(fds[0], CTL_INPUT, "o\n\nthree", 8);
	send_frame(fds[0], CTL_INPUT, "", 0);
	send_frame(fds[0], CTL_END, "", 0);
	simulate_input_open(&input, fds[1]);
	fd = simulate_input_save(&input);
	is_int(pread(fd, octets, sizeof octets, 0), 10, "a file is saved");
	close(fd);
	ok(simulate_input_line(&input, line), "a line");
	is(line, "one", "of the next one");
	ok(simulate_input_line(&input, line), "another");
	is(line, "two", "put together");
	ok(simulate_input_line(&input, line) && *line == '\0', "an empty one");
	ok(simulate_input_line(&input, line), "one without its end");
	is(line, "three", "whole");
	ok(!simulate_input_line(&input, line), "then none");
	simulate_input_drain(&input);
	ok(input.is_over && !input.is_failed, "and all is over");
	simulate_input_open(&input, fds[1]);
	send_frame(fds[0], CTL_REQUEST, "x", 1);
	ok(!simulate_input_line(&input, line) && input.is_failed, "what is no input");
	simulate_input_open(&input, fds[1]);
	send_frame(fds[0], CTL_INPUT, "", 1u << 31);
	fd = simulate_input_save(&input);
	ok(fd < 0 && input.is_failed, "more than a piece holds");
	simulate_input_open(&input, fds[1]);
	send_frame(fds[0], CTL_INPUT, "x", 9);
	close(fds[0]);
	ok(!simulate_input_line(&input, line) && input.is_failed, "a piece cut off");
	close(fds[1]);
}

/* ---- shares ---- */

/* Draw many times, and see how often each record is first and answered. */
static void
compare_shares(const struct steered *steered, unsigned set)
{
	struct explain_client nobody = { .has_address = false };
	unsigned first[STEERED_MAX] = { 0 }, answered[STEERED_MAX] = { 0 }, wrong = 0;
	struct client_place place = { .is_known = false };
	struct simulate_shares shares;
	struct steer_choice choice;
	struct steerer steerer;

	if (steerer_init(&steerer, NULL) != 0 ||
	    !simulate_shares_find(&steerer, steered, &nobody, true, &explainer.trace,
				  &shares))
		bail_out("no shares");
	steerer.trace = NULL;
	for (unsigned i = 0; i < DRAWS; i++) {
		if (!steer_choose(&steerer, steered, &place, &choice))
			bail_out("no choice");
		first[choice.records[0]] += choice.count > 0;
		for (unsigned at = 0; at < choice.count; at++)
			answered[choice.records[at]]++;
	}
	/* six standard deviations */
	for (unsigned i = 0; i < steered->rrset.head.rr_count; i++) {
		wrong += abs((int)(shares.first[i] * DRAWS) - (int)first[i]) > 430;
		wrong += abs((int)(shares.answered[i] * DRAWS) - (int)answered[i]) > 430;
	}
	is_int(wrong, 0, "set %u: shares are what draws come to", set);
}

static void
test_shares(void)
{
	for (unsigned set = 0; set < SETS; set++) {
		uint8_t lasts[RECORDS];
		uint32_t weights[RECORDS];
		unsigned count = 1 + draw(RECORDS);
		struct steered steered;
		struct block block;

		for (unsigned i = 0; i < count; i++) {
			lasts[i] = (uint8_t)(1 + draw(6));
			weights[i] = draw(3) ? draw(10) : 0;
		}
		block = make_steered((enum steered_count)draw(2),
				     (enum steered_order)draw(3), (uint16_t)draw(4),
				     count, lasts, weights);
		if (!steered_open(&block, &steered))
			bail_out("no RRset");
		compare_shares(&steered, set);
	}
}

int
main(void)
{
	draw_seed();
	test_args();
	test_clients();
	test_trace_bound();
	test_texts();
	test_input();
	test_shares();
	return done_testing();
}
