/* Nodes hold what the zone says: every RRset is put behind its question and read back
 * by a small parser of this test's own, and compared with the records. */
#include "loader/zone/render.h"

#include <stdlib.h>

#include "loader/zone/zone_faults.h"
#include "shm/errcode.h"
#include "t/tap.h"
#include "t/zone_maker.h"

enum { NODES_MAX = 8192, MESSAGE_MAX = 65535 };

static struct {
	struct node node;
	uint8_t *bytes;
} nodes[NODES_MAX];
static size_t node_count;
static unsigned warnings;
static char last_warning[256];

static void
take_warning(void *context, const struct zone_records *zone,
	     const struct zone_record *record, const char *text)
{
	(void)context;
	(void)zone;
	(void)record;
	snprintf(last_warning, sizeof last_warning, "%s", text);
	warnings++;
}

static void
keep_node(const uint8_t *bytes)
{
	struct node_head head;
	uint8_t *copy;

	memcpy(&head, bytes, sizeof head);
	copy = malloc(head.node_len);
	if (!copy || node_count == NODES_MAX)
		bail_out("too many nodes");
	memcpy(copy, bytes, head.node_len);
	nodes[node_count].bytes = copy;
	if (!node_open(copy, head.node_len, &nodes[node_count++].node))
		bail_out("a node that does not open");
}

static void
forget_nodes(void)
{
	while (node_count > 0)
		free(nodes[--node_count].bytes);
}

static size_t
count_records(const struct zone_records *zone)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->count; i++)
		count += zone->records[i].type != ZONE_MARK_TYPE;
	return count;
}

static void
render_all(struct zone_records *zone)
{
	struct renderer *renderer;
	const uint8_t *node;

	forget_nodes();
	warnings = 0;
	if (render_new(&renderer) != 0 ||
	    render_start(renderer, zone, 9, take_warning, NULL) != 0 ||
	    render_apex(renderer, &node) != 0)
		bail_out("cannot render");
	do
		keep_node(node);
	while (render_next(renderer, &node) == 0 && node);
	while (render_next_nsec3(renderer, &node) == 0 && node)
		keep_node(node);
	is_int(render_facts(renderer)->record_count, count_records(zone),
	       "all records are counted");
	render_free(renderer);
}

/* ---- reading messages ---- */

/* The name at `at`, decompressed and lower-cased; returns its length and moves *at
 * behind it.  0: a pointer that leads forward, outside or into the header. */
static unsigned
expand_name(const uint8_t *message, unsigned len, unsigned *at, uint8_t out[DNAME_MAX])
{
	unsigned here = *at, limit = *at, used = 0;
	bool jumped = false;

	for (;;) {
		unsigned octet = here < len ? message[here] : 0x80;

		if (octet >= 0xc0) {
			unsigned to = (octet & 0x3f) << 8 | message[here + 1];

			if (to >= limit || to < 12)
				return 0;
			if (!jumped)
				*at = here + 2;
			jumped = true;
			here = limit = to;
			continue;
		}
		if (octet > 63 || used + octet + 1 > DNAME_MAX)
			return 0;
		memcpy(out + used, message + here, octet + 1);
		used += octet + 1;
		here += octet + 1;
		if (octet == 0)
			break;
	}
	if (!jumped)
		*at = here;
	dname_lower(out, used);
	return used;
}

/* Fixed octets before names, and how many names, of the types in these tests. */
static void
rdata_layout(uint16_t type, unsigned *before, unsigned *names)
{
	*before = type == RRTYPE_MX ? 2 : type == RRTYPE_SRV ? 6 : 0;
	*names = type == RRTYPE_SOA ? 2
		 : type == RRTYPE_NS || type == RRTYPE_CNAME || type == RRTYPE_PTR ||
				 type == RRTYPE_MX || type == RRTYPE_SRV
			 ? 1
			 : 0;
}

/* The rdata at [at, end) with names expanded; returns its length, 0 when malformed. */
static unsigned
expand_rdata(const uint8_t *message, unsigned at, unsigned end, uint16_t type,
	     uint8_t *out)
{
	unsigned before, names, used;

	rdata_layout(type, &before, &names);
	memcpy(out, message + at, before);
	used = before;
	at += before;
	while (names-- > 0) {
		unsigned len = expand_name(message, end, &at, out + used);

		if (len == 0)
			return 0;
		used += len;
	}
	if (at > end)
		return 0;
	memcpy(out + used, message + at, end - at);
	return used + end - at;
}

static bool
same_rdata(const struct zone_record *record, const uint8_t *rdata, unsigned len)
{
	uint8_t lower[65536];
	unsigned before, names;

	rdata_layout(record->type, &before, &names);
	memcpy(lower, record->rdata, record->rdata_len);
	if (names > 0 && record->type != RRTYPE_SOA)
		dname_lower(lower + before, record->rdata_len - before);
	return record->rdata_len == len && memcmp(lower, rdata, len) == 0;
}

