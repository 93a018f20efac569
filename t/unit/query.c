/* Decoding of messages: what is looked up, refused, dropped, and with which limits. */
#include "worker/query_common.h"

#include <stdlib.h>
#include <string.h>

#include "shm/dns.h"
#include "t/tap.h"

#define QUESTION "\3WwW\7eXample\0\0\1\0\1"
#define OPT(size, version, flags) "\0\0\51" size "\0" version flags "\0\0\0"
#define HEADER(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar

#define MESSAGE(text) text, sizeof(text) - 1

static const struct {
	const char *what;
	const char *octets;
	size_t len;
	unsigned verdict, rcode, limit;
	uint32_t flags;
} cases[] = {
	{ "plain", MESSAGE(HEADER("\1\0", "\1", "\0", "\0", "\0") QUESTION), QUERY_LOOKUP,
	  0, 512, 0 },
	{ "header only, cut short", MESSAGE("\x12\x34\1\0\0\1\0\0\0\0\0"), QUERY_DROP, 0,
	  512, 0 },
	{ "a response", MESSAGE(HEADER("\x80\0", "\1", "\0", "\0", "\0") QUESTION),
	  QUERY_DROP, 0, 512, 0 },
	{ "no question", MESSAGE(HEADER("\0\0", "\0", "\0", "\0", "\0")), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "two questions",
	  MESSAGE(HEADER("\0\0", "\2", "\0", "\0", "\0") QUESTION QUESTION), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "question cut in its name",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") "\3ww"), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "question cut in its class",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") "\1a\0\0\1\0"), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "compressed question",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") "\xc0\x0c\0\1\0\1"), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "an answer in a query",
	  MESSAGE(HEADER("\0\0", "\1", "\1", "\0", "\0") QUESTION), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "octets behind the end",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") QUESTION "x"), QUERY_ERROR,
	  RCODE_FORMERR, 512, 0 },
	{ "EDNS",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1")
			  QUESTION OPT("\4\xd0", "\0", "\0")),
	  QUERY_LOOKUP, 0, 1232, QUERY_EDNS },
	{ "EDNS, 100 octets",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1")
			  QUESTION OPT("\0\144", "\0", "\0")),
	  QUERY_LOOKUP, 0, 512, QUERY_EDNS },
	{ "EDNS, 65535 octets, DO",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1")
			  QUESTION OPT("\xff\xff", "\0", "\x80")),
	  QUERY_LOOKUP, 0, 1232, QUERY_EDNS | QUERY_DO },
	{ "EDNS, all flags",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1")
			  QUESTION OPT("\4\xd0", "\0", "\xff")),
	  QUERY_LOOKUP, 0, 1232, QUERY_EDNS | QUERY_DO },
	{ "EDNS version 1",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1")
			  QUESTION OPT("\4\xd0", "\1", "\0")),
	  QUERY_ERROR, RCODE_BADVERS, 1232, QUERY_EDNS | QUERY_BADVERS },
	{ "two OPTs",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\2")
			  QUESTION OPT("\4\xd0", "\0", "\0") OPT("\4\xd0", "\0", "\0")),
	  QUERY_ERROR, RCODE_FORMERR, 1232, QUERY_EDNS },
	{ "OPT in authority",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\1", "\0")
			  QUESTION OPT("\4\xd0", "\0", "\0")),
	  QUERY_ERROR, RCODE_FORMERR, 512, 0 },
	{ "OPT with a name",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1") QUESTION
		  "\1a" OPT("\4\xd0", "\0", "\0")),
	  QUERY_ERROR, RCODE_FORMERR, 512, 0 },
	{ "NSID and an unknown option",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1") QUESTION
		  "\0\0\51\4\xd0\0\0\0\0\0\12"
		  "\0\3\0\0"
		  "\xff\xf0\0\2xy"),
	  QUERY_LOOKUP, 0, 1232, QUERY_EDNS | QUERY_NSID },
