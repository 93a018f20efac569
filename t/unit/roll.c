/* Rollovers: every timing rule of RFC 7583 (and RFC 6781, section 4.1.4) in tables that are
 * walked second by second, and what is kept of them. */
#include <stdio.h>
#include <string.h>

#include "loader/sign/roll.h"
#include "loader/sign/roll_text.h"
#include "t/tap.h"

enum {
	T0 = 1000000,
	TTL_KEY = 60,
	TTL_SIG = 300,
	TTL_DS = 900,
	LAG = 10, /* Dprp, DprpC, DprpP */
	SLACK = 1, /* caches count whole seconds */
	ZSK_FLAGS = 256,
	KSK_FLAGS = 257,
	END = 20000,
};

/* A zone in a world of its own: what the signer would draw, and serve, and what a parent
 * has. */
struct world {
	struct roll_zone zone;
	struct roll_view view;
	uint16_t next_tag;
	int64_t dsgn_s; /* Dsgn: so long after a change is it served */
	int64_t serve_s; /* when it will be; 0: it is */
	int64_t dreg_s; /* Dreg: so long after CDS asks does the parent act; -1: never */
	int64_t ready_s;
	bool has_resolver, is_looked_at;
};

static void
world_add(struct world *w, uint16_t tag, uint8_t algorithm, enum roll_role role)
{
	w->zone.keys[w->zone.count++] = (struct roll_key){
		.tag = tag,
		.flags = role == ROLL_ZSK ? ZSK_FLAGS : KSK_FLAGS,
		.algorithm = algorithm,
		.role = (uint8_t)role,
		.stage = ROLL_ACTIVE,
	};
}

static struct world
world_new(void)
{
	return (struct world){
		.view = { .now_s = T0,
			  .ttl_key_s = TTL_KEY,
			  .ttl_sig_s = TTL_SIG,
			  .propagation_s = LAG },
		.next_tag = 100,
		.has_resolver = true,
	};
}

static struct roll_key *
find(struct world *w, uint16_t tag)
{
	for (uint32_t i = 0; i < w->zone.count; i++)
		if (w->zone.keys[i].tag == tag)
			return &w->zone.keys[i];
	return NULL;
}

static struct roll_key
key_of(struct world *w, uint16_t tag)
{
	const struct roll_key *key = find(w, tag);

	if (!key)
		bail_out("there is no key %u", tag);
	return *key;
}

static struct sign_key
applied(struct world *w, uint16_t tag)
{
	const struct roll_key *from = find(w, tag);
	struct sign_key key = { .state = SIGN_KEY_ACTIVE };

	if (from)
		roll_apply(&w->zone, from, &key);
	return key;
}

/* The parent does what CDS says, Dreg after it said so. */
static void
world_parent(struct world *w)
{
	uint32_t wanted = 0;

	for (uint32_t i = 0; i < w->zone.count; i++)
		if (applied(w, w->zone.keys[i].tag).in_cds)
			wanted |= UINT32_C(1) << i;
	if (wanted == 0 || wanted == w->view.ds.everywhere || w->serve_s != 0)
		w->ready_s = 0;
	else if (w->ready_s == 0)
		w->ready_s = w->view.now_s;
	if (w->ready_s == 0 || w->dreg_s < 0 || w->view.now_s < w->ready_s + w->dreg_s)
		return;
	w->view.ds.everywhere = w->view.ds.anywhere = wanted;
	w->ready_s = 0;
}

/* One look.  returns whether something changed. */
static bool
world_look(struct world *w)
{
	struct roll_outcome outcome;

	if (w->serve_s != 0 && w->view.now_s >= w->serve_s)
		w->serve_s = 0;
	world_parent(w);
	w->view.is_served = w->serve_s == 0;
	w->view.ds.is_known = w->has_resolver;
	w->view.ds.ttl_s = w->view.ds.count ? TTL_DS : 0;
	outcome = roll_step(&w->zone, &w->view);
	for (uint32_t i = 0; i < w->zone.count; i++)
		if (w->zone.keys[i].stage == ROLL_WANTED)
			roll_start(&w->zone.keys[i], w->next_tag++, w->view.now_s);
	for (uint32_t i = 0; i < w->zone.count; i++)
		if (w->zone.keys[i].is_managed && w->zone.keys[i].since_s == 0 &&
		    w->serve_s == 0)
			w->serve_s = w->view.now_s + w->dsgn_s;
	return outcome.is_changed;
}

/* When was the key seen first in each stage? */
struct history {
	int64_t first[ROLL_STAGES];
};