/* Read one RR at *at and compare it with `record`. */
static bool
rr_is(const uint8_t *message, unsigned len, unsigned *at,
      const struct zone_record *record, uint32_t ttl)
{
	static uint8_t rdata[4 * 65536];
	uint8_t owner[DNAME_MAX];
	unsigned owner_len = expand_name(message, len, at, owner), rdata_len, expanded;
	const uint8_t *fixed = message + *at;

	if (owner_len != record->owner_len ||
	    memcmp(owner, record->owner, owner_len) != 0)
		return false;
	if ((fixed[0] << 8 | fixed[1]) != record->type || fixed[2] != 0 || fixed[3] != 1)
		return false;
	if (((uint32_t)fixed[4] << 24 | (uint32_t)fixed[5] << 16 |
	     (uint32_t)fixed[6] << 8 | fixed[7]) != ttl)
		return false;
	rdata_len = (unsigned)fixed[8] << 8 | fixed[9];
	*at += 10;
	if (*at + rdata_len > len)
		return false;
	expanded = expand_rdata(message, *at, *at + rdata_len, record->type, rdata);
	*at += rdata_len;
	return same_rdata(record, rdata, expanded);
}

/* Put owner as the question and the RRset behind it; returns the length. */
static unsigned
make_message(const struct node *node, const struct rrset *rrset, const uint8_t *wire,
	     unsigned wire_len, uint8_t *message)
{
	unsigned at = 12;

	memset(message, 0, 12);
	memcpy(message + at, node_owner(node), node->head.owner_len);
	at += node->head.owner_len;
	message[at++] = (uint8_t)(rrset->type >> 8);
	message[at++] = (uint8_t)rrset->type;
	message[at++] = 0;
	message[at++] = 1;
	memcpy(message + at, wire, wire_len);
	return at + wire_len;
}

/* Records [first, first + n) of the zone that are of this owner and type. */
static const struct zone_record *
find_records(const struct zone_records *zone, const struct node *node, uint16_t type,
	     size_t *count)
{
	const struct zone_record *first = NULL;

	*count = 0;
	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];

		if (record->type != type || record->owner_len != node->head.owner_len ||
		    memcmp(record->owner, node_owner(node), record->owner_len) != 0)
			continue;
		first = first ? first : record;
		(*count)++;
	}
	return first;
}

static bool
wire_is(const struct node *node, const struct rrset *rrset,
	const struct zone_record *records, size_t count, uint32_t ttl)
{
	static uint8_t message[3 * 65536];
	unsigned len =
		make_message(node, rrset, rrset->wire, rrset->head.wire_len, message);
	unsigned at = RRSET_BASE(node->head.owner_len);

	for (size_t i = 0; i < count; i++)
		if (!rr_is(message, len, &at, &records[i], ttl))
			return false;
	return at == len;
}

static bool
sigs_are(const struct node *node, const struct rrset *rrset,
	 const struct zone_records *zone, uint32_t ttl)
{
	static uint8_t message[3 * 65536];
	unsigned len = make_message(node, rrset, rrset->wire + rrset->head.wire_len,
				    rrset->head.sig_len, message);
	unsigned at = RRSET_BASE(node->head.owner_len), seen = 0;
	const struct zone_record *sigs;
	size_t count;

	sigs = find_records(zone, node, RRTYPE_RRSIG, &count);
	for (size_t i = 0; i < count; i++) {
		if ((sigs[i].rdata[0] << 8 | sigs[i].rdata[1]) != rrset->type)
			continue;
		if (!rr_is(message, len, &at, &sigs[i], ttl))
			return false;
		seen++;
	}
	return at == len && seen == rrset->head.sig_count;
}

static void
check_block(const struct zone_records *zone, const struct node *node,
	    const struct block *block, const char *owner)
{
	const struct zone_record *records;
	struct rrset rrset;
	size_t count;

	if (block->head.kind != BLOCK_RRSET && block->head.kind != BLOCK_NEGATIVE_SOA)
		return;
	if (!ok(rrset_open(block, &rrset), "%s type %u opens", owner, block->head.type))
		return;
	records = find_records(zone, node, rrset.type, &count);
	is_int(rrset.head.rr_count, count, "%s type %u: all its records", owner,
	       rrset.type);
	if (block->head.kind == BLOCK_RRSET)
		is_int(rrset.head.ttl, records ? records->ttl : 0, "and their TTL");
	ok(wire_is(node, &rrset, records, count, rrset.head.ttl), "they read back");
	ok(sigs_are(node, &rrset, zone, rrset.head.ttl), "and so do their signatures");
}

/* Is `below` a child of `above`? */
static bool
is_child(const struct node *below, const struct node *above)
{
	const uint8_t *owner = node_owner(below);
	size_t len = below->head.owner_len - owner[0] - 1u;

	return !(below->head.flags & NODE_APEX) && below->head.zone_id < NSEC3_SPACE &&
	       above->head.zone_id < NSEC3_SPACE && above->head.owner_len == len &&
	       memcmp(owner + owner[0] + 1, node_owner(above), len) == 0;
}

/* Does each node say how many children it has? */
static bool
children_are_right(void)
{
	for (size_t i = 0; i < node_count; i++) {
		uint32_t children = 0;

		for (size_t k = 0; k < node_count; k++)
			children += is_child(&nodes[k].node, &nodes[i].node);
		if (children != nodes[i].node.head.child_count)
			return false;
	}
	return true;
}