#define ECS(len, rest)                                          \
	MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1") QUESTION \
		"\0\0\51\4\xd0\0\0\0\0\0" len rest)
	{ "a client subnet of IPv4", ECS("\13", "\0\10\0\7\0\1\30\0\300\0\2"),
	  QUERY_LOOKUP, 0, 1232, QUERY_EDNS | QUERY_ECS },
	{ "of 23 bits", ECS("\13", "\0\10\0\7\0\1\27\0\300\0\2"), QUERY_LOOKUP, 0, 1232,
	  QUERY_EDNS | QUERY_ECS },
	{ "of 22 bits, with one behind", ECS("\13", "\0\10\0\7\0\1\26\0\300\0\2"),
	  QUERY_LOOKUP, 0, 1232, QUERY_EDNS | QUERY_ECS_BAD },
	{ "of IPv6", ECS("\15", "\0\10\0\11\0\2\44\0\40\1\15\270\20"), QUERY_LOOKUP, 0,
	  1232, QUERY_EDNS | QUERY_ECS },
	{ "of no bits", ECS("\10", "\0\10\0\4\0\1\0\0"), QUERY_LOOKUP, 0, 1232,
	  QUERY_EDNS | QUERY_ECS },
	{ "of no family and no bits", ECS("\10", "\0\10\0\4\0\0\0\0"), QUERY_LOOKUP, 0,
	  1232, QUERY_EDNS | QUERY_ECS },
	{ "of another family", ECS("\11", "\0\10\0\5\0\3\10\0\1"), QUERY_LOOKUP, 0, 1232,
	  QUERY_EDNS | QUERY_ECS_BAD },
	{ "of 33 bits", ECS("\15", "\0\10\0\11\0\1\41\0\300\0\2\1\0"), QUERY_LOOKUP, 0,
	  1232, QUERY_EDNS | QUERY_ECS_BAD },
	{ "with a scope", ECS("\13", "\0\10\0\7\0\1\30\30\300\0\2"), QUERY_LOOKUP, 0,
	  1232, QUERY_EDNS | QUERY_ECS_BAD },
	{ "an octet short", ECS("\12", "\0\10\0\6\0\1\30\0\300\0"), QUERY_LOOKUP, 0, 1232,
	  QUERY_EDNS | QUERY_ECS_BAD },
	{ "an octet long", ECS("\14", "\0\10\0\10\0\1\30\0\300\0\2\0"), QUERY_LOOKUP, 0,
	  1232, QUERY_EDNS | QUERY_ECS_BAD },
	{ "cut in its head", ECS("\7", "\0\10\0\3\0\1\0"), QUERY_LOOKUP, 0, 1232,
	  QUERY_EDNS | QUERY_ECS_BAD },
	{ "two: the first one counts",
	  ECS("\23", "\0\10\0\7\0\1\30\0\300\0\2\0\10\0\4\0\7\0\0"), QUERY_LOOKUP, 0,
	  1232, QUERY_EDNS | QUERY_ECS },
	{ "option longer than the OPT",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1") QUESTION
		  "\0\0\51\4\xd0\0\0\0\0\0\4"
		  "\0\3\0\1"),
	  QUERY_ERROR, RCODE_FORMERR, 1232, QUERY_EDNS },
	{ "option cut in its head",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1") QUESTION
		  "\0\0\51\4\xd0\0\0\0\0\0\3"
		  "\0\3\0"),
	  QUERY_ERROR, RCODE_FORMERR, 1232, QUERY_EDNS },
	{ "a record cut short",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\1") QUESTION
		  "\0\0\51\4\xd0\0\0\0\0\0"),
	  QUERY_ERROR, RCODE_FORMERR, 512, 0 },
	{ "UPDATE", MESSAGE(HEADER("\x28\0", "\1", "\0", "\0", "\0") QUESTION),
	  QUERY_ERROR, RCODE_NOTIMP, 512, 0 },
	{ "opcode 15 with EDNS",
	  MESSAGE(HEADER("\x78\0", "\1", "\0", "\0", "\1")
			  QUESTION OPT("\4\xd0", "\0", "\0")),
	  QUERY_ERROR, RCODE_NOTIMP, 1232, QUERY_EDNS },
	{ "UPDATE that does not parse",
	  MESSAGE(HEADER("\x28\0", "\7", "\7", "\7", "\7") QUESTION), QUERY_ERROR,
	  RCODE_NOTIMP, 512, 0 },
	{ "NOTIFY", MESSAGE(HEADER("\x20\0", "\1", "\0", "\0", "\0") QUESTION),
	  QUERY_ERROR, RCODE_REFUSED, 512, 0 },
	{ "class CH",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") "\2id\6server\0\0\20\0\3"),
	  QUERY_CHAOS, 0, 512, 0 },
	{ "class HS", MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") "\1a\0\0\20\0\4"),
	  QUERY_ERROR, RCODE_REFUSED, 512, 0 },
	{ "AXFR", MESSAGE(HEADER("\0\0", "\1", "\0", "\0", "\0") "\1a\0\0\xfc\0\1"),
	  QUERY_ERROR, RCODE_REFUSED, 512, 0 },
	{ "IXFR with its SOA",
	  MESSAGE(HEADER("\0\0", "\1", "\0", "\1", "\0") "\1a\0\0\xfb\0\1"
							 "\xc0\x0c\0\6\0\1\0\0\0\0\0\0"),
	  QUERY_ERROR, RCODE_REFUSED, 512, 0 },
};

