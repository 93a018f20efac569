/* Having things signed by a signer: in batches over several connections, or at a pace. */
#include "loader/sign/sign_session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/sign/key_make.h"
#include "loader/sign/signer.h"
#include "shm/clock.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { RATE = 200, ITEMS = 100, MANY = 1000, SIG_LEN = 64 };

static struct settings settings = {
	.dnssec = { .validity_days = 14, .refresh_days = 7, .max_rate = RATE },
};
static uint8_t zone[DNAME_MAX];
static size_t zone_len;
static uint8_t signatures[MANY][SIG_LEN];

static void
make_key(void)
{
	struct key_dir *keys = key_dir_new(settings.dnssec.key_dir);
	struct key_draw draw = { .algorithm = 13, .flags = 257 };
	char reason[SIGN_PROBLEM_LEN];

	if (!keys || key_make(keys, zone, &draw, reason) != 0)
		bail_out("no key");
	key_dir_free(keys);
}

/* returns how many of `count` things have a signature that no other has. */
static unsigned
sign(int signer_fd, bool is_paced, unsigned count)
{
	struct sign_session *session = sign_session_new(signer_fd, is_paced);
	static struct sign_keys keys;
	unsigned good = 0;

	memset(signatures, 0, sizeof signatures);
	is_int(sign_session_start(session, zone, zone_len, &keys), 0, "a session begins");
	for (unsigned i = 0; i < count; i++)
		if (sign_session_add(session, 0, (const uint8_t *)&i, sizeof i,
				     signatures[i]) != 0)
			bail_out("not taken");
	is_int(sign_session_finish(session), 0, "and ends");
	sign_session_free(session);
	for (unsigned i = 1; i < count; i++)
		good += memcmp(signatures[i], signatures[i - 1], SIG_LEN) != 0;
	return good;
}

int
main(void)
{
	char *scratch = scratch_dir_make(), *keys = strdup(scratch_path(scratch, "keys"));
	uint64_t start_ms;
	int signer_fd;
	pid_t signer;

	plan(0);
	zone_len = dname_from_text("example.com", zone);
	settings.state_dir = scratch;
	settings.dnssec.key_dir = keys;
	if (!keys || mkdir(keys, 0700) != 0)
		bail_out("no directory");
	make_key();
	signer_fd = signer_fork(&settings, &signer);
	is_int(sign(signer_fd, false, MANY), MANY - 1, "all are signed");
	start_ms = clock_now_ms();
	is_int(sign(signer_fd, true, ITEMS), ITEMS - 1, "at a pace, too");
	ok(clock_now_ms() - start_ms >= (ITEMS - 5) * 1000 / RATE, "which is max_rate");
	close(signer_fd);
	waitpid(signer, NULL, 0);
	scratch_dir_free(scratch);
	free(keys);
	return done_testing();
}
