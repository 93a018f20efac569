/* What the status board leaves: redins's table, policies, fallbacks. */
#include "loader/zone/steering.h"
#include "t/tap.h"
#include "worker/steer.h"

enum { RECORDS = 6, DOWN = -3 };

static struct steerer steerer;
static struct board *board;
static struct steering steering;
static uint8_t payload[STEERING_LEN_MAX];
static struct steered steered;

/* Records 192.0.2.1 .. `count`; those of a set bit in `fallbacks` are fallbacks. */
static void
make(unsigned count, enum steered_policy policy, unsigned interval_s, unsigned fallbacks)
{
	struct block block = { { .kind = BLOCK_STEERED, .type = TYPE_A }, payload };

	steering_begin(&steering, TYPE_A);
	steering.is_probed = true;
	steering.policy = policy;
	memset(&steering.check, 0, sizeof steering.check);
	steering.check.interval_s = interval_s;
	health_check_settle(&steering.check);
	for (unsigned i = 0; i < count; i++) {
		const uint8_t address[4] = { 192, 0, 2, (uint8_t)(i + 1) };

		steering.is_next_fallback = fallbacks >> i & 1;
		steering_add(&steering, address, 0);
	}
	block.head.len = (uint32_t)steering_write(&steering, 60, payload);
	if (!steered_open(&block, &steered))
		bail_out("it does not open");
	board_clear(board);
}

static void
set_status(unsigned record, int status, uint32_t up_s)
{
	const struct board_status known = { .status = (int8_t)status, .up_s = up_s };
	struct board_slot *slot =
		board_put(board, steered_target(&steered, record), known);

	if (!slot)
		bail_out("the board is full");
	board_set(board, slot, known);
}

/* The records that are answered, as digits in their order. */
static const char *
chosen(void)
{
	static char text[RECORDS + 1];
	const struct client_place nobody = { .is_known = false };
	struct steer_choice choice;
	unsigned i;

	if (!steer_choose(&steerer, &steered, &nobody, &choice))
		return "damage";
	for (i = 0; i < choice.count; i++)
		text[i] = (char)('1' + choice.records[i]);
	text[i] = '\0';
	return text;
}

static void
test_table(void)
{
	static const struct {
		unsigned count;
		int statuses[RECORDS];
		const char *left;
	} cases[] = {
		{ 5, { 3, 1, 0, -1, -3 }, "1" },
		{ 4, { 1, 0, -1, -3 }, "123" },
		{ 3, { 0, -1, -3 }, "12" },
		{ 2, { -1, -3 }, "1" },
		{ 1, { -3 }, "1" },
		{ 4, { -3, 3, 2, 3 }, "24" },
		{ 4, { 2, 1, 2, 0 }, "13" },
		{ 3, { 1, 1, -2 }, "123" },
		{ 3, { -3, -3, -3 }, "123" },
		{ 3, { 0, 0, 0 }, "123" },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make(cases[i].count, STEERED_OPEN, 0, 0);
		for (unsigned at = 0; at < cases[i].count; at++)
			set_status(at, cases[i].statuses[at], 0);
		is(chosen(), cases[i].left, "case %u", i);
	}
}

static void
all_down(void)
{
	set_status(0, DOWN, 1000);
	set_status(1, DOWN, 1015);
	set_status(2, DOWN, 0);
	set_status(3, DOWN, 1020);
}

static void
test_policies(void)
{
	make(4, STEERED_OPEN, 0, 0);
	all_down();
	is(chosen(), "1234", "open: all");
	make(4, STEERED_CLOSED, 0, 0);
	all_down();
	is(chosen(), "", "closed: none");
	make(4, STEERED_LAST, 0, 0);
	all_down();
	is(chosen(), "24", "last: those within the interval");
	steerer.interval_s = 30;
	is(chosen(), "124", "of the configuration");
	make(4, STEERED_LAST, 2, 0);
	all_down();
	is(chosen(), "4", "or their own");
	steerer.interval_s = 0;
	make(2, STEERED_LAST, 0, 0);
	set_status(0, DOWN, 0);
	set_status(1, DOWN, 0);
	is(chosen(), "12", "none was ever up: all");
	make(2, STEERED_CLOSED, 0, 0);
	is(chosen(), "12", "of which nothing is known is not down");
	set_status(0, DOWN, 0);
	is(chosen(), "2", "one is down");
}

static void
test_fallback(void)
{
	make(3, STEERED_OPEN, 0, 1 << 0);
	is(chosen(), "23", "kept back");
	set_status(1, DOWN, 0);
	is(chosen(), "3", "while any other is left");
	set_status(0, 3, 0);
	set_status(2, -2, 0);
	is(chosen(), "3",
	   "that fails, and is not down, be the fallback as good as it may");
	set_status(0, 0, 0);
	set_status(2, DOWN, 0);
	is(chosen(), "1", "and then not");
	set_status(0, DOWN, 0);
	is(chosen(), "23", "all are down: as if all were up");
	make(2, STEERED_OPEN, 0, 3);
	is(chosen(), "12", "nothing but fallbacks");
}

static void
test_nothing_known(void)
{
	make(2, STEERED_CLOSED, 0, 0);
	set_status(0, DOWN, 0);
	set_status(1, DOWN, 0);
	steerer.board = NULL;
	is(chosen(), "12", "no board: all");
	steerer.board = board;
	is(chosen(), "", "with it");
}

int
main(void)
{
	plan(0);
	board = board_create();
	is_int(steerer_init(&steerer, NULL), 0, "seeded");
	steerer.board = board;
	test_table();
	test_policies();
	test_fallback();
	test_nothing_known();
	return done_testing();
}
