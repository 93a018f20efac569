/* Laying the area out; whose turn it is. */
#include "shm/profile_area.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/clock.h"
#include "shm/process_seat.h"

enum { PAGE_LEN = 4096 };

static uint64_t
whole_pages(uint64_t len)
{
	return (len + PAGE_LEN - 1) / PAGE_LEN * PAGE_LEN;
}

struct profile_area *
profile_area_create(unsigned worker_count)
{
	unsigned seat_count = PROFILE_SEATS + worker_count;
	uint64_t ring_off = whole_pages(sizeof(struct profile_area));
	uint64_t events_off =
		ring_off + whole_pages(worker_count * sizeof(struct profile_ring));
	uint64_t events_len = PROFILE_TRACE_LEN / worker_count / PAGE_LEN * PAGE_LEN;
	uint64_t seat_off = events_off + worker_count * events_len;
	uint64_t len = seat_off + seat_count * sizeof(struct process_seat);
	struct profile_area *area =
		mmap(NULL, len, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	area->worker_count = worker_count;
	area->seat_count = seat_count;
	area->ring_off = ring_off;
	area->events_off = events_off;
	area->events_len = events_len;
	area->seat_off = seat_off;
	return area;
}

/* The pages of rings and lists go back; where the system does not, they stay. */
static void
empty(struct profile_area *area)
{
	(void)madvise((char *)area + area->ring_off, area->seat_off - area->ring_off,
		      MADV_REMOVE);
	for (unsigned i = 0; i < area->worker_count; i++) {
		struct profile_ring *ring = profile_ring(area, i);

		atomic_store(&ring->tail, atomic_load(&ring->head));
	}
}

static void
set_work(struct profile_area *area, enum profile_work work)
{
	atomic_store_explicit(&area->work, work, memory_order_relaxed);
	atomic_fetch_add_explicit(&area->seq, 1, memory_order_release);
}

bool
profile_area_hold(struct profile_area *area, pid_t pid)
{
	int32_t nobody = 0;

	return atomic_compare_exchange_strong(&area->holder, &nobody, (int32_t)pid);
}

void
profile_area_release(struct profile_area *area, pid_t pid)
{
	if (atomic_load(&area->holder) != (int32_t)pid)
		return;
	profile_area_end(area);
	atomic_store(&area->holder, 0);
}

void
profile_area_begin(struct profile_area *area, enum profile_work work,
		   uint64_t duration_ms)
{
	empty(area);
	for (unsigned i = 0; i < area->worker_count; i++)
		profile_events(area, i)->capacity =
			(uint32_t)((area->events_len - sizeof(struct stage_events)) /
				   sizeof(struct stage_event));
	atomic_store(&area->until_ns, clock_now_ns() + duration_ms * 1000000);
	set_work(area, work);
}

void
profile_area_end(struct profile_area *area)
{
	if (atomic_load(&area->work) != PROFILE_NOTHING)
		set_work(area, PROFILE_NOTHING);
}

bool
profile_ring_take(struct profile_ring *ring, struct profile_sample *out)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*out = ring->samples[tail % PROFILE_RING];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}
