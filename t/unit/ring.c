/* Records between two processes: full, wrapped, damaged, and either side begun anew. */
#include "shm/ring.h"

#include <stdlib.h>

#include "t/tap.h"

enum { SIZE = 1024, RECORD_LEN = 40 };

static struct ring_ends ends;
static _Alignas(8) uint8_t data[SIZE];

static void
put(struct ring *writer, uint32_t len, uint32_t number)
{
	uint64_t room;
	uint8_t *at = ring_room(writer, len, &room);

	if (room < len)
		bail_out("no room for record %u", number);
	memset(at, 0xee, len);
	memcpy(at, &len, sizeof len);
	memcpy(at + 4, &number, sizeof number);
	ring_publish(writer, len);
}

/* The number of the next record, -1: none. */
static long
take(struct ring *reader)
{
	bool is_damaged = false;
	const uint8_t *record = ring_next(reader, 8, &is_damaged);
	uint32_t number;

	if (is_damaged)
		return -2;
	if (!record)
		return -1;
	memcpy(&number, record + 4, sizeof number);
	return number;
}

static void
begin(struct ring *writer, struct ring *reader)
{
	memset(&ends, 0, sizeof ends);
	memset(data, 0, sizeof data);
	ring_open_writer(writer, &ends, data, SIZE);
	ring_open_reader(reader, &ends, data, SIZE);
}

static void
check_order(void)
{
	struct ring writer, reader;
	unsigned wrong = 0;
	uint32_t written = 0, read = 0;

	begin(&writer, &reader);
	is_int(take(&reader), -1, "nothing in a new ring");
	srand(7);
	for (unsigned turn = 0; turn < 10000; turn++) {
		uint64_t room;

		for (unsigned n = (unsigned)rand() % 8; n > 0; n--) {
			uint32_t len = 8 * (1 + (uint32_t)rand() % 20);

			(void)ring_room(&writer, len, &room);
			if (room >= len)
				put(&writer, len, written++);
		}
		for (unsigned n = (unsigned)rand() % 12; n > 0 && read < written; n--)
			wrong += take(&reader) != (long)read++;
		ring_release(&reader);
	}
	ok(wrong == 0 && written > 10000,
	   "%u records come out in order, whatever their length", written);
}

static void
check_full(void)
{
	struct ring writer, reader;
	uint64_t room;
	unsigned count = 0;

	begin(&writer, &reader);
	while (ring_room(&writer, RECORD_LEN, &room), room >= RECORD_LEN)
		put(&writer, RECORD_LEN, count++);
	is_int(count, SIZE / RECORD_LEN, "a ring holds what fits");
	is_int(take(&reader), 0, "the first record is the first");
	ring_room(&writer, RECORD_LEN, &room);
	ok(room < RECORD_LEN, "a record that was taken still stands there");
	ring_rewind(&reader);
	is_int(take(&reader), 0, "and can be taken again");
	ring_release(&reader);
	ring_room(&writer, RECORD_LEN, &room);
	is_int((long)room, RECORD_LEN, "released, it makes room for another one");
}

static void
check_restart(void)
{
	struct ring writer, reader;
	uint64_t room;

	begin(&writer, &reader);
	put(&writer, RECORD_LEN, 1);
	put(&writer, RECORD_LEN, 2);
	memset(ring_room(&writer, RECORD_LEN, &room), 0xff, RECORD_LEN);
	ring_open_writer(&writer, &ends, data, SIZE);
	put(&writer, RECORD_LEN, 3);
	is_int(take(&reader), 1, "a writer that died took nothing along");
	ring_release(&reader);
	is_int(take(&reader), 2, "the second is read, not released");
	ring_open_reader(&reader, &ends, data, SIZE);
	is_int(take(&reader), 2, "a new reader begins with what was not released");
	is_int(take(&reader), 3, "what was half written is written over");
	is_int(take(&reader), -1, "and that is all");
}

/* Each is what stands in the length of the first of three records. */
static void
check_damage(void)
{
	static const uint32_t lens[] = { 0, 1, 4, 12, 44, 121, 1024, 4096, 0xffffffff };
	struct ring writer, reader;

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		begin(&writer, &reader);
		for (uint32_t n = 0; n < 3; n++)
			put(&writer, RECORD_LEN, n);
		memcpy(data, &lens[i], sizeof lens[i]);
		is_int(take(&reader), -2, "a length of %u is damage", lens[i]);
		is_int(take(&reader), -1, "what stands behind it is passed over");
		put(&writer, RECORD_LEN, 9);
		is_int(take(&reader), 9, "what comes later is read");
	}
	begin(&writer, &reader);
	put(&writer, RECORD_LEN, 1);
	atomic_store(&ends.tail, 3);
	ring_open_reader(&reader, &ends, data, SIZE);
	is_int(take(&reader), -2, "a position between records is damage");
	atomic_store(&ends.head, 1 << 20);
	ring_open_reader(&reader, &ends, data, SIZE);
	is_int(take(&reader), -2, "so are ends that lie too far from each other");
	is_int(take(&reader), -1, "the reader goes on where the writer is");
}

int
main(void)
{
	check_order();
	check_full();
	check_restart();
	check_damage();
	return done_testing();
}
