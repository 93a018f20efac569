/* The follower at a real Redis: what is written there is served here. */
#include "loader/redis/follow_serve.h"
#include "t/follow_bed.h"

static void
test_events(struct bed *bed)
{
	bed_write_zone(bed, "a.example.");
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 1"),
	   "a zone from nowhere");
	is_int(bed_served(bed, "a.example.", "a.example."), 2, "with SOA and NS");
	bed_do(bed, "HSET redins:zones:a.example. www " A2);
	ok(bed_until(bed, bed_serves, "www.a.example. a.example. 2"), "a changed label");
	bed_do(bed, "HDEL redins:zones:a.example. mail");
	ok(bed_until(bed, bed_serves, "mail.a.example. a.example. -1"),
	   "a label that is gone");
}

static void
test_stream(struct bed *bed)
{
	bed_do(bed, "MULTI");
	bed_do(bed, "HSET redins:zones:a.example. www " A1);
	bed_do(bed, "HSET redins:zones:a.example. new " A2);
	bed_do(bed, "XADD martlet:changes * zone a.example. label www label new");
	bed_do(bed, "EXEC");
	ok(bed_until(bed, bed_serves, "new.a.example. a.example. 2"),
	   "an entry of the stream");
	is_int(bed_served(bed, "www.a.example.", "a.example."), 1, "as a whole");
}

static bool
waits_for_entries(struct bed *bed, const char *what)
{
	(void)what;
	return bed->follow->is_waiting_entries;
}

/* While an entry is read another one comes that names the same zone, written otherwise. */
static void
test_spellings(struct bed *bed)
{
#define LONG(x) x x x x x x x x x x x x x x x x x x x x "." x x x x x x x x "."
	static const char lower[] = LONG("abc") LONG("abc") "example.";
	static const char upper[] = LONG("Abc") LONG("Abc") "example.";
	char want[500];

	ok(bed_until(bed, waits_for_entries, NULL), "an entry is waited for");
	bed_do(bed, "MULTI");
	bed_do(bed, "SADD redins:zones %s", lower);
	bed_do(bed, "SET redins:zones:%s:config {}", lower);
	bed_do(bed, "HSET redins:zones:%s www " A1, lower);
	bed_do(bed, "XADD martlet:changes * zone %s", lower);
	bed_do(bed, "EXEC");
	bed_do(bed, "XADD martlet:changes * zone %s", upper);
	snprintf(want, sizeof want, "www.%s %s 1", lower, lower);
	ok(bed_until(bed, bed_serves, want), "a zone in two spellings");
}

/* Publish an event whose key is followed by `len` octets more. */
static void
publish(struct bed *bed, const char *channel, size_t len)
{
	size_t head = strlen(channel);
	char *name = malloc(head + len);
	const struct redis_text words[3] = { { "PUBLISH", 7 },
					     { name, head + len },
					     { "hset", 4 } };

	if (!name)
		bail_out("no memory");
	memcpy(name, channel, head);
	memset(name + head, 'x', len);
	if (redis_link_send_words(bed->writer, 3, words) != 0 ||
	    !redis_link_receive(bed->writer, bed->arena))
		bail_out("PUBLISH: %s", redis_link_reason(bed->writer));
	free(name);
}

static void
test_large_events(struct bed *bed)
{
	enum { LEN = 5000000 };
	const struct follow *f = bed->follow;

	bed_write_zone(bed, "last.example.");
	ok(bed_until(bed, bed_serves, "www.last.example. last.example. 1"), "a zone");
	publish(bed, "__keyspace@0__:redins:zones:a.", LEN);
	bed_do(bed, "HSET redins:zones:last.example. www " A2);
	ok(bed_until(bed, bed_serves, "www.last.example. last.example. 2"),
	   "what comes behind an event of 5 MB is served");
	ok(f->fresh.names.pool_room + f->dirty.names.pool_room < LEN,
	   "what cannot be a zone's name is not kept");
}

/* The RRset of a name as octets; 0 without. */
static size_t
rrset_of(struct bed *bed, const char *name, const char *zone, uint8_t *out, size_t room)
{
	uint8_t origin[DNAME_MAX + NAME_PAD] = { 0 }, owner[DNAME_MAX + NAME_PAD] = { 0 };
	size_t origin_len = dname_from_text(zone, origin);
	size_t owner_len = dname_from_text(name, owner);
	struct zone_facts facts;
	struct rrset rrset;
	struct node node;

	if (live_zone(bed->live, origin, origin_len, &node) != 0 ||
	    !node_zone_facts(&node, &facts) ||
	    live_find(bed->live, facts.zone_id, owner, owner_len, &node) != 0 ||
	    !node_find_rrset(&node, 16, &rrset) || rrset.head.wire_len > room)
		return 0;
	memcpy(out, rrset.wire, rrset.head.wire_len);
	return rrset.head.wire_len;
}

/* Write change sets over two zones as fast as it goes. */
static pid_t
start_writer(struct bed *bed, unsigned count, unsigned serial_every)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bed->writer = redis_link_new(2000);
	bed_connect(bed);
	for (unsigned i = 0; i < count; i++) {
		char json[128];

		snprintf(json, sizeof json,
			 "{\"txt\":{\"ttl\":5,\"records\":[{\"text\":\"%u\"}]}}", i);
		bed_do(bed, "MULTI");
		bed_do(bed, "HSET redins:zones:a.example. t '%s'", json);
		bed_do(bed, "HSET redins:zones:b.example. t '%s'", json);
		if (serial_every && i % serial_every == 0)
			bed_do(bed, "HSET redins:zones:a.example. n%u '%s'", i, json);
		if (serial_every && i % serial_every == 0)
			bed_do(bed,
			       "XADD martlet:changes * zone a.example. label t label n%u "
			       "config 1 zone b.example. label t",
			       i);
		else
			bed_do(bed, "XADD martlet:changes * zone a.example. label t zone "
				    "b.example. label t");
		bed_do(bed, "EXEC");
	}
	_exit(0);
}

