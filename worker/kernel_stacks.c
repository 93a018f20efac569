/* A software event of the kernel, and its ring. */
#include "worker/kernel_stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PAGE_LEN = 4096,
	DATA_LEN = 8 * PAGE_LEN, /* some 60 records; a power of 2 */
	MAP_LEN = PAGE_LEN + DATA_LEN,
};

static int
open_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof attr,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = 1000000000 / PROFILE_HZ,
		.sample_type = PERF_SAMPLE_CALLCHAIN,
		.sample_max_stack = PROFILE_KERNEL_DEPTH,
		.wakeup_events = 1,
		.disabled = 1,
		.exclude_hv = 1,
		.exclude_callchain_user = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static int
send_signals(int fd, int signal_number)
{
	const struct f_owner_ex owner = { F_OWNER_TID, gettid() };

	if (fcntl(fd, F_SETOWN_EX, &owner) != 0 ||
	    fcntl(fd, F_SETSIG, signal_number) != 0 ||
	    fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) != 0)
		return -1;
	return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}

int
kernel_stacks_open(struct kernel_stacks *stacks, int signal_number)
{
	int error;

	stacks->records = NULL;
	stacks->fd = open_event();
	if (stacks->fd < 0)
		return -errno;
	stacks->records =
		mmap(NULL, MAP_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, stacks->fd, 0);
	if (stacks->records == MAP_FAILED)
		stacks->records = NULL;
	if (stacks->records && send_signals(stacks->fd, signal_number) == 0)
		return 0;
	error = -errno;
	kernel_stacks_close(stacks);
	return error;
}

/* The word of the ring at `at`, in octets since it was begun. */
static uint64_t
word_at(const struct kernel_stacks *stacks, uint64_t at)
{
	const uint64_t *data = (const void *)((const char *)stacks->records + PAGE_LEN);

	return data[at % DATA_LEN / sizeof *data];
}

/* returns how many addresses the sample at `at` holds; marks of context are left out. */
static int
read_chain(const struct kernel_stacks *stacks, uint64_t at,
	   uint64_t out[PROFILE_KERNEL_DEPTH])
{
	uint64_t count = word_at(stacks, at);
	int depth = 0;

	for (uint64_t i = 1; i <= count && depth < PROFILE_KERNEL_DEPTH; i++) {
		uint64_t pc = word_at(stacks, at + i * sizeof pc);

		if (pc < (uint64_t)PERF_CONTEXT_MAX)
			out[depth++] = pc;
	}
	return depth;
}

int
kernel_stacks_take(struct kernel_stacks *stacks, uint64_t out[PROFILE_KERNEL_DEPTH])
{
	struct perf_event_mmap_page *page = stacks->records;
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = page->data_tail;
	int depth = -1;

	while (tail < head && depth < 0) {
		union {
			uint64_t word;
			struct perf_event_header header;
		} front = { .word = word_at(stacks, tail) };

		if (front.header.type == PERF_RECORD_SAMPLE)
			depth = read_chain(stacks, tail + sizeof front, out);
		tail += front.header.size;
	}
	__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
	return depth;
}

void
kernel_stacks_close(struct kernel_stacks *stacks)
{
	if (stacks->records)
		munmap(stacks->records, MAP_LEN);
	stacks->records = NULL;
	close(stacks->fd);
}
