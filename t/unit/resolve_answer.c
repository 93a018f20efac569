/* What is taken from a resolver's message and what is not; entries of the store; names and
 * times; whom to ask. */
#include "loader/resolve/resolve_answer.h"

#include <stdlib.h>
#include <string.h>

#include "loader/resolve/servers.h"
#include "loader/resolve/wanted.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/wire.h"
#include "t/tap.h"

static const uint8_t name[] = "\001a\004test";

/* ---- messages ---- */

struct maker {
	uint8_t bytes[8192];
	size_t len;
};

static void
put(struct maker *m, const void *bytes, size_t len)
{
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

static void
put_u16(struct maker *m, unsigned value)
{
	wire_put_u16(m->bytes + m->len, (uint16_t)value);
	m->len += 2;
}

/* "a.test" and so on; a name that begins with '@' is a pointer to the offset behind it. */
static void
put_name(struct maker *m, const char *text)
{
	uint8_t wire[DNAME_MAX];

	if (text[0] == '@')
		put_u16(m, 0xc000u | (unsigned)atoi(text + 1));
	else
		put(m, wire, dname_from_text(text, wire));
}

static void
begin(struct maker *m, const char *question, unsigned type, unsigned rcode)
{
	memset(m->bytes, 0, 12);
	m->len = 12;
	m->bytes[2] = FLAG_QR | FLAG_RD;
	m->bytes[3] = (uint8_t)(0x80 | rcode);
	m->bytes[5] = 1;
	put_name(m, question);
	put_u16(m, type);
	put_u16(m, CLASS_IN);
}

/* Its section: 6 answer, 8 authority. */
static size_t
begin_record(struct maker *m, unsigned section, const char *owner, unsigned type,
	     uint32_t ttl)
{
	wire_put_u16(m->bytes + section,
		     (uint16_t)(wire_get_u16(m->bytes + section) + 1));
	put_name(m, owner);
	put_u16(m, type);
	put_u16(m, CLASS_IN);
	wire_put_u32(m->bytes + m->len, ttl);
	m->len += 6;
	return m->len;
}

static void
end_record(struct maker *m, size_t from)
{
	wire_put_u16(m->bytes + from - 2, (uint16_t)(m->len - from));
}

static void
put_a(struct maker *m, const char *owner, uint32_t ttl, unsigned last)
{
	const uint8_t address[] = { 192, 0, 2, (uint8_t)last };
	size_t from = begin_record(m, 6, owner, TYPE_A, ttl);

	put(m, address, sizeof address);
	end_record(m, from);
}

static void
put_cname(struct maker *m, const char *owner, uint32_t ttl, const char *target)
{
	size_t from = begin_record(m, 6, owner, TYPE_CNAME, ttl);

	put_name(m, target);
	end_record(m, from);
}

static void
put_soa(struct maker *m, uint32_t ttl, uint32_t minimum)
{
	size_t from = begin_record(m, 8, "test", TYPE_SOA, ttl);

	put_name(m, "ns.test");
	put_name(m, "h.test");
	memset(m->bytes + m->len, 0, 16);
	wire_put_u32(m->bytes + m->len + 16, minimum);
	m->len += 20;
	end_record(m, from);
}

/* Read it in a block of its size. */
static const struct resolve_answer *
read_it(const struct maker *m, uint16_t type)
{
	static struct resolve_answer answer;
	uint8_t *exact = malloc(m->len);

	if (!exact)
		bail_out("no memory");
	memcpy(exact, m->bytes, m->len);
	resolve_answer_read(exact, m->len, name, sizeof name, type, &answer);
	free(exact);
	return &answer;
}

static void
is_failed(const struct maker *m, const char *reason)
{
	const struct resolve_answer *answer = read_it(m, TYPE_A);

	is_int(answer->verdict, RESOLVE_FAILED, "not believed: %s", reason);
	is(answer->reason, reason, "  for this reason");
}

static void
test_good(void)
{
	const struct resolve_answer *answer;
	struct maker m;

	begin(&m, "A.Test", TYPE_A, 0);
	put_a(&m, "other.test", 1, 66);
	put_a(&m, "@12", 300, 1);
	put_a(&m, "a.TEST", 60, 2);
	put_a(&m, "a.test", 90, 1);
	answer = read_it(&m, TYPE_A);
	is_int(answer->verdict, RESOLVE_ADDRESSES, "addresses");
	is_int(answer->address_count, 2, "two, of the name only");
	is_int(answer->addresses[7], 2, "in their order");
	is_int(answer->ttl, 60, "the least TTL");
	begin(&m, "a.test", TYPE_A, 0);
	put_a(&m, "c.test", 50, 3);
	put_cname(&m, "B.test", 20, "c.test");
	put_cname(&m, "@12", 90, "b.TEST");
	answer = read_it(&m, TYPE_A);
	is_int(answer->verdict, RESOLVE_ADDRESSES, "through CNAMEs in any order");
	is_int(answer->ttl, 20, "theirs counts");
	is_int(answer->name_count, 2, "they are kept");
	ok(memcmp(answer->names, "\001b\004test\000\001c\004test\000", 16) == 0,
	   "in lower case");
}

static void
test_none(void)
{
	const struct resolve_answer *answer;
	struct maker m;

	begin(&m, "a.test", TYPE_A, 0);
	answer = read_it(&m, TYPE_A);
	is_int(answer->verdict, RESOLVE_NODATA, "nothing at all");
	is_int(answer->ttl, 60, "for a minute");
	put_cname(&m, "a.test", 40, "b.test");
	put_soa(&m, 300, 30);
	answer = read_it(&m, TYPE_A);
	is_int(answer->verdict, RESOLVE_NODATA, "a CNAME, and no more");
	is_int(answer->ttl, 30, "as the SOA says");
	begin(&m, "a.test", TYPE_A, RCODE_NXDOMAIN);
	is_int(read_it(&m, TYPE_A)->verdict, RESOLVE_NXDOMAIN, "no such name");
}

static void
test_lies(void)
{
	struct maker m;

	begin(&m, "b.test", TYPE_A, 0);
	put_a(&m, "a.test", 60, 1);
	is_failed(&m, "answers another question");
	begin(&m, "a.test", TYPE_AAAA, 0);
	is_failed(&m, "answers another question");
	begin(&m, "a.test", TYPE_A, 0);
	m.bytes[5] = 2;
	is_failed(&m, "answers another question");
	begin(&m, "a.test", TYPE_A, 0);
	put_a(&m, "b.test", 60, 1);
	is_failed(&m, "answers with addresses of other names");
	begin(&m, "a.test", TYPE_A, 0);
	m.bytes[2] &= (uint8_t)~FLAG_QR;
	is_failed(&m, "answers with no answer");
	begin(&m, "a.test", TYPE_A, 0);
	m.bytes[2] |= FLAG_TC;
	is_failed(&m, "cuts its answer short, over TCP too");
	begin(&m, "a.test", TYPE_A, RCODE_SERVFAIL);
	is_failed(&m, "answers SERVFAIL");
	begin(&m, "a.test", TYPE_A, 0);
	put_cname(&m, "a.test", 60, "b.test");
	put_cname(&m, "b.test", 60, "a.test");
	is_failed(&m, "answers with a chain without end");
	begin(&m, "a.test", TYPE_A, 0);
	end_record(&m, begin_record(&m, 8, "test", TYPE_NS, 60));
	is_failed(&m, "answers with a referral: it is no resolver");
	m.len = 5;
	is_failed(&m, "answers with no DNS message");
}

static void
test_damage(void)
{
	struct maker m, cut;

	begin(&m, "a.test", TYPE_A, 0);
	put_cname(&m, "a.test", 60, "b.test");
	put_a(&m, "b.test", 60, 1);
	for (size_t len = 0; len < m.len; len++) {
		const struct resolve_answer *answer;

		cut = m;
		cut.len = len;
		answer = read_it(&cut, TYPE_A);
		if (answer->verdict != RESOLVE_FAILED)
			ok(false, "cut at %zu: %d", len, (int)answer->verdict);
	}
	begin(&m, "a.test", TYPE_A, 0);
	put_a(&m, "@24", 60, 1);
	is_failed(&m, "answers with a damaged message");
	begin(&m, "a.test", TYPE_A, 0);
	put_a(&m, "a.test", 60, 1);
	m.bytes[7] = 2;
	is_failed(&m, "answers with a damaged message");
	begin(&m, "a.test", TYPE_A, 0);
	begin_record(&m, 6, "a.test", TYPE_A, 60);
	put(&m, name, 5);
	wire_put_u16(m.bytes + m.len - 7, 5);
	is_failed(&m, "answers with a damaged message");
}

/* ---- names and times ---- */

static void
test_wanted(void)
{
	struct wanted_table table;
	uint64_t last = 0;
	unsigned count = 0;
	uint8_t octets[] = "\003xxx";

	if (wanted_init(&table) != ERR_OK)
		bail_out("no memory");
	for (unsigned i = 0; i < 3000; i++) {
		struct wanted *wanted;

		octets[1] = (uint8_t)('a' + i % 20);
		octets[2] = (uint8_t)('a' + i / 20 % 20);
		octets[3] = (uint8_t)('a' + i / 400);
		wanted = wanted_add(&table, octets, sizeof octets, i * 7919 % 1000);
		if (!wanted || wanted_find(&table, octets, sizeof octets) != wanted)
			bail_out("a name is lost");
		if (i % 3 == 0)
			wanted_put(&table, &wanted->lookups[WANTED_AAAA], i * 31 % 5000);
		if (i % 7 == 0)
			wanted_drop(&table, wanted);
	}
	is_int(table.count, 3000 - 429, "names stay and go");
	while (wanted_first(&table)) {
		struct wanted_lookup *lookup = wanted_first(&table);

		if (lookup->due_ms < last || wanted_of(lookup)->name_len != sizeof octets)
			break;
		last = lookup->due_ms;
		wanted_take(&table, lookup);
		count++;
	}
	is_int(count, 2 * (3000 - 429), "look-ups come in the order of their times");
	wanted_fini(&table);
}

static void
test_servers(void)
{
	struct servers s = { .count = 2 };
	unsigned down = 0;

	is_int(servers_choose(&s, 0, 1000), 0, "the first one");
	is_int(servers_choose(&s, 1, 1000), 1, "then the second");
	is_int(servers_choose(&s, 3, 1000), -1, "then none");
	for (unsigned i = 0; i < SERVERS_FAILURES; i++)
		down += servers_note_silence(&s, 0, 1000, 1400);
	is_int(down, 1, "three silences, and it is down");
	is_int(servers_choose(&s, 0, 1500), 1, "the second is the first then");
	is_int(servers_choose(&s, 0, 1400 + SERVERS_RETRY_MS), 0, "it is tried again");
	is_int(servers_choose(&s, 0, 1500 + SERVERS_RETRY_MS), 1, "by one question");
	ok(servers_note_answer(&s, 0, 9000), "it is back");
	is_int(servers_choose(&s, 0, 9000), 0, "and the first again");
	for (unsigned i = 0; i < SERVERS_FAILURES; i++)
		down += servers_note_silence(&s, 0, 8999, 9400);
	is_int(down, 1, "silence about a name while it answers for others is none");
	for (unsigned i = 0; i < 2 * SERVERS_FAILURES; i++)
		(void)servers_note_silence(&s, i % 2, 9500, 9900 + i);
	is_int(servers_down(&s), 2, "all are down");
	ok(servers_choose(&s, 0, 9950) >= 0, "one is asked all the same");
}

int
main(void)
{
	plan(0);
	test_good();
	test_none();
	test_lies();
	test_damage();
	test_wanted();
	test_servers();
	return done_testing();
}
