/* renewal - renewing the signatures of a zone from Redis while it is served.
 *
 *	renewal [NAMES]
 *
 * A zone of NAMES (100,000) names that was signed ten days ago, as t/bench/sign_load has it, is
 * renewed as sync does it, in steps between which live changes are applied; then it is looked
 * through once more with nothing due.  Told are how long a step takes, which is what a change
 * may have to wait, and what a signature costs. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "loader/sign/signer.h"
#include "loader/store/live.h"
#include "shm/clock.h"
#include "t/bench/signed_names.h"
#include "t/zone_seal.h"

enum { NAMES_OF_STEP = 25, STEPS_MAX = 1 << 20, AGO_S = 10 * 86400 };

static struct settings settings = {
	.dnssec = { .validity_days = 14, .refresh_days = 7, .max_rate = 1000 },
};

static double steps_ms[STEPS_MAX];

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
renew(struct live *live, const char *what)
{
	struct live_renewal renewal = { .is_done = false };
	double cpu_s = signed_names_cpu_s(RUSAGE_SELF);
	unsigned steps = 0;

	renewal.origin_len = dname_from_text(SIGNED_ORIGIN, renewal.origin);
	for (; !renewal.is_done && steps < STEPS_MAX; steps++) {
		uint64_t start = clock_now_ns();

		if (live_renew(live, &renewal, NAMES_OF_STEP) != 0)
			bail_out("not renewed");
		steps_ms[steps] = (double)(clock_now_ns() - start) / 1e6;
	}
	qsort(steps_ms, steps, sizeof *steps_ms, compare);
	printf("%-10s %10llu signatures, %6u steps of %.1f ms, at most %.1f ms; CPU time "
	       "%.2f s without the signer\n",
	       what, (unsigned long long)renewal.made, steps, steps_ms[steps / 2],
	       steps_ms[steps - 1], signed_names_cpu_s(RUSAGE_SELF) - cpu_s);
}

int
main(int argc, char **argv)
{
	unsigned names = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
	char *scratch = scratch_dir_make(),
	     *dir = strdup(scratch_path(scratch, "sealed"));
	double signer_s;
	struct zone_records *zone;
	struct sign_session *session;
	struct live *live;
	int signer_fd;
	pid_t signer;

	if (names == 0 || !dir) {
		fprintf(stderr, "usage: renewal [NAMES]\n");
		return 1;
	}
	signed_names_keys(scratch, &settings);
	signer_fd = signer_fork(&settings, &signer);
	session = sign_session_new(signer_fd, false);
	zone = signed_names_make(names);
	signed_names_sign(zone, &settings, session, time(NULL) - AGO_S);
	zone_seal(dir, &zone, 1);
	if (live_open(dir, names, &live) != 0 ||
	    live_set_signer(live, &settings, signer_fd) != 0)
		bail_out("not opened");
	renew(live, "all due");
	renew(live, "none due");
	live_close(live);
	sign_session_free(session);
	close(signer_fd);
	waitpid(signer, NULL, 0);
	signer_s = signed_names_cpu_s(RUSAGE_CHILDREN);
	printf("the signer, for twice as many: %.2f s\n", signer_s);
	free(dir);
	scratch_dir_free(scratch);
	return 0;
}
