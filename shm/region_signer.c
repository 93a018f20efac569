/* The signer's bell, and what waits for it. */
#include "shm/region_signer.h"

#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shm/seqlock.h"

void
region_signer_wake(struct region_signer *signer)
{
	atomic_fetch_add(&signer->bell, 1);
	if (atomic_load(&signer->is_asleep))
		syscall(SYS_futex, &signer->bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void
region_signer_sleep(struct region_signer *signer, uint32_t heard, unsigned timeout_ms)
{
	const struct timespec timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = (long)(timeout_ms % 1000) * 1000000,
	};

	atomic_store(&signer->is_asleep, 1);
	syscall(SYS_futex, &signer->bell, FUTEX_WAIT, heard, &timeout, NULL, 0);
	atomic_store(&signer->is_asleep, 0);
}

void
region_signer_set_aside(struct region_signer *signer, size_t count, const char *name)
{
	if (name) {
		seqlock_begin(&signer->aside_seq);
		snprintf(signer->aside, sizeof signer->aside, "%s", name);
		seqlock_end(&signer->aside_seq);
	}
	atomic_store(&signer->aside_count, (uint32_t)count);
}

unsigned
region_signer_aside(const struct region_signer *signer, char name[REGION_SIGNER_NAME_MAX])
{
	seqlock_copy(&signer->aside_seq, name, signer->aside, REGION_SIGNER_NAME_MAX,
		     SEQLOCK_TURNS);
	name[REGION_SIGNER_NAME_MAX - 1] = '\0';
	return atomic_load(&signer->aside_count);
}