/* Every node is whole, in key order, knows its children, and its RRsets are the zone's. */
static void
check_zone(struct zone_records *zone)
{
	render_all(zone);
	ok(children_are_right(), "children are counted");
	for (size_t i = 0; i < node_count; i++) {
		const struct node *node = &nodes[i].node;
		char owner[DNAME_TEXT_MAX];
		struct block block;
		uint32_t at = 0;

		dname_to_text(node_owner(node), owner);
		is(node_check(node), NULL, "%s is whole", owner);
		if (i > 0 && nodes[i - 1].node.head.zone_id == node->head.zone_id)
			ok(dname_compare(node_owner(&nodes[i - 1].node),
					 node_owner(node)) < 0,
			   "%s is in order", owner);
		while (node_next_block(node, &at, &block))
			check_block(zone, node, &block, owner);
	}
}

/* ---- looking at single nodes ---- */

static const struct node *
node_of(const char *text, uint32_t zone_id)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(text, name);

	for (size_t i = 0; i < node_count; i++)
		if (nodes[i].node.head.zone_id == zone_id &&
		    nodes[i].node.head.owner_len == len &&
		    memcmp(node_owner(&nodes[i].node), name, len) == 0)
			return &nodes[i].node;
	return NULL;
}

static void
flags_are(const char *name, unsigned want)
{
	const struct node *node = node_of(name, 9);

	is_int(node ? node->head.flags : 0xffff, want, "flags of %s", name);
}

/* The patches as text: "owner@AT apex@AT self:OFF@AT". */
static void
patches_are(const char *name, uint32_t zone_id, uint16_t type, const char *want)
{
	const struct node *node = node_of(name, zone_id);
	struct rrset_patch patch;
	char text[256] = "";
	struct rrset rrset;
	size_t len = 0;

	if (!ok(node && node_find_rrset(node, type, &rrset), "%s has type %u", name,
		type))
		return;
	for (unsigned i = 0; i < rrset.head.patch_count && len < sizeof text - 32; i++) {
		memcpy(&patch, rrset.patches + i * sizeof patch, sizeof patch);
		if (patch.to >> PATCH_KIND_SHIFT == PATCH_SELF)
			len += (size_t)sprintf(text + len, "self:%u@%u ",
					       patch.to & PATCH_OFFSET, patch.at);
		else
			len += (size_t)sprintf(text + len, "%s@%u ",
					       patch.to >> PATCH_KIND_SHIFT == PATCH_APEX
						       ? "apex"
						       : "owner",
					       patch.at);
	}
	is(text, want, "patches of %s type %u", name, type);
}

/* The targets as text: "AT:LABELS:PREFIX " where PREFIX is printed as a name. */
static void
targets_are(const char *name, uint32_t zone_id, uint16_t type, const char *want)
{
	const struct node *node = node_of(name, zone_id);
	struct rrset_target target;
	char text[512] = "", prefix_text[DNAME_TEXT_MAX];
	uint8_t prefix[DNAME_MAX + 1];
	const uint8_t *at;
	struct rrset rrset;
	size_t len = 0;

	if (!ok(node && node_find_rrset(node, type, &rrset), "%s has type %u", name,
		type))
		return;
	at = rrset.targets;
	for (unsigned i = 0; i < rrset.head.target_count; i++) {
		memcpy(&target, at, sizeof target);
		memcpy(prefix, at + sizeof target, target.prefix_len);
		prefix[target.prefix_len] = 0;
		dname_to_text(prefix, prefix_text);
		len += (size_t)snprintf(text + len, sizeof text - len, "%u:%u:%s ",
					target.at, target.prefix_labels, prefix_text);
		at += sizeof target + target.prefix_len;
	}
	is(text, want, "targets of %s type %u", name, type);
}

/* ---- the tests ---- */

