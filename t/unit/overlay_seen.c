/* Copies of nodes: found as long as they are good, in their place as long as a batch. */
#include "worker/overlay_seen.h"

#include "shm/dname.h"
#include "t/tap.h"

enum { ZONE_ID = 7, HASH = 4711, COMMIT = 10 };

static struct overlay_seen seen;
static uint8_t bytes[2 * OVERLAY_SEEN_LEN];

static size_t
name_of(const char *text, uint8_t name[DNAME_MAX])
{
	return dname_from_text(text, name);
}

/* A node of that name, `len` octets longer than need be. */
static struct node
make_node(const char *text, size_t len)
{
	struct node_head head = { .zone_id = ZONE_ID };
	uint8_t name[DNAME_MAX];
	struct node node;

	head.owner_len = (uint8_t)name_of(text, name);
	head.node_len = (uint32_t)(sizeof head + head.owner_len + len);
	memset(bytes, (int)len, sizeof bytes);
	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + sizeof head, name, head.owner_len);
	if (!node_open(bytes, sizeof bytes, &node))
		bail_out("no node");
	return node;
}

static bool
find(uint64_t hash, uint64_t changed_in, const char *text, struct node *out)
{
	uint8_t name[DNAME_MAX];
	size_t len = name_of(text, name);

	return overlay_seen_find(&seen, hash, changed_in, ZONE_ID, name, len, out);
}

static void
test_good(void)
{
	struct node node = make_node("www.example", 100), out, again;

	ok(!find(HASH, 0, "www.example", &out), "nothing at first");
	overlay_seen_keep(&seen, HASH, COMMIT, &node);
	ok(node.bytes != bytes && memcmp(node.bytes, bytes, node.head.node_len) == 0,
	   "what is kept is a copy");
	seen.batch++;
	ok(find(HASH, COMMIT, "www.example", &out) && out.bytes == node.bytes &&
		   out.head.node_len == node.head.node_len,
	   "found when the line was last touched by what was seen");
	ok(find(HASH, COMMIT + 1, "www.example", &again) && again.bytes == out.bytes,
	   "for a batch, whatever is to come");
	ok(!find(HASH, COMMIT, "ftp.example", &out), "not for another name");
	ok(!find(HASH + 1, COMMIT, "www.example", &out), "not for another hash");
	seen.batch++;
	ok(!find(HASH, COMMIT + 1, "www.example", &out), "no more in the next one");
}

static void
test_place(void)
{
	const uint64_t other = HASH + OVERLAY_SEEN_COUNT;
	struct node node = make_node("a.example", 10), out;

	overlay_seen_keep(&seen, HASH, COMMIT, &node);
	node = make_node("b.example", 20);
	overlay_seen_keep(&seen, other, COMMIT, &node);
	ok(node.bytes == bytes, "a place that is in use is left alone");
	ok(find(HASH, 0, "a.example", &out), "with what stands there");
	seen.batch++;
	overlay_seen_keep(&seen, other, COMMIT, &node);
	ok(node.bytes != bytes && find(other, 0, "b.example", &out) &&
		   !find(HASH, 0, "a.example", &out),
	   "and is taken in the next batch");
}

static void
test_long(void)
{
	const size_t least = sizeof(struct node_head) + sizeof "\1c\7example";
	struct node node = make_node("c.example", OVERLAY_SEEN_NODE_MAX - least);

	seen.batch++;
	overlay_seen_keep(&seen, HASH, COMMIT, &node);
	ok(node.bytes != bytes, "the longest node is kept");
	node = make_node("c.example", OVERLAY_SEEN_NODE_MAX - least + 1);
	seen.batch++;
	overlay_seen_keep(&seen, HASH, COMMIT, &node);
	ok(node.bytes == bytes, "a longer one is not");
}

int
main(void)
{
	plan(12);
	overlay_seen_init(&seen);
	if (!seen.slots)
		bail_out("no memory");
	test_good();
	test_place();
	test_long();
	overlay_seen_fini(&seen);
	return done_testing();
}
