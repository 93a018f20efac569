/* Keys that a source gives to a zone that has others: how each begins. */
#include <stdio.h>
#include <string.h>

#include "loader/sign/key_adopt.h"
#include "loader/sign/key_roll.h"
#include "shm/wire.h"
#include "t/tap.h"

enum { KSK = 257, ZSK = 256, CASE_KEYS = 5 };

/* A key of a case, and what becomes of it. */
struct case_key {
	uint16_t flags;
	uint8_t algorithm;
	char came; /* 0: it was there; '+': added; '-': added, replaced since */
	enum roll_stage rolls; /* the zone had it in this stage; 0: no roll has it */
	enum sign_key_state state;
	enum roll_stage stage;
	unsigned signs; /* enum sign_key_role */
};

enum { KEYS = SIGN_ROLE_KEYS, DATA = SIGN_ROLE_DATA, BOTH = KEYS | DATA };

static const struct {
	const char *what;
	enum roll_goal goal;
	bool is_changed;
	unsigned told;
	struct case_key keys[CASE_KEYS];
} cases[] = {
	{ "first keys",
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, KEYS },
		    { ZSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, DATA } } },
	{ "a ZSK beside a key for all", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { ZSK, 13, '+', 0, SIGN_KEY_PUBLISHED, ROLL_PUBLISHED, 0 } } },
	{ "a ZSK in the place of another", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, KEYS },
		    { ZSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, DATA },
		    { ZSK, 13, '+', 0, SIGN_KEY_PUBLISHED, ROLL_PUBLISHED, 0 } } },
	{ "a pair beside a key for all", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { KSK, 13, '+', 0, SIGN_KEY_ACTIVE, ROLL_PUBLISHED, BOTH },
		    { ZSK, 13, '+', 0, SIGN_KEY_PUBLISHED, ROLL_PUBLISHED, 0 } } },
	{ "a KSK of another algorithm", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, KEYS },
		    { ZSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, DATA },
		    { KSK, 15, '+', 0, SIGN_KEY_ACTIVE, ROLL_SIGNING, DATA } } },
	{ "a pair of another algorithm", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, KEYS },
		    { ZSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, DATA },
		    { KSK, 15, '+', 0, SIGN_KEY_ACTIVE, ROLL_SIGNING, 0 },
		    { ZSK, 15, '+', 0, SIGN_KEY_ACTIVE, ROLL_SIGNING, DATA } } },
	{ "the ZSK of an algorithm that is being rolled to", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { KSK, 15, 0, ROLL_SIGNING, SIGN_KEY_ACTIVE, ROLL_SIGNING, 0 },
		    { ZSK, 15, '+', 0, SIGN_KEY_ACTIVE, ROLL_SIGNING, DATA } } },
	{ "the same, a while later", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { KSK, 15, 0, ROLL_READY, SIGN_KEY_ACTIVE, ROLL_READY, BOTH },
		    { ZSK, 15, '+', 0, SIGN_KEY_PUBLISHED, ROLL_PUBLISHED, 0 } } },
	{ "a ZSK of another algorithm, without its KSK", .told = 1,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { ZSK, 15, '+', 0, SIGN_KEY_FUTURE, ROLL_REMOVED, 0 } } },
	{ "a ZSK of the algorithm that is left", .told = 1,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { KSK, 15, 0, ROLL_READY, SIGN_KEY_ACTIVE, ROLL_READY, BOTH },
		    { ZSK, 13, '+', 0, SIGN_KEY_FUTURE, ROLL_REMOVED, 0 } } },
	{ "a third algorithm meanwhile", .told = 1,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { KSK, 15, 0, ROLL_READY, SIGN_KEY_ACTIVE, ROLL_READY, BOTH },
		    { KSK, 14, '+', 0, SIGN_KEY_FUTURE, ROLL_REMOVED, 0 } } },
	{ "one that was replaced before it began", .is_changed = true,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { ZSK, 15, '-', 0, SIGN_KEY_FUTURE, ROLL_REMOVED, 0 },
		    { ZSK, 13, '+', 0, SIGN_KEY_PUBLISHED, ROLL_PUBLISHED, 0 } } },
	{ "a zone that is to be unsigned", .goal = ROLL_LEAVE, .told = 1,
	  .keys = { { KSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH },
		    { ZSK, 13, '+', 0, SIGN_KEY_FUTURE, ROLL_REMOVED, 0 } } },
	{ "the first KSK, to a ZSK that was alone", .is_changed = true,
	  .keys = { { ZSK, 13, 0, 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, DATA },
		    { KSK, 13, '+', 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, KEYS } } },
	{ "one beside a key that is gone", .is_changed = true,
	  .keys = { { KSK, 13, 0, ROLL_REMOVED, SIGN_KEY_REMOVED, ROLL_REMOVED, 0 },
		    { KSK, 13, '+', 0, SIGN_KEY_ACTIVE, ROLL_ACTIVE, BOTH } } },
};

struct world {
	struct roll_zone zone;
	struct sign_keys keys;
	struct key_notes notes;
};