static void
test_compression(void)
{
	struct zone_records *zone = zone_make("example.com");

	/* NS at the apex, by rdata: \2ns\5other, \2NS..., \3ns1 */
	zone_put(zone, "example.com", 3600, RRTYPE_NS, "n", "ns1.Example.com");
	zone_put(zone, "example.com", 3600, RRTYPE_NS, "n", "ns2.other.test");
	zone_put(zone, "example.com", 60, RRTYPE_MX, "2n", 10, "mail.example.com");
	zone_put(zone, "example.com", 60, RRTYPE_MX, "2n", 20, "MAIL.example.com");
	zone_put(zone, "example.com", 60, RRTYPE_MX, "2n", 30, "a.mail.example.com");
	zone_put(zone, "example.com", 60, RRTYPE_MX, "2n", 40, "example.com");
	zone_put(zone, "example.com", 60, RRTYPE_MX, "2n", 50, ".");
	zone_put(zone, "www.example.com", 60, RRTYPE_CNAME, "n", "example.com");
	zone_put(zone, "x.example.com", 60, RRTYPE_MX, "2n", 1, "x.example.com");
	zone_put(zone, "x.example.com", 60, RRTYPE_MX, "2n", 2, "y.X.example.com");
	zone_put(zone, "x.example.com", 60, RRTYPE_MX, "2n", 3, "y.example.com");
	zone_put(zone, "*.w.example.com", 60, RRTYPE_MX, "2n", 1, "a.*.w.example.com");
	zone_put(zone, "*.w.example.com", 60, RRTYPE_MX, "2n", 2, "b.*.w.example.com");
	zone_put(zone, "s.example.com", 60, RRTYPE_SRV, "222n", 1, 1, 1, "s.example.com");
	zone_put(zone, "s.example.com", 60, RRTYPE_SRV, "222n", 2, 1, 1, "s.example.com");
	zone_put(zone, "s.example.com", 60, RRTYPE_SRV, "222n", 3, 1, 1, "t.other.test");
	zone_done(zone);
	check_zone(zone);
	/* records of 12 octets and rdata, in the order of their rdata */
	patches_are("example.com", CATALOGUE_ID, RRTYPE_MX,
		    "owner@19 self:14@35 self:14@53 owner@69 ");
	targets_are("example.com", CATALOGUE_ID, RRTYPE_MX,
		    "14:1:mail. 51:2:a.mail. 69:0:. ");
	patches_are("example.com", CATALOGUE_ID, RRTYPE_SOA, "self:15@38 ");
	patches_are("www.example.com", 9, RRTYPE_CNAME, "apex@12 ");
	patches_are("x.example.com", 9, RRTYPE_MX, "owner@14 owner@32 apex@50 ");
	targets_are("x.example.com", 9, RRTYPE_MX, "14:1:x. 30:2:y.x. 48:1:y. ");
	patches_are("*.w.example.com", 9, RRTYPE_MX, "apex@20 self:16@38 ");
	patches_are("s.example.com", 9, RRTYPE_SRV, "");
	targets_are("s.example.com", 9, RRTYPE_SRV, "18:1:s. ");
	zone_records_free(zone);
}

/* A suffix that was seen is no target yet; one that was a target is not told again. */
static void
test_targets(void)
{
	struct zone_records *zone = zone_make("example.com");

	zone_put(zone, "a.example.com", 60, RRTYPE_MX, "2n", 1, "b.mx.example.com");
	zone_put(zone, "a.example.com", 60, RRTYPE_MX, "2n", 2, "mx.example.com");
	zone_put(zone, "a.example.com", 60, RRTYPE_MX, "2n", 3, "b.mx.example.com");
	zone_put(zone, "a.example.com", 60, RRTYPE_MX, "2n", 4, "mx.example.com.test");
	zone_put(zone, "a.example.com", 60, RRTYPE_PTR, "n", "b.example.com");
	zone_put(zone, "a.example.com", 60, RRTYPE_HTTPS, "2n", 0, "B.example.com");
	zone_put(zone, "a.example.com", 60, RRTYPE_NAPTR, "22sssn", 1, 1, "A", "x", "",
		 "c.example.com");
	zone_put(zone, "a.example.com", 60, RRTYPE_NAPTR, "22sssn", 2, 1, "S", "x", "",
		 "d.example.com");
	zone_done(zone);
	check_zone(zone);
	targets_are("a.example.com", 9, RRTYPE_MX, "14:2:b.mx. 35:1:mx. ");
	targets_are("a.example.com", 9, RRTYPE_PTR, "");
	targets_are("a.example.com", 9, RRTYPE_HTTPS, "14:1:b. ");
	targets_are("a.example.com", 9, RRTYPE_NAPTR, "21:1:c. ");
	zone_records_free(zone);
}

static void
test_root(void)
{
	struct zone_records *zone = zone_make(".");
	const struct node *apex;
	struct zone_facts facts;

	zone_put(zone, ".", 60, RRTYPE_MX, "2n", 1, ".");
	zone_put(zone, ".", 3600, RRTYPE_NS, "n", "a.root.test");
	zone_put(zone, "test", 60, RRTYPE_NS, "n", "ns.test");
	zone_put(zone, "test", 60, RRTYPE_NS, "n", "a.root.test");
	zone_put(zone, "ns.test", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "com", 60, RRTYPE_NS, "n", "ns.test");
	zone_done(zone);
	check_zone(zone);
	apex = node_of(".", CATALOGUE_ID);
	patches_are(".", CATALOGUE_ID, RRTYPE_NS, "self:19@46 ");
	targets_are(".", CATALOGUE_ID, RRTYPE_NS,
		    "12:3:a.root.test. 37:3:ns.other.test. ");
	patches_are("test", 9, RRTYPE_NS, "owner@19 owner@36 ");
	if (ok(apex && node_zone_facts(apex, &facts), "the root is an apex")) {
		is_int(facts.cut_depths[0], 1 << 1, "cuts have one label");
		is_int(apex->head.label_count, 0, "the root has no labels");
	}
	zone_records_free(zone);
}

