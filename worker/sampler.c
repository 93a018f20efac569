/* The signal handler, what arms it, and what appends to a trace. */
#include "worker/sampler.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/log.h"
#include "worker/kernel_stacks.h"
#include "worker/stage_clock.h"

enum {
	BRIDGE_WORDS = 64, /* of the stack of a foreign function to be looked through */
	CALL_NEAR_LEN = 5, /* octets of a call by distance, */
	CALL_SHORT_LEN = 2, /* through a register, */
	CALL_LONG_LEN = 7, /* through memory at most */
};

/* What the handler sees; it may come at any time. */
static struct {
	struct profile_ring *ring;
	const _Atomic uint32_t *stage;
	uintptr_t top; /* of the stack */
	struct kernel_stacks kernel; /* not open: a timer ticks */
} seen;

/* Of the program's own code, as the linker names it. */
extern const char __executable_start[], etext[];

static bool
is_own_code(uint64_t pc)
{
	return pc - (uintptr_t)__executable_start <
	       (uintptr_t)etext - (uintptr_t)__executable_start;
}

/* ---- the handler: nothing but memory that is known to be there ---- */

struct registers {
	uintptr_t pc, sp, fp;
	uintptr_t link; /* return address of a leaf, 0 where the stack has it */
};

static struct registers
registers_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	const greg_t *regs = context->uc_mcontext.gregs;

	return (struct registers){
		.pc = (uintptr_t)regs[REG_RIP],
		.sp = (uintptr_t)regs[REG_RSP],
		.fp = (uintptr_t)regs[REG_RBP],
	};
#elif defined(__aarch64__)
	return (struct registers){
		.pc = context->uc_mcontext.pc,
		.sp = context->uc_mcontext.sp,
		.fp = context->uc_mcontext.regs[29],
		.link = context->uc_mcontext.regs[30],
	};
#else
	(void)context;
	return (struct registers){ 0 };
#endif
}

/* Is `at` a whole number of words, and are two of them there, between the stack pointer and
 * the frame that the thread began with? */
static bool
is_on_stack(uintptr_t at, uintptr_t sp)
{
	return at % sizeof(uintptr_t) == 0 && at >= sp && at < seen.top &&
	       seen.top - at >= 2 * sizeof(uintptr_t);
}

/* A word of the stack, which sanitizers may have marked as nobody's. */
__attribute__((no_sanitize("address"))) static uintptr_t
stack_word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

/* Does `pc`, in our own code, stand behind a call? */
static bool
is_return_address(uint64_t pc)
{
#if defined(__x86_64__)
	const uint8_t *at = (const uint8_t *)(uintptr_t)pc;

	if (!is_own_code(pc) || !is_own_code(pc - CALL_LONG_LEN))
		return false;
	if (at[-CALL_NEAR_LEN] == 0xe8)
		return true;
	for (int len = CALL_SHORT_LEN; len <= CALL_LONG_LEN; len++)
		if (at[-len] == 0xff && (at[1 - len] & 0x38) == 0x10)
			return true;
	return false;
#else
	return is_own_code(pc);
#endif
}

/* Interrupted in a library, whose functions keep no frame pointers: who of ours has called
 * it stands on the stack.  returns where, 0 when that is not found. */
static uintptr_t
find_return(const struct registers *regs)
{
	uintptr_t at = regs->sp;
	uintptr_t end = is_on_stack(regs->fp, regs->sp) ? regs->fp : seen.top;

	for (unsigned i = 0; i < BRIDGE_WORDS; i++, at += sizeof(uintptr_t)) {
		if (!is_on_stack(at, regs->sp) || at >= end)
			break;
		if (is_return_address(stack_word(at)))
			return at;
	}
	return 0;
}

/* The frame of that caller: in the register, or saved below `end` by a function that needed
 * the register for something else. */
static uintptr_t
find_frame(const struct registers *regs, uintptr_t end)
{
	if (is_on_stack(regs->fp, regs->sp))
		return regs->fp;
	for (uintptr_t at = regs->sp; at < end; at += sizeof at) {
		uintptr_t frame = stack_word(at);

		if (is_on_stack(frame, end) &&
		    is_return_address(stack_word(frame + sizeof frame)))
			return frame;
	}
	return 0;
}

/* From a library's function to its caller among ours.  returns the caller's frame. */
static uintptr_t
cross_library(const struct registers *regs, struct profile_sample *out, unsigned *depth)
{
	uintptr_t at;

	if (regs->link && is_return_address(regs->link)) {
		out->pcs[(*depth)++] = regs->link;
		out->is_bridged = 1;
		return regs->fp;
	}
	at = find_return(regs);
	if (at == 0)
		return regs->fp;
	out->pcs[(*depth)++] = stack_word(at);
	out->is_bridged = 1;
	return find_frame(regs, at);
}

