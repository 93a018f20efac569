/* Sketches and the board of what is asked for most, against an exact count: every figure
 * holds its bounds, whatever comes; a flood of random keys hides no heavy one, and random
 * names below an apex do not appear at all. */
#include "shm/sketch.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/dns.h"
#include "shm/node.h"
#include "t/draw.h"
#include "t/tap.h"
#include "worker/noter.h"

enum { KEYS = 3000, SKETCHES = 6, STEPS = 60000, ROUNDS = 12 };

static uint64_t keys[KEYS], exact[KEYS], exact_marked[KEYS];

static uint64_t
draw64(void)
{
	uint64_t drawn = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);

	return drawn ? drawn : 1;
}

/* Few keys come often, most seldom: number n about as 1/n, and some always new. */
static unsigned
draw_key(unsigned keys_used)
{
	unsigned below = 1 + draw(keys_used);

	return draw(below);
}

static unsigned
index_of(uint64_t key)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (keys[i] == key)
			return i;
	return KEYS;
}

/* ---- sketches alone ---- */

struct faults {
	unsigned unknown, low, high, marked, disordered, missed;
};

static void
check_sums(const struct sketch_sum *sums, unsigned count, struct faults *faults)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned key = index_of(sums[i].key);

		if (key == KEYS) {
			faults->unknown++;
			continue;
		}
		faults->low += sums[i].low > exact[key];
		faults->high += sums[i].high < exact[key];
		faults->marked += sums[i].marked > exact_marked[key];
		faults->disordered += i > 0 && sums[i].low > sums[i - 1].low;
	}
}

/* The least count of a full set: no key without an entry was counted more often. */
static uint64_t
least_of(const struct sketch *sketch, uint64_t key)
{
	const struct sketch_set *set = &sketch->sets[key % SKETCH_SETS];
	uint64_t least = UINT64_MAX;

	for (unsigned way = 0; way < SKETCH_WAYS; way++)
		if (set->count[way] < least)
			least = set->count[way];
	return least;
}

static void
check_missing(const struct sketch_sum *sums, unsigned count,
	      const struct sketch *const *sketches, unsigned parts, struct faults *faults)
{
	bool is_told[KEYS + 1] = { false };

	for (unsigned i = 0; i < count; i++)
		is_told[index_of(sums[i].key)] = true;
	for (unsigned i = 0; i < KEYS; i++) {
		uint64_t most = 0;

		for (unsigned k = 0; k < parts; k++)
			most += least_of(sketches[k], keys[i]);
		faults->missed += !is_told[i] && exact[i] > most;
	}
}

static void
test_sketches(void)
{
	static struct sketch sketches[SKETCHES];
	const struct sketch *all[SKETCHES];
	static struct sketch_sum sums[SKETCHES * SKETCH_ENTRIES];
	struct faults faults = { 0 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned used = 1 + draw(KEYS), parts = 1 + draw(SKETCHES);
		int count;

		memset(exact, 0, sizeof exact);
		memset(exact_marked, 0, sizeof exact_marked);
		for (unsigned i = 0; i < KEYS; i++)
			keys[i] = draw64();
		for (unsigned i = 0; i < SKETCHES; i++) {
			sketch_clear(&sketches[i]);
			all[i] = &sketches[i];
		}
		for (unsigned i = 0; i < STEPS; i++) {
			unsigned key = draw_key(used), entry;
			uint32_t weight = draw(2) ? 1 : 16;
			struct sketch *sketch = &sketches[draw(parts)];
			bool is_marked = draw(3) == 0, is_new;

			entry = sketch_add(sketch, keys[key], weight, is_marked, &is_new);
			if (is_new)
				sketch_set_key(sketch, entry, keys[key]);
			exact[key] += weight;
			exact_marked[key] += is_marked ? weight : 0;
		}
		count = sketch_sum(all, parts, sums, SKETCHES * SKETCH_ENTRIES);
		ok(count > 0, "%u keys in %u sketches: %d are told", used, parts, count);
		check_sums(sums, (unsigned)count, &faults);
		check_missing(sums, (unsigned)count, all, parts, &faults);
	}
	is_int(faults.unknown, 0, "no key that was not there");
	is_int(faults.low, 0, "none was counted less often than at least");
	is_int(faults.high, 0, "nor more often than at most");
	is_int(faults.marked, 0, "marks are never too many");
	is_int(faults.disordered, 0, "the first is the most frequent");
	is_int(faults.missed, 0, "none that is frequent is missing");
}

