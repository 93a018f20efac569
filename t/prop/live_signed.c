/* A signed zone under random live changes: after each change set every name that exists, and
 * a hundred that do not, are answered as a validator wants it, by NSEC, NSEC3 and NSEC3 with
 * opt-out; and the names and chain that are stored are those of the zone signed as a
 * whole. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/sign/key_make.h"
#include "loader/sign/signer.h"
#include "loader/sign/zone_sign.h"
#include "loader/store/live_addresses.h"
#include "shm/dns.h"
#include "shm/steered.h"
#include "t/answer_check.h"
#include "t/draw.h"
#include "t/prop/live_change.h"
#include "t/query_file.h"
#include "t/scratch_dir.h"
#include "t/zone_seal.h"
#include "worker/answer.h"
#include "worker/geo.h"
#include "worker/steer.h"
#include "worker/zone_store.h"

enum { ROUNDS = 2, SETS = 12, SETS_SOAK = 200, OTHERS = 100, ROOM = 16000 };

static struct settings settings;
static int signer_fd;
static struct sign_session *session;
static struct check check;
static enum denial denial;
static unsigned asked;
static int64_t signed_at_s; /* 0: now */
static unsigned crowd; /* names below x, besides those of the model */
static const char led[] = "led.example.com"; /* has an ANAME, and what that leads to */
static bool has_led;
static struct geo geo; /* of nobody is anything known */
static struct steerer steerer;

/* ---- signing as a whole ---- */

static void
make_key(const char *dir)
{
	struct key_dir *keys = key_dir_new(dir);
	struct key_draw draw = { .algorithm = 13, .flags = 257 };
	char reason[SIGN_PROBLEM_LEN];
	uint8_t name[DNAME_MAX];

	if (!keys || dname_from_text(model_origins[0], name) == 0 ||
	    key_make(keys, name, &draw, reason) != 0)
		bail_out("no key");
	key_dir_free(keys);
}

static bool
find_served(void *context, const struct zone_records *zone, const uint8_t *owner,
	    size_t owner_len, bool is_nsec3, struct node *out)
{
	struct zone_facts facts;
	struct node apex;

	if (live_zone(context, zone->origin, zone->origin_len, &apex) != 0 ||
	    !node_zone_facts(&apex, &facts))
		return false;
	if (owner_len == zone->origin_len) {
		*out = apex;
		return true;
	}
	return live_find(context, is_nsec3 ? facts.zone_id | NSEC3_SPACE : facts.zone_id,
			 owner, owner_len, out) == 0;
}

static void
put_led(struct zone_records *zone)
{
	const struct resolved_facts facts = { .signed_ttl = 60 };
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(led, name);

	model_put_aname(zone, led, 0x10);
	if (zone_records_add_mark(zone, name, len, ZONE_MARK_RESOLVED, RRTYPE_A, &facts,
				  sizeof facts) != 0)
		bail_out("no memory");
	zone_put(zone, led, 5, RRTYPE_A, "4", 9);
}

static struct zone_records *
signed_records(struct live *live)
{
	struct zone_records *zone = model_records(&model[0]);
	struct zone_messages messages = { .kept = NULL };
	const struct zone_signing how = {
		.settings = &settings,
		.now_s = signed_at_s ? signed_at_s : time(NULL),
		.find_served = live ? find_served : NULL,
		.context = live,
	};
	char name[MODEL_NAME];

	for (unsigned i = 0; i < crowd; i++) {
		sprintf(name, "n%u.x.%s", i, model_origins[0]);
		zone_put(zone, name, 60, RRTYPE_A, "4", i);
	}
	if (has_led)
		put_led(zone);
	zone_done(zone);
	zone->signing_wish = (struct zone_signing_wish){ .is_wanted = true,
							 .has_denial = true,
							 .denial = (uint16_t)denial };
	must(zone_sign(zone, session, &how, &messages), "zone_sign");
	zone_messages_fini(&messages);
	return zone;
}

/* ---- the store beside the zone signed as a whole ---- */

/* The next block of a node that both must have alike. */
static bool
next_data(const struct node *node, uint32_t *at, struct block *out)
{
	while (node_next_block(node, at, out))
		if (out->head.kind != BLOCK_ZONE && out->head.kind != BLOCK_SIGNING)
			return true;
	return false;
}

