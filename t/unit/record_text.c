/* Stored nodes as text: pointers are followed, broken nodes are refused. */
#include <stdlib.h>
#include <string.h>

#include "loader/zone/record_text.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "t/tap.h"

/* A node in the making, one RRset block after the other. */
struct draft {
	uint8_t octets[4096];
	size_t len;
};

static void
put(struct draft *draft, const void *data, size_t len)
{
	if (draft->len + len > sizeof draft->octets)
		bail_out("the draft is full");
	memcpy(draft->octets + draft->len, data, len);
	draft->len += len;
}

static void
begin(struct draft *draft, const char *owner)
{
	uint8_t name[DNAME_MAX];
	struct node_head head = { 0 };

	head.owner_len = (uint8_t)dname_from_text(owner, name);
	head.label_count = (uint8_t)dname_label_count(name);
	draft->len = 0;
	put(draft, &head, sizeof head);
	put(draft, name, head.owner_len);
}

/* One RR: owner pointer, type, class IN, TTL 300, rdata. */
static size_t
put_record(uint8_t *out, uint16_t type, const uint8_t *rdata, size_t len)
{
	const uint8_t head[] = {
		0xc0, 0x0c, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0,
		1,    44,   (uint8_t)(len >> 8),  (uint8_t)len
	};

	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, rdata, len);
	return sizeof head + len;
}

struct rdata {
	const char *octets;
	size_t len;
};
#define RDATA(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

static void
add_rrset(struct draft *draft, uint16_t type, const struct rdata *rdata, size_t count,
	  const struct rdata *sig)
{
	struct rrset_head head = { .ttl = 300, .rr_count = (uint16_t)count };
	struct block_head block = { .kind = BLOCK_RRSET, .type = type };
	uint8_t wire[2048];
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += put_record(wire + len, type, (const uint8_t *)rdata[i].octets,
				  rdata[i].len);
	head.wire_len = (uint16_t)len;
	if (sig) {
		len += put_record(wire + len, RRTYPE_RRSIG, (const uint8_t *)sig->octets,
				  sig->len);
		head.sig_count = 1;
		head.sig_len = (uint16_t)(len - head.wire_len);
	}
	block.len = (uint32_t)(sizeof head + len);
	put(draft, &block, sizeof block);
	put(draft, &head, sizeof head);
	put(draft, wire, len);
}

/* An exact copy on the heap, so that reading one octet too far is seen. */
static struct node
finish(struct draft *draft, uint8_t **copy)
{
	uint32_t len = (uint32_t)draft->len;
	struct node node;

	memcpy(draft->octets, &len, sizeof len);
	*copy = malloc(draft->len);
	if (!*copy)
		bail_out("memory");
	memcpy(*copy, draft->octets, draft->len);
	if (!node_open(*copy, draft->len, &node))
		bail_out("the draft is no node");
	return node;
}

static void
is_texts(struct draft *draft, const char *const *want, size_t count, const char *what)
{
	struct record_texts texts = { 0 };
	uint8_t *copy;
	struct node node = finish(draft, &copy);

	is_int(record_texts_add_node(&texts, &node), 0, "%s: printed", what);
	is_int(texts.count, count, "%s: number of records", what);
	record_texts_sort(&texts);
	for (size_t i = 0; i < count && i < texts.count; i++)
		is(record_texts_get(&texts, i), want[i], "%s: record %zu", what, i);
	record_texts_free(&texts);
	free(copy);
}

static void
test_pointers(void)
{
	/* "www.example.com." behind a header: the apex stands at offset 16 */
	static const struct rdata mx[] = {
		RDATA("\0\012\4mail\300\020"),
		RDATA("\0\024\300\014"),
		RDATA("\0\036\5Backu\2ps\300\020"),
	};
	static const char *const want[] = {
		"www.example.com. 300 IN MX 10 mail.example.com.",
		"www.example.com. 300 IN MX 20 www.example.com.",
		"www.example.com. 300 IN MX 30 Backu.ps.example.com.",
	};
	struct draft draft;

	begin(&draft, "www.example.com.");
	add_rrset(&draft, RRTYPE_MX, mx, 3, NULL);
	is_texts(&draft, want, 3, "pointers");
}

static void
test_types(void)
{
	static const struct rdata a[] = { RDATA("\300\0\2\1"), RDATA("\300\0\2\2") };
	static const struct rdata txt = RDATA("\5a\"b;c\3\0\377x");
	static const struct rdata unknown = RDATA("\1\2\377");
	static const struct rdata empty = RDATA("");
	static const struct rdata rrsig =
		RDATA("\0\1\15\2\0\0\1\54\145\0\0\0\144\0\0\0\60\71\7example\3com\0sign");
	static const char *const want[] = {
		"*.Example.com. 300 IN A 192.0.2.1",
		"*.Example.com. 300 IN A 192.0.2.2",
		"*.Example.com. 300 IN RRSIG A 13 2 300 20230912060656 20230302014640 "
		"12345 "
		"example.com. c2lnbg==",
		"*.Example.com. 300 IN TXT \"a\\\"b;c\" \"\\000\\255x\"",
		"*.Example.com. 300 IN TYPE65280 \\# 3 0102FF",
		"*.Example.com. 300 IN TYPE65281 \\# 0",
	};
	struct draft draft;

	begin(&draft, "*.Example.com.");
	add_rrset(&draft, RRTYPE_TXT, &txt, 1, NULL);
	add_rrset(&draft, 65280, &unknown, 1, NULL);
	add_rrset(&draft, 65281, &empty, 1, NULL);
	add_rrset(&draft, RRTYPE_A, a, 2, &rrsig);
	is_texts(&draft, want, 6, "types");
}

static void
test_other_blocks(void)
{
	static const struct block_head block = { .kind = BLOCK_ERROR, .len = 3 };
	static const char *const none[1] = { NULL };
	struct draft draft;

	begin(&draft, ".");
	put(&draft, &block, sizeof block);
	put(&draft, "bad", 3);
	is_texts(&draft, none, 0, "a node without records");
}

static void
is_refused(struct draft *draft, const char *what)
{
	struct record_texts texts = { 0 };
	uint8_t *copy;
	struct node node = finish(draft, &copy);

	is_int(record_texts_add_node(&texts, &node), ERR_DAMAGED, "%s", what);
	record_texts_free(&texts);
	free(copy);
}

static void
test_damage(void)
{
	static const struct rdata far = RDATA("\0\012\377\377");
	static const struct rdata loop = RDATA("\0\012\300\056");
	static const struct rdata cut = RDATA("\300\0");
	struct draft draft;

	begin(&draft, "www.example.com.");
	add_rrset(&draft, RRTYPE_MX, &far, 1, NULL);
	is_refused(&draft, "a pointer beyond the RRset");
	begin(&draft, "www.example.com.");
	add_rrset(&draft, RRTYPE_MX, &loop, 1, NULL);
	is_refused(&draft, "a pointer to itself");
	begin(&draft, "www.example.com.");
	add_rrset(&draft, RRTYPE_A, &cut, 1, NULL);
	is_refused(&draft, "an address of two octets");
	begin(&draft, "www.example.com.");
	add_rrset(&draft, RRTYPE_OPT, &far, 1, NULL);
	is_refused(&draft, "a type that is no data");
	begin(&draft, "www.example.com.");
	put(&draft, &(struct block_head){ .kind = BLOCK_RRSET, .type = 1, .len = 2 }, 8);
	put(&draft, "xx", 2);
	is_refused(&draft, "a block too short for its head");
}

int
main(void)
{
	test_pointers();
	test_types();
	test_other_blocks();
	test_damage();
	return done_testing();
}
