/* How the kernel shares a CPU between a worker and the other processes there. */
#ifndef WORKER_SLICE_H
#define WORKER_SLICE_H

/* Ask for short slices of time for this thread: it waits less often for others to end theirs
 * when a query comes, and has the same share.  Kernels before 6.12 do not know of them. */
void slice_shorten(void);

#endif
