/* Nodes hold what the zone says: every RRset reads back as its records, every name has its
 * flags, pointers and targets are where they should be. */
#include "t/render_bed.h"

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

int
main(void)
{
	test_compression();
	test_targets();
	test_root();
	test_names();
	test_depth();
	test_any_octet();
	forget_nodes();
	return done_testing();
}