static unsigned
count_data(const struct node *node)
{
	struct block block;
	unsigned count = 0;
	uint32_t at = 0;

	while (next_data(node, &at, &block))
		count++;
	return count;
}

/* What denies a steered RRset, but for the octets of signatures. */
static bool
same_denial(const struct steered *a, const struct steered *b)
{
	struct node one, other;
	struct block left, right;
	struct rrset x, y;
	uint32_t at = 0, bt = 0;

	if (!a->denial || !b->denial)
		return a->denial == b->denial;
	return steered_denial(a, &one) && steered_denial(b, &other) &&
	       dname_compare(node_owner(&one), node_owner(&other)) == 0 &&
	       node_next_block(&one, &at, &left) &&
	       node_next_block(&other, &bt, &right) && rrset_open(&left, &x) &&
	       rrset_open(&right, &y) && x.type == y.type &&
	       memcmp(&x.head, &y.head, sizeof x.head) == 0 &&
	       memcmp(x.wire, y.wire, x.head.wire_len) == 0;
}

static bool
same_steered(const struct block *a, const struct block *b)
{
	size_t one_len = 0, other_len = 0;
	const uint8_t *one_parts = steered_own_parts(a, &one_len);
	const uint8_t *other_parts = steered_own_parts(b, &other_len);
	struct steered one, other;

	return steered_open(a, &one) && steered_open(b, &other) && one_parts &&
	       other_parts && !steered_check(a) && one_len == other_len &&
	       memcmp(one_parts, other_parts, one_len) == 0 &&
	       memcmp(&one.rrset.head, &other.rrset.head, sizeof one.rrset.head) == 0 &&
	       memcmp(one.rrset.wire, other.rrset.wire, one.rrset.head.wire_len) == 0 &&
	       one.set_count == other.set_count &&
	       (one.set_count == 0 ||
		memcmp(one.sets, other.sets, (size_t)(one.set_signatures - one.sets)) ==
			0) &&
	       same_denial(&one, &other);
}

/* The same but for the octets of signatures. */
static bool
same_block(const struct block *a, const struct block *b)
{
	struct rrset one, other;

	if (a->head.kind == BLOCK_STEERED)
		return same_steered(a, b);
	if (a->head.kind != BLOCK_RRSET && a->head.kind != BLOCK_NEGATIVE_SOA)
		return a->head.len == b->head.len &&
		       memcmp(a->payload, b->payload, a->head.len) == 0;
	return rrset_open(a, &one) && rrset_open(b, &other) &&
	       memcmp(&one.head, &other.head, sizeof one.head) == 0 &&
	       memcmp(one.wire, other.wire, one.head.wire_len) == 0 &&
	       memcmp(one.patches, other.patches,
		      (size_t)(one.targets_end - one.patches)) == 0;
}

static void
compare_data(const struct node *got, const struct node *want)
{
	struct block a, b;
	uint32_t at = 0;
	char text[60];

	if (node_check(got))
		differ(node_check(got), node_owner(got));
	/* what stays for a bad value stands behind the rest, or among it */
	while (next_data(want, &at, &b))
		if (!node_find_block(got, (enum block_kind)b.head.kind, b.head.type,
				     &a) ||
		    !same_block(&a, &b)) {
			snprintf(text, sizeof text, "block %u of type %u differs",
				 b.head.kind, b.head.type);
			differ(text, node_owner(want));
			return;
		}
	if (count_data(got) != count_data(want))
		differ("a block too many", node_owner(want));
}

static void
compare_stored(struct live *live, uint32_t zone_id, const struct node *want)
{
	struct node got;

	if (live_find(live, zone_id, node_owner(want), want->head.owner_len, &got) != 0)
		differ("not found", node_owner(want));
	else
		compare_data(&got, want);
}

