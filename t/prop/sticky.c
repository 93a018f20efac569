/* Sticky choices: one network, one record, whoever asks and how often; each record for its
 * share of the networks; and when one is removed, or down, nobody moves but those who had it.
 *
 * Shares are judged by chi-squared: a right hash fails once in some 10^9 runs. */
#include <math.h>

#include "loader/zone/steering.h"
#include "t/draw.h"
#include "worker/steer.h"

enum { SETS = 40, RECORDS = 10, NETWORKS = 4000 };

struct set {
	uint16_t type;
	unsigned count;
	bool is_weighted;
	uint8_t lasts[RECORDS];
	uint32_t weights[RECORDS];
};

static struct steerer steerer;
static struct board *board;
static struct steering steering;
static uint8_t payloads[2][STEERING_LEN_MAX];

static void
draw_set(struct set *set)
{
	set->type = draw(2) ? TYPE_A : TYPE_AAAA;
	set->count = 2 + draw(RECORDS - 1);
	set->is_weighted = draw(2);
	for (unsigned i = 0; i < set->count; i++) {
		set->lasts[i] = (uint8_t)(1 + i * 20 + draw(20));
		set->weights[i] = draw(4) ? 1 + draw(100) : 0;
	}
	if (draw(5) == 0)
		memset(set->weights, 0, sizeof set->weights);
}

/* Store it without the record `gone`; `count` or more: with all. */
static void
make(const struct set *set, unsigned gone, uint8_t *payload, struct steered *out)
{
	struct block block = { { .kind = BLOCK_STEERED, .type = set->type }, payload };
	uint8_t address[16] = { 0x20, 1, 0xd, 0xb8 };
	size_t len = set->type == TYPE_A ? 4 : 16;

	steering_begin(&steering, set->type);
	steering.count = STEERED_SINGLE;
	steering.order = set->is_weighted ? STEERED_WEIGHTED : STEERED_AS_STORED;
	steering.is_sticky = true;
	steering.is_probed = true;
	memset(&steering.check, 0, sizeof steering.check);
	health_check_settle(&steering.check);
	for (unsigned i = 0; i < set->count; i++) {
		address[len - 1] = set->lasts[i];
		if (i != gone)
			steering_add(&steering, address, set->weights[i]);
	}
	block.head.len = (uint32_t)steering_write(&steering, 60, payload);
	if (!steered_open(&block, out))
		bail_out("what was written does not open");
}

static struct client_place
draw_client(void)
{
	struct client_place client = { .has_address = true };

	if (draw(2)) {
		memset(client.address.octets + 10, 0xff, 2);
		for (unsigned i = 12; i < 16; i++)
			client.address.octets[i] = (uint8_t)draw(256);
	} else {
		for (unsigned i = 0; i < 16; i++)
			client.address.octets[i] = (uint8_t)(i ? draw(256) : 0x20);
	}
	return client;
}

/* Another one of its network. */
static struct client_place
neighbour_of(const struct client_place *client)
{
	struct client_place neighbour = *client;
	bool is_v4 = client->address.octets[0] == 0;

	for (unsigned i = is_v4 ? 15 : 7; i < 16; i++)
		neighbour.address.octets[i] = (uint8_t)draw(256);
	neighbour.is_known = draw(2);
	return neighbour;
}

/* The last octet of the record that a client gets; 0 when something is wrong. */
static unsigned
ask(const struct steered *steered, const struct client_place *client)
{
	bool is_v4 = client->address.octets[0] == 0;
	unsigned address_len = steered->rr_len - STEERED_RR_HEAD_LEN;
	struct steer_choice choice;

	if (!steer_choose(&steerer, steered, client, &choice) || choice.count != 1 ||
	    !choice.by_place || choice.place_len != (is_v4 ? 120 : 56))
		return 0;
	return steered_address(steered, choice.records[0])[address_len - 1];
}

