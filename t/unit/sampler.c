/* sampler: interrupted anywhere, whatever the registers hold, it stays within the stack. */
#include "worker/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "t/tap.h"
#include "worker/stage_clock.h"

static struct profile_area *area;
static struct stage_clock stages;
static struct stage_times times;
static struct sampler sampler;
static struct profile_sample last;

static uint64_t
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Samples of some CPU time spent in `burn`; the depths that were seen, as bits. */
static unsigned
sample(void (*burn)(uintptr_t arg), uintptr_t arg, uint32_t *depths)
{
	uint64_t end_ns = cpu_ns() + 400000000;
	struct profile_sample found;
	unsigned count = 0;

	*depths = 0;
	profile_area_begin(area, PROFILE_SAMPLES, 60000);
	sampler_follow(&sampler);
	/* the tick may be long */
	while (count < 3 && cpu_ns() < end_ns) {
		burn(arg);
		while (profile_ring_take(profile_ring(area, 0), &found)) {
			count++;
			last = found;
			*depths |= 1u << found.depth;
			if (found.stage != STAGE_STEER)
				ok(false, "a sample of stage %u", found.stage);
		}
	}
	profile_area_end(area);
	sampler_follow(&sampler);
	return count;
}

__attribute__((noinline)) static void
burn_plain(uintptr_t arg)
{
	for (volatile unsigned i = 0; i < 2000000; i++)
		(void)arg;
}

/* In a library, most of the time. */
static void
burn_library(uintptr_t arg)
{
	static char octets[1 << 16];

	(void)arg;
	for (unsigned i = 0; i < 2000; i++)
		memset(octets, (int)i, sizeof octets);
}

/* In the kernel. */
static void
burn_kernel(uintptr_t arg)
{
	static char octets[1 << 20];

	for (unsigned i = 0; i < 50; i++)
		/* a signal cuts it short */
		if (read((int)arg, octets, sizeof octets) <= 0)
			bail_out("/dev/zero ends");
}

/* Where it is allowed, samples have the stack in the kernel; else it is told why not. */
static void
test_kernel(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	struct profile_ring *ring = profile_ring(area, 0);
	unsigned count = 0;
	uint32_t depths;

	/* the last sample may be of the time between two calls */
	do
		count += sample(burn_kernel, (uintptr_t)fd, &depths);
	while (ring->kernel == PROFILE_KERNEL_TAKEN && last.kernel_depth <= 1 &&
	       count > 0 && count < 100);
	ok(count > 0, "samples in the kernel");
	if (ring->kernel == PROFILE_KERNEL_TAKEN) {
		ok(last.kernel_depth > 1, "have a stack there");
		ok(last.kernel_pcs[0] >> 63 == 1, "of the kernel's addresses");
		ok(last.depth > 1, "behind ours");
	} else {
		ok(ring->kernel < 0, "why there are no stacks: %d", ring->kernel);
		skip(2, "the kernel does not let us see into it");
	}
	close(fd);
}

/* As nobody, who may not see into the kernel.  Exit code: an errno. */
static void
be_refused(void)
{
	uint32_t depths;
	unsigned count;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		_exit(1);
	count = sample(burn_plain, 0, &depths);
	_exit(count > 0 ? -profile_ring(area, 0)->kernel : 2);
}

static void
test_refused(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "r");
	int level = 0, status = 0;
	pid_t pid;

	if (file && fscanf(file, "%d", &level) != 1)
		level = 0;
	if (file)
		fclose(file);
	if (level < 2 || getuid() != 0) {
		skip(1, "nobody is refused here, or we are nobody");
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		be_refused();
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) &&
		   (WEXITSTATUS(status) == EACCES || WEXITSTATUS(status) == EPERM),
	   "refused: a timer ticks, and why is told (%d)", WEXITSTATUS(status));
}

#if defined(__x86_64__)
/* With `arg` where the frame pointer should be. */
__attribute__((noinline)) static void
burn_astray(uintptr_t arg)
{
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "push %%rbp\n\t"
			 "mov %0, %%rbp\n\t"
			 "mov $4000000, %%rcx\n"
			 "1:\n\t"
			 "dec %%rcx\n\t"
			 "jnz 1b\n\t"
			 "pop %%rbp\n\t"
			 "add $128, %%rsp"
			 :
			 : "r"(arg)
			 : "rcx", "cc", "memory");
}

static void
test_astray(void)
{
	uintptr_t loop[8] = { 0 };
	const uintptr_t cases[] = {
		0,
		1,
		UINTPTR_MAX,
		UINTPTR_MAX - 7,
		(uintptr_t)1 << 47,
		(uintptr_t)loop + 1,
		(uintptr_t)__builtin_frame_address(0) - 4096,
		(uintptr_t)&area,
		(uintptr_t)loop,
	};

	/* a frame that is its own caller */
	loop[0] = (uintptr_t)loop;
	loop[1] = (uintptr_t)burn_plain + 5;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint32_t depths;

		ok(sample(burn_astray, cases[i], &depths) > 0, "frame pointer 0x%llx",
		   (unsigned long long)cases[i]);
		if (i < 6)
			ok(depths & 1u << 1, "leads nowhere");
	}
}
#endif

static void
test_trace(void)
{
	struct stage_events *events = profile_events(area, 0);

	profile_area_begin(area, PROFILE_STAGES, 60000);
	sampler_follow(&sampler);
	stage_clock_move(&stages, STAGE_SEND, 3);
	stage_clock_move(&stages, STAGE_WAIT, 1);
	profile_area_end(area);
	sampler_follow(&sampler);
	stage_clock_move(&stages, STAGE_UPKEEP, 1);
	is_int(events->count, 2, "stages that end are written while a trace is on");
	is_int(events->list[1].at >> STAGE_EVENT_STAGE_SHIFT, STAGE_SEND,
	       "by their numbers");
	is_int(events->list[1].count, 3, "with their queries");
}

int
main(void)
{
	uint32_t depths;

	area = profile_area_create(1);
	if (!area)
		bail_out("no memory");
	stage_clock_init(&stages, &times);
	stage_clock_move(&stages, STAGE_STEER, 1);
	sampler_init(&sampler, area, 0, &stages, __builtin_frame_address(0));
	ok(sample(burn_plain, 0, &depths) > 0, "samples");
	ok(depths & ~(1u << 1), "with callers");
	ok(sample(burn_library, 0, &depths) > 0, "samples in a library");
#if defined(__x86_64__)
	test_astray();
#endif
	profile_area_begin(area, PROFILE_SAMPLES, 0);
	sampler_follow(&sampler);
	ok(!sampler.has_timer, "a time that is over: nothing begins");
	profile_area_end(area);
	test_kernel();
	test_refused();
	test_trace();
	return done_testing();
}