static void
add(struct world *w, const struct case_key *from, uint16_t tag)
{
	struct sign_key *key = &w->keys.items[w->keys.count++];
	struct key_note *note = &w->notes.items[w->notes.count];

	*key = (struct sign_key){ .tag = tag, .state = SIGN_KEY_ACTIVE };
	wire_put_u16(key->rdata, from->flags);
	key->rdata[3] = from->algorithm;
	if (from->rolls != 0)
		w->zone.keys[w->zone.count++] = (struct roll_key){
			.tag = tag,
			.flags = from->flags,
			.algorithm = from->algorithm,
			.role = ROLL_CSK,
			.stage = (uint8_t)from->rolls,
			.is_managed = true,
			.by_algorithm = from->rolls < ROLL_ACTIVE,
		};
	if (!from->came)
		return;
	*note = (struct key_note){
		.role = from->flags == KSK ? KEY_NOTE_KSK : KEY_NOTE_ZSK,
		.state = from->came == '+' ? KEY_NOTE_GIVEN : KEY_NOTE_REPLACED,
		.is_added = true,
	};
	snprintf(note->name, sizeof note->name, "Kexample.+%03u+%05u", from->algorithm,
		 tag);
	w->notes.count++;
}

static const struct roll_key *
find(const struct roll_zone *zone, uint16_t tag)
{
	static const struct roll_key none = { .stage = ROLL_REMOVED };

	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].tag == tag)
			return &zone->keys[i];
	return &none;
}

static void
compare(const struct world *w, unsigned at, const char *when)
{
	for (unsigned k = 0; k < CASE_KEYS && cases[at].keys[k].flags; k++) {
		const struct case_key *want = &cases[at].keys[k];
		uint16_t tag = (uint16_t)(k + 1);

		is_int(w->keys.items[k].state, want->state, "%s, %s: state of %u",
		       cases[at].what, when, tag);
		is_int(find(&w->zone, tag)->stage, want->stage, "%s, %s: stage of %u",
		       cases[at].what, when, tag);
		is_int(sign_key_roles(&w->keys, k), want->signs, "%s, %s: work of %u",
		       cases[at].what, when, tag);
	}
}

static void
try_case(unsigned at)
{
	static struct world w, again;

	memset(&w, 0, sizeof w);
	w.zone.goal = (uint8_t)cases[at].goal;
	for (unsigned k = 0; k < CASE_KEYS && cases[at].keys[k].flags; k++)
		add(&w, &cases[at].keys[k], (uint16_t)(k + 1));
	again = w;
	key_roll_join(&w.zone, &w.keys);
	is_int(key_adopt(&w.zone, &w.keys, &w.notes, 1000), cases[at].is_changed,
	       "%s: to be written", cases[at].what);
	is_int(w.keys.problem_count, cases[at].told, "%s: told", cases[at].what);
	compare(&w, at, "first");
	/* what is written is all that is known when it is looked at again */
	again.zone = w.zone;
	for (uint32_t i = again.zone.count; i-- > 0;)
		if (!again.zone.keys[i].is_managed)
			again.zone.keys[i] = again.zone.keys[--again.zone.count];
	key_roll_join(&again.zone, &again.keys);
	is_int(key_adopt(&again.zone, &again.keys, &again.notes, 1000), false,
	       "%s: settled", cases[at].what);
	compare(&again, at, "again");
}

/* What begins comes to its end, as any roll: a ZSK beside a key for all. */
static void
test_walk(void)
{
	static const struct case_key csk = { .flags = KSK, .algorithm = 13 };
	static const struct case_key zsk = { .flags = ZSK, .algorithm = 13, .came = '+' };
	static struct world w;
	struct roll_view view = {
		.now_s = 1000, .ttl_key_s = 60, .ttl_sig_s = 300, .is_served = true
	};

	memset(&w, 0, sizeof w);
	add(&w, &csk, 1);
	add(&w, &zsk, 2);
	key_roll_join(&w.zone, &w.keys);
	ok(key_adopt(&w.zone, &w.keys, &w.notes, 1000), "a ZSK begins");
	(void)roll_step(&w.zone, &view);
	view.now_s += 60;
	(void)roll_step(&w.zone, &view);
	is_int(find(&w.zone, 2)->stage, ROLL_PUBLISHED, "for as long as Ipub");
	view.now_s += 1;
	(void)roll_step(&w.zone, &view);
	key_roll_join(&w.zone, &w.keys);
	is_int(sign_key_roles(&w.keys, 1), SIGN_ROLE_DATA, "then it signs the data");
	is_int(sign_key_roles(&w.keys, 0), SIGN_ROLE_KEYS, "and the other one the keys");
	ok(roll_ask(&w.zone, ROLL_WISH_KSK, 0) == NULL, "that may be rolled then");
	(void)roll_step(&w.zone, &view);
	is_int(w.zone.keys[w.zone.count - 1].role, ROLL_KSK, "to a KSK");
	ok(roll_is_under_way(&w.zone, ROLL_KSK), "which is a roll of it");
}

int
main(void)
{
	for (unsigned at = 0; at < sizeof cases / sizeof *cases; at++)
		try_case(at);
	test_walk();
	return done_testing();
}