static void
note(struct world *w, uint16_t tag, struct history *history)
{
	const struct roll_key *key = find(w, tag);

	if (key && history->first[key->stage] == 0)
		history->first[key->stage] = w->view.now_s;
}

/* Second by second; what is known outlasts a restart at every one of them. */
static void
walk(struct world *w, int64_t seconds, uint16_t old_tag, struct history *old,
     uint16_t new_tag, struct history *new)
{
	for (int64_t i = 0; i < seconds; i++) {
		char text[ROLL_TEXT_MAX];
		struct roll_zone again;

		w->view.now_s++;
		world_look(w);
		note(w, old_tag, old);
		note(w, new_tag, new);
		if (roll_is_empty(&w->zone))
			continue;
		if (!roll_text_read(text, roll_text_write(&w->zone, text), &again))
			bail_out("what was written cannot be read");
		for (uint32_t k = 0; k < again.count; k++) {
			struct roll_key *key = find(w, again.keys[k].tag);

			if (!key || memcmp(key, &again.keys[k], sizeof *key) != 0)
				bail_out("key %u is not what was written",
					 again.keys[k].tag);
		}
	}
}

/* ---- the rules ---- */

/* Which moment is meant. */
enum moment { OLD = 0, NEW = 1 };

struct rule {
	const char *name;
	enum moment of;
	enum roll_stage stage; /* Tpub, Trdy, Tact, Tret, Tdea and Trem of it ... */
	enum moment from_of;
	enum roll_stage from; /* ... is so long after this */
	int64_t interval_s;
};

static void
check_rules(const char *what, const struct rule *rules, size_t count,
	    const struct history *old, const struct history *new)
{
	const struct history *both[] = { old, new };

	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &rules[i];
		int64_t at = both[rule->of]->first[rule->stage];
		int64_t from = both[rule->from_of]->first[rule->from];

		ok(at != 0, "%s: %s is reached", what, rule->name);
		is_int(at - from, rule->interval_s, "%s: %s", what, rule->name);
	}
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void
test_zsk(void)
{
	for (int64_t dsgn_s = 1; dsgn_s <= 50; dsgn_s += 49) {
		const struct rule rules[] = {
			{ "Tact(N+1) = Tpub(N+1) + Ipub, Ipub = Dprp + TTLkey", NEW,
			  ROLL_ACTIVE, NEW, ROLL_PUBLISHED,
			  dsgn_s + LAG + TTL_KEY + SLACK },
			{ "Tret(N) = Tact(N+1)", OLD, ROLL_RETIRED, NEW, ROLL_ACTIVE, 0 },
			{ "Tdea(N) = Tret(N) + Iret, Iret = Dsgn + Dprp + TTLsig", OLD,
			  ROLL_REMOVED, OLD, ROLL_RETIRED,
			  dsgn_s + LAG + TTL_SIG + SLACK },
		};
		struct history old = { 0 }, new = { 0 };
		struct world w = world_new();

		w.dsgn_s = dsgn_s;
		world_add(&w, 1, 13, ROLL_ZSK);
		world_add(&w, 2, 13, ROLL_KSK);
		ok(roll_ask(&w.zone, ROLL_WISH_ZSK, 0) == NULL, "a ZSK is to be rolled");
		walk(&w, END, 1, &old, 100, &new);
		check_rules("ZSK", rules, COUNT(rules), &old, &new);
		is_int(key_of(&w, 2).is_managed, false, "the KSK has no part in it");
		is_int(w.zone.count, 3, "one new key");
	}
}