static void
compare_rendered(struct live *live, struct zone_records *records, const struct node *apex,
		 const struct zone_facts *facts)
{
	const uint8_t *bytes;
	struct node want;

	if (render_start(renderer, records, facts->zone_id, NULL, NULL) != 0 ||
	    render_apex(renderer, &bytes) != 0 || !node_open(bytes, UINT32_MAX, &want))
		bail_out("cannot render");
	compare_data(apex, &want);
	if (facts->name_count != render_facts(renderer)->name_count ||
	    facts->record_count != render_facts(renderer)->record_count ||
	    facts->flags != render_facts(renderer)->flags)
		differ("other facts", node_owner(&want));
	while (!wrong && next_wanted(&want))
		compare_stored(live, facts->zone_id, &want);
	while (!wrong && render_next_nsec3(renderer, &bytes) == 0 && bytes &&
	       node_open(bytes, UINT32_MAX, &want))
		compare_stored(live, facts->zone_id | NSEC3_SPACE, &want);
}

static int
count_node(void *context, const struct node *node)
{
	struct zone_facts *facts = context;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block))
		if (block_holds_rrset(&block) && block_open_rrset(&block, &rrset))
			facts->record_count +=
				(uint64_t)rrset.head.rr_count + rrset.head.sig_count;
	return 0;
}

static void
compare_counts(struct live *live, const struct node *apex, const struct zone_facts *facts)
{
	struct zone_facts counted = { 0 };

	(void)count_node(&counted, apex);
	if (live_walk_zone(live, facts->zone_id, count_node, &counted) != 0 ||
	    live_walk_zone(live, facts->zone_id | NSEC3_SPACE, count_node, &counted) != 0)
		bail_out("no walk");
	if (counted.record_count != facts->record_count)
		differ("another number of records", node_owner(apex));
}

static void
compare_signed(struct live *live)
{
	struct zone_records *records = signed_records(live);
	struct zone_facts facts;
	struct node apex;

	if (live_zone(live, check.origin, check.origin_len, &apex) != 0 ||
	    !node_zone_facts(&apex, &facts))
		bail_out("no zone");
	compare_rendered(live, records, &apex, &facts);
	if (live_zone(live, check.origin, check.origin_len, &apex) != 0)
		bail_out("no zone");
	compare_counts(live, &apex, &facts);
	zone_records_free(records);
}

/* ---- answers ---- */

/* Are there values that are bad, and nothing older to be served instead? */
static bool
may_fail(void)
{
	for (unsigned i = 0; i < MODEL_OWNERS; i++)
		if (model[0].owners[i].name[0] && model[0].owners[i].bad != MODEL_GOOD)
			return true;
	return false;
}

static void
ask(struct zone_store *store, const char *name, uint16_t type)
{
	static const struct answer_options options = { .udp_size = ROOM,
						       .steerer = &steerer };
	static struct stats_block stats;
	static uint8_t packet[ROOM];
	struct query q = { .packet = packet, .room = ROOM };
	uint8_t wire[DNAME_MAX];
	const struct check_rr *key;
	const char *why;
	char text[60];

	memset(packet, 0, sizeof packet);
	q.received_len = query_file_encode(packet, name, type);
	wire_put_u16(packet + q.received_len - 8, ROOM); /* takes so much */
	steerer.no_match = draw(2) ? NO_MATCH_ALL : NO_MATCH_NONE;
	packet[q.received_len - 4] = 0x80; /* DO */
	zone_store_renew(store);
	answer_batch(&q, 1, store, &options, &stats);
	if (dname_from_text(name, wire) == 0)
		bail_out("%s", name);
	asked++;
	if (type == RRTYPE_DNSKEY && !check.key &&
	    check_read(&check, packet, q.response_len)) {
		key = check_find(&check, 1, NULL, RRTYPE_DNSKEY);
		if (!key)
			bail_out("no DNSKEY");
		check.key = check_key(key->rdata, key->rdata_len);
	}
	if ((may_fail() ||
	     (model_has_anames && (type == RRTYPE_A || type == RRTYPE_AAAA))) &&
	    (packet[3] & 15) == RCODE_SERVFAIL)
		return;
	why = check_answer(&check, denial != DENIAL_NSEC, packet, q.response_len, wire,
			   type);
	if (!why)
		return;
	check_show(&check);
	snprintf(text, sizeof text, "type %u: %s", type, why);
	differ(text, wire);
}

