/* DNS cookies: the examples of RFC 9018, appendix A, SipHash's own, times, secrets, and
 * options of every length. */
#include "worker/cookie.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "shm/siphash.h"
#include "shm/wire.h"
#include "t/tap.h"
#include "worker/query_common.h"

enum { OPT_AT = 12 + 5, ROOM = 512 };

static struct stats_block stats;
static struct limit_config config;

static unsigned
from_hex(const char *text, uint8_t *out)
{
	unsigned len = 0, octet;

	for (; sscanf(text, "%2x", &octet) == 1; text += 2)
		out[len++] = (uint8_t)octet;
	return len;
}

static void
set_secrets(const char *first, const char *second)
{
	from_hex(first, config.secrets[0]);
	from_hex(second, config.secrets[1]);
	config.secret_count = second[0] ? 2 : 1;
}

static struct sockaddr_in6
client_at(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&in6, &in, sizeof in);
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		bail_out("%s", text);
	return in6;
}

/* The flags that a query with this cookie, in hexadecimal, gets; `out` what goes back. */
static uint32_t
take(const char *address, const char *cookie, uint32_t now_s, uint8_t out[24])
{
	struct sockaddr_in6 client = client_at(address);
	uint8_t packet[64];
	struct query q = { .packet = packet, .client = &client, .limit = 1232 };
	struct cookie_jar jar = { &config, now_s };

	q.flags = QUERY_COOKIE;
	q.cookie_at = 8;
	q.cookie_len = (uint8_t)from_hex(cookie, packet + 8);
	cookie_take(&jar, &q, 1, &stats);
	memcpy(out, q.cookie, 24);
	is_int(q.limit, 1232 - COOKIE_OPTION_LEN, "room is kept for it");
	return q.flags;
}

static void
check(const char *what, const char *address, const char *cookie, uint32_t now_s,
      bool is_valid, const char *returned)
{
	uint8_t want[24], got[24];
	uint32_t flags = take(address, cookie, now_s, got);

	is_int(from_hex(returned, want), 24, "%s", what);
	cmp_mem(got, want, 24, "  what goes back");
	is_int((flags & QUERY_COOKIE_VALID) != 0, is_valid, "  valid or not");
	ok(flags & QUERY_COOKIE_REPLY, "  it does go back");
}

