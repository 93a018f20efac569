/* follow - changes written to a Redis, until they are served: rate and propagation.
 *
 *	follow [ZONES RECORDS [RATE SECONDS]...]
 *
 * A redis-server of its own is filled, loaded and followed; then a writer changes one
 * label a time, RATE times a second, each with an entry of the change stream.  What
 * follows is one process, which is what sync does besides serving control requests.
 * Works in TMPDIR; prints one line of JSON each. */
#include <malloc.h>
#include <time.h>

#include "loader/redis/redis_load.h"
#include "t/follow_bed.h"

enum { AHEAD = 500, TICK_MS = 1 };

static unsigned zone_count = 100000, record_count = 10;

static double
seconds_since(uint64_t start_ns)
{
	return (double)(clock_now_ns() - start_ns) / 1e9;
}

static double
cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* A turn of the loop; the longest of all in CPU time, which other processes do not change. */
static void
turn(struct bed *bed, int wait_ms, double *longest_s)
{
	double before = cpu_seconds(), took;

	bed_turn(bed, wait_ms);
	took = cpu_seconds() - before;
	if (took > *longest_s)
		*longest_s = took;
}

static void
receive(struct redis_link *link, unsigned count)
{
	struct arena *arena = arena_new();

	for (; arena && count > 0; count--)
		if (!redis_link_receive(link, arena))
			bail_out("%s", redis_link_reason(link));
	arena_free(arena);
}

/* Memory of our own, in MB: what is not a map of a file. */
static unsigned
private_mb(void)
{
	FILE *in = fopen("/proc/self/status", "r");
	char line[200];
	unsigned kb = 0;

	while (in && fgets(line, sizeof line, in))
		if (sscanf(line, "RssAnon: %u", &kb) == 1)
			break;
	if (in)
		fclose(in);
	return kb / 1024;
}

/* ---- filling and loading ---- */

static unsigned
send_zone(struct redis_link *link, unsigned zone)
{
	static const char ns[] =
		"{\"ns\":{\"ttl\":300,\"records\":[{\"host\":\"ns.test.\"}]}}";
	char label[16], value[128];
	int rc = redis_link_send(link, "SADD redins:zones z%u.bulk.test.", zone);

	rc |= redis_link_send(link, "SET redins:zones:z%u.bulk.test.:config %s", zone,
			      "{\"soa\":{\"ttl\":300}}");
	rc |= redis_link_send(link, "HSET redins:zones:z%u.bulk.test. @ %s", zone, ns);
	for (unsigned i = 2; i < record_count; i++) {
		snprintf(label, sizeof label, "w%u", i);
		snprintf(value, sizeof value,
			 "{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.%u\"}]}}",
			 i % 250);
		rc |= redis_link_send(link, "HSET redins:zones:z%u.bulk.test. %s %s",
				      zone, label, value);
	}
	if (rc != 0)
		bail_out("%s", redis_link_reason(link));
	return record_count + 1;
}

static void
fill(struct bed *bed)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < zone_count; i++) {
		waiting += send_zone(bed->writer, i);
		if (i % AHEAD == 0) {
			receive(bed->writer, waiting);
			waiting = 0;
		}
	}
	receive(bed->writer, waiting);
}

/* In a process of its own, as sync does it. */
static void
load_into(struct bed *bed, const char *dir)
{
	const struct builder_seal_options options = { .id = 2 };
	struct reload_result result = { .changed = 0 };
	struct generation_manifest manifest;
	char reason[REDIS_REASON_MAX + 1] = "";
	struct redis_load_job job = {
		.settings = &bed->settings,
		.now_ms = (uint64_t)clock_wall_ms(),
		.result = &result,
	};

	if (builder_new(NULL, NULL, NULL, &job.builder) != 0 ||
	    redis_load_all(&job, reason) != 0 ||
	    builder_seal(job.builder, dir, &options, &manifest, reason) != 0) {
		fprintf(stderr, "follow: %s\n", reason);
		_exit(1);
	}
	_exit(0);
}

static bool
wants_load(struct bed *bed, const char *what)
{
	(void)what;
	return follow_wants_load(bed->follow);
}

static void
load(struct bed *bed)
{
	char reason[FOLLOW_REASON_MAX] = "", dir[2000];
	uint64_t start = clock_now_ns();
	int status = -1;
	pid_t pid;

	if (!bed_until(bed, wants_load, NULL))
		bail_out("no load is wanted");
	snprintf(dir, sizeof dir, "%s", scratch_path(bed->scratch, "loaded"));
	pid = fork();
	if (pid == 0)
		load_into(bed, dir);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		bail_out("not loaded");
	live_close(bed->live);
	if (live_open(dir, 1000000, &bed->live) != 0 ||
	    follow_finish_load(bed->follow, bed->live, reason) != 0)
		bail_out("not followed: %s", reason);
	printf("{\"what\":\"load\",\"zones\":%u,\"records\":%u,\"seconds\":%.2f,"
	       "\"private_mb\":%u}\n",
	       zone_count, zone_count * record_count, seconds_since(start), private_mb());
	fflush(stdout);
}