static void
ask_all(const char *dir)
{
	static const uint16_t types[] = { RRTYPE_A,     RRTYPE_AAAA, RRTYPE_CNAME,
					  RRTYPE_MX,    RRTYPE_NS,   RRTYPE_DS,
					  RRTYPE_DNAME, RRTYPE_TXT,  RRTYPE_NSEC };
	struct zone_store store;
	char name[MODEL_NAME];

	must(zone_store_init(dir, &store), "zone_store_init");
	ask(&store, model_origins[0], RRTYPE_DNSKEY);
	ask(&store, model_origins[0], RRTYPE_SOA);
	ask(&store, model_origins[0], RRTYPE_A);
	if (has_led)
		ask(&store, led, RRTYPE_A);
	for (unsigned i = 0; i < MODEL_OWNERS && !wrong; i++)
		if (model[0].owners[i].name[0])
			for (unsigned k = 0; k < 2; k++)
				ask(&store, model[0].owners[i].name, types[draw(9)]);
	for (unsigned i = 0; i < OTHERS && !wrong; i++) {
		model_draw_name(model_origins[0], name);
		ask(&store, name, types[draw(9)]);
	}
	zone_store_fini(&store);
}

/* ---- rounds ---- */

static void
set_denial(enum denial other)
{
	denial = other;
	check.is_optout = denial == DENIAL_OPTOUT;
}

static void
change(struct live *live)
{
	static struct model_zone before;
	enum denial denial_before = denial;
	struct zone_records *records;

	before = model[0];
	must(live_begin(live), "live_begin");
	for (unsigned i = 1 + draw(2); i > 0; i--) {
		if (draw(15) != 0) {
			edit_zone(live, &model[0]);
			continue;
		}
		model[0].serial++;
		if (draw(2))
			set_denial((enum denial)draw(DENIAL_OPTOUT + 1));
		records = signed_records(live);
		must(live_put_zone(live, records), "live_put_zone");
		zone_records_free(records);
	}
	if (draw(8) == 0) {
		live_abort(live);
		model[0] = before;
		set_denial(denial_before);
	} else {
		must(live_commit(live), "live_commit");
	}
}

/* ---- what ANAMEs lead to ---- */

/* The steered RRset of some other name. */
static bool
copy_steered(struct live *live, const struct zone_facts *facts,
	     struct live_addresses *out)
{
	const char *owner = model[0].owners[draw(MODEL_OWNERS)].name;
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(owner, name);
	struct block block;
	struct node node;

	if (!owner[0] || live_find(live, facts->zone_id, name, len, &node) != 0 ||
	    !node_find_block(&node, BLOCK_STEERED, RRTYPE_A, &block))
		return false;
	must(live_addresses_copy(out, &block), "live_addresses_copy");
	return true;
}

static void
draw_addresses(struct live *live, const struct zone_facts *facts,
	       enum live_address_type type, struct live_addresses *out)
{
	uint8_t octets[16 * 3];

	out->state = (enum live_addresses_state)draw(LIVE_ADDRESSES_SET + 1);
	out->ttl = 5 + draw(50);
	out->signed_ttl = 60;
	if (out->state != LIVE_ADDRESSES_SET ||
	    (type == LIVE_A && draw(2) && copy_steered(live, facts, out)))
		return;
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (uint8_t)draw(3);
	must(live_addresses_set(out, type, octets, 1 + draw(3)), "live_addresses_set");
}

/* live_lead_fn: something is known of what an edit changes, or not. */
static int
draw_lead(void *context, const struct live_edit *edit, const struct node *node,
	  struct live_leader *out)
{
	(void)context;
	(void)node;
	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES; i++)
		draw_addresses(edit->live, &edit->facts, (enum live_address_type)i,
			       &out->types[i]);
	return 0;
}

static bool
has_type(const struct node *node, uint16_t type)
{
	struct block block;

	return node_find_block(node, BLOCK_RRSET, type, &block) ||
	       node_find_block(node, BLOCK_STEERED, type, &block) ||
	       node_find_block(node, BLOCK_BAD_RRSET, type, &block);
}

