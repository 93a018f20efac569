/* Parts of steered RRsets, whole and damaged, put together octet by octet. */
#include "shm/steered.h"

#include "shm/health_target.h"
#include "shm/wire.h"
#include "t/tap.h"

enum { RECORDS = 3 };

static uint8_t payload[4096];
static struct block block = { { .kind = BLOCK_STEERED, .type = TYPE_A }, payload };
static struct steered steered;

static void
append(const void *bytes, size_t len)
{
	memcpy(payload + block.head.len, bytes, len);
	block.head.len += (uint32_t)len;
}

/* Three addresses, without parts. */
static void
start(void)
{
	const struct rrset_head rrset = {
		.ttl = 60,
		.rr_count = RECORDS,
		.wire_len = RECORDS * STEERED_RR_LEN_A,
	};
	const struct steered_head head = { .rrset_len = sizeof rrset + rrset.wire_len };

	block.head.len = 0;
	append(&head, sizeof head);
	append(&rrset, sizeof rrset);
	for (unsigned i = 0; i < RECORDS; i++) {
		const uint8_t rr[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
				       0,    60, 0, 4, 192, 0, 2, (uint8_t)(i + 1) };

		append(rr, sizeof rr);
	}
}

static void
part(enum steered_part_kind kind, const void *bytes, size_t len)
{
	const struct steered_part_head head = { (uint16_t)kind, 0, (uint32_t)len };

	append(&head, sizeof head);
	append(bytes, len);
}

/* Alone behind the records: does it open, and what is said of it? */
static void
part_is(enum steered_part_kind kind, const void *bytes, size_t len, bool opens,
	const char *wrong, const char *name)
{
	const char *got;

	start();
	part(kind, bytes, len);
	ok(steered_open(&block, &steered) == opens, "%s: opens: %d", name, opens);
	got = steered_check(&block);
	is(got ? got : "", wrong, "%s: checked", name);
}

#define LENGTHS "the lengths of a steered RRset contradict each other"
#define PLACE "a place is of no candidate of its RRset"
#define PROBE "a steered RRset does not say how its targets are probed"

static void
test_subnets(void)
{
	static const struct {
		struct steered_subnet subnet;
		const char *wrong, *name;
	} cases[] = {
		{ { 2, 0, { 0 } }, "", "everything" },
		{ { 2, 120, { [10] = 0xff, 0xff, 192, 0, 2 } }, "", "a /24" },
		{ { 2, 128, { [10] = 0xff, 0xff, 192, 0, 2, 1 } }, "", "a host" },
		{ { 2, 119, { [10] = 0xff, 0xff, 192, 0, 2 } }, "", "an odd length" },
		{ { 3, 119, { [10] = 0xff, 0xff, 192, 0, 2 } }, PLACE, "nobody's" },
		{ { 0, 118, { [10] = 0xff, 0xff, 192, 0, 2 } }, PLACE, "a host bit" },
		{ { 0, 120, { [10] = 0xff, 0xff, 192, 0, 2, 1 } }, PLACE, "host bits" },
		{ { 0, 129, { 0 } }, PLACE, "too long" },
	};
	static const uint8_t many[(STEERED_PLACES_MAX + 1) * 2];

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
		part_is(STEERED_SUBNETS, &cases[i].subnet, sizeof cases[i].subnet, true,
			cases[i].wrong, cases[i].name);
	part_is(STEERED_SUBNETS, many, 17, false, LENGTHS, "less than one");
	part_is(STEERED_SUBNETS, many, 0, true, "", "none");
	part_is(STEERED_SUBNETS, many, 36, true, "", "two");
	is_int(steered.subnet_count, 2, "they are counted");
}

static void
test_places(void)
{
	static const struct steered_region region = { 1, 0, "US-CA" },
					   lost = { 9, 0, "" };
	static const struct steered_country europe = { 2, 0, "EU" },
					    moon = { 3, 0, "MO" };

	part_is(STEERED_REGIONS, &region, sizeof region, true, "", "a region");
	is_int(steered.region_count, 1, "one");
	is(steered_region(&steered, 0).code, "US-CA", "its code");
	part_is(STEERED_REGIONS, &lost, sizeof lost, true, PLACE, "a region of nobody");
	part_is(STEERED_REGIONS, &region, 7, false, LENGTHS, "part of a region");
	part_is(STEERED_CONTINENTS, &europe, sizeof europe, true, "", "a continent");
	is_int(steered_continent(&steered, 0).candidate, 2, "whose");
	part_is(STEERED_CONTINENTS, &moon, sizeof moon, true, PLACE,
		"a continent of nobody");
	part_is(STEERED_CONTINENTS, &europe, 3, false, LENGTHS, "part of a continent");
}

static void
test_fallback(void)
{
	static const uint8_t bits[2] = { 1 << 1 };

	part_is(STEERED_FALLBACK, bits, 1, true, "", "a fallback");
	ok(steered_is_fallback(&steered, 1) && !steered_is_fallback(&steered, 0),
	   "the second is one");
	part_is(STEERED_FALLBACK, bits, 2, false, LENGTHS, "too many bits");
	part_is(STEERED_FALLBACK, bits, 0, false, LENGTHS, "no bits");
}

#define SET "a set that is signed is no part of its RRset"