static void
test_ksk(void)
{
	static const struct rule rules[] = {
		{ "Trdy(N+1) = Tpub(N+1) + IpubC, IpubC = DprpC + TTLkey", NEW,
		  ROLL_READY, NEW, ROLL_PUBLISHED, 1 + LAG + TTL_KEY + SLACK },
		{ "Tact(N+1) = Tsbm(N+1) + Dreg, Tsbm >= Trdy", NEW, ROLL_ACTIVE, NEW,
		  ROLL_READY, 1 + 1000 },
		{ "Tret(N) = Tact(N+1)", OLD, ROLL_RETIRED, NEW, ROLL_ACTIVE, 0 },
		{ "Tdea(N) = Tret(N) + Iret, Iret = DprpP + TTLds", OLD, ROLL_REMOVED,
		  OLD, ROLL_RETIRED, LAG + TTL_DS + SLACK },
	};
	struct history old = { 0 }, new = { 0 };
	struct world w = world_new();

	w.dsgn_s = 1;
	w.dreg_s = 1000;
	world_add(&w, 1, 13, ROLL_ZSK);
	world_add(&w, 2, 13, ROLL_KSK);
	w.view.ds = (struct roll_ds){ .count = 1, .everywhere = 2, .anywhere = 2 };
	ok(roll_ask(&w.zone, ROLL_WISH_KSK, 0) == NULL, "a KSK is to be rolled");
	world_look(&w);
	note(&w, 100, &new);
	is_int(applied(&w, 100).state, SIGN_KEY_ACTIVE, "the new key signs keys at once");
	is_int(applied(&w, 100).in_cds, false, "CDS waits until all caches have it");
	walk(&w, LAG + TTL_KEY + SLACK + 3, 2, &old, 100, &new);
	is_int(applied(&w, 100).in_cds, true, "CDS shows the new key");
	is_int(applied(&w, 2).in_cds, false, "and not the old one");
	is_int(applied(&w, 2).state, SIGN_KEY_ACTIVE, "which signs");
	walk(&w, 1003, 2, &old, 100, &new);
	is_int(applied(&w, 2).state, SIGN_KEY_ACTIVE, "also when its DS is gone");
	is_int(applied(&w, 100).in_cds, true, "CDS stays as it is");
	walk(&w, END, 2, &old, 100, &new);
	check_rules("KSK", rules, COUNT(rules), &old, &new);
	is_int(applied(&w, 2).state, SIGN_KEY_REMOVED, "the old one is gone in the end");
	is_int(applied(&w, 100).in_cds, false, "and CDS with it");
	is_int(key_of(&w, 1).is_managed, false, "the ZSK has no part in it");
}

static void
test_csk(void)
{
	static const struct rule rules[] = {
		{ "ready after Dprp + max(TTLkey, TTLsig)", NEW, ROLL_READY, NEW,
		  ROLL_PUBLISHED, 1 + LAG + TTL_SIG + SLACK },
		{ "Tact(N+1) = Tsbm(N+1) + Dreg", NEW, ROLL_ACTIVE, NEW, ROLL_READY,
		  1 + 5 },
		{ "Iret = DprpP + TTLds", OLD, ROLL_REMOVED, OLD, ROLL_RETIRED,
		  LAG + TTL_DS + SLACK },
	};
	struct history old = { 0 }, new = { 0 };
	struct world w = world_new();

	w.dsgn_s = 1;
	w.dreg_s = 5;
	world_add(&w, 1, 13, ROLL_CSK);
	w.view.ds = (struct roll_ds){ .count = 1, .everywhere = 1, .anywhere = 1 };
	ok(roll_ask(&w.zone, ROLL_WISH_ZSK, 0) != NULL, "one key for all is no ZSK");
	ok(roll_ask(&w.zone, ROLL_WISH_ZSK | ROLL_WISH_KSK, 0) == NULL,
	   "it is rolled when all are");
	walk(&w, END, 1, &old, 100, &new);
	check_rules("one key for all", rules, COUNT(rules), &old, &new);
	is_int(w.zone.count, 2, "one new key");
}

static void
test_algorithm(void)
{
	static const struct rule rules[] = {
		{ "signatures come first, for Dprp + TTLsig", NEW, ROLL_PUBLISHED, NEW,
		  ROLL_SIGNING, 1 + LAG + TTL_SIG + SLACK },
		{ "then DNSKEYs, for Dprp + TTLkey", NEW, ROLL_READY, NEW, ROLL_PUBLISHED,
		  1 + LAG + TTL_KEY + SLACK },
		{ "then the DS", NEW, ROLL_ACTIVE, NEW, ROLL_READY, 1 + 7 },
		{ "then DNSKEYs go, after DprpP + TTLds", OLD, ROLL_WITHDRAWN, OLD,
		  ROLL_RETIRED, LAG + TTL_DS + SLACK },
		{ "and signatures, after Dprp + TTLkey", OLD, ROLL_REMOVED, OLD,
		  ROLL_WITHDRAWN, 1 + LAG + TTL_KEY + SLACK },
	};

	for (uint16_t tag = 1; tag <= 2; tag++) {
		struct history old = { 0 }, new = { 0 };
		struct world w = world_new();

		w.dsgn_s = 1;
		w.dreg_s = 7;
		world_add(&w, 1, 8, ROLL_ZSK);
		world_add(&w, 2, 8, ROLL_KSK);
		w.view.ds =
			(struct roll_ds){ .count = 1, .everywhere = 2, .anywhere = 2 };
		ok(roll_ask(&w.zone, 0, 8) != NULL, "not to the algorithm that it has");
		ok(roll_ask(&w.zone, 0, 13) == NULL, "to another algorithm");
		world_look(&w);
		note(&w, (uint16_t)(99 + tag), &new);
		is_int(applied(&w, 100).state, SIGN_KEY_ACTIVE, "the new ZSK signs");
		is_int(applied(&w, 100).is_hidden, true, "and is not in the zone yet");
		ok(roll_ask(&w.zone, ROLL_WISH_ZSK, 0) != NULL,
		   "no other roll at the same time");
		walk(&w, END, tag, &old, (uint16_t)(99 + tag), &new);
		check_rules(tag == 1 ? "algorithm, ZSK" : "algorithm, KSK", rules,
			    COUNT(rules), &old, &new);
		is_int(w.zone.count, 4, "two new keys");
		is_int(roll_is_under_way(&w.zone, ROLL_ROLES), false,
		       "and then it is over");
		ok(roll_ask(&w.zone, ROLL_WISH_ZSK, 0) == NULL, "another roll may begin");
	}
}