static bool
compare_addresses(struct live *live, const struct live_leader *leader)
{
	struct node node;

	if (live_find_owner(live, check.origin, check.origin_len, leader->owner,
			    leader->owner_len, &node) != 0 ||
	    !live_leads_on(&node))
		return true;
	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES; i++) {
		enum live_address_type type = (enum live_address_type)i;
		uint16_t rrtype = live_address_rrtype(type);
		bool is_own = has_type(&node, rrtype) && !node_is_resolved(&node, rrtype);

		if (!is_own && !live_addresses_are_there(&node, type, &leader->types[i]))
			return false;
	}
	return true;
}

/* Resolvers have changed their mind about some names; most lead nowhere. */
static void
resolve(struct live *live)
{
	static struct live_leader leaders[MODEL_OWNERS + 1];
	struct zone_facts facts;
	struct node apex;
	uint64_t made;
	size_t count = 0;

	if (live_zone(live, check.origin, check.origin_len, &apex) != 0 ||
	    !node_zone_facts(&apex, &facts))
		bail_out("no zone");
	for (unsigned i = 0; i <= MODEL_OWNERS; i++) {
		const char *name =
			i < MODEL_OWNERS ? model[0].owners[i].name : model_origins[0];
		struct live_leader *leader = &leaders[count];

		if (!name[0] || draw(3) == 0)
			continue;
		leader->owner_len = dname_from_text(name, leader->owner);
		dname_lower(leader->owner, leader->owner_len);
		for (unsigned type = 0; type < LIVE_ADDRESS_TYPES; type++)
			draw_addresses(live, &facts, (enum live_address_type)type,
				       &leader->types[type]);
		count++;
	}
	must(live_put_addresses(live, check.origin, check.origin_len, leaders, count,
				&made),
	     "live_put_addresses");
	for (size_t i = 0; i < count; i++)
		if (!compare_addresses(live, &leaders[i]))
			differ("other addresses", leaders[i].owner);
}

static struct live *
open_live(const char *dir)
{
	struct live *live;

	must(live_open(dir, 1000, &live), "live_open");
	must(live_set_signer(live, &settings, signer_fd), "live_set_signer");
	if (model_has_anames && draw(2))
		live_set_lead(live, draw_lead, NULL, NULL);
	return live;
}

static int
keep(void *context, const struct node *apex)
{
	return builder_keep_apex(context, apex);
}

/* Generation and overlay become a generation. */
static void
seal_anew(const char *from, const char *to)
{
	const struct builder_seal_options options = { .id = 1 };
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];

	must(builder_new(from, NULL, NULL, &builder), "builder_new");
	must(live_walk_zones(builder_base(builder), keep, builder), "live_walk_zones");
	if (builder_seal(builder, to, &options, &manifest, reason) != 0)
		bail_out("%s", reason);
	builder_free(builder);
}

static void
run_round(const char *dir, unsigned sets)
{
	struct zone_records *records;
	struct live *live;
	char sealed[2000], next[2000];
	unsigned set;

	model_draw_zone(&model[0], model_origins[0]);
	records = signed_records(NULL);
	zone_seal(dir, &records, 1);
	wrong = NULL;
	snprintf(sealed, sizeof sealed, "%s", dir);
	for (set = 0; set < sets && !wrong; set++) {
		live = open_live(sealed);
		change(live);
		if (model_has_anames && draw(3) > 0)
			resolve(live);
		compare_signed(live);
		live_close(live);
		if (draw(10) == 0) {
			snprintf(next, sizeof next, "%s-%u", dir, set);
			seal_anew(sealed, next);
			strcpy(sealed, next);
		}
		if (!wrong)
			ask_all(sealed);
	}
	ok(!wrong, "%u change sets leave a good zone", set);
	if (wrong)
		diag("%s", wrong);
}

/* ---- what a change costs ---- */

/* Put one owner, under the next serial; `records` are freed.  returns what ends the edit. */
static int
edit_owner(struct live *live, struct zone_records *records, struct live_edit *edit)
{
	struct zone_records *soa;
	int rc;

	zone_done(records);
	model[0].serial++;
	soa = model_new_records(&model[0]);
	model_put_soa(soa, &model[0]);
	zone_done(soa);
	must(live_begin(live), "live_begin");
	must(live_edit_begin(live, check.origin, check.origin_len, edit),
	     "live_edit_begin");
	must(live_put_owner(edit, records, records->records), "live_put_owner");
	rc = live_edit_end(edit, soa, LIVE_APEX_SOA);
	zone_records_free(records);
	zone_records_free(soa);
	return rc;
}

