/* redis_load - from a Redis to a sealed generation and on to a worker: seconds, octets a record,
 * peak memory.
 *
 *	redis_load fill ADDRESS SCHEMA ZONES RECORDS [two | steered | probed]
 *	redis_load load ADDRESS SCHEMA
 *
 * "fill" writes ZONES zones of RECORDS records each, SOA included; "two": of RRsets of two
 * addresses, "steered": two by country and weight, "probed": two with a health check.  Works
 * in TMPDIR. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_load.h"
#include "loader/store/builder.h"
#include "shm/clock.h"
#include "shm/generation.h"
#include "t/scratch_dir.h"

enum { VALUE_MAX = 320 };
enum { AHEAD = 500 }; /* zones whose replies are not waited for */

static char no_text[] = "";
static struct settings settings = {
	.redis = {
		.enable = true,
		.username = no_text,
		.password = no_text,
		.prefix = no_text,
		.suffix = no_text,
		.sentinel = { .master = no_text },
		.max_ttl = 3600,
		.timeout_ms = 10000,
	},
};

static void
die(const char *what)
{
	fprintf(stderr, "redis_load: %s\n", what);
	exit(1);
}

#define PAIR(members, first, second)                                        \
	"{\"ttl\":300," members "\"records\":[{\"ip\":\"192.0.2.%u\"" first \
	"},{\"ip\":\"198.51.100.1\"" second "}]}"

/* What the RRsets are, and their values. */
static const struct form {
	const char *word, *value;
} forms[] = {
	{ "plain", "{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.%u\"}]}" },
	{ "two", PAIR("", "", "") },
	{ "steered",
	  PAIR("\"filter\":{\"geo_filter\":\"country\",\"order\":\"weighted\"},",
	       ",\"country\":\"DE\",\"weight\":1",
	       ",\"country\":[\"US\",\"\"],\"weight\":2") },
	{ "probed",
	  PAIR("\"health_check\":{\"enable\":true,\"uri\":\"/healthz\"},", "", "") },
};
static const char *a_value;

static void
choose_form(const char *word)
{
	for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (strcmp(word, forms[i].word) == 0)
			a_value = forms[i].value;
	if (!a_value)
		die("no such form of RRsets");
}

static bool
is_z42(void)
{
	return settings.redis.schema == REDIS_SCHEMA_Z42;
}

static struct redis_link *
connect_redis(void)
{
	char reason[REDIS_REASON_MAX];
	struct redis_link *link;

	if (redis_connect_wait(&settings, &link, reason) != 0)
		die(reason);
	return link;
}

/* Copy a value of `form` with a number in the place of its "%u", if it has one. */
static void
put_number(const char *form, unsigned number, char out[VALUE_MAX])
{
	const char *at = strstr(form, "%u");
	int head = at ? (int)(at - form) : (int)strlen(form);

	snprintf(out, VALUE_MAX, "%.*s", head, form);
	if (at)
		snprintf(out + head, (size_t)(VALUE_MAX - head), "%u%s", number, at + 2);
}

/* Commands for one zone; returns their number. */
static unsigned
send_zone(struct redis_link *link, unsigned zone, unsigned records)
{
	static const char ns[] =
		"{\"ttl\":300,\"records\":[{\"host\":\"ns.other.test.\"}]}";
	const char *schema = is_z42() ? "z42" : "redins";
	char value[VALUE_MAX], text[VALUE_MAX + 16];
	unsigned sent = 2;
	int code = redis_link_send(link, "SADD %s:zones z%u.bulk.test.", schema, zone);

	code |= redis_link_send(link, "SET %s:zones:z%u.bulk.test.:config %s", schema,
				zone, "{\"soa\":{\"serial\":1}}");
	for (unsigned i = 1; i < records; i++) {
		const char *type = i == 1 ? "ns" : "a";
		char label[16];

		snprintf(label, sizeof label, i == 1 ? "@" : "w%u", i);
		put_number(i == 1 ? ns : a_value, i % 250, value);
		if (is_z42()) {
			code |= redis_link_send(link,
						"SADD z42:zones:z%u.bulk.test.:labels %s",
						zone, label);
			code |= redis_link_send(
				link, "SET z42:zones:z%u.bulk.test.:labels:%s:%s %s",
				zone, label, type, value);
			sent += 2;
			continue;
		}
		snprintf(text, sizeof text, "{\"%s\":%s}", type, value);
		code |= redis_link_send(link, "HSET redins:zones:z%u.bulk.test. %s %s",
					zone, label, text);
		sent++;
	}
	if (code != 0)
		die(redis_link_reason(link));
	return sent;
}

