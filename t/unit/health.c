/* What the prober is made of, without a network: which addresses are denied, what is due,
 * the counter, the mass guard, status keys. */
#include <stdlib.h>
#include <string.h>

#include "loader/health/deny_list.h"
#include "loader/health/due_queue.h"
#include "loader/health/health_rule.h"
#include "loader/health/mass_guard.h"
#include "loader/health/status_item.h"
#include "t/tap.h"

/* ---- health.deny ---- */

static bool
is_denied(const struct deny_list *list, const char *text)
{
	struct network address;

	if (!network_parse(text, &address))
		bail_out("%s", text);
	return deny_list_holds(list, address.octets);
}

static void
test_deny(void)
{
	static char texts[][20] = { "127.0.0.0/8", "::1", "169.254.0.0/16", "fe80::/10",
				    "0.0.0.0/8",   "::",  "224.0.0.0/4",    "ff00::/8" };
	char *items[sizeof texts / sizeof *texts];
	const struct setting_texts defaults = { sizeof texts / sizeof *texts, items };
	static const char *const denied[] = {
		"127.0.0.1",
		"127.255.255.255",
		"::1",
		"::",
		"0.0.0.0",
		"169.254.169.254",
		"224.0.0.1",
		"239.255.255.255",
		"ff02::1",
		"fe80::1",
		"febf::1",
		"::ffff:127.0.0.1",
		"::ffff:169.254.169.254",
		"::127.0.0.1",
		"64:ff9b::127.0.0.1",
		"64:ff9b::a9fe:a9fe",
		"64:ff9b:1::7f00:1",
		"2002:7f00:1::1",
		"2002:a9fe:a9fe::",
		"::ffff:0:127.0.0.1",
		"2001:db8::5efe:127.0.0.1",
		"2001:db8::200:5efe:127.0.0.1",
		"2001:0:c000:201:0:0:80ff:fffe",
	};
	static const char *const allowed[] = {
		"192.0.2.1",          "126.255.255.255",  "128.0.0.0",
		"2001:db8::1",        "fec0::1",          "::ffff:192.0.2.1",
		"64:ff9b::192.0.2.1", "2002:c000:201::1", "223.255.255.255",
	};
	struct deny_list list;

	for (size_t i = 0; i < defaults.count; i++)
		items[i] = texts[i];
	is_int(deny_list_init(&list, &defaults), 0, "the default");
	is_int(list.count, defaults.count, "all of it");
	for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
		ok(is_denied(&list, denied[i]), "%s is denied", denied[i]);
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		ok(!is_denied(&list, allowed[i]), "%s is not", allowed[i]);
	deny_list_fini(&list);
}

static void
test_networks(void)
{
	static const char *const bad[] = { "",           "1.2.3",  "1.2.3.4/33",
					   "1.2.3.4/",   "::/129", "1.2.3.4/-1",
					   "1.2.3.4/1x", "x",      "::1/0000" };
	struct network network;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!network_parse(bad[i], &network), "'%s' is no network", bad[i]);
	ok(network_parse("10.1.2.3/8", &network) && network.len == 104 &&
		   network.octets[13] == 0,
	   "bits behind the prefix do not count");
	ok(network_has_rest("10.1.2.3/8") && network_has_rest("2001:db8::1/64") &&
		   network_has_rest("::ffff:10.0.0.1/127"),
	   "but it can be asked whether there are any");
	ok(!network_has_rest("10.0.0.0/8") && !network_has_rest("10.1.2.3") &&
		   !network_has_rest("::1/128") && !network_has_rest("::/0") &&
		   !network_has_rest("x"),
	   "and whether there are none");
}

/* ---- what is due ---- */

static void
test_turns(void)
{
	unsigned wrong = 0, early = 0;

	is_int(due_queue_next(1000, 500, 20), 1020, "within the interval");
	is_int(due_queue_next(1020, 500, 20), 1520, "the next one");
	is_int(due_queue_next(1000, 500, 520), 1020, "a phase of any size");
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t key = (uint64_t)random() << 32 | (uint64_t)random();
		uint64_t due = due_queue_next(777777, 10000, key);

		wrong += due <= 777777 || due > 787777 || due % 10000 != key % 10000;
		early += due <= 782777;
	}
	is_int(wrong, 0, "each at its own moment");
	ok(early > 4700 && early < 5300, "spread evenly: %u of 10000 in one half", early);
}

enum { ENTRIES = 2000, STEPS = 20000 };

static void
test_queue(void)
{
	static struct due_entry entries[ENTRIES];
	struct due_queue queue = { 0 };
	uint64_t last = 0;
	unsigned wrong = 0, left = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		struct due_entry *entry = &entries[random() % ENTRIES];

		if (random() % 3 == 0)
			due_queue_drop(&queue, entry);
		else if (due_queue_put(&queue, entry, (uint64_t)random() % 100000) != 0)
			bail_out("no memory");
	}
	for (unsigned i = 0; i < ENTRIES; i++)
		left += entries[i].place != 0;
	is_int(queue.count, left, "as many as were put");
	while (due_queue_first(&queue)) {
		struct due_entry *first = due_queue_first(&queue);

		wrong += first->due_ms < last;
		last = first->due_ms;
		due_queue_drop(&queue, first);
		left--;
	}
	is_int(wrong, 0, "they come in order");
	is_int(left, 0, "all of them");
	due_queue_fini(&queue);
}

/* ---- the counter ---- */