static bool
zone_says(struct bed *bed, const char *zone, const char *text)
{
	uint8_t wire[512];
	char name[64];
	size_t len;

	snprintf(name, sizeof name, "t.%s", zone);
	len = rrset_of(bed, name, zone, wire, sizeof wire);
	return memmem(wire, len, text, strlen(text)) != NULL;
}

/* Is this text, in the TXT record at t.a.example., served? */
static bool
says(struct bed *bed, const char *text)
{
	return zone_says(bed, "a.example.", text);
}

static bool
b_says(struct bed *bed, const char *text)
{
	return zone_says(bed, "b.example.", text);
}

static void
test_never_half(struct bed *bed)
{
	uint8_t a[512], b[512];
	unsigned seen = 0, halves = 0;
	uint64_t changes = region_source_get(&bed->region->source, SOURCE_redis_changes);
	pid_t writer;
	int status;

	bed_write_zone(bed, "b.example.");
	ok(bed_until(bed, bed_serves, "www.b.example. b.example. 1"), "a second zone");
	/* events alone promise nothing across zones */
	bed_do(bed, "CONFIG SET notify-keyspace-events ''");
	bed->settings.redis.notifications = false;
	bed->follow->notifications_on = true;
	writer = start_writer(bed, 3000, 3);
	while (waitpid(writer, &status, WNOHANG) == 0 || seen < 2) {
		size_t a_len, b_len;

		bed_turn(bed, 20);
		a_len = rrset_of(bed, "t.a.example.", "a.example.", a, sizeof a);
		b_len = rrset_of(bed, "t.b.example.", "b.example.", b, sizeof b);
		halves += a_len != b_len || memcmp(a, b, a_len) != 0;
		seen++;
	}
	is_int(halves, 0, "of 3000 sets over two zones none is seen half, in %u looks",
	       seen);
	ok(bed_until(bed, says, "2999"), "the last is served");
	is_int(bed_served(bed, "n2997.a.example.", "a.example."), 1,
	       "and what came before");
	is_int(rrset_of(bed, "t.b.example.", "b.example.", b, sizeof b),
	       rrset_of(bed, "t.a.example.", "a.example.", a, sizeof a), "of both zones");
	is_int(region_source_get(&bed->region->source, SOURCE_redis_gaps), 0,
	       "without a gap");
	changes = region_source_get(&bed->region->source, SOURCE_redis_changes) - changes;
	ok(changes >= 3000 && changes < 3010, "each entry is counted: %llu",
	   (unsigned long long)changes);
}

/* Write a text into a zone, with its entry of the stream; its id. */
static struct change_id
write_text(struct bed *bed, const char *zone, const char *text)
{
	struct change_id id = { 0 };
	char command[128];

	bed_do(bed,
	       "HSET redins:zones:%s t "
	       "'{\"txt\":{\"ttl\":5,\"records\":[{\"text\":\"%s\"}]}}'",
	       zone, text);
	snprintf(command, sizeof command, "XADD martlet:changes * zone %s label t", zone);
	if (!change_id_parse(redis_reply_text(bed_ask(bed, command)), &id))
		bail_out("no id");
	return id;
}

/* What is read of a zone is its present state: later entries about it are served with the
 * one at hand, and those that only name other zones wait, even when they are older. */
static void
test_order(struct bed *bed)
{
	const struct redis_text words[] = {
		{ "zone", 4 }, { "a.example.", 10 }, { "label", 5 }, { "t", 1 }
	};
	struct follow *f = bed->follow;
	struct change_id first = write_text(bed, "a.example.", "one");
	size_t bad = 0;

	write_text(bed, "b.example.", "two");
	write_text(bed, "a.example.", "three");
	change_set_clear(&f->set);
	if (change_set_add(&f->set, words, 4, first, &bad) != 0)
		bail_out("no set");
	is_int(follow_serve_set(f, CHANGE_STREAM, false), 0, "an entry is served");
	ok(says(bed, "three") && !b_says(bed, "two"),
	   "as a later one left its zone, before that of another zone between them");
	ok(change_id_compare(f->place.cursor, first) == 0, "but the cursor waits for it");
	ok(bed_until(bed, b_says, "two"), "which is served then");
	write_text(bed, "b.example.", "four");
	write_text(bed, "a.example.", "five");
	change_set_clear(&f->set);
	if (change_set_add_zone(&f->set, words[1]) != 0)
		bail_out("no set");
	is_int(follow_serve_set(f, CHANGE_DIGEST, false), 0, "a zone is compared");
	ok(says(bed, "five") && !b_says(bed, "four"),
	   "and served before an older entry about another zone");
	ok(bed_until(bed, b_says, "four"), "which follows");
}

int
main(void)
{
	struct bed bed;

	bed_start(&bed);
	test_events(&bed);
	test_stream(&bed);
	test_spellings(&bed);
	test_large_events(&bed);
	test_never_half(&bed);
	test_order(&bed);
	bed_close(&bed);
	return done_testing();
}