/* ---- the board ---- */

enum { NAMES = 40, BATCH = 64, NODE_LEN = 64 };

/* Nodes that have a head and an owner. */
static _Alignas(16) uint8_t nodes[NAMES][NODE_LEN];
static struct sockaddr_in6 clients[BATCH];
static uint8_t packets[BATCH][QUERY_HEADER_LEN];
static struct query queries[BATCH];
static struct top_board board;
static struct noter noter;

/* "n<number>.test.", or "test." itself for number 0. */
static void
make_node(unsigned number)
{
	char label[16];
	uint8_t owner[32] = { 0 };
	unsigned len = (unsigned)snprintf(label, sizeof label, "n%u", number), at = 0;
	struct node_head head = { .node_len = NODE_LEN };

	if (number > 0) {
		owner[at++] = (uint8_t)len;
		memcpy(owner + at, label, len);
		at += len;
	}
	memcpy(owner + at, "\4test", 6);
	head.owner_len = (uint8_t)(at + 6);
	memcpy(nodes[number], &head, sizeof head);
	memcpy(nodes[number] + sizeof head, owner, sizeof owner);
}

static void
fill(unsigned slot, unsigned name, bool is_nxdomain, uint32_t ipv4)
{
	struct query *q = &queries[slot];
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ipv4) };

	memcpy(&clients[slot], &in, sizeof in);
	q->packet = packets[slot];
	q->packet[3] = is_nxdomain ? RCODE_NXDOMAIN : RCODE_NOERROR;
	q->response_len = 100;
	q->verdict = QUERY_LOOKUP;
	q->client = &clients[slot];
	q->apex = nodes[0];
	q->closest = nodes[name];
}

static unsigned
name_of(const struct top_entry *entry)
{
	for (unsigned i = 0; i < NAMES; i++) {
		struct node_head head;

		memcpy(&head, nodes[i], sizeof head);
		if (head.owner_len == entry->name.len &&
		    memcmp(nodes[i] + sizeof head, entry->name.name, entry->name.len) ==
			    0)
			return i;
	}
	return NAMES;
}

static bool
is_within(const struct top_entry *entry, uint64_t truth)
{
	uint64_t off =
		entry->queries > truth ? entry->queries - truth : truth - entry->queries;

	return off <= entry->error;
}

/* Batches of random size from random names and clients; *total receives how many queries. */
static void
send_batches(unsigned batches, uint64_t *now_ns, uint64_t step_ns, uint64_t names[NAMES],
	     uint64_t *total)
{
	*total = 0;
	for (unsigned i = 0; i < batches; i++) {
		unsigned count = 1 + draw(draw(2) ? BATCH : 8);

		for (unsigned k = 0; k < count; k++) {
			unsigned name = draw(1 + draw(NAMES));

			fill(k, name, name == 0, draw(4) ? 1 : draw(UINT32_MAX));
			names[name]++;
		}
		noter_take(&noter, queries, count, *now_ns);
		*now_ns += step_ns;
		*total += count;
	}
}