static void
receive(struct redis_link *link, unsigned count)
{
	struct arena *arena = arena_new();

	for (; arena && count > 0; count--)
		if (!redis_link_receive(link, arena))
			die(redis_link_reason(link));
	arena_free(arena);
}

static void
fill(unsigned zones, unsigned records)
{
	struct redis_link *link = connect_redis();
	unsigned waiting = 0;

	for (unsigned i = 0; i < zones; i++) {
		waiting += send_zone(link, i, records);
		if (i % AHEAD == 0) {
			receive(link, waiting);
			waiting = 0;
		}
	}
	receive(link, waiting);
	redis_link_free(link);
}

static double
seconds_since(uint64_t start_ns)
{
	return (double)(clock_now_ns() - start_ns) / 1e9;
}

/* CPU time of this process so far. */
static double
cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Open and fill it as a worker does that is to swap. */
static void
swap(const char *dir)
{
	uint64_t begun_ns = clock_now_ns();
	double begun_cpu = cpu_seconds();
	struct generation gen;

	if (generation_open(dir, GENERATION_POPULATE, &gen) != 0)
		die("the generation does not open");
	printf("opened by a worker in %.4f s, %.4f s of CPU\n", seconds_since(begun_ns),
	       cpu_seconds() - begun_cpu);
	generation_close(&gen);
}

static void
load(void)
{
	const struct builder_seal_options options = { .id = 1 };
	char *scratch = scratch_dir_make(), reason[512];
	struct reload_result result = { .changed = 0 };
	struct generation_manifest manifest;
	struct redis_load_job job = {
		.settings = &settings,
		.now_ms = (uint64_t)clock_wall_ms(),
		.result = &result,
	};
	uint64_t begun_ns = clock_now_ns(), read_ns;
	struct rusage usage;
	double seconds;

	if (builder_new(NULL, NULL, NULL, &job.builder) != 0 ||
	    redis_load_all(&job, reason) != 0)
		die(reason);
	read_ns = clock_now_ns();
	if (builder_seal(job.builder, scratch_path(scratch, "00000001"), &options,
			 &manifest, reason) != 0)
		die(reason);
	seconds = seconds_since(read_ns);
	getrusage(RUSAGE_SELF, &usage);
	printf("%llu zones, %llu records: read in %.2f s, sealed in %.2f s, "
	       "%.2f s of CPU, %.1f octets a record on disk, peak %ld MB, %.0f octets a "
	       "record\n",
	       (unsigned long long)manifest.zone_count,
	       (unsigned long long)manifest.record_count,
	       (double)(read_ns - begun_ns) / 1e9, seconds, cpu_seconds(),
	       (double)(manifest.data_len + manifest.index_len) /
		       (double)manifest.record_count,
	       usage.ru_maxrss / 1024,
	       (double)usage.ru_maxrss * 1024 / (double)manifest.record_count);
	swap(scratch_path(scratch, "00000001"));
	builder_free(job.builder);
	reload_result_fini(&result);
	scratch_dir_free(scratch);
}

int
main(int arg_count, char **args)
{
	if (arg_count < 4)
		die("usage: fill ADDRESS SCHEMA ZONES RECORDS, or load ADDRESS SCHEMA");
	settings.redis.address = args[2];
	settings.redis.schema =
		strcmp(args[3], "z42") == 0 ? REDIS_SCHEMA_Z42 : REDIS_SCHEMA_REDINS;
	choose_form(arg_count == 7 ? args[6] : "plain");
	if (strcmp(args[1], "fill") == 0 && arg_count >= 6)
		fill((unsigned)atoi(args[4]), (unsigned)atoi(args[5]));
	else
		load();
	return 0;
}
