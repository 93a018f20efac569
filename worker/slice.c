/* Short slices: see sched_setattr(2). */
#include "worker/slice.h"

#include <linux/types.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 100000 }; /* the shortest that there is */

/* As the kernel has it in linux/sched/types.h, which contradicts libc's sched.h. */
struct attributes {
	__u32 size, policy;
	__u64 flags;
	__s32 nice;
	__u32 priority;
	__u64 runtime_ns, deadline_ns, period_ns;
};

void
slice_shorten(void)
{
	struct attributes attributes = { .size = sizeof attributes };

	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
	    attributes.policy != SCHED_OTHER)
		return;
	attributes.runtime_ns = SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