static void
test_rule(void)
{
	static const struct {
		int status;
		const char *outcomes; /* + and - */
		int want;
	} cases[] = {
		{ 0, "+", 1 },  { 0, "++", 2 },   { 0, "+++++", 3 },
		{ 3, "-", -1 }, { 3, "--", -2 },  { 3, "-----", -3 },
		{ -3, "+", 1 }, { -1, "+", 1 },   { 2, "-", -1 },
		{ 0, "-", -1 }, { 0, "---", -3 }, { 3, "-+-+-", -1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int status = cases[i].status;

		for (const char *at = cases[i].outcomes; *at; at++)
			status = health_rule_next(status, *at == '+', 3, -3);
		is_int(status, cases[i].want, "%d, then %s", cases[i].status,
		       cases[i].outcomes);
	}
}

/* ---- the mass guard ---- */

static void
test_guard(void)
{
	struct mass_guard guard = { .share = 0.5, .window_ms = 1000 };
	unsigned begun = 0;

	for (unsigned i = 0; i < 19; i++)
		begun += mass_guard_fall(&guard, 100 + i, 19);
	is_int(begun, 0, "less than 20 targets are few");
	for (unsigned i = 0; i < 40; i++)
		begun += mass_guard_fall(&guard, 10000 + 101 * i, 20);
	is_int(begun, 0, "one after the other is no mass");
	for (unsigned i = 0; i < 10; i++)
		begun += mass_guard_fall(&guard, 30000 + i, 20);
	is_int(begun, 0, "half of them is not more than half");
	ok(mass_guard_fall(&guard, 30010, 20) && guard.is_holding, "one more is");
	ok(!mass_guard_fall(&guard, 30011, 20), "it begins once");
	ok(!mass_guard_is_over(&guard, 11, 20), "it lasts while more than half fail");
	ok(mass_guard_is_over(&guard, 10, 20) && !guard.is_holding, "and ends");
	ok(!mass_guard_is_over(&guard, 0, 20), "once");
	free(guard.falls);
	guard = (struct mass_guard){ .share = 1, .window_ms = 1000 };
	for (unsigned i = 0; i < 1000; i++)
		begun += mass_guard_fall(&guard, 1, 100);
	ok(guard.count == 1000, "a ring that grows");
	free(guard.falls);
}

/* ---- status keys ---- */

static void
test_times(void)
{
	static const struct {
		const char *text;
		int64_t want_ms; /* -1: no time */
	} cases[] = {
		{ "1970-01-01T00:00:01Z", 1000 },
		{ "2026-11-21T01:59:24.957173653Z", INT64_C(1795226364957) },
		{ "2026-11-21T03:59:24.9+02:00", INT64_C(1795226364900) },
		{ "2026-11-20T20:29:24-05:30", INT64_C(1795226364000) },
		{ "0001-01-01T00:00:00Z", INT64_C(-62135596800000) },
		{ "2026-11-21 01:59:24Z", -1 },
		{ "2026-13-21T01:59:24Z", -1 },
		{ "2026-11-21T25:59:24Z", -1 },
		{ "2026-11-21T01:59:24", -1 },
		{ "2026-11-21T01:59:24.Z", -1 },
		{ "2026-11-21T01:59:24Zx", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t got = -1;

		if (!status_item_read_time(cases[i].text, &got))
			got = -1;
		ok(got == cases[i].want_ms, "'%s': %lld", cases[i].text, (long long)got);
	}
}

static void
test_items(void)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"3",
		"{\"status\":1}",
		"{\"lastcheck\":\"2026-11-21T01:59:24Z\"}",
		"{\"status\":\"1\",\"lastcheck\":\"2026-11-21T01:59:24Z\"}",
		"{\"status\":1,\"lastcheck\":5}",
		"{\"status\":1,\"lastcheck\":\"2026-11-21T01:59:24Z\\u0000\"}",
		"{\"status\":1.5,\"lastcheck\":\"2026-11-21T01:59:24Z\"}",
		"{\"status\":1,\"lastcheck\":\"2026-11-21T01:59:24Z\"",
	};
	static const char redins[] =
		"{\"protocol\":\"http\",\"uri\":\"/\",\"port\":80,\"status\":3,"
		"\"lastcheck\":\"2026-11-21T01:59:24.957173653Z\",\"timeout\":500,"
		"\"up_count\":3,\"down_count\":-3,\"enable\":true,\"domain_uuid\":\"d-"
		"1\"}";
	struct status_item item = { 0 }, back = { 0 };
	struct health_check check = { .protocol = HEALTH_HTTP };
	char text[STATUS_ITEM_MAX], key[STATUS_KEY_MAX];
	const uint8_t v4[16] = { [10] = 255, [11] = 255, 192, 0, 2, 1 };
	const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	size_t len;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!status_item_read(bad[i], strlen(bad[i]), &item), "no item: %s",
		   bad[i]);
	ok(status_item_read(redins, sizeof redins - 1, &item) && item.status == 3 &&
		   item.checked_ms == INT64_C(1795226364957),
	   "redins's item");
	health_check_settle(&check);
	item.status = -2;
	len = status_item_write(&check, &item, text);
	ok(status_item_read(text, len, &back) && back.status == -2 &&
		   back.checked_ms == item.checked_ms,
	   "ours comes back: %.*s", (int)len, text);
	len = status_item_key("p_", "_s", "www.example.com.", v4, key);
	is(key, "p_redins:healthcheck:www.example.com.:192.0.2.1_s", "a key");
	is_int(len, strlen(key), "its length");
	(void)status_item_key("", "", ".", v6, key);
	is(key, "redins:healthcheck:.:2001:db8::1", "of IPv6");
}

int
main(void)
{
	test_deny();
	test_networks();
	test_turns();
	test_queue();
	test_rule();
	test_guard();
	test_times();
	test_items();
	return done_testing();
}
