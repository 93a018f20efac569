/* The member of a chain of denial that matches or covers a name is the one that a list of all
 * members says: for random chains of NSEC and NSEC3, sealed, with live changes on top of that,
 * and with an index that has no fences.  Labels begin alike, at length, and hold octets that
 * keys escape. */
#include "worker/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_records.h"
#include "t/draw.h"
#include "t/live_store.h"
#include "t/scratch_dir.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"
#include "worker/zone_store.h"

#define NSEC_ORIGIN "nsec.test"
#define NSEC3_ORIGIN "nsec3.test"

enum {
	STORES = 16,
	MEMBERS = 400,
	QUESTIONS = 500,
};

struct model_name {
	uint8_t name[2 * DNAME_MAX]; /* any name fits behind any */
	unsigned len;
};

/* The members of a chain, in order. */
struct model {
	struct model_name members[MEMBERS];
	unsigned count;
};

/* ---- names ---- */

/* A label that begins as others do, or differs early. */
static unsigned
draw_label(uint8_t *out)
{
	static const char *const heads[] = {
		"", "", "h0000", "customer-with-a-name-of-more-than-thirty-octets-"
	};
	static const uint8_t octets[] = { 0, 1, 2, '*', '-', '0', '1', 'a', 'b', 255 };
	const char *head = heads[draw(4)];
	unsigned len = (unsigned)strlen(head), more = 1 + draw(4);

	memcpy(out + 1, head, len);
	for (unsigned i = 0; i < more; i++)
		out[1 + len + i] = octets[draw(sizeof octets)];
	out[0] = (uint8_t)(len + more);
	return 1 + len + more;
}

static struct model_name
draw_name(void)
{
	struct model_name name = { .len = 0 };

	for (unsigned labels = 1 + draw(2); labels > 0; labels--)
		name.len += draw_label(name.name + name.len);
	name.len += (unsigned)dname_from_text(NSEC_ORIGIN, name.name + name.len);
	return name;
}

/* A hash; its first eight octets are often those of others. */
static struct model_name
draw_hash(void)
{
	uint8_t hash[NSEC3_HASH_LEN];
	struct model_name name;

	for (unsigned i = 0; i < sizeof hash; i++)
		hash[i] = (uint8_t)draw(256);
	if (draw(4) == 0)
		memset(hash, draw(2) ? 0 : 255, 8);
	nsec3_hash_to_label(hash, name.name);
	name.len = NSEC3_LABEL_LEN + 1;
	name.len += (unsigned)dname_from_text(NSEC3_ORIGIN, name.name + name.len);
	return name;
}

/* ---- the model ---- */

static int
compare(const void *a, const void *b)
{
	return dname_compare(((const struct model_name *)a)->name,
			     ((const struct model_name *)b)->name);
}

static void
sort(struct model *model)
{
	unsigned kept = 1;

	qsort(model->members, model->count, sizeof *model->members, compare);
	for (unsigned i = 1; i < model->count; i++)
		if (compare(&model->members[i], &model->members[kept - 1]) != 0)
			model->members[kept++] = model->members[i];
	model->count = kept;
}

/* The last member at or before the name; going around. */
static const struct model_name *
predecessor(const struct model *model, const struct model_name *name)
{
	const struct model_name *found = &model->members[model->count - 1];

	for (unsigned i = 0; i < model->count; i++)
		if (compare(&model->members[i], name) <= 0)
			found = &model->members[i];
	return found;
}

/* Take some members out, runs of them too, and put others in; `first` stays. */
static void
change(struct model *model, struct model_name (*draw_member)(void), unsigned first)
{
	unsigned kept = first, left = 0;

	for (unsigned i = first; i < model->count; i++) {
		if (left == 0 && draw(20) == 0)
			left = draw(40);
		if (left > 0)
			left--;
		else
			model->members[kept++] = model->members[i];
	}
	model->count = kept;
	for (unsigned i = draw(30); i > 0 && model->count < MEMBERS; i--)
		model->members[model->count++] = draw_member();
	if (model->count == 0)
		model->members[model->count++] = draw_member();
	sort(model);
}