/* The records with a signature over all of them, of 4 octets. */
static void
start_signed(void)
{
	struct steered_head head;
	struct rrset_head rrset;

	start();
	append("SIGN", 4);
	memcpy(&head, payload, sizeof head);
	memcpy(&rrset, payload + sizeof head, sizeof rrset);
	head.rrset_len += 4;
	rrset.sig_count = 1;
	rrset.sig_len = 4;
	memcpy(payload, &head, sizeof head);
	memcpy(payload + sizeof head, &rrset, sizeof rrset);
}

static void
test_signed(void)
{
	static const struct steered_records all = { { 7 } }, two = { { 5 } },
					    one = { { 2 } }, other = { { 3 } };
	struct {
		struct steered_signed head;
		uint64_t sets[2];
		char signatures[8];
	} sets = { { .mark = 9, .set_count = 2 }, { 5, 2 }, "twoooneo" };

	part_is(STEERED_SIGNED, &sets, sizeof sets, false, LENGTHS,
		"sets of an RRset without signatures");
	start_signed();
	part(STEERED_SIGNED, &sets, sizeof sets);
	ok(steered_open(&block, &steered) && !steered_check(&block), "two sets");
	ok(steered.mark == 9, "their mark");
	ok(memcmp(steered_signatures(&steered, &all), "SIGN", 4) == 0, "over all");
	ok(memcmp(steered_signatures(&steered, &two), "twoo", 4) == 0, "over two");
	ok(memcmp(steered_signatures(&steered, &one), "oneo", 4) == 0, "over one");
	ok(!steered_signatures(&steered, &other), "over others: none");
	start_signed();
	part(STEERED_SIGNED, &sets, sizeof sets - 1);
	ok(!steered_open(&block, &steered), "cut short");
	sets.sets[1] = 7;
	start_signed();
	part(STEERED_SIGNED, &sets, sizeof sets);
	is(steered_check(&block), SET, "a set of all records");
	sets.sets[1] = 8;
	start_signed();
	part(STEERED_SIGNED, &sets, sizeof sets);
	is(steered_check(&block), SET, "a record that is not there");
}

static void
test_denial(void)
{
	static const char wrong[] = "what denies a steered RRset is no NSEC or NSEC3";
	static const uint8_t owner[] = "\001a";
	uint8_t octets[sizeof(struct node_head) + sizeof owner +
		       sizeof(struct block_head) + sizeof(struct rrset_head)] = { 0 };
	const struct node_head head = { .node_len = sizeof octets,
					.owner_len = sizeof owner };
	struct block_head inner = { BLOCK_RRSET, TYPE_NSEC, sizeof(struct rrset_head) };
	struct node node;

	memcpy(octets, &head, sizeof head);
	memcpy(octets + sizeof head, owner, sizeof owner);
	memcpy(octets + sizeof head + sizeof owner, &inner, sizeof inner);
	part_is(STEERED_DENIAL, octets, sizeof octets, true, "", "a denial");
	ok(steered_denial(&steered, &node) && node.head.owner_len == sizeof owner,
	   "it is a node");
	part_is(STEERED_DENIAL, octets, sizeof octets - 1, true, wrong, "cut short");
	inner.type = TYPE_A;
	memcpy(octets + sizeof head + sizeof owner, &inner, sizeof inner);
	part_is(STEERED_DENIAL, octets, sizeof octets, true, wrong, "of another type");
}

static void
test_health(void)
{
	struct {
		struct steered_health head;
		uint64_t targets[RECORDS];
	} health = { { 3, -3, STEERED_LAST, { 0 } }, { 7, 0, UINT64_MAX } };
	struct health_check check = { .protocol = HEALTH_TCP };
	uint8_t probe[HEALTH_CHECK_LEN_MAX];
	size_t len;

	health_check_settle(&check);
	len = health_check_write(&check, probe);

	part_is(STEERED_HEALTH, &health, sizeof health, true, PROBE, "targets alone");
	part_is(STEERED_PROBE, probe, len, true, PROBE, "a probe alone");
	start();
	part(STEERED_HEALTH, &health, sizeof health);
	part(STEERED_PROBE, probe, len);
	ok(steered_open(&block, &steered) && !steered_check(&block), "both");
	payload[block.head.len - len] = HEALTH_ICMP + 1;
	is(steered_check(&block), PROBE, "an unknown protocol");
	is_int(steered.health.up_count, 3, "up");
	is_int(steered.health.down_count, -3, "down");
	ok(steered_target(&steered, 0) == 7 && steered_target(&steered, 1) == 0 &&
		   steered_target(&steered, 2) == UINT64_MAX,
	   "the targets");
	part_is(STEERED_HEALTH, &health, sizeof health - 1, false, LENGTHS, "too short");
	health.head.up_count = 0;
	part_is(STEERED_HEALTH, &health, sizeof health, false, LENGTHS, "never up");
	health.head.up_count = 3;
	health.head.down_count = 0;
	part_is(STEERED_HEALTH, &health, sizeof health, false, LENGTHS, "never down");
}

int
main(void)
{
	plan(0);
	test_subnets();
	test_places();
	test_fallback();
	test_health();
	test_signed();
	test_denial();
	return done_testing();
}