/* Put an address at a name.  returns how many signatures were made. */
static unsigned
cost_of(struct live *live, const char *owner, unsigned address)
{
	struct zone_records *records = model_new_records(&model[0]);
	struct live_edit edit;

	zone_put(records, owner, 60, RRTYPE_A, "4", address);
	zone_put(records, owner, 60, RRTYPE_TXT, "s", "stays");
	must(edit_owner(live, records, &edit), "live_edit_end");
	must(live_commit(live), "live_commit");
	return (unsigned)edit.made;
}

static void
count_costs(const char *dir)
{
	struct zone_records *records;
	struct signing_facts facts;
	struct node apex;
	struct live *live;

	memset(&model[0], 0, sizeof model[0]);
	model[0].exists = true;
	model[0].origin = model_origins[0];
	for (unsigned i = 0; i < MODEL_OWNERS; i++) {
		sprintf(model[0].owners[i].name, "n%u.example.com", i);
		model[0].owners[i].seed = 4;
	}
	records = signed_records(NULL);
	zone_seal(dir, &records, 1);
	live = open_live(dir);
	is_int(cost_of(live, "new.example.com", 1), 5,
	       "a new name: its two RRsets, its place and that before it in the chain, "
	       "SOA");
	is_int(cost_of(live, "new.example.com", 2), 2, "another address: that, and SOA");
	must(live_zone(live, check.origin, check.origin_len, &apex), "live_zone");
	records = signed_records(NULL);
	ok(node_copy_block(&apex, BLOCK_SIGNING, &facts, sizeof facts) &&
		   facts.signatures == records->signing->signatures + 3 &&
		   facts.made_count == records->signing->made_count + 4,
	   "what was made is counted");
	zone_records_free(records);
	live_close(live);
}

/* ---- renewal ---- */

/* What was signed ten days ago is renewed some names at a time. */
static void
renew(const char *dir)
{
	struct live_renewal renewal = { .origin_len = check.origin_len };
	struct zone_records *records;
	struct zone_facts facts;
	struct live *live;
	struct node apex;
	unsigned steps = 0, serial = model[0].serial;
	has_led = true;
	model_has_watched = true; /* some addresses are chosen for each query */
	model[0].owners[3].seed = 12;
	signed_at_s = time(NULL) - 10 * 86400;
	records = signed_records(NULL);
	signed_at_s = 0;
	zone_seal(dir, &records, 1);
	live = open_live(dir);
	memcpy(renewal.origin, check.origin, check.origin_len);
	must(live_zone(live, check.origin, check.origin_len, &apex), "live_zone");
	ok(live_is_renewal_due(&apex, &settings), "signatures are due");
	for (; !renewal.is_done && steps < 1000; steps++)
		must(live_renew(live, &renewal, 10), "live_renew");
	ok(steps > 5, "are renewed in steps: %u", steps);
	must(live_zone(live, check.origin, check.origin_len, &apex), "live_zone");
	ok(!live_is_renewal_due(&apex, &settings) &&
		   renewal.first_end_s > time(NULL) + 12 * 86400,
	   "and hold for long");
	ok(node_zone_facts(&apex, &facts) && facts.serial == serial, "the serial stays");
	records = signed_records(NULL);
	is_int(renewal.made, records->signing->signatures + 1,
	       "all of them, and what stands ready for when nothing is chosen");
	zone_records_free(records);
	wrong = NULL;
	model_has_watched = false;
	live_close(live);
	ask_all(dir);
	has_led = false;
	ok(!wrong, "the zone is good: %s", wrong ? wrong : "");
}

/* ---- many names hidden at once ---- */

static int
edit_x(struct live *live, unsigned seed)
{
	struct zone_records *records = model_new_records(&model[0]);
	struct model_owner *x = &model[0].owners[0];
	struct live_edit edit;

	strcpy(x->name, "x.example.com");
	x->seed = seed;
	model_put_owner(records, x->name, model[0].origin, seed, MODEL_GOOD);
	return edit_owner(live, records, &edit);
}