static double
share(const struct set *set, unsigned candidate)
{
	double sum = 0;

	for (unsigned i = 0; i < set->count; i++)
		sum += set->weights[i];
	return set->is_weighted && sum > 0 ? set->weights[candidate] / sum
					   : 1.0 / set->count;
}

/* See t/prop/steer.c. */
static bool
is_too_much(double chi, double freedom)
{
	const double x = 21;
	double above = chi - freedom - 2 * x;

	return above > 0 && above * above > 4 * freedom * x;
}

static bool
converges(const struct set *set, const unsigned counts[256])
{
	double chi = 0;
	unsigned cells = 0;

	for (unsigned i = 0; i < set->count; i++) {
		double want = share(set, i) * NETWORKS, got = counts[set->lasts[i]];

		if (want == 0 && got > 0)
			return false;
		if (want < 1)
			continue;
		chi += (got - want) * (got - want) / want;
		cells++;
	}
	return cells < 2 || !is_too_much(chi, cells - 1);
}

static void
set_status(const struct steered *steered, unsigned candidate, int8_t status)
{
	struct board_slot *slot = board_put(board, steered_target(steered, candidate),
					    (struct board_status){ .status = status });

	if (!slot)
		bail_out("the board is full");
	board_set(board, slot, (struct board_status){ .status = status });
}

static void
test_set(const struct set *set, unsigned number)
{
	struct steered whole, without;
	unsigned gone = draw(set->count), counts[256] = { 0 };
	bool sticks = true, stays = true, heals = true;

	make(set, set->count, payloads[0], &whole);
	make(set, gone, payloads[1], &without);
	/* with every weight gone, others count: all may move */
	bool may_move = set->is_weighted && share(set, gone) == 1;
	for (unsigned i = 0; i < NETWORKS; i++) {
		const struct client_place client = draw_client(),
					  neighbour = neighbour_of(&client);
		unsigned had = ask(&whole, &client), has = ask(&without, &client),
			 is_down;

		sticks &= had != 0 && ask(&whole, &neighbour) == had;
		stays &= has != set->lasts[gone] &&
			 (had == set->lasts[gone] || has == had || may_move);
		counts[had]++;
		if (i % 16)
			continue;
		set_status(&whole, gone, -3);
		is_down = ask(&whole, &client);
		set_status(&whole, gone, 0);
		heals &= is_down == has && ask(&whole, &client) == had;
	}
	ok(sticks, "set %u: one network, one record", number);
	ok(stays, "set %u: only those move whose record is gone", number);
	ok(heals, "set %u: one that is down is as one that is gone", number);
	ok(converges(set, counts), "set %u: %u records, weighted %d: their shares",
	   number, set->count, set->is_weighted);
}

/* One whose address is not known: drawn, as `order` says. */
static void
test_unknown(void)
{
	const struct client_place unknown = { .is_known = false };
	struct set set = { .type = TYPE_A,
			   .count = 2,
			   .is_weighted = true,
			   .lasts = { 1, 2 },
			   .weights = { 1, 1 } };
	unsigned counts[2] = { 0 };
	struct steer_choice choice;
	struct steered steered;

	make(&set, 2, payloads[0], &steered);
	for (unsigned i = 0; i < 400; i++)
		if (steer_choose(&steerer, &steered, &unknown, &choice) &&
		    choice.count == 1 && !choice.by_place)
			counts[choice.records[0]]++;
	ok(counts[0] + counts[1] == 400 && counts[0] > 100 && counts[1] > 100,
	   "an unknown client: drawn");
}

int
main(void)
{
	plan(0);
	draw_seed();
	board = board_create();
	is_int(steerer_init(&steerer, NULL), 0, "seeded");
	steerer.board = board;
	for (unsigned i = 0; i < SETS; i++) {
		struct set set;

		draw_set(&set);
		test_set(&set, i);
	}
	test_unknown();
	return done_testing();
}
