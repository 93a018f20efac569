/* Tells a process that hangs from one that is not let run: by its CPU time. */
#ifndef MASTER_RUNNABLE_H
#define MASTER_RUNNABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* CPU time of its first thread so far; 0 where the system hides it. */
uint64_t runnable_cpu_ns(pid_t pid);

/* Since it had used `since_cpu_ns`, it has wanted to run and could hardly do so: others have
 * the CPU, or its control group's share is used up.  One that waits or was stopped has only
 * itself to blame, as has one that goes round and round.  returns false, too, where the
 * system hides it. */
__attribute__((warn_unused_result)) bool runnable_is_starved(pid_t pid,
							     uint64_t since_cpu_ns);

#endif