/* ---- zones ---- */

static const struct model_name *
next_of(const struct model *model, unsigned i)
{
	return &model->members[(i + 1) % model->count];
}

static struct zone_records *
nsec_zone(const struct model *model)
{
	struct zone_records *zone = zone_make(NSEC_ORIGIN);
	char owner[DNAME_TEXT_MAX], next[DNAME_TEXT_MAX];

	zone_put_sig(zone, NSEC_ORIGIN, 60, RRTYPE_SOA, NSEC_ORIGIN);
	for (unsigned i = 0; i < model->count; i++) {
		dname_to_text(model->members[i].name, owner);
		dname_to_text(next_of(model, i)->name, next);
		zone_put(zone, owner, 60, RRTYPE_NSEC, "nx", next, "0006000000080003");
		zone_put_sig(zone, owner, 60, RRTYPE_NSEC, NSEC_ORIGIN);
	}
	zone_done(zone);
	return zone;
}

static struct zone_records *
nsec3_zone(const struct model *model)
{
	struct zone_records *zone = zone_make(NSEC3_ORIGIN);
	char owner[DNAME_TEXT_MAX], next[2 * NSEC3_HASH_LEN + 1];
	uint8_t hash[NSEC3_HASH_LEN];

	zone_put_sig(zone, NSEC3_ORIGIN, 60, RRTYPE_SOA, NSEC3_ORIGIN);
	zone_put(zone, NSEC3_ORIGIN, 0, RRTYPE_NSEC3PARAM, "1121", 1, 0, 0, 0);
	for (unsigned i = 0; i < model->count; i++) {
		dname_to_text(model->members[i].name, owner);
		(void)nsec3_hash_from_label(next_of(model, i)->name, hash);
		for (unsigned k = 0; k < sizeof hash; k++)
			sprintf(next + (size_t)2 * k, "%02x", hash[k]);
		zone_put(zone, owner, 60, RRTYPE_NSEC3, "11211xx", 1, 0, 0, 0,
			 NSEC3_HASH_LEN, next, "000140");
		zone_put_sig(zone, owner, 60, RRTYPE_NSEC3, NSEC3_ORIGIN);
	}
	zone_done(zone);
	return zone;
}

static void
seal(const char *dir, const struct model *nsec, const struct model *nsec3)
{
	struct zone_records *zones[] = { nsec_zone(nsec), nsec3_zone(nsec3) };

	zone_seal(dir, zones, 2);
}

/* ---- asking ---- */

static struct node
apex_of(const struct zone_store *store, const char *origin, uint32_t *zone_id)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	unsigned len = (unsigned)dname_from_text(origin, name);
	uint64_t hash = name_hash(&store->gen.head.seed, CATALOGUE_ID, name);
	struct zone_facts facts = { 0 };
	struct node apex;

	if (lookup(store, hash, CATALOGUE_ID, name, len, &apex) != LOOKUP_FOUND ||
	    !node_zone_facts(&apex, &facts))
		bail_out("%s: no apex", origin);
	*zone_id = facts.zone_id;
	return apex;
}

static bool
is_member(const struct node *node, const struct model_name *wanted)
{
	return node->head.owner_len == wanted->len &&
	       memcmp(node_owner(node), wanted->name, wanted->len) == 0;
}

static bool
ask_nsec(const struct zone_store *store, const struct model *model,
	 const struct model_name *name)
{
	uint32_t zone_id;
	struct node apex = apex_of(store, NSEC_ORIGIN, &zone_id), node;
	struct rrset rrset;

	return chain_find_nsec(store, zone_id, &apex, name->name, name->len, &node) ==
		       LOOKUP_FOUND &&
	       is_member(&node, predecessor(model, name)) &&
	       node_find_rrset(&node, RRTYPE_NSEC, &rrset);
}