/* More names than an edit takes out of the chain leave it step by step. */
static void
hide_many(const char *dir)
{
	enum { DNAME_SEED = 11, CROWD = 1100, STEP = 150 };
	struct live_renewal renewal = { .origin_len = check.origin_len };
	struct zone_records *records;
	struct live *live;
	struct node apex;
	unsigned steps = 0;

	memset(&model[0], 0, sizeof model[0]);
	model[0].exists = true;
	model[0].origin = model_origins[0];
	crowd = CROWD;
	records = signed_records(NULL);
	zone_seal(dir, &records, 1);
	live = open_live(dir);
	must(edit_x(live, DNAME_SEED), "an edit that hides many names");
	must(live_commit(live), "live_commit");
	must(live_zone(live, check.origin, check.origin_len, &apex), "live_zone");
	ok(live_is_renewal_due(&apex, &settings), "there is something to tidy up");
	memcpy(renewal.origin, check.origin, check.origin_len);
	for (; !renewal.is_done && steps < 100; steps++)
		must(live_renew(live, &renewal, STEP), "live_renew");
	wrong = NULL;
	compare_signed(live);
	ok(!wrong, "hidden names have left the chain, in %u steps: %s", steps,
	   wrong ? wrong : "");
	must(live_zone(live, check.origin, check.origin_len, &apex), "live_zone");
	ok(!live_is_renewal_due(&apex, &settings), "and then there is not");
	is_int(edit_x(live, DNAME_SEED + 1), ERR_FORMAT,
	       "to show them again at once is too much for an edit");
	live_abort(live);
	live_close(live);
	crowd = 0;
	ask_all(dir);
	ok(!wrong, "the zone is good: %s", wrong ? wrong : "");
}

int
main(void)
{
	static const char *const names[] = { "nsec", "nsec3", "opt-out" };
	char *scratch = scratch_dir_make();
	char keys[1200], dir[1200];
	pid_t signer;

	plan(0);
	draw_seed();
	model_has_odd_wildcards = false;
	model_has_watched = model_has_steered = model_has_long_names = true;
	model_has_bad = true;
	if (steerer_init(&steerer, &geo) != 0)
		bail_out("no seed");
	snprintf(keys, sizeof keys, "%s/keys", scratch);
	if (mkdir(keys, 0700) != 0 || render_new(&renderer) != 0)
		bail_out("no directory");
	render_set_last(renderer, model_last, NULL);
	settings.dnssec.key_dir = keys;
	settings.dnssec.validity_days = 14;
	settings.dnssec.refresh_days = 7;
	settings.dnssec.max_rate = 1000000;
	settings.state_dir = scratch;
	make_key(keys);
	signer_fd = signer_fork(&settings, &signer);
	session = sign_session_new(signer_fd, false);
	if (signer_fd < 0 || !session)
		bail_out("no signer");
	check.origin_len = (unsigned)dname_from_text(model_origins[0], check.origin);
	for (unsigned i = DENIAL_NSEC; i <= DENIAL_OPTOUT; i++) {
		diag("%s", names[i]);
		for (unsigned round = 0; round < ROUNDS; round++) {
			set_denial((enum denial)i);
			snprintf(dir, sizeof dir, "%s/%s%u", scratch, names[i], round);
			model_has_anames = round % 2;
			run_round(dir, getenv("MARTLET_SOAK") ? SETS_SOAK : SETS);
		}
		model_has_anames = false;
		set_denial((enum denial)i);
		snprintf(dir, sizeof dir, "%s/%s", scratch, names[i]);
		count_costs(dir);
		snprintf(dir, sizeof dir, "%s/%s-old", scratch, names[i]);
		renew(dir);
		snprintf(dir, sizeof dir, "%s/%s-many", scratch, names[i]);
		hide_many(dir);
	}
	ok(asked > 1000, "%u answers were judged", asked);
	sign_session_free(session);
	close(signer_fd);
	waitpid(signer, NULL, 0);
	EVP_PKEY_free(check.key);
	render_free(renderer);
	scratch_dir_free(scratch);
	return done_testing();
}
