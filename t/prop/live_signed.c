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
#include "shm/dns.h"
#include "shm/steered.h"
#include "t/answer_check.h"
#include "t/draw.h"
#include "t/prop/live_change.h"
#include "t/query_file.h"
#include "t/scratch_dir.h"
#include "t/zone_seal.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum {
	ROUNDS = 2,
	SETS = 12,
	SETS_SOAK = 200,
	OTHERS = 100,
	ROOM = 16000,
	HOPS_MAX = 10000
};

static struct settings settings;
static int signer_fd;
static struct sign_session *session;
static struct check check;
static enum denial denial;
static unsigned asked;
static int64_t signed_at_s; /* 0: now */

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

	zone->signing_wish = (struct zone_signing_wish){ .is_wanted = true,
							 .has_denial = true,
							 .denial = (uint16_t)denial };
	must(zone_sign(zone, session, &how, &messages), "zone_sign");
	zone_messages_fini(&messages);
	return zone;
}

/* ---- the store beside the zone signed as a whole ---- */

static bool
is_chain_type(uint16_t type)
{
	return type == RRTYPE_NSEC || type == RRTYPE_NSEC3;
}

/* The next block of a node that both must have alike. */
static bool
next_data(const struct node *node, uint32_t *at, struct block *out)
{
	while (node_next_block(node, at, out))
		if (out->head.kind != BLOCK_ZONE && out->head.kind != BLOCK_SIGNING &&
		    !(out->head.kind == BLOCK_RRSET && is_chain_type(out->head.type)))
			return true;
	return false;
}

/* What denies a steered RRset, but for the octets of signatures; that of a wildcard may lead
 * to a name that is hidden by now. */
static bool
same_denial(const struct steered *a, const struct steered *b, bool is_wildcard)
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
	       x.head.sig_count == y.head.sig_count &&
	       (is_wildcard || (x.head.wire_len == y.head.wire_len &&
				memcmp(x.wire, y.wire, x.head.wire_len) == 0));
}

/* A steered RRset, the same; one that is hidden may have been signed while it was not. */
static bool
same_steered(const struct block *a, const struct block *b, bool is_hidden,
	     bool is_wildcard)
{
	size_t one_len = 0, other_len = 0;
	const uint8_t *one_parts = steered_own_parts(a, &one_len);
	const uint8_t *other_parts = steered_own_parts(b, &other_len);
	struct steered one, other;

	if (!steered_open(a, &one) || !steered_open(b, &other) || !one_parts ||
	    !other_parts || steered_check(a) || one_len != other_len ||
	    memcmp(one_parts, other_parts, one_len) != 0 ||
	    one.rrset.head.wire_len != other.rrset.head.wire_len ||
	    memcmp(one.rrset.wire, other.rrset.wire, one.rrset.head.wire_len) != 0)
		return false;
	return is_hidden || (one.rrset.head.sig_len == other.rrset.head.sig_len &&
			     one.set_count == other.set_count &&
			     memcmp(one.sets, other.sets,
				    (size_t)(one.set_signatures - one.sets)) == 0 &&
			     same_denial(&one, &other, is_wildcard));
}

/* The same but for the octets of signatures; a name that was hidden a while ago may still
 * have some. */
static bool
same_block(const struct block *a, const struct block *b, bool is_hidden, bool is_wildcard)
{
	struct rrset one, other;

	if (a->head.kind != b->head.kind || a->head.type != b->head.type)
		return false;
	if (a->head.kind == BLOCK_STEERED)
		return same_steered(a, b, is_hidden, is_wildcard);
	if (a->head.kind != BLOCK_RRSET && a->head.kind != BLOCK_NEGATIVE_SOA)
		return a->head.len == b->head.len &&
		       memcmp(a->payload, b->payload, a->head.len) == 0;
	if (!rrset_open(a, &one) || !rrset_open(b, &other))
		return false;
	if (is_hidden && other.head.sig_count == 0)
		one.head.sig_count = one.head.sig_len = 0;
	return memcmp(&one.head, &other.head, sizeof one.head) == 0 &&
	       memcmp(one.wire, other.wire, one.head.wire_len) == 0 &&
	       memcmp(one.patches, other.patches,
		      (size_t)(one.targets_end - one.patches)) == 0;
}