static void
test_names(void)
{
	struct zone_records *zone = zone_make("example.com");
	const struct node *apex;
	struct zone_facts facts;

	zone_put(zone, "d.c.b.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "e.c.b.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "*.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "!.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "a.*.e.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "*.*.f.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "cut.example.com", 60, RRTYPE_NS, "n", "ns.cut.example.com");
	zone_put(zone, "ns.cut.example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "x.y.cut.example.com", 60, RRTYPE_NS, "n", "ns.cut.example.com");
	zone_put(zone, "example.com", 60, RRTYPE_DNAME, "n", "example.net");
	zone_put(zone, "1.2.3.dn.example.com", 60, RRTYPE_DNAME, "n", "example.net");
	zone_put(zone, "alias.example.com", 60, RRTYPE_CNAME, "n", "example.net");
	zone_done(zone);
	check_zone(zone);
	flags_are("!.example.com", 0);
	flags_are("*.example.com", NODE_IS_WILDCARD);
	flags_are("b.example.com", NODE_EMPTY);
	flags_are("c.b.example.com", NODE_EMPTY);
	flags_are("e.c.b.example.com", 0);
	flags_are("e.example.com", NODE_EMPTY | NODE_HAS_WILDCARD);
	flags_are("*.e.example.com", NODE_EMPTY | NODE_IS_WILDCARD);
	flags_are("f.example.com", NODE_EMPTY | NODE_HAS_WILDCARD);
	flags_are("*.f.example.com", NODE_EMPTY | NODE_IS_WILDCARD | NODE_HAS_WILDCARD);
	flags_are("*.*.f.example.com", NODE_IS_WILDCARD);
	flags_are("cut.example.com", NODE_HAS_NS);
	flags_are("y.cut.example.com", NODE_EMPTY);
	flags_are("1.2.3.dn.example.com", NODE_HAS_DNAME);
	flags_are("alias.example.com", NODE_HAS_CNAME);
	apex = node_of("example.com", CATALOGUE_ID);
	if (!ok(apex && node_zone_facts(apex, &facts), "there is an apex"))
		return;
	is_int(apex->head.flags, NODE_APEX | NODE_HAS_DNAME | NODE_HAS_WILDCARD,
	       "its flags");
	is_int(facts.name_count, node_count, "all nodes are counted");
	is_int(facts.cut_depths[0], 1 << 3 | 1 << 5, "depths of cuts");
	is_int(facts.dname_depths[0], 1 << 2 | 1 << 6, "depths of DNAMEs");
	is_int(facts.serial, 2026010101, "serial");
	is_int(facts.flags, 0, "not signed");
	is_int(facts.zone_id, 9, "zone id");
	is_int(facts.loaded_at_s, 1700000000, "time of loading");
	zone_records_free(zone);
}

/* 127 labels: every depth has its bit. */
static void
test_depth(void)
{
	struct zone_records *zone = zone_make("");
	char name[300] = "";

	zone_records_free(zone);
	zone = zone_make("a");
	for (unsigned i = 0; i < 127; i++)
		strcat(name, i < 126 ? "a." : "a");
	zone_put(zone, name, 60, RRTYPE_NS, "n", "ns.test");
	zone_put(zone, name + 2 * 63, 60, RRTYPE_DNAME, "n", "test");
	zone_done(zone);
	check_zone(zone);
	is_int(node_count, 127, "a node at every depth");
	for (size_t i = 0; i < node_count; i++) {
		struct zone_facts facts;

		if (!node_zone_facts(&nodes[i].node, &facts))
			continue;
		is_int(facts.cut_depths[0], 0, "no cut above");
		ok(facts.cut_depths[1] == UINT64_C(1) << 63, "a cut at 127 labels");
		ok(facts.dname_depths[1] == 1 && facts.dname_depths[0] == 0,
		   "a DNAME at 64 labels");
	}
	zone_records_free(zone);
}

static void
test_any_octet(void)
{
	struct zone_records *zone = zone_make("example.com");
	char owner[64];

	for (unsigned octet = 0; octet < 256; octet++) {
		sprintf(owner, "\\%03u.x.example.com", octet);
		zone_put(zone, owner, 60, RRTYPE_PTR, "n", owner);
	}
	zone_done(zone);
	check_zone(zone);
	zone_records_free(zone);
}

static void
test_signatures(void)
{
	struct zone_records *zone = zone_make("example.com");
	const struct node *apex, *www;
	struct rrset rrset;
	struct block block;
	struct zone_facts facts;

	zone_put_sig(zone, "example.com", 7200, RRTYPE_SOA, "example.com");
	zone_put_sig(zone, "example.com", 3600, RRTYPE_NS, "example.com");
	zone_put_sig(zone, "example.com", 3600, RRTYPE_AAAA, "example.com");
	zone_put(zone, "example.com", 300, RRTYPE_NSEC, "nx", "www.example.com",
		 "000122");
	zone_put_sig(zone, "example.com", 300, RRTYPE_NSEC, "example.com");
	zone_put(zone, "www.example.com", 60, RRTYPE_A, "4", 1);
	zone_put_sig(zone, "www.example.com", 60, RRTYPE_A, "example.com");
	zone_put(zone, "www.example.com", 60, RRTYPE_RRSIG,
		 "211444"
		 "2nx",
		 RRTYPE_A, 8, 2, 60, 2, 1, 1, "example.com", "ff");
	zone_put_sig(zone, "only.example.com", 60, RRTYPE_MX, "example.com");
	zone_done(zone);
	check_zone(zone);
	is_int(warnings, 1, "signatures without records are told once");
	ok(strstr(last_warning, "covers no record"), "as such: %s", last_warning);
	www = node_of("www.example.com", 9);
	ok(www && node_find_rrset(www, RRTYPE_A, &rrset) && rrset.head.sig_count == 2,
	   "two signatures of one RRset");
	ok(www && !node_find_rrset(www, RRTYPE_RRSIG, &rrset),
	   "RRSIG is no RRset of its own");
	flags_are("only.example.com", NODE_EMPTY);
	apex = node_of("example.com", CATALOGUE_ID);
	ok(apex && node_find_rrset(apex, RRTYPE_SOA, &rrset) && rrset.head.ttl == 3600,
	   "the SOA has its own TTL");
	ok(apex && node_find_block(apex, BLOCK_NEGATIVE_SOA, RRTYPE_SOA, &block) &&
		   rrset_open(&block, &rrset) && rrset.head.ttl == 300 &&
		   rrset.head.sig_count == 1,
	   "the negative one that of MINIMUM, and its signature");
	ok(apex && node_zone_facts(apex, &facts) &&
		   facts.flags == (ZONE_SIGNED | ZONE_NSEC),
	   "signed with NSEC");
	zone_records_free(zone);
}

#define HASH_1 "0000000000000000000000000000000a"
#define HASH_2 "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
#define HASH_3 "11111111111111111111111111111111"

static void
put_nsec3(struct zone_records *zone, const char *hash, unsigned flags, const char *salt)
{
	char owner[64], rdata[128];

	sprintf(owner, "%s.example.com", hash);
	sprintf(rdata, "01%02x000a%02x%s14%040d000140", flags, (unsigned)strlen(salt) / 2,
		salt, 0);
	zone_put(zone, owner, 300, RRTYPE_NSEC3, "x", rdata);
	zone_put_sig(zone, owner, 300, RRTYPE_NSEC3, "example.com");
}

static void
test_nsec3(void)
{
	struct zone_records *zone = zone_make("example.com");
	struct nsec3_facts facts;
	struct zone_facts zone_facts;
	const struct node *node;
	struct block block;
	struct rrset rrset;

	zone_put_sig(zone, "example.com", 3600, RRTYPE_SOA, "example.com");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "02abcd");
	put_nsec3(zone, HASH_1, 1, "abcd");
	put_nsec3(zone, HASH_2, 0, "abcd");
	put_nsec3(zone, HASH_3, 0, "abce");
	put_nsec3(zone, "x." HASH_1, 0, "abcd");
	zone_put(zone, HASH_2 ".example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "deep." HASH_1 ".example.com", 60, RRTYPE_A, "4", 1);
	zone_done(zone);
	check_zone(zone);
	is_int(warnings, 1, "stray NSEC3 records are told once");
	ok(strstr(last_warning, "belongs to no chain"), "as such: %s", last_warning);
	ok(node_of(HASH_1 ".example.com", 9 | NSEC3_SPACE) != NULL, "in the NSEC3 space");
	flags_are(HASH_1 ".example.com", NODE_EMPTY);
	ok(node_of(HASH_2 ".example.com", 9 | NSEC3_SPACE) != NULL, "another one");
	node = node_of(HASH_2 ".example.com", 9);
	ok(node && !node_find_rrset(node, RRTYPE_NSEC3, &rrset),
	   "which has other data too");
	ok(!node_of(HASH_3 ".example.com", 9 | NSEC3_SPACE),
	   "another salt is another chain");
	ok(!node_of("x." HASH_1 ".example.com", 9 | NSEC3_SPACE), "too deep for a hash");
	ok(!node_of("x." HASH_1 ".example.com", 9), "and no plain name either");
	node = node_of("example.com", CATALOGUE_ID);
	if (!ok(node && node_zone_facts(node, &zone_facts), "there is an apex"))
		return;
	is_int(zone_facts.flags, ZONE_SIGNED | ZONE_NSEC3 | ZONE_OPTOUT, "its flags");
	is_int(zone_facts.name_count, 4, "NSEC3 owners are no names");
	if (ok(node_find_block(node, BLOCK_NSEC3PARAM, 0, &block), "it has parameters")) {
		memcpy(&facts, block.payload, sizeof facts);
		is_int(facts.algorithm, 1, "SHA-1");
		is_int(facts.iterations, 10, "iterations");
		is_int(facts.salt_len, 2, "length of the salt");
		cmp_mem(block.payload + sizeof facts, "\xab\xcd", 2, "the salt");
	}
	zone_records_free(zone);
}

/* Of two chains, the longer one; flags in NSEC3PARAM: not for use. */
static void
test_nsec3_choice(void)
{
	struct zone_records *zone = zone_make("example.com");

	zone_put_sig(zone, "example.com", 3600, RRTYPE_SOA, "example.com");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "01aa");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "01bb");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 1, 10, "01cc");
	put_nsec3(zone, HASH_1, 0, "aa");
	put_nsec3(zone, HASH_2, 0, "bb");
	put_nsec3(zone, HASH_3, 0, "bb");
	put_nsec3(zone,
		  "2"
		  "1111111111111111111111111111111",
		  0, "cc");
	put_nsec3(zone,
		  "3"
		  "1111111111111111111111111111111",
		  0, "cc");
	put_nsec3(zone,
		  "4"
		  "1111111111111111111111111111111",
		  0, "cc");
	zone_done(zone);
	check_zone(zone);
	is_int(node_count, 3, "the apex and one chain");
	ok(node_of(HASH_2 ".example.com", 9 | NSEC3_SPACE) != NULL, "that of salt bb");
	zone_records_free(zone);
}