/* ---- by age ---- */

static void
test_life(void)
{
	struct history old = { 0 }, new = { 0 };
	struct world w = world_new();

	w.dsgn_s = 1;
	w.view.zsk_life_s = 5000;
	world_add(&w, 1, 13, ROLL_ZSK);
	world_add(&w, 2, 13, ROLL_KSK);
	w.zone.keys[0].times[KEY_ACTIVATE] = T0 - 1000;
	walk(&w, 6000, 1, &old, 100, &new);
	is_int(new.first[ROLL_PUBLISHED], T0 + 4000 - LAG - TTL_KEY,
	       "Tpub(N+1) = Tact(N) + Lzsk - Ipub");
	is_int(new.first[ROLL_ACTIVE] - (T0 + 4000), 1 + SLACK,
	       "Tact(N+1) = Tact(N) + Lzsk, and the time to sign");
	walk(&w, 5000, 1, &old, 100, &new);
	is_int(key_of(&w, 101).stage, ROLL_ACTIVE, "and so on");
	is_int(key_of(&w, 2).is_managed, false, "KSKs do not age");

	w = world_new();
	w.view.zsk_life_s = 5000;
	world_add(&w, 1, 13, ROLL_ZSK);
	walk(&w, 4000, 1, &old, 100, &new);
	is_int(w.zone.count, 1, "a key of unknown age begins to age when it is seen");
	walk(&w, 1100, 1, &old, 100, &new);
	is_int(w.zone.count, 2, "and ends as others do");

	w = world_new();
	world_add(&w, 1, 13, ROLL_ZSK);
	world_add(&w, 2, 13, ROLL_KSK);
	w.zone.keys[0].times[KEY_ACTIVATE] = 1;
	walk(&w, END, 1, &old, 100, &new);
	is_int(w.zone.count, 2, "nothing rolls that nobody has asked for");
	ok(roll_is_empty(&w.zone), "and nothing has to be remembered");
}

/* ---- what holds a roll up ---- */

static void
test_waits(void)
{
	struct history old = { 0 }, new = { 0 };
	struct world w = world_new();
	struct roll_outcome outcome;

	w.dsgn_s = END;
	world_add(&w, 1, 13, ROLL_ZSK);
	(void)!roll_ask(&w.zone, ROLL_WISH_ZSK, 0);
	walk(&w, END - 10, 1, &old, 100, &new);
	is_int(key_of(&w, 100).stage, ROLL_PUBLISHED,
	       "what is not served does not go on");
	outcome = roll_step(&w.zone, &w.view);
	is_int(outcome.waits_served, true, "and says so");

	w = world_new();
	w.dsgn_s = 1;
	w.has_resolver = false;
	world_add(&w, 1, 13, ROLL_ZSK);
	world_add(&w, 2, 13, ROLL_KSK);
	(void)!roll_ask(&w.zone, ROLL_WISH_KSK, 0);
	world_look(&w);
	ok(roll_tell_ds(&w.zone, 100) != NULL, "a DS that is told too early is refused");
	walk(&w, END, 2, &old, 100, &new);
	is_int(key_of(&w, 100).stage, ROLL_READY, "without a DS it waits");
	outcome = roll_step(&w.zone, &w.view);
	is_int(outcome.wants_ds, true, "and says so");
	ok(roll_tell_ds(&w.zone, 2) != NULL, "that of the old key does not help");
	ok(roll_tell_ds(&w.zone, 7) != NULL, "nor one of no key");
	ok(roll_tell_ds(&w.zone, 100) == NULL, "somebody says that it is there");
	walk(&w, 2, 2, &old, 100, &new);
	is_int(key_of(&w, 100).stage, ROLL_ACTIVE, "and it goes on");
	walk(&w, LAG + ROLL_TTL_DS_S, 2, &old, 100, &new);
	is_int(key_of(&w, 2).stage, ROLL_REMOVED, "after a day: nobody has seen its TTL");

	/* both DS are there, at one of the servers */
	w = world_new();
	w.dsgn_s = 1;
	w.dreg_s = -1;
	world_add(&w, 1, 13, ROLL_CSK);
	w.view.ds = (struct roll_ds){ .count = 2, .everywhere = 3, .anywhere = 3 };
	(void)!roll_ask(&w.zone, ROLL_WISH_KSK, 0);
	walk(&w, 1000, 1, &old, 100, &new);
	is_int(key_of(&w, 100).stage, ROLL_READY, "the old DS must go, too");
	w.view.ds = (struct roll_ds){ .count = 1, .everywhere = 2, .anywhere = 2 };
	walk(&w, 2, 1, &old, 100, &new);
	is_int(key_of(&w, 100).stage, ROLL_ACTIVE, "then it goes on");
}

