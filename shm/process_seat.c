/* Taking a seat, and copying files of /proc from a signal handler. */
#include "shm/process_seat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/heap_sampler.h"

enum {
	ASK_SHIFT = 2, /* in `asks`: a number, below it enum seat_ask */
	POLL_MS = 2,
};

static struct profile_area *opened;
static struct process_seat *mine;

/* ---- the handler: nothing but what may be called there ---- */

static size_t
read_file(const char *path, char *out, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return 0;
	while (got > 0 && len < room) {
		got = read(fd, out + len, room - len);
		if (got > 0)
			len += (size_t)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	close(fd);
	return len;
}

static void
copy_text(struct seat_text *text, const char *path)
{
	atomic_store(&text->len, (uint32_t)read_file(path, text->octets, SEAT_FILE_MAX));
}

/* The name of a file of the first thread. */
static const char *
thread_file(const char *name, char out[64])
{
	char *at = out + 63;
	size_t name_len = strlen(name);
	static const char front[] = "/proc/self/task/";

	*at = '\0';
	at -= name_len;
	memcpy(at, name, name_len);
	*--at = '/';
	for (pid_t pid = getpid(); pid > 0; pid /= 10)
		*--at = (char)('0' + pid % 10);
	at -= sizeof front - 1;
	memcpy(at, front, sizeof front - 1);
	return at;
}

static void
on_ask(int signal_number)
{
	uint32_t asks = atomic_load(&opened->asks);
	struct process_seat *seat = mine;
	int saved_errno = errno;
	char path[64];

	(void)signal_number;
	if (!seat || atomic_load(&seat->answered) == asks >> ASK_SHIFT)
		return;
	if (asks & SEAT_ASK_TIMES) {
		copy_text(&seat->stat, thread_file("stat", path));
		copy_text(&seat->status, thread_file("status", path));
		copy_text(&seat->schedstat, thread_file("schedstat", path));
	}
	if (asks & SEAT_ASK_MAPS) {
		size_t len = read_file("/proc/self/smaps", seat->maps, SEAT_MAPS_MAX);

		atomic_store(&seat->is_cut, len == SEAT_MAPS_MAX);
		atomic_store(&seat->maps_len, (uint32_t)len);
	}
	atomic_store(&seat->answered_ns, clock_now_ns());
	atomic_store_explicit(&seat->answered, asks >> ASK_SHIFT, memory_order_release);
	errno = saved_errno;
}

/* ---- seats ---- */

/* What a child inherits is its parent's. */
static void
leave_in_child(void)
{
	mine = NULL;
	heap_sampler_leave();
}

void
process_seat_open(struct profile_area *area)
{
	opened = area;
	pthread_atfork(NULL, NULL, leave_in_child);
}

bool
process_seat_is_live(const struct process_seat *seat)
{
	pid_t pid = atomic_load(&seat->pid);

	return pid > 0 && kill(pid, 0) == 0;
}

unsigned
process_seat_count(struct profile_area *area)
{
	uint32_t taken = atomic_load(&area->seats_taken);

	return taken < area->seat_count ? taken : area->seat_count;
}

/* One that is free becomes ours, once: processes start side by side. */
static struct process_seat *
add_seat(const char *name)
{
	uint32_t at = atomic_fetch_add(&opened->seats_taken, 1);
	struct process_seat *seat;

	if (at >= opened->seat_count) {
		atomic_store(&opened->seats_taken, opened->seat_count);
		return NULL;
	}
	seat = process_seat_at(opened, at);
	snprintf(seat->name, sizeof seat->name, "%s", name);
	return seat;
}

static struct process_seat *
find_seat(const char *name)
{
	for (unsigned i = 0; i < process_seat_count(opened); i++) {
		struct process_seat *seat = process_seat_at(opened, i);

		if (strncmp(seat->name, name, sizeof seat->name - 1) == 0)
			return process_seat_is_live(seat) ? NULL : seat;
	}
	return add_seat(name);
}

static void
set_handler(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGURG, &action, NULL);
}

void
process_seat_take(const char *name)
{
	struct process_seat *seat = opened ? find_seat(name) : NULL;

	set_handler(SIG_DFL);
	if (!seat)
		return;
	atomic_store(&seat->answered, 0);
	heap_sampler_enter(&seat->heap);
	atomic_store(&seat->pid, (int32_t)getpid());
	mine = seat;
	set_handler(on_ask);
}

static void
mask_asks(int how)
{
	sigset_t asks;

	sigemptyset(&asks);
	sigaddset(&asks, SIGURG);
	pthread_sigmask(how, &asks, NULL);
}

void
process_seat_defer(void)
{
	mask_asks(SIG_BLOCK);
}

void
process_seat_attend(void)
{
	mask_asks(SIG_UNBLOCK);
}

/* ---- asking ---- */

static bool
has_answered(const struct process_seat *seat, uint32_t number)
{
	return atomic_load_explicit(&seat->answered, memory_order_acquire) == number;
}

/* returns whether all that live have answered. */
static bool
all_have_answered(struct profile_area *area, uint32_t number)
{
	for (unsigned i = 0; i < process_seat_count(area); i++) {
		const struct process_seat *seat = process_seat_at(area, i);

		if (process_seat_is_live(seat) && !has_answered(seat, number))
			return false;
	}
	return true;
}

uint32_t
process_seat_ask(struct profile_area *area, unsigned what, unsigned timeout_ms)
{
	const struct timespec pause = { 0, POLL_MS * 1000000l };
	uint32_t number = (atomic_load(&area->asks) >> ASK_SHIFT) + 1;
	uint64_t end_ms = clock_now_ms() + timeout_ms;

	atomic_store(&area->asks, number << ASK_SHIFT | what);
	for (unsigned i = 0; i < process_seat_count(area); i++) {
		const struct process_seat *seat = process_seat_at(area, i);

		if (process_seat_is_live(seat))
			kill(atomic_load(&seat->pid), SIGURG);
	}
	while (!all_have_answered(area, number) && clock_now_ms() < end_ms)
		nanosleep(&pause, NULL);
	return number;
}

void
process_seat_forget(struct profile_area *area)
{
	for (unsigned i = 0; i < process_seat_count(area); i++) {
		struct process_seat *seat = process_seat_at(area, i);

		(void)madvise(seat->maps, sizeof seat->maps, MADV_REMOVE);
	}
}