/* ---- changing ---- */

static int
send_change(struct redis_link *link, unsigned number)
{
	static const char script[] =
		"redis.call('HSET',KEYS[1],ARGV[1],ARGV[2]) "
		"return redis.call('XADD',KEYS[2],'*','zone',ARGV[3],'label',ARGV[1])";
	unsigned zone = number * 2654435761u % zone_count;
	char key[64], label[16], value[128], name[48];

	snprintf(name, sizeof name, "z%u.bulk.test.", zone);
	snprintf(key, sizeof key, "redins:zones:%s", name);
	snprintf(label, sizeof label, "w%u", 2 + number % (record_count - 2));
	snprintf(value, sizeof value,
		 "{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"198.51.%u.%u\"}]}}",
		 number / 250 % 250, number % 250);
	return redis_link_send(link, "EVAL %s 2 %s martlet:changes %s %s %s", script, key,
			       label, value, name);
}

/* `rate` changes a second, evenly; a process of its own. */
static _Noreturn void
write_changes(struct bed *bed, unsigned rate, unsigned total)
{
	uint64_t start = clock_now_ns();
	unsigned sent = 0;

	bed->writer = redis_link_new(10000);
	bed_connect(bed);
	while (sent < total) {
		unsigned due = (unsigned)(seconds_since(start) * rate) + 1, before = sent;

		for (; sent < due && sent < total; sent++)
			if (send_change(bed->writer, sent) != 0)
				_exit(1);
		receive(bed->writer, sent - before);
		(void)poll(NULL, 0, TICK_MS);
	}
	_exit(0);
}

static uint64_t
figure(struct bed *bed, enum source_figure which)
{
	return atomic_load(&bed->region->source.figures[which]);
}

static double
share_ms(const struct source_times_sum *times, double share)
{
	return (double)source_times_percentile_us(times, share) / 1000;
}

static void
run(struct bed *bed, unsigned rate, unsigned seconds)
{
	struct source_times_sum times;
	uint64_t start = clock_now_ns(), commits = figure(bed, SOURCE_redis_commits),
		 entries = figure(bed, SOURCE_redis_entries);
	double cpu = cpu_seconds(), written_s = 0, longest_s = 0;
	unsigned total = rate * seconds;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		write_changes(bed, rate, total);
	memset(bed->region->source.times, 0, sizeof bed->region->source.times);
	while (figure(bed, SOURCE_redis_entries) - entries < total) {
		turn(bed, 20, &longest_s);
		if (written_s == 0 && waitpid(pid, &status, WNOHANG) == pid)
			written_s = seconds_since(start);
		if (seconds_since(start) > seconds * 3 + 20)
			bail_out("changes do not come");
	}
	for (unsigned i = 0; i < 50; i++)
		turn(bed, 1, &longest_s);
	if (written_s == 0)
		waitpid(pid, &status, 0);
	region_source_get_times(&bed->region->source, CHANGE_STREAM, &times);
	printf("{\"what\":\"follow\",\"rate\":%u,\"seconds\":%u,\"behind_s\":%.3f,"
	       "\"commits\":%llu,\"cpu_us_per_change\":%.1f,\"served\":%llu,\"p50_ms\":%."
	       "2f,"
	       "\"p99_ms\":%.2f,\"max_ms\":%.2f,\"longest_turn_cpu_ms\":%.2f,\"private_"
	       "mb\":%u}\n",
	       rate, seconds,
	       written_s == 0 ? 0.0 : seconds_since(start) - 0.05 - written_s,
	       (unsigned long long)(figure(bed, SOURCE_redis_commits) - commits),
	       (cpu_seconds() - cpu) * 1e6 / total, (unsigned long long)times.count,
	       share_ms(&times, 0.5), share_ms(&times, 0.99), share_ms(&times, 1),
	       longest_s * 1e3, private_mb());
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct bed bed;

	if (argc > 2) {
		zone_count = (unsigned)atoi(argv[1]);
		record_count = (unsigned)atoi(argv[2]);
	}
	bed_open(&bed);
	fill(&bed);
	load(&bed);
	if (argc <= 4) {
		run(&bed, 100, 5);
		run(&bed, 1000, 10);
		run(&bed, 10000, 10);
	}
	for (int i = 3; i + 1 < argc; i += 2)
		run(&bed, (unsigned)atoi(argv[i]), (unsigned)atoi(argv[i + 1]));
	bed_close(&bed);
	return 0;
}
