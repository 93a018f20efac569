/* Where the first thread of each worker spends what it does not compute: two readings of
 * its own figures (proc(5): stat, status, schedstat of the thread). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "master/profile/conductor.h"
#include "shm/clock.h"

enum { PAUSE_MS = 100, NAME_LEN = 16 };

struct figures {
	uint64_t at_ns;
	uint64_t minor_faults, major_faults, user_ticks, system_ticks; /* stat */
	uint64_t voluntary, involuntary; /* status: switches */
	uint64_t run_ns, queue_ns, slices; /* schedstat */
};

/* The text, ended; false when there is none. */
static bool
text_of(const struct seat_text *text, char out[SEAT_FILE_MAX + 1])
{
	uint32_t len = atomic_load(&text->len);

	if (len > SEAT_FILE_MAX)
		len = SEAT_FILE_MAX;
	memcpy(out, text->octets, len);
	out[len] = '\0';
	return len > 0;
}

static uint64_t
status_number(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	uint64_t value = 0;

	if (at)
		sscanf(at + strlen(name), "%" SCNu64, &value);
	return value;
}

static bool
read_figures(const struct process_seat *seat, struct figures *out)
{
	char text[SEAT_FILE_MAX + 1];
	const char *at;

	memset(out, 0, sizeof *out);
	out->at_ns = atomic_load(&seat->answered_ns);
	if (!text_of(&seat->stat, text) || !(at = strrchr(text, ')')) ||
	    sscanf(at + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64
		   " %" SCNu64,
		   &out->minor_faults, &out->major_faults, &out->user_ticks,
		   &out->system_ticks) != 4)
		return false;
	if (text_of(&seat->status, text)) {
		out->voluntary = status_number(text, "\nvoluntary_ctxt_switches:");
		out->involuntary = status_number(text, "\nnonvoluntary_ctxt_switches:");
	}
	return text_of(&seat->schedstat, text) &&
	       sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &out->run_ns,
		      &out->queue_ns, &out->slices) == 3;
}

static struct process_seat *
seat_of(struct conductor *c, unsigned worker)
{
	char name[NAME_LEN];

	snprintf(name, sizeof name, "worker %u", worker);
	for (unsigned i = 0; i < process_seat_count(c->area); i++) {
		struct process_seat *seat = process_seat_at(c->area, i);

		if (strcmp(seat->name, name) == 0)
			return process_seat_is_live(seat) ? seat : NULL;
	}
	return NULL;
}

static double
ticks_ms(uint64_t ticks)
{
	return (double)ticks * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static void
print_ms(struct json_out *json, const char *name, double ms)
{
	json_out_double(json, name, ms > 0 ? ms : 0, 1);
}

static void
print_worker(struct json_out *json, unsigned worker, pid_t pid, const struct figures *a,
	     const struct figures *b)
{
	double wall_ms = (double)(b->at_ns - a->at_ns) / 1e6;
	double run_ms = (double)(b->run_ns - a->run_ns) / 1e6;
	double queue_ms = (double)(b->queue_ns - a->queue_ns) / 1e6;

	json_out_begin_object(json, NULL);
	json_out_uint(json, "worker", worker);
	json_out_int(json, "pid", pid);
	print_ms(json, "wall_ms", wall_ms);
	print_ms(json, "cpu_ms", run_ms);
	print_ms(json, "user_ms", ticks_ms(b->user_ticks - a->user_ticks));
	print_ms(json, "system_ms", ticks_ms(b->system_ticks - a->system_ticks));
	print_ms(json, "run_queue_ms", queue_ms);
	/* it sleeps nowhere but where it waits for something to receive, and for pages */
	print_ms(json, "receive_ms", wall_ms - run_ms - queue_ms);
	json_out_uint(json, "receive_waits", b->voluntary - a->voluntary);
	json_out_uint(json, "involuntary_switches", b->involuntary - a->involuntary);
	json_out_uint(json, "minor_faults", b->minor_faults - a->minor_faults);
	json_out_uint(json, "major_faults", b->major_faults - a->major_faults);
	json_out_end_object(json);
}

/* One that was started meanwhile has no first reading. */
static void
take_worker(struct conductor *c, unsigned worker, pid_t pid, const struct figures *first)
{
	struct json_out *json = &c->reply.json;
	struct process_seat *seat = seat_of(c, worker);
	struct figures last;

	if (seat && pid > 0 && atomic_load(&seat->pid) == pid &&
	    read_figures(seat, &last)) {
		print_worker(json, worker, pid, first, &last);
		return;
	}
	json_out_begin_object(json, NULL);
	json_out_uint(json, "worker", worker);
	json_out_text(json, "reason",
		      "it did not live through the whole time, or its "
		      "figures cannot be read");
	json_out_end_object(json);
}

unsigned
conduct_wait(struct conductor *c)
{
	static struct figures first[SETTINGS_WORKERS_MAX];
	static pid_t pids[SETTINGS_WORKERS_MAX];
	uint64_t end_ms = clock_now_ms() + c->seconds * 1000;

	reply_progress(&c->reply, "workers are watched for %u s", c->seconds);
	process_seat_ask(c->area, SEAT_ASK_TIMES, CONDUCTOR_ANSWER_MS);
	for (unsigned i = 0; i < c->area->worker_count; i++) {
		const struct process_seat *seat = seat_of(c, i);

		if (seat && read_figures(seat, &first[i]))
			pids[i] = atomic_load(&seat->pid);
	}
	while (clock_now_ms() < end_ms)
		conductor_pause(c, PAUSE_MS);
	process_seat_ask(c->area, SEAT_ASK_TIMES, CONDUCTOR_ANSWER_MS);
	conductor_begin(c, "wait");
	json_out_begin_array(&c->reply.json, "waits");
	for (unsigned i = 0; i < c->area->worker_count; i++)
		take_worker(c, i, pids[i], &first[i]);
	json_out_end_array(&c->reply.json);
	json_out_end_object(&c->reply.json);
	return 0;
}