static void
test_examples(void)
{
	set_secrets("e5e973e5a6b2a43f48e7dc849e37bfcf", "");
	check("A.1 a new client", "198.51.100.100", "2464c4abcf10c957", 0x5cf79f11, false,
	      "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
	check("A.2 the same later", "198.51.100.100",
	      "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 0x5cf7a871, true,
	      "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
	check("at once it stays", "198.51.100.100",
	      "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 0x5cf79f11 + 1800, true,
	      "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
	check("A.3 bits that are reserved", "203.0.113.203",
	      "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 0x5cf78f71 + 10, true,
	      "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
	check("A.3 and too old, a new one", "203.0.113.203",
	      "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 0x5cf7a9ac, false,
	      "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
	set_secrets("445536bcd2513298075a5d379663c962",
		    "dd3bdf9344b678b185a6f5cb60fca715");
	check("A.4 IPv6, another secret", "2001:db8:220:1:59de:d0f4:8769:82b8",
	      "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 0x5cf7c609, true,
	      "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

static bool
is_valid(const char *address, const char *cookie, uint32_t now_s)
{
	uint8_t out[24];

	return take(address, cookie, now_s, out) & QUERY_COOKIE_VALID;
}

static void
test_validity(void)
{
	const char *address = "198.51.100.100",
		   *cookie = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
	uint32_t at = 0x5cf79f11;
	uint8_t made[24];
	char text[64] = "";

	set_secrets("e5e973e5a6b2a43f48e7dc849e37bfcf", "");
	ok(is_valid(address, cookie, at + 3600), "an hour old");
	ok(!is_valid(address, cookie, at + 3601), "older");
	ok(is_valid(address, cookie, at - 300), "of a clock that is 5 minutes fast");
	ok(!is_valid(address, cookie, at - 301), "of one that is faster");
	ok(!is_valid("198.51.100.101", cookie, at), "another's");
	ok(is_valid("::ffff:198.51.100.100", cookie, at), "the same client, mapped");
	ok(!is_valid(address, "2464c4abcf10c957020000005cf79f111f8130c3eee29480", at),
	   "another version");
	ok(!is_valid(address, "2464c4abcf10c957010000005cf79f111f8130c3eee29481", at),
	   "another hash");
	ok(!is_valid(address, "2464c4abcf10c957010000005cf79f111f8130c3", at),
	   "a short one");
	set_secrets("445536bcd2513298075a5d379663c962", "");
	ok(!is_valid(address, cookie, at), "of another secret");
	take(address, "0102030405060708", UINT32_MAX - 10, made);
	for (unsigned i = 0; i < 24; i++)
		sprintf(text + strlen(text), "%02x", made[i]);
	ok(is_valid(address, text, 20), "over the wrap of the time");
	ok(!is_valid(address, text, 3700), "and not for ever");
}

static uint64_t
hash(const uint8_t *key, const uint8_t *data, unsigned len)
{
	uint64_t rest = 0;
	struct siphash s;
	unsigned at = 0;

	siphash_init(&s, key);
	for (; len - at >= 8; at += 8)
		siphash_add(&s, siphash_piece(data + at));
	for (unsigned i = 0; at + i < len; i++)
		rest |= (uint64_t)data[at + i] << 8 * i;
	return siphash_end(&s, rest, len);
}

/* Appendix A of the paper: octets 0, 1, .. under the key 0, 1, .. 15. */
static void
test_siphash(void)
{
	static const struct {
		unsigned len;
		uint64_t hash;
	} cases[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },  { 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	uint8_t data[16];

	for (unsigned i = 0; i < 16; i++)
		data[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(hash(data, data, cases[i].len) == cases[i].hash,
		   "SipHash of %u octets", cases[i].len);
}

/* A query for "." with a cookie of `len` octets. */
static struct query *
decoded(unsigned len, unsigned behind)
{
	static uint8_t packet[ROOM + 64];
	static struct query q;
	uint8_t *at = packet + OPT_AT;

	memset(packet, 0, sizeof packet);
	packet[5] = packet[11] = 1;
	packet[14] = packet[16] = 1; /* A, IN */
	at[2] = 41;
	wire_put_u16(at + 3, 1232);
	wire_put_u16(at + 9, (uint16_t)(4 + len + behind));
	wire_put_u16(at + 11, COOKIE_OPTION);
	wire_put_u16(at + 13, (uint16_t)len);
	memset(&q, 0, sizeof q);
	q.packet = packet;
	q.room = ROOM;
	q.received_len = OPT_AT + 11 + 4 + len + behind;
	query_decode(&q, 1232);
	return &q;
}

static void
test_options(void)
{
	unsigned wrong = 0;

	for (unsigned len = 0; len < 80; len++) {
		const struct query *q = decoded(len, 0);
		bool is_good = len == 8 || (len >= 16 && len <= 40);

		wrong += is_good != ((q->flags & QUERY_COOKIE) != 0);
		wrong += is_good == ((q->flags & QUERY_COOKIE_BAD) != 0);
		wrong += is_good != (q->common == QUERY_COMMON);
		wrong += is_good && (q->cookie_at != OPT_AT + 15 || q->cookie_len != len);
		wrong += q->verdict != QUERY_LOOKUP;
	}
	is_int(wrong, 0, "cookies of 0 to 79 octets: 8, 16 to 40 are cookies");
	ok(decoded(16, 4)->flags & QUERY_COOKIE, "an option behind it");
	is_int(decoded(24, 4)->common, QUERY_COMMON, "changes nothing");
	is_int(decoded(24, 3)->rcode, 1, "half a one is FORMERR");
}

int
main(void)
{
	test_siphash();
	test_examples();
	test_validity();
	test_options();
	return done_testing();
}