static bool
ask_nsec3(const struct zone_store *store, const struct model *model,
	  const struct model_name *name)
{
	const struct model_name *wanted = predecessor(model, name);
	uint32_t zone_id;
	struct node apex = apex_of(store, NSEC3_ORIGIN, &zone_id), node;
	uint8_t hash[NSEC3_HASH_LEN];
	struct chain_nsec3 chain;
	struct rrset rrset;
	bool matches;

	return nsec3_hash_from_label(name->name, hash) &&
	       chain_open_nsec3(zone_id, &apex, &chain) &&
	       chain_find_nsec3(store, &chain, hash, &node, &matches) == LOOKUP_FOUND &&
	       is_member(&node, wanted) && matches == (compare(name, wanted) == 0) &&
	       node_find_rrset(&node, RRTYPE_NSEC3, &rrset);
}

/* Ask for members, those that were some, and for others. */
static bool
ask_both(const struct zone_store *store, const struct model *nsec,
	 const struct model *nsec3, const struct model *also)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct model_name name = draw_name(), hash = draw_hash();

		if (draw(3) == 0)
			name = nsec->members[draw(nsec->count)];
		if (draw(3) == 0)
			name = also[0].members[draw(also[0].count)];
		if (draw(3) == 0)
			hash = nsec3->members[draw(nsec3->count)];
		if (draw(3) == 0)
			hash = also[1].members[draw(also[1].count)];
		if (!ask_nsec(store, nsec, &name) || !ask_nsec3(store, nsec3, &hash))
			return false;
	}
	return true;
}

static bool
ask(const char *dir, const struct model *nsec, const struct model *nsec3,
    const struct model *also, bool has_fences)
{
	struct zone_store store;
	bool same;

	if (zone_store_init(dir, &store) != 0)
		bail_out("%s: no store", dir);
	zone_store_renew(&store);
	if (!store.gen.fences)
		bail_out("an index without fences");
	if (!has_fences)
		store.gen.fences = NULL;
	same = ask_both(&store, nsec, nsec3, also);
	zone_store_fini(&store);
	return same;
}

/* ---- the whole ---- */

static unsigned sealed_failed, bare_failed, live_failed;

static void
round_trip(void)
{
	static struct model before[2], after[2];
	char *scratch = scratch_dir_make();
	char first[4096], second[4096];
	unsigned count = draw(MEMBERS - 1);

	snprintf(first, sizeof first, "%s/first", scratch);
	snprintf(second, sizeof second, "%s/second", scratch);
	before[0].count = before[1].count = 1;
	before[0].members[0].len =
		(unsigned)dname_from_text(NSEC_ORIGIN, before[0].members[0].name);
	before[1].members[0] = draw_hash();
	for (unsigned i = 0; i < count; i++) {
		before[0].members[before[0].count++] = draw_name();
		before[1].members[before[1].count++] = draw_hash();
	}
	sort(&before[0]);
	sort(&before[1]);
	memcpy(after, before, sizeof after);
	change(&after[0], draw_name, 1);
	change(&after[1], draw_hash, 0);
	seal(first, &before[0], &before[1]);
	seal(second, &after[0], &after[1]);
	sealed_failed += !ask(first, &before[0], &before[1], after, true);
	bare_failed += !ask(first, &before[0], &before[1], after, false);
	live_store_change(first, second);
	live_failed += !ask(first, &after[0], &after[1], before, draw(2));
	scratch_dir_free(scratch);
}

int
main(void)
{
	plan(3);
	draw_seed();
	for (unsigned i = 0; i < STORES; i++)
		round_trip();
	is_int(sealed_failed, 0, "sealed chains");
	is_int(bare_failed, 0, "without fences");
	is_int(live_failed, 0, "with live changes");
	return done_testing();
}
