/* The signer's bell. */
#include "shm/region_signer.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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