static unsigned
walk(const struct registers *regs, struct profile_sample *out)
{
	uintptr_t fp = regs->fp, sp = regs->sp;
	unsigned depth = 0;

	out->pcs[depth++] = regs->pc;
	out->is_bridged = 0;
	if (!is_own_code(regs->pc))
		fp = cross_library(regs, out, &depth);
	while (depth < PROFILE_DEPTH && is_on_stack(fp, sp)) {
		uintptr_t pc = stack_word(fp + sizeof fp);

		if (pc == 0)
			break;
		out->pcs[depth++] = pc;
		sp = fp + 2 * sizeof fp; /* each frame lies above the one before */
		fp = stack_word(fp);
	}
	return depth;
}

/* Room for one more; NULL: there is none, which is counted. */
static struct profile_sample *
next_sample(struct profile_ring *ring, uint32_t head)
{
	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) < PROFILE_RING)
		return &ring->samples[head % PROFILE_RING];
	atomic_store_explicit(&ring->lost,
			      atomic_load_explicit(&ring->lost, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	return NULL;
}

static void
put_sample(const struct registers *regs, uint32_t weight, const uint64_t *kernel_pcs,
	   unsigned kernel_depth)
{
	struct profile_ring *ring = seen.ring;
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct profile_sample *sample = next_sample(ring, head);

	if (!sample)
		return;
	sample->depth = (uint8_t)walk(regs, sample);
	sample->weight = weight;
	sample->stage = (uint8_t)atomic_load_explicit(seen.stage, memory_order_relaxed);
	sample->kernel_depth = (uint8_t)kernel_depth;
	memcpy(sample->kernel_pcs, kernel_pcs, kernel_depth * sizeof *kernel_pcs);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static void
on_tick(int signal_number, siginfo_t *info, void *context)
{
	uint64_t kernel_pcs[PROFILE_KERNEL_DEPTH] = { 0 };
	struct registers regs;
	uint32_t weight = 1;
	int depth;

	(void)signal_number;
	if (!seen.ring)
		return;
	regs = registers_of(context);
	if (!seen.kernel.records) {
		if (info->si_code == SI_TIMER && info->si_overrun > 0)
			weight += (uint32_t)info->si_overrun;
		put_sample(&regs, weight, kernel_pcs, 0);
		return;
	}
	/* several, when one system call has taken that long */
	while ((depth = kernel_stacks_take(&seen.kernel, kernel_pcs)) >= 0)
		put_sample(&regs, weight, kernel_pcs, (unsigned)depth);
}

/* ---- the timer ---- */

void
sampler_init(struct sampler *sampler, struct profile_area *area, unsigned worker,
	     struct stage_clock *clock, const void *top)
{
	struct sigaction action = {
		.sa_sigaction = on_tick,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	*sampler = (struct sampler){ .area = area, .worker = worker, .clock = clock };
	seen.stage = &clock->times->present;
	seen.top = (uintptr_t)top;
	sigemptyset(&action.sa_mask);
	sigaction(SIGPROF, &action, NULL);
}

static bool
begin_timer(struct sampler *sampler)
{
	const struct itimerspec period = {
		.it_interval = { 0, 1000000000 / PROFILE_HZ },
		.it_value = { 0, 1000000000 / PROFILE_HZ },
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGPROF,
	};

	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &sampler->timer) != 0) {
		log_warn("no timer for a profile");
		return false;
	}
	sampler->has_timer = true;
	timer_settime(sampler->timer, 0, &period, NULL);
	return true;
}

static void
begin_samples(struct sampler *sampler)
{
	struct profile_ring *ring = profile_ring(sampler->area, sampler->worker);
	int result = kernel_stacks_open(&seen.kernel, SIGPROF);

	atomic_store(&ring->kernel, result == 0 ? PROFILE_KERNEL_TAKEN : result);
	if (result == 0 || begin_timer(sampler))
		seen.ring = ring;
}

/* A last signal may still be on its way: it finds no ring. */
static void
end_samples(struct sampler *sampler)
{
	seen.ring = NULL;
	if (seen.kernel.records)
		kernel_stacks_close(&seen.kernel);
	if (sampler->has_timer)
		timer_delete(sampler->timer);
	sampler->has_timer = false;
}

static void
trace_stage(void *arg, enum answer_stage stage, uint64_t start_ns, uint64_t end_ns,
	    unsigned count)
{
	stage_events_put(arg, stage, start_ns, end_ns, count);
}

void
sampler_change(struct sampler *sampler)
{
	struct profile_area *area = sampler->area;
	uint32_t work;

	sampler->seq = atomic_load_explicit(&area->seq, memory_order_acquire);
	work = atomic_load_explicit(&area->work, memory_order_relaxed);
	end_samples(sampler);
	sampler->clock->trace = NULL;
	if (clock_now_ns() >= atomic_load(&area->until_ns))
		return;
	if (work == PROFILE_SAMPLES)
		begin_samples(sampler);
	if (work == PROFILE_STAGES) {
		sampler->clock->trace_arg = profile_events(area, sampler->worker);
		sampler->clock->trace = trace_stage;
	}
}