static void
test_big(void)
{
	struct zone_records *zone = zone_make("example.com");
	static uint8_t rdata[65535];
	const struct node *node;
	struct rrset rrset;
	struct block block;
	char name[64];

	/* past 16,383 octets there is nothing to point to */
	for (unsigned i = 0; i < 2500; i++) {
		sprintf(name, "p%u.%u.%s", i % 1250, i,
			i % 2 ? "example.com" : "other.test");
		zone_put(zone, "ptr.example.com", 60, RRTYPE_PTR, "n", name);
	}
	/* two records of 12 octets and rdata, behind 12 + 16 + 4 octets: just fits */
	rdata[0] = 1;
	zone_put_rdata(zone, "fit.example.com", 60, 65280, rdata, 32000);
	rdata[0] = 2;
	zone_put_rdata(zone, "fit.example.com", 60, 65280, rdata,
		       65535 - 33 - 24 - 32000);
	zone_put_rdata(zone, "big.example.com", 60, 65280, rdata, 32000);
	rdata[0] = 1;
	zone_put_rdata(zone, "big.example.com", 60, 65280, rdata,
		       65536 - 33 - 24 - 32000);
	zone_done(zone);
	check_zone(zone);
	node = node_of("fit.example.com", 9);
	ok(node && node_find_rrset(node, 65280, &rrset) &&
		   RRSET_BASE(17u) + rrset.head.wire_len == MESSAGE_MAX,
	   "an RRset that fills a message");
	node = node_of("big.example.com", 9);
	ok(node && !node_find_rrset(node, 65280, &rrset), "one octet more is too much");
	ok(node && node_find_block(node, BLOCK_BAD_RRSET, 65280, &block),
	   "it is known as bad");
	zone_records_free(zone);
}