static void
test_leave(void)
{
	struct history old = { 0 }, new = { 0 };
	struct world w = world_new();

	w.dsgn_s = 1;
	w.dreg_s = -1;
	world_add(&w, 1, 13, ROLL_CSK);
	w.view.ds = (struct roll_ds){ .count = 1, .everywhere = 1, .anywhere = 1 };
	w.zone.goal = ROLL_LEAVE;
	ok(roll_step(&w.zone, &w.view).wants_ds, "the TTL of the DS is looked at first");
	walk(&w, END, 1, &old, 100, &new);
	is_int(w.zone.goal, ROLL_LEAVE, "signed while there is a DS");
	is_int(applied(&w, 1).state, SIGN_KEY_ACTIVE, "by the key that it has");
	w.view.ds.count = w.view.ds.everywhere = w.view.ds.anywhere = 0;
	walk(&w, 100, 1, &old, 100, &new);
	w.view.ds.count = 1;
	walk(&w, 100, 1, &old, 100, &new);
	is_int(w.zone.ds_gone_s, 0, "one that comes back counts");
	w.view.ds.count = 0;
	walk(&w, LAG + TTL_DS + SLACK, 1, &old, 100, &new);
	is_int(w.zone.goal, ROLL_LEAVE, "caches may have it still");
	walk(&w, 1, 1, &old, 100, &new);
	is_int(w.zone.goal, ROLL_UNSIGNED, "DprpP + TTLds later it is over");
}

static void
test_text(void)
{
	static const char *const bad[] = {
		"key 13 1 257 ksk\n",
		"key 13 70000 257 ksk active 1\n",
		"key 13 1 257 psk active 1\n",
		"key 13 1 257 ksk asleep 1\n",
		"key 300 1 257 ksk active 1\n",
		"key 13 1 257 ksk active x\n",
		"key 13 1 257 ksk active 1 publish soon\n",
		"goal leave\n",
		"goal gone 1 1\n",
		"algorithm x\n",
		"ttl-ds -1\n",
	};
	static const char good[] =
		"goal leave 5 6 by-command\nwish zsk\nalgorithm 15\nttl-ds 77\n"
		"; a comment\nsomething new 1 2 3\n";
	char text[ROLL_TEXT_MAX];
	struct roll_zone zone, again;

	for (size_t i = 0; i < COUNT(bad); i++)
		ok(!roll_text_read(bad[i], strlen(bad[i]), &zone) && roll_is_empty(&zone),
		   "refused: %.30s", bad[i]);
	ok(roll_text_read(good, strlen(good), &zone), "what is kept of a zone");
	is_int(zone.goal, ROLL_LEAVE, "its goal");
	is_int(zone.algorithm, 15, "its algorithm");
	ok(roll_text_read(text, roll_text_write(&zone, text), &again) &&
		   memcmp(&zone, &again, sizeof zone) == 0,
	   "written and read");
	ok(roll_text_read("", 0, &zone) && roll_is_empty(&zone), "nothing");
}

int
main(void)
{
	test_zsk();
	test_ksk();
	test_csk();
	test_algorithm();
	test_life();
	test_waits();
	test_leave();
	test_text();
	return done_testing();
}