static void
test_board(uint64_t step_ns, const char *what)
{
	const struct top_window *windows[TOP_WINDOWS];
	struct top_entry told[SKETCH_ENTRIES];
	uint64_t names[NAMES] = { 0 }, total, noted = 0;
	uint64_t now_ns = UINT64_C(1000000000000);
	unsigned count, unknown = 0, off = 0;
	int found;

	noter_init(&noter, &board, (struct hash_seed){ draw64(), draw64() });
	send_batches(2000, &now_ns, step_ns, names, &total);
	count = top_board_windows(&board, now_ns, windows);
	for (unsigned i = 0; i < count; i++)
		noted += atomic_load(&windows[i]->queries);
	is_int(noted, total, "%s: every query is there", what);
	found = top_board_list(windows, count, TOP_NAMES, told, SKETCH_ENTRIES);
	for (int i = 0; i < found; i++) {
		unsigned name = name_of(&told[i]);

		unknown += name == NAMES;
		off += name < NAMES && !is_within(&told[i], names[name]);
	}
	ok(found > NAMES / 2, "%s: %d names", what, found);
	is_int(unknown, 0, "%s: no other", what);
	ok(off <= 1, "%s: %u of them beyond their error", what, off);
	found = top_board_list(windows, count, TOP_ZONES, told, SKETCH_ENTRIES);
	is_int(found, 1, "%s: one zone", what);
	ok(is_within(&told[0], total), "%s: %llu of %llu queries, within %llu", what,
	   (unsigned long long)told[0].queries, (unsigned long long)total,
	   (unsigned long long)told[0].error);
	ok(told[0].nxdomain <= names[0] + told[0].error &&
		   told[0].nxdomain + told[0].error >= names[0],
	   "%s: and its NXDOMAIN", what);
	found = top_board_list(windows, count, TOP_SOURCES, told, SKETCH_ENTRIES);
	ok(found > 0 && told[0].queries > total / 2 && told[0].queries < total,
	   "%s: the client that asks most", what);
	count = top_board_windows(&board, now_ns + UINT64_C(12000000000), windows);
	is_int(count, 0, "%s: forgotten after 12 s", what);
}

/* A flood of random names from random sources, which do not exist. */
static void
test_flood(void)
{
	enum { BATCHES = 5000 };
	const struct top_window *windows[TOP_WINDOWS];
	struct top_entry told[SKETCH_ENTRIES];
	uint64_t now_ns = UINT64_C(4000000000000);
	unsigned count;
	int found;

	noter_init(&noter, &board, (struct hash_seed){ draw64(), draw64() });
	for (unsigned i = 0; i < BATCHES; i++) {
		for (unsigned k = 0; k < BATCH; k++)
			fill(k, k == 0 ? 7 : 0, k != 0, k == 1 ? 99 : draw(UINT32_MAX));
		noter_take(&noter, queries, BATCH, now_ns);
		now_ns += 100000;
	}
	count = top_board_windows(&board, now_ns, windows);
	found = top_board_list(windows, count, TOP_NAMES, told, SKETCH_ENTRIES);
	is_int(found, 2, "a flood of random names: two that exist are told");
	is_int(name_of(&told[0]), 0, "their closest encloser");
	ok(is_within(&told[0], (uint64_t)BATCHES * (BATCH - 1)) &&
		   told[0].nxdomain == told[0].queries,
	   "for all of them");
	is_int(name_of(&told[1]), 7, "and the one that others ask for");
	ok(is_within(&told[1], BATCHES), "as often as they do");
	found = top_board_list(windows, count, TOP_SOURCES, told, 1);
	is_int(found, 1, "random sources");
	ok(memcmp((uint8_t *)&told[0].source + 4, "\0\0\0\143", 4) == 0 &&
		   is_within(&told[0], BATCHES),
	   "and hide none that asks more: %llu, within %llu",
	   (unsigned long long)told[0].queries, (unsigned long long)told[0].error);
}

int
main(void)
{
	draw_seed();
	for (unsigned i = 0; i < NAMES; i++)
		make_node(i);
	test_sketches();
	test_board(UINT64_C(4000000), "seldom");
	test_board(UINT64_C(100000), "often");
	test_flood();
	return done_testing();
}