/* A message holds question, RRset, signatures and an OPT of 11 octets, or none of the
 * signatures. */
static void
test_big_signatures(void)
{
	struct zone_records *zone = zone_make("example.com");
	static uint8_t rdata[65535];
	const unsigned sig_len = 12 + 18 + 13 + 16, base = 33,
		       room = MESSAGE_MAX - base - 11;
	const struct node *node;
	struct rrset rrset;

	zone_put_rdata(zone, "fit.example.com", 60, 65280, rdata, room - sig_len - 12);
	zone_put_sig(zone, "fit.example.com", 60, 65280, "example.com");
	zone_put_rdata(zone, "big.example.com", 60, 65280, rdata, room - sig_len - 11);
	zone_put_sig(zone, "big.example.com", 60, 65280, "example.com");
	zone_done(zone);
	render_all(zone);
	node = node_of("fit.example.com", 9);
	ok(node && node_find_rrset(node, 65280, &rrset) && rrset.head.sig_count == 1 &&
		   node_check(node) == NULL,
	   "a signature that just fits");
	node = node_of("big.example.com", 9);
	ok(node && node_find_rrset(node, 65280, &rrset) && rrset.head.sig_count == 0 &&
		   node_check(node) == NULL,
	   "one octet more, and it is left out");
	zone_records_free(zone);
}

/* What was found wrong stands in the apex. */
static void
test_faults(void)
{
	struct zone_records *zone = zone_make("example.com");
	struct zone_messages messages = { 0 };
	static uint8_t rdata[65535];
	const struct node *apex;
	struct zone_facts facts;
	struct rrset_fault fault;
	struct block block;
	char name[64];
	uint32_t at = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < ZONE_FAULTS_LISTED + 5; i++) {
		sprintf(name, "big%03u.example.com", i);
		zone_put_rdata(zone, name, 60, 65280, rdata, 65500);
	}
	/* one name, together larger than a message, none of them alone */
	for (uint16_t type = 65280; type < 65284; type++)
		zone_put_rdata(zone, "many.example.com", 60, type, rdata, 30000);
	zone_done(zone);
	is_int(zone_faults_find(zone, &messages), ERR_OK, "faults are looked for");
	is_int(messages.counts[ZONE_DROPPED], ZONE_FAULTS_LISTED + 5, "all are told");
	check_zone(zone);
	apex = node_of("example.com", CATALOGUE_ID);
	ok(apex && !node_check(apex) && node_zone_facts(apex, &facts) &&
		   facts.fault_count == ZONE_FAULTS_LISTED + 5,
	   "the apex counts them");
	if (!ok(apex && node_find_block(apex, BLOCK_FAULTS, 0, &block), "and has a list"))
		return;
	while (rrset_fault_next(&block, &at, &fault))
		count++;
	is_int(count, ZONE_FAULTS_LISTED, "of the first ones");
	is_int(at, block.head.len, "without a rest");
	at = 0;
	ok(rrset_fault_next(&block, &at, &fault) && fault.head.type == 65280 &&
		   fault.head.kind == FAULT_SERVFAIL &&
		   fault.head.path_len == strlen("/zones/test.zone") &&
		   memcmp(fault.path, "/zones/test.zone", fault.head.path_len) == 0 &&
		   memcmp(fault.owner, "\6big000", 7) == 0,
	   "with owner, type and file");
	block.head.len--;
	for (at = 0; rrset_fault_next(&block, &at, &fault);)
		;
	ok(at < block.head.len, "a list that is cut short is noticed");
	zone_messages_fini(&messages);
	zone_records_free(zone);
}

