/* The signer's process: it signs for sync over sockets, and for workers by their rings. */
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/sign/signer.h"
#include "loader/steered/steered_service.h"
#include "shm/errcode.h"

enum { SIGNER_NICE = 10 }; /* as sync: queries come first */

_Noreturn void
signer_run(const struct heritage *heritage)
{
	const struct signer_options options = {
		.settings = heritage->settings,
		.fd = heritage->signer_fds[1],
		.may_write = true,
		.region = heritage->region,
	};

	heritage_enter(heritage, "signer");
	close(heritage->signer_fds[0]);
	sched_setscheduler(0, SCHED_BATCH, &(const struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, 0, SIGNER_NICE);
	steered_service_start(heritage);
	_exit(signer_serve(&options) == ERR_OK ? 0 : 1);
}
