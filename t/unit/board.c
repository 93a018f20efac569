/* The status board against a plain list, and under a writer in another process. */
#include "shm/board.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/tap.h"

enum { KEYS = 4000, ROUNDS = 40000, HOME = 0x5540, CROWD = 40, READS = 300000 };

static struct board *board;

static uint64_t
random_key(void)
{
	uint64_t key =
		(uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();

	return key < BOARD_KEY_MIN ? BOARD_KEY_MIN : key;
}

static void
test_values(void)
{
	static const struct board_status values[] = {
		{ 0, 0, 0 },
		{ 3, BOARD_HELD, 1 },
		{ -3, 0, UINT32_MAX },
		{ -128, 255, 7 },
	};

	for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
		struct board_status back = board_unpack(board_pack(values[i]));

		ok(back.status == values[i].status && back.flags == values[i].flags &&
			   back.up_s == values[i].up_s,
		   "value %u comes back", i);
	}
	is_int(board_get(NULL, 77).status, 0, "no board: unknown");
	is_int(board_get(board, 77).status, 0, "no target: unknown");
	is_int(board_get(board, BOARD_KEY_FREE).status, 0, "no key: unknown");
	ok(!board_put(board, BOARD_KEY_LEFT, (struct board_status){ 1, 0, 0 }),
	   "what is no key gets no place");
}

/* Random puts and drops; every key in a small part of the board, so that lines fill. */
static void
test_model(void)
{
	static uint64_t keys[KEYS];
	static int8_t want[KEYS];
	unsigned wrong = 0, placed = 0;

	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = random_key() << 20 | (uint64_t)(random() % (KEYS + KEYS / 4));
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned at = (unsigned)random() % KEYS;
		struct board_slot *slot = board_find(board, keys[at]);

		if (slot && random() % 2) {
			board_drop(board, slot);
			want[at] = 0;
		} else if (!slot) {
			int8_t status = (int8_t)(1 + random() % 100);

			slot = board_put(board, keys[at],
					 (struct board_status){ .status = status });
			want[at] = slot ? status : 0;
			placed += slot != NULL;
		}
		if (round % 64 == 0)
			for (unsigned i = 0; i < KEYS; i++)
				wrong += board_get(board, keys[i]).status != want[i];
	}
	is_int(wrong, 0, "every look-up is right");
	ok(placed > ROUNDS / 4, "%u places were given", placed);
	for (unsigned i = 0; i < KEYS; i++)
		if (board_find(board, keys[i]))
			board_drop(board, board_find(board, keys[i]));
}

/* Keys of one home: as many as may stand there, and room again behind one that leaves. */
static void
test_crowd(void)
{
	struct board_slot *slots[CROWD];
	unsigned placed = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		slots[i] = board_put(board, (uint64_t)(i + 1) << 32 | HOME,
				     (struct board_status){ .status = 1 });
		placed += slots[i] != NULL;
	}
	is_int(placed, BOARD_LINES * BOARD_LINE_SLOTS, "a home has an end");
	board_drop(board, slots[0]);
	is_int(board_get(board, UINT64_C(20) << 32 | HOME).status, 1,
	       "those behind one that left are found");
	ok(board_put(board, (uint64_t)CROWD << 32 | HOME,
		     (struct board_status){ .status = 2 }) == slots[0],
	   "its place is given again");
	is_int(board_get(board, UINT64_C(1) << 32 | HOME).status, 0, "it is unknown");
	board_clear(board);
	is_int(board_get(board, UINT64_C(20) << 32 | HOME).status, 0,
	       "all are forgotten");
}

/* Two targets take turns in one place: neither is ever seen with the other's status. */
static _Noreturn void
take_turns(void)
{
	for (unsigned turn = 0;; turn++) {
		bool odd = turn & 1;
		struct board_slot *slot =
			board_put(board, odd ? 9001 : 9001 + ((uint64_t)1 << 40),
				  (struct board_status){ .status = odd ? 5 : -5,
							 .up_s = odd ? 55555 : 4444 });

		if (!slot)
			_exit(1);
		board_drop(board, slot);
	}
}

static void
test_two_processes(void)
{
	unsigned wrong = 0, seen = 0;
	pid_t pid = fork();

	if (pid == 0)
		take_turns();
	for (unsigned i = 0; i < READS || (seen == 0 && i < 1000 * READS); i++) {
		struct board_status one = board_get(board, 9001);
		struct board_status other = board_get(board, 9001 + ((uint64_t)1 << 40));

		wrong += !((one.status == 5 && one.up_s == 55555) ||
			   (one.status == 0 && one.up_s == 0));
		wrong += !((other.status == -5 && other.up_s == 4444) ||
			   (other.status == 0 && other.up_s == 0));
		seen += one.status != 0 || other.status != 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	is_int(wrong, 0, "no status of another target");
	ok(seen > 0, "statuses were seen %u times", seen);
}

int
main(void)
{
	const char *seed = getenv("MARTLET_SEED");

	srandom(seed ? (unsigned)atoi(seed) : 1);
	board = board_create();
	if (!board)
		bail_out("no memory");
	test_values();
	test_model();
	test_crowd();
	test_two_processes();
	munmap(board, sizeof *board);
	return done_testing();
}
