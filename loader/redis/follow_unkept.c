/* Again after a second, then less and less often; as soon as one succeeds, the others follow. */
#include "loader/redis/follow_unkept.h"

#include <stdlib.h>

#include "loader/sign/signer_proto.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum { PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 60000 };

/* Names as the signer lists them: behind an octet that has the length. */
static void
mark_all(struct follow *f, const uint8_t *names, size_t len)
{
	char text[DNAME_TEXT_MAX];

	for (size_t at = 0; at < len; at += 1u + names[at]) {
		if (names[at] >= len - at || !dname_is_whole(names + at + 1, names[at]))
			return;
		dirty_zones_mark(
			&f->dirty,
			(struct redis_text){ text, dname_to_text(names + at + 1, text) },
			(uint64_t)clock_wall_us());
	}
}

static void
try_again(struct follow *f)
{
	char *names = NULL;
	size_t len;

	if (sign_session_ask(f->session, SIGNER_UNKEPT, "", 0, &names, &len) == ERR_OK)
		mark_all(f, (const uint8_t *)names, len);
	free(names);
}

void
follow_unkept_step(struct follow *f)
{
	uint32_t count = atomic_load(&f->signing->unkept_count);
	uint64_t now_ms = clock_now_ms();

	if (count < f->unkept_count || f->unkept_pause_ms == 0) {
		f->unkept_pause_ms = PAUSE_MIN_MS;
		f->unkept_due_ms = now_ms + PAUSE_MIN_MS;
	}
	f->unkept_count = count;
	if (count == 0)
		f->unkept_pause_ms = 0;
	if (count == 0 || now_ms < f->unkept_due_ms)
		return;
	try_again(f);
	if (f->unkept_pause_ms < PAUSE_MAX_MS)
		f->unkept_pause_ms *= 2;
	f->unkept_due_ms = now_ms + f->unkept_pause_ms;
}