/* Behind the message stands what must not be taken for a part of it. */
static void
decode(struct query *q, const char *octets, size_t len, uint32_t flags)
{
	uint8_t *packet = malloc(QUERY_UDP_MIN);

	if (!packet)
		bail_out("no memory");
	memset(packet, 0, QUERY_UDP_MIN);
	memcpy(packet, octets, len);
	memset(q, 0, sizeof *q);
	q->packet = packet;
	q->received_len = (uint32_t)len;
	q->room = QUERY_MESSAGE_MAX; /* 512 of them are there: no more are touched */
	q->flags = flags;
	query_decode(q, 1232);
	query_place_question(q);
	free(packet);
	q->packet = NULL;
}

static void
test_cases(void)
{
	static struct query q;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		decode(&q, cases[i].octets, cases[i].len, 0);
		is_int(q.verdict, cases[i].verdict, "%s: verdict", cases[i].what);
		is_int(q.rcode, cases[i].rcode, "%s: rcode", cases[i].what);
		is_int(q.limit, cases[i].limit, "%s: limit", cases[i].what);
		is_int(q.flags, cases[i].flags, "%s: flags", cases[i].what);
	}
}

static void
test_question(void)
{
	static struct query q;

	decode(&q, cases[0].octets, cases[0].len, QUERY_TCP);
	is_int(q.limit, QUERY_MESSAGE_MAX, "TCP: a whole message");
	is_int(q.name_len, 13, "length of the name");
	cmp_mem(q.name, "\3www\7example", 13, "lower-cased");
	is_int(q.label_count, 2, "labels");
	is_int(query_suffix_len(&q, 1), 9, "the suffix of one label");
	cmp_mem(query_suffix(&q, 1), "\7example", 9, "and its octets");
	is_int(q.question_end, 12 + 13 + 4, "end of the question");
	is_int(name_place_suffix(&q.place, 4), 16, "where the message spells the suffix");
}

/* Every octet in every place: only A-Z is changed. */
static void
test_lower(void)
{
	static struct query q;
	uint8_t message[QUERY_HEADER_LEN + 66 + 4] = { 0, 0, 0, 0, 0, 1 };
	bool right = true;

	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t want =
			(uint8_t)(octet >= 'A' && octet <= 'Z' ? octet + 32 : octet);

		message[12] = 63;
		memset(message + 13, (int)octet, 63);
		memcpy(message + 76, "\0\0\1\0\1", 5);
		decode(&q, (const char *)message, 81, 0);
		for (unsigned i = 1; i <= 63; i++)
			right = right && q.name[i] == want;
		right = right && q.name[0] == 63 && q.name[64] == 0 &&
			q.verdict == QUERY_LOOKUP;
	}
	ok(right, "all 256 octets are lower-cased as RFC 4343 says");
}

/* 127 labels of one octet fill a name; one more is too long. */
static void
test_longest(void)
{
	static struct query q;
	uint8_t message[400] = { 0, 0, 0, 0, 0, 1 };

	for (unsigned i = 0; i < 128; i++)
		memcpy(message + 12 + 2 * i, "\1a", 2);
	memcpy(message + 12 + 254, "\0\0\1\0\1", 5);
	decode(&q, (const char *)message, 12 + 254 + 5, 0);
	is_int(q.label_count, 127, "127 labels");
	is_int(q.verdict, QUERY_LOOKUP, "are looked up");
	memcpy(message + 12 + 256, "\0\0\1\0\1", 5);
	memcpy(message + 12 + 254, "\1a", 2);
	decode(&q, (const char *)message, 12 + 256 + 5, 0);
	is_int(q.rcode, RCODE_FORMERR, "128 are malformed");
}

int
main(void)
{
	plan(0);
	test_cases();
	test_question();
	test_lower();
	test_longest();
	return done_testing();
}
