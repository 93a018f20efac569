/* sign_load - signing a zone for the first time, beside what libcrypto can do.
 *
 *	sign_load [NAMES [ROUNDS]]
 *
 * A zone of NAMES (1,000,000) names with an address each, algorithm 13, KSK and ZSK, NSEC.
 * In each of ROUNDS (3) rounds `openssl speed` signs with one process a CPU, then the zone is
 * signed as a server does it: elapsed time, and CPU time of the signer and of who makes ready
 * what it signs.  "of it" is what that makes a second as a share of what openssl has reached
 * just before; "by CPU" is the same for a second of CPU time, against one openssl, which holds
 * also on a busy machine; "signer" is that of the signer alone.  At the end the zone is sealed
 * with its signatures and without. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "loader/sign/signer.h"
#include "loader/store/builder.h"
#include "shm/clock.h"
#include "t/bench/signed_names.h"

static char *scratch;
static struct settings settings = {
	.dnssec = { .validity_days = 14, .refresh_days = 7, .max_rate = 1000 },
};

struct result {
	double elapsed_s, ready_s, signer_s; /* the last two: CPU time */
	unsigned long signatures;
};

static long
peak_mb(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return used.ru_maxrss / 1024;
}

/* ---- openssl ---- */

/* Signatures a second; 0 when that is not to be had.
 * processes  0: one, and a second of its own CPU time */
static double
openssl_speed(unsigned processes)
{
	char command[128], multi[32] = "", line[256];
	double signatures = 0, each, verified;
	FILE *in;

	if (processes > 0)
		snprintf(multi, sizeof multi, "-multi %u ", processes);
	snprintf(command, sizeof command,
		 "openssl speed -seconds 2 %secdsap256 2>/dev/null", multi);
	in = popen(command, "r");
	if (!in)
		return 0;
	while (fgets(line, sizeof line, in))
		if (sscanf(line, " 256 bits ecdsa (nistp256) %lfs %lfs %lf", &each,
			   &verified, &signatures) == 3)
			break;
	pclose(in);
	return signatures;
}

/* ---- signing ---- */

static unsigned long
count_signatures(const struct zone_records *zone)
{
	unsigned long count = 0;

	for (size_t i = 0; i < zone->count; i++)
		count += zone->records[i].type == RRTYPE_RRSIG;
	return count;
}

/* Sign it by a signer of its own, which is waited for: its CPU time is ours then. */
static struct result
sign(struct zone_records *zone, int signer_fd, pid_t signer)
{
	struct sign_session *session = sign_session_new(signer_fd, false);
	double ready_s = signed_names_cpu_s(RUSAGE_SELF);
	double signer_s = signed_names_cpu_s(RUSAGE_CHILDREN);
	uint64_t start = clock_now_ns();
	struct result result;

	signed_names_sign(zone, &settings, session, time(NULL));
	result.elapsed_s = (double)(clock_now_ns() - start) / 1e9;
	sign_session_free(session);
	close(signer_fd);
	waitpid(signer, NULL, 0);
	result.ready_s = signed_names_cpu_s(RUSAGE_SELF) - ready_s;
	result.signer_s = signed_names_cpu_s(RUSAGE_CHILDREN) - signer_s;
	result.signatures = count_signatures(zone);
	return result;
}

static struct zone_records *
run_round(unsigned names, unsigned cpus)
{
	double all = openssl_speed(cpus), one = openssl_speed(0);
	pid_t signer;
	int signer_fd =
		signer_fork(&settings, &signer); /* before there is a zone to copy */
	struct zone_records *zone = signed_names_make(names);
	struct result r = sign(zone, signer_fd, signer);
	double signatures = (double)r.signatures;
	double speed = signatures / r.elapsed_s,
	       cpu_speed = signatures / (r.ready_s + r.signer_s);

	printf("%10lu %9.2f %9.2f %9.2f %9.0f %9.0f %9.2f %9.2f %9.2f\n", r.signatures,
	       r.elapsed_s, r.signer_s, r.ready_s, speed, all, all > 0 ? speed / all : 0,
	       one > 0 ? cpu_speed / one : 0,
	       one > 0 ? signatures / r.signer_s / one : 0);
	fflush(stdout);
	return zone;
}

/* ---- what it takes on disk ---- */

static uint64_t
sealed_len(struct zone_records *zone, const char *name)
{
	const struct builder_seal_options options = { .id = 1 };
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];

	if (builder_new(NULL, NULL, NULL, &builder) != 0 ||
	    builder_add(builder, zone, false) != 0 ||
	    builder_seal(builder, scratch_path(scratch, name), &options, &manifest,
			 reason) != 0)
		bail_out("not sealed");
	builder_free(builder);
	return manifest.data_len + manifest.index_len;
}

static void
drop_signatures(struct zone_records *zone)
{
	size_t left = 0;

	for (size_t i = 0; i < zone->count; i++)
		if (zone->records[i].type != RRTYPE_RRSIG)
			zone->records[left++] = zone->records[i];
	zone->count = left;
}

static void
report_len(struct zone_records *zone)
{
	unsigned long signatures = count_signatures(zone);
	uint64_t with = sealed_len(zone, "with"), without;

	drop_signatures(zone);
	without = sealed_len(zone, "without");
	printf("sealed with signatures %.1f MB, without them %.1f MB: %.1f octets each, "
	       "of "
	       "which the record is %zu\n",
	       (double)with / 1e6, (double)without / 1e6,
	       (double)(with - without) / (double)signatures,
	       12 + 18 + sizeof SIGNED_ORIGIN + 1 + 64);
}

int
main(int argc, char **argv)
{
	unsigned names = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 3;
	struct zone_records *zone = NULL;
	cpu_set_t cpus;

	if (names == 0 || rounds == 0) {
		fprintf(stderr, "usage: sign_load [NAMES [ROUNDS]]\n");
		return 1;
	}
	scratch = scratch_dir_make();
	if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
		bail_out("no CPUs");
	signed_names_keys(scratch, &settings);
	printf("%10s %9s %9s %9s %9s %9s %9s %9s %9s\n", "signatures", "elapsed s",
	       "signer s", "ready s", "a second", "openssl", "of it", "by CPU", "signer");
	for (unsigned i = 0; i < rounds; i++) {
		zone_records_free(zone);
		zone = run_round(names, (unsigned)CPU_COUNT(&cpus));
	}
	printf("records and signatures in memory: at most %ld MB\n", peak_mb());
	report_len(zone);
	zone_records_free(zone);
	scratch_dir_free(scratch);
	return 0;
}
