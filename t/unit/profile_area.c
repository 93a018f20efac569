/* profile_area: one holder, rings and lists that fill, empty and go back. */
#include "shm/profile_area.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/process_seat.h"
#include "t/tap.h"

enum { WORKERS = 3 };

static struct profile_area *area;

static void
test_holder(void)
{
	ok(profile_area_hold(area, 100), "nobody holds it");
	ok(!profile_area_hold(area, 101), "then somebody does");
	profile_area_begin(area, PROFILE_SAMPLES, 1000);
	is_int(area->work, PROFILE_SAMPLES, "and has workers work");
	profile_area_release(area, 101);
	is_int(area->work, PROFILE_SAMPLES, "another one's end changes nothing");
	profile_area_release(area, 100);
	is_int(area->work, PROFILE_NOTHING, "its own ends the work");
	ok(profile_area_hold(area, 101), "and leaves it to others");
	profile_area_release(area, 101);
}

static void
put_sample(struct profile_ring *ring, uint64_t pc)
{
	uint32_t head = ring->head;

	ring->samples[head % PROFILE_RING].pcs[0] = pc;
	ring->samples[head % PROFILE_RING].depth = 1;
	ring->head = head + 1;
}

static void
test_rings(void)
{
	struct profile_ring *ring = profile_ring(area, 1);
	struct profile_sample sample;
	unsigned wrong = 0;

	profile_area_begin(area, PROFILE_SAMPLES, 1000);
	ok(!profile_ring_take(ring, &sample), "an empty ring");
	for (uint64_t i = 0; i < 3 * PROFILE_RING; i++) {
		put_sample(ring, i + 1);
		wrong += !profile_ring_take(ring, &sample) || sample.pcs[0] != i + 1;
	}
	is_int(wrong, 0, "samples come out as they went in, round and round");
	put_sample(ring, 1);
	profile_area_end(area);
	profile_area_begin(area, PROFILE_SAMPLES, 1000);
	ok(!profile_ring_take(ring, &sample), "the next profile begins with none");
	profile_area_end(area);
}

static void
test_events(void)
{
	struct stage_events *events = profile_events(area, WORKERS - 1);
	uint32_t capacity;

	profile_area_begin(area, PROFILE_STAGES, 1000);
	capacity = events->capacity;
	ok((uint64_t)capacity * sizeof *events->list * WORKERS <= PROFILE_TRACE_LEN,
	   "all lists together have no more than they may");
	for (uint32_t i = 0; i < capacity; i++)
		stage_events_put(events, 5, 1000 + i, 3000 + i, 7);
	is_int(events->count, capacity, "a list takes so many");
	is_int(events->is_full, 0, "and is not too short as yet");
	stage_events_put(events, 5, 1, 2, 3);
	is_int(events->is_full, 1, "one more does not fit");
	is_int(events->count, capacity, "and is not written");
	is_int(events->list[1].at & STAGE_EVENT_AT_MASK, 1001, "a begin,");
	is_int(events->list[1].at >> STAGE_EVENT_STAGE_SHIFT, 5, "its stage,");
	is_int(events->list[1].took_ns, 2000, "how long");
	is_int(events->list[1].count, 7, "and of how many");
	profile_area_end(area);
	profile_area_begin(area, PROFILE_STAGES, 1000);
	is_int(events->count, 0, "the next trace begins with none");
	stage_events_put(events, 1, 0, UINT64_C(1) << 40, 1);
	is_int(events->list[0].took_ns, UINT32_MAX,
	       "what takes longer than can be told is cut");
	profile_area_end(area);
}

/* A child sits down, and tells; returns its pid. */
static pid_t
start_child(const char *name, int *ready_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0)
		bail_out("no process");
	if (pid == 0) {
		process_seat_take(name);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	*ready_fd = fds[0];
	return pid;
}

static const struct process_seat *
seat_named(const char *name)
{
	for (unsigned i = 0; i < process_seat_count(area); i++)
		if (strcmp(process_seat_at(area, i)->name, name) == 0)
			return process_seat_at(area, i);
	return NULL;
}

static void
end_child(pid_t pid, int fd)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

static void
test_seats(void)
{
	const struct process_seat *seat;
	uint32_t number;
	char octet;
	int fd, fd_again;
	pid_t pid, again;

	process_seat_open(area);
	process_seat_take("parent");
	pid = start_child("child", &fd);
	ok(read(fd, &octet, 1) == 1, "a child sits down");
	seat = seat_named("child");
	ok(seat && process_seat_is_live(seat), "has its seat");
	number = process_seat_ask(area, SEAT_ASK_MAPS | SEAT_ASK_TIMES, 5000);
	is_int(seat->answered, number, "and answers");
	is_int(seat_named("parent")->answered, number, "as its parent does");
	ok(memmem(seat->maps, seat->maps_len, "Rss:", 4) != NULL, "with its maps");
	ok(seat->stat.len > 20 && seat->schedstat.len > 4, "and times");
	again = start_child("child", &fd_again);
	ok(read(fd_again, &octet, 1) == 1, "another one of that name");
	is_int(seat->pid, pid, "does not take the seat of one who lives");
	end_child(again, fd_again);
	end_child(pid, fd);
	ok(!process_seat_is_live(seat), "dead, its seat is known to be");
	number = process_seat_ask(area, SEAT_ASK_TIMES, 5000);
	ok(seat->answered != number, "and nobody waits for it");
	pid = start_child("child", &fd);
	ok(read(fd, &octet, 1) == 1, "the next one");
	is_int(seat->pid, pid, "sits there");
	end_child(pid, fd);
	process_seat_forget(area);
	is_int(seat->maps[0], 0, "what was told is forgotten");
}

int
main(void)
{
	area = profile_area_create(WORKERS);
	if (!area)
		bail_out("no memory");
	test_holder();
	test_rings();
	test_events();
	test_seats();
	return done_testing();
}
