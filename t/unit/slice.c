/* slice_shorten: short slices, and nothing else of how a thread is scheduled. */
#include "worker/slice.h"

#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/tap.h"

enum { SIZE = 48, POLICY = 4, NICE = 16, RUNTIME = 24 }; /* of struct sched_attr */

static void
look(uint8_t out[SIZE])
{
	if (syscall(SYS_sched_getattr, 0, out, SIZE, 0) != 0)
		skip_all("the kernel does not tell how we are scheduled");
}

int
main(void)
{
	uint8_t before[SIZE], after[SIZE];
	uint64_t slice_ns;

	if (setpriority(PRIO_PROCESS, 0, 3) != 0)
		bail_out("no nice value");
	look(before);
	slice_shorten();
	look(after);
	memcpy(&slice_ns, after + RUNTIME, sizeof slice_ns);
	cmp_mem(after + POLICY, before + POLICY, 4, "the policy is as it was");
	cmp_mem(after + NICE, before + NICE, 8, "and the nice value");
	if (slice_ns == 0)
		skip(1, "slices are not told: a kernel before 6.12");
	else
		is_int(slice_ns, 100000, "a tenth of a millisecond");
	return done_testing();
}