/* Very many types at one owner, each with a signature, and one over nothing. */
static void
test_many_types(void)
{
	struct zone_records *zone = zone_make("example.com");
	const struct node *node;
	unsigned sets = 0, signed_sets = 0;
	struct rrset rrset;
	struct block block;
	uint32_t at = 0;

	for (unsigned type = 1000; type < 31000; type++) {
		zone_put(zone, "many.example.com", 60, (uint16_t)type, "4", type);
		zone_put_sig(zone, "many.example.com", 60, (uint16_t)type, "example.com");
	}
	zone_put_sig(zone, "many.example.com", 60, 31000, "example.com");
	zone_done(zone);
	render_all(zone);
	node = node_of("many.example.com", 9);
	while (node && node_next_block(node, &at, &block)) {
		sets += rrset_open(&block, &rrset);
		signed_sets += rrset.head.sig_count == 1;
	}
	is_int(sets, 30000, "all types are there");
	is_int(signed_sets, 30000, "each with its signature");
	is_int(warnings, 1, "the other one is told");
	ok(node && !node_check(node), "the node is whole");
	zone_records_free(zone);
}

static void
test_source(void)
{
	struct zone_records *zone = zone_make("example.com");
	struct source_facts source;
	const struct node *apex;
	struct block block;

	if (zone_records_add_path(zone, "/zones/included") < 0)
		bail_out("no memory");
	zone_done(zone);
	check_zone(zone);
	apex = node_of("example.com", CATALOGUE_ID);
	if (!ok(apex && node_find_block(apex, BLOCK_SOURCE, 0, &block),
		"there is a source"))
		return;
	memcpy(&source, block.payload, sizeof source);
	is_int(source.kind, SOURCE_FILE, "a file");
	is_int(source.stamp, 42, "its stamp");
	is_int(source.path_count, 2, "two paths");
	cmp_mem(block.payload + sizeof source, "/zones/test.zone\0/zones/included", 33,
		"in their order");
	zone_records_free(zone);
}

static void
put_mark(struct zone_records *zone, const char *owner, enum zone_mark mark, uint16_t type,
	 const void *bytes, size_t len)
{
	uint8_t name[DNAME_MAX];

	if (zone_records_add_mark(zone, name, dname_from_text(owner, name), mark, type,
				  bytes, len) != 0)
		bail_out("no memory");
}

/* Redis says of names what records do not. */
static void
test_marks(void)
{
	static const struct redis_facts facts = { .raw_digest = 77 };
	const struct provenance provenance = { 1, 2, 3 };
	struct zone_records *zone = zone_make("example.com");
	struct provenance found = { 0 };
	struct redis_facts redis = { 0 };
	struct zone_facts head = { 0 };
	const struct node *node;
	struct block block;

	put_mark(zone, "empty.example.com", ZONE_MARK_PROVENANCE, 0, &provenance,
		 sizeof provenance);
	put_mark(zone, "bad.example.com", ZONE_MARK_BAD, RRTYPE_CNAME, "no name", 7);
	put_mark(zone, "bad.example.com", ZONE_MARK_PROVENANCE, 0, &provenance,
		 sizeof provenance);
	put_mark(zone, "example.com", ZONE_MARK_BAD, RRTYPE_MX, "what?", 5);
	zone_put(zone, "bad.example.com", 300, RRTYPE_TXT, "s", "good");
	zone->redis = &facts;
	zone->error = "config: is not JSON";
	zone_done(zone);
	render_all(zone);
	flags_are("empty.example.com", NODE_EMPTY);
	flags_are("bad.example.com", NODE_HAS_CNAME);
	for (size_t i = 0; i < node_count; i++)
		ok(!node_check(&nodes[i].node), "node %zu is whole", i);
	node = node_of("bad.example.com", 9);
	ok(node && node_find_block(node, BLOCK_RRSET, RRTYPE_TXT, &block) &&
		   node_find_block(node, BLOCK_BAD_RRSET, RRTYPE_CNAME, &block) &&
		   memcmp(block.payload, "no name", 7) == 0,
	   "good and bad beside each other");
	ok(node && node_copy_block(node, BLOCK_PROVENANCE, &found, sizeof found) &&
		   found.change_seq == 3,
	   "its provenance");
	node = node_of("example.com", CATALOGUE_ID);
	ok(node && node_copy_block(node, BLOCK_REDIS, &redis, sizeof redis) &&
		   redis.raw_digest == 77,
	   "the zone's facts");
	ok(node && node_find_block(node, BLOCK_ERROR, 0, &block), "its error");
	ok(node && node_zone_facts(node, &head), "an apex");
	is_int(head.record_count, 3, "marks are no records");
	is_int(head.fault_count, 2, "the bad ones are faults");
	zone_records_free(zone);
}

int
main(void)
{
	test_compression();
	test_targets();
	test_root();
	test_names();
	test_depth();
	test_any_octet();
	test_signatures();
	test_nsec3();
	test_nsec3_choice();
	test_big();
	test_big_signatures();
	test_faults();
	test_many_types();
	test_source();
	test_marks();
	forget_nodes();
	return done_testing();
}
