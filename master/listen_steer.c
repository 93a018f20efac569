/* Writes the filter that picks a worker by receiving CPU. */
#include "master/listen_steer.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "master/pin.h"
#include "shm/errcode.h"
#include "shm/log.h"

struct program {
	struct sock_filter *out;
	unsigned len;
};

static void
put(struct program *program, int code, unsigned jump_true, unsigned jump_false, int value)
{
	program->out[program->len++] = (struct sock_filter){ .code = (uint16_t)code,
							     .jt = (uint8_t)jump_true,
							     .jf = (uint8_t)jump_false,
							     .k = (uint32_t)value };
}

static bool
has_earlier(const int *worker_cpus, unsigned id)
{
	for (unsigned i = 0; i < id; i++)
		if (worker_cpus[i] == worker_cpus[id])
			return true;
	return false;
}

/* A is the CPU: return one of its workers, of which `first` is the lowest.  The skip
 * over the block is a jump of its own, since conditional jumps reach 255 only. */
static void
put_cpu(struct program *program, const int *worker_cpus, unsigned count, unsigned first)
{
	unsigned sharing = 0, skip_at;

	for (unsigned i = first; i < count; i++)
		sharing += worker_cpus[i] == worker_cpus[first];
	put(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, worker_cpus[first]);
	skip_at = program->len;
	put(program, BPF_JMP | BPF_JA, 0, 0, 0);
	if (sharing > 1) {
		put(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_RANDOM);
		put(program, BPF_ALU | BPF_MOD | BPF_K, 0, 0, (int)sharing);
	}
	for (unsigned i = first, draw = 0; i < count; i++) {
		if (worker_cpus[i] != worker_cpus[first])
			continue;
		if (++draw < sharing)
			put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (int)draw - 1);
		put(program, BPF_RET | BPF_K, 0, 0, (int)i);
	}
	program->out[skip_at].k = program->len - skip_at - 1;
}

unsigned
listen_steer_program(const int *worker_cpus, unsigned count,
		     struct sock_filter out[LISTEN_STEER_INSNS_MAX])
{
	struct program program = { .out = out };

	put(&program, BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_CPU);
	for (unsigned i = 0; i < count; i++)
		if (!has_earlier(worker_cpus, i))
			put_cpu(&program, worker_cpus, count, i);
	put(&program, BPF_ALU | BPF_MOD | BPF_K, 0, 0, (int)count);
	put(&program, BPF_RET | BPF_A, 0, 0, 0);
	return program.len;
}

int
listen_steer_attach(const struct settings *settings, const struct listen_pair *pair,
		    const char *name)
{
	static struct sock_filter filter[LISTEN_STEER_INSNS_MAX];
	int worker_cpus[SETTINGS_WORKERS_MAX];
	struct sock_fprog program = { .filter = filter };

	for (unsigned i = 0; i < settings->workers.count; i++)
		worker_cpus[i] = pin_worker_cpu(settings, i);
	program.len = (unsigned short)listen_steer_program(
		worker_cpus, settings->workers.count, filter);
	if (setsockopt(pair->udp_fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		       sizeof program) == 0 &&
	    setsockopt(pair->tcp_fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		       sizeof program) == 0)
		return 0;
	log_error("cannot steer packets of %s by CPU: set workers.steer = \"hash\"",
		  name);
	return errcode_from_errno(errno);
}