static bool
is_hidden(const struct node *node)
{
	const uint8_t *owner = node_owner(node);
	uint8_t name[DNAME_MAX];

	if (model[0].apex_seed % 8 == 3)
		return true;
	for (unsigned i = 0; i < MODEL_OWNERS; i++) {
		const struct model_owner *above = &model[0].owners[i];
		size_t len = above->name[0] ? dname_from_text(above->name, name) : 0;

		if (len > 0 && len < node->head.owner_len && above->name[0] != '*' &&
		    (above->seed % 8 == 2 || above->seed % 8 == 3) &&
		    dname_is_subdomain(owner, node->head.owner_len, name, len))
			return true;
	}
	return false;
}

static void
compare_data(const struct node *got, const struct node *want)
{
	uint32_t at = 0, bt = 0;
	struct block a, b;

	if (node_check(got))
		differ(node_check(got), node_owner(got));
	while (next_data(want, &bt, &b))
		if (!next_data(got, &at, &a) ||
		    !same_block(&a, &b, is_hidden(want),
				dname_is_wildcard(node_owner(want)))) {
			differ("a block differs", node_owner(want));
			return;
		}
	if (next_data(got, &at, &a))
		differ("a block too many", node_owner(want));
}

static bool
chain_rdata(const struct node *node, uint16_t type, const uint8_t **rdata, size_t *len)
{
	struct rrset rrset;

	if (!node_find_rrset(node, type, &rrset) || rrset.head.sig_count != 1)
		return false;
	*rdata = rrset.wire + 12;
	*len = rrset.head.wire_len - 12u;
	return true;
}

/* Find a member of the chain in the store, and what it says. */
static bool
find_member(struct live *live, uint32_t zone_id, const uint8_t *name,
	    const uint8_t **rdata, size_t *len)
{
	size_t name_len = dname_len(name, DNAME_MAX);
	struct node node;
	int rc = denial != DENIAL_NSEC
			 ? live_find(live, zone_id | NSEC3_SPACE, name, name_len, &node)
		 : name_len == check.origin_len
			 ? live_zone(live, name, name_len, &node)
			 : live_find(live, zone_id, name, name_len, &node);

	return rc == 0 &&
	       chain_rdata(&node, denial == DENIAL_NSEC ? RRTYPE_NSEC : RRTYPE_NSEC3,
			   rdata, len);
}

static void
next_of(const uint8_t *rdata, uint8_t out[DNAME_MAX])
{
	if (denial == DENIAL_NSEC) {
		memcpy(out, rdata, dname_len(rdata, DNAME_MAX));
		return;
	}
	nsec3_hash_to_label(rdata + 6, out);
	memcpy(out + NSEC3_LABEL_LEN + 1, check.origin, check.origin_len);
}

/* The bitmap of a member, and whether the store leads from it to the next one, by way of
 * names at most that a cut or DNAME hides by now. */
static void
compare_member(struct live *live, uint32_t zone_id, const struct node *want)
{
	uint16_t type = denial == DENIAL_NSEC ? RRTYPE_NSEC : RRTYPE_NSEC3;
	const uint8_t *rdata, *wanted;
	size_t len, wanted_len, head;
	uint8_t next[DNAME_MAX], end[DNAME_MAX];

	if (!chain_rdata(want, type, &wanted, &wanted_len))
		return;
	if (!find_member(live, zone_id, node_owner(want), &rdata, &len)) {
		differ("not in the chain", node_owner(want));
		return;
	}
	head = denial == DENIAL_NSEC ? dname_len(rdata, len) : 26;
	if (len - head != wanted_len - (denial == DENIAL_NSEC
						? dname_len(wanted, wanted_len)
						: 26) ||
	    memcmp(rdata + head, wanted + wanted_len - (len - head), len - head) != 0) {
		differ("another bitmap", node_owner(want));
		return;
	}
	next_of(wanted, end);
	for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
		next_of(rdata, next);
		if (dname_compare(next, end) == 0)
			return;
		if (!find_member(live, zone_id, next, &rdata, &len))
			break;
	}
	differ("leads elsewhere", node_owner(want));
}

static void
compare_rendered(struct live *live, struct zone_records *records, const struct node *apex,
		 const struct zone_facts *facts)
{
	const uint8_t *bytes;
	struct node want, got;

	if (render_start(renderer, records, facts->zone_id, NULL, NULL) != 0 ||
	    render_apex(renderer, &bytes) != 0 || !node_open(bytes, UINT32_MAX, &want))
		bail_out("cannot render");
	compare_data(apex, &want);
	compare_member(live, facts->zone_id, &want);
	if (facts->name_count != render_facts(renderer)->name_count ||
	    facts->flags != render_facts(renderer)->flags)
		differ("other facts", node_owner(&want));
	while (!wrong && next_wanted(&want)) {
		if (live_find(live, facts->zone_id, node_owner(&want),
			      want.head.owner_len, &got) != 0)
			differ("not found", node_owner(&want));
		else
			compare_data(&got, &want);
		compare_member(live, facts->zone_id, &want);
	}
	while (!wrong && render_next_nsec3(renderer, &bytes) == 0 && bytes &&
	       node_open(bytes, UINT32_MAX, &want))
		compare_member(live, facts->zone_id, &want);
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

static void
ask(struct zone_store *store, const char *name, uint16_t type)
{
	static const struct answer_options options = { .udp_size = ROOM };
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
change(struct live *live)
{
	static struct model_zone before;
	struct zone_records *records;

	before = model[0];
	must(live_begin(live), "live_begin");
	for (unsigned i = 1 + draw(2); i > 0; i--) {
		if (draw(15) != 0) {
			edit_zone(live, &model[0]);
			continue;
		}
		model[0].serial++;
		records = signed_records(live);
		must(live_put_zone(live, records), "live_put_zone");
		zone_records_free(records);
	}
	if (draw(8) == 0) {
		live_abort(live);
		model[0] = before;
	} else {
		must(live_commit(live), "live_commit");
	}
}

static struct live *
open_live(const char *dir)
{
	struct live *live;

	must(live_open(dir, 1000, &live), "live_open");
	must(live_set_signer(live, &settings, signer_fd), "live_set_signer");
	return live;
}

static void
run_round(const char *dir, unsigned sets)
{
	struct zone_records *records;
	struct live *live;
	char sealed[2000];
	unsigned set;

	model_draw_zone(&model[0], model_origins[0]);
	records = signed_records(NULL);
	zone_seal(dir, &records, 1);
	wrong = NULL;
	snprintf(sealed, sizeof sealed, "%s", dir);
	for (set = 0; set < sets && !wrong; set++) {
		live = open_live(sealed);
		change(live);
		compare_signed(live);
		if (draw(10) == 0) { /* what is served, sealed anew */
			records = signed_records(live);
			snprintf(sealed, sizeof sealed, "%s-%u", dir, set);
			zone_seal(sealed, &records, 1);
		}
		live_close(live);
		if (!wrong)
			ask_all(sealed);
	}
	ok(!wrong, "%u change sets leave a good zone", set);
	if (wrong)
		diag("%s", wrong);
}

/* ---- what a change costs ---- */

/* Put an address at a name, and end the edit.  returns how many signatures were made. */
static unsigned
cost_of(struct live *live, const char *owner, unsigned address)
{
	struct zone_records *soa, *records = model_new_records(&model[0]);
	struct live_edit edit;

	zone_put(records, owner, 60, RRTYPE_A, "4", address);
	zone_put(records, owner, 60, RRTYPE_TXT, "s", "stays");
	zone_done(records);
	model[0].serial++;
	soa = model_new_records(&model[0]);
	model_put_soa(soa, &model[0]);
	zone_done(soa);
	must(live_begin(live), "live_begin");
	must(live_edit_begin(live, check.origin, check.origin_len, &edit),
	     "live_edit_begin");
	must(live_put_owner(&edit, records, records->records), "live_put_owner");
	must(live_edit_end(&edit, soa, LIVE_APEX_SOA), "live_edit_end");
	must(live_commit(live), "live_commit");
	zone_records_free(records);
	zone_records_free(soa);
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
	model_has_watched = true;
	snprintf(keys, sizeof keys, "%s/keys", scratch);
	if (mkdir(keys, 0700) != 0 || render_new(&renderer) != 0)
		bail_out("no directory");
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
	for (denial = DENIAL_NSEC; denial <= DENIAL_OPTOUT; denial++) {
		check.is_optout = denial == DENIAL_OPTOUT;
		diag("%s", names[denial]);
		for (unsigned round = 0; round < ROUNDS; round++) {
			snprintf(dir, sizeof dir, "%s/%s%u", scratch, names[denial],
				 round);
			run_round(dir, getenv("MARTLET_SOAK") ? SETS_SOAK : SETS);
		}
		snprintf(dir, sizeof dir, "%s/%s", scratch, names[denial]);
		count_costs(dir);
		snprintf(dir, sizeof dir, "%s/%s-old", scratch, names[denial]);
		renew(dir);
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
