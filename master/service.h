/* Services: children that the settings may ask for, each one process beside sync.
 *
 * The resolver asks other servers for names, the prober looks after targets' health, the
 * reporter tells figures over HTTP, the logger writes what workers have answered to the
 * target of the query log.  One that dies is forked again as sync is (process.h); until then
 * what it found stands. */
#ifndef MASTER_SERVICE_H
#define MASTER_SERVICE_H

#include <stdint.h>

enum service {
	SERVICE_RESOLVER,
	SERVICE_PROBER,
	SERVICE_REPORTER,
	SERVICE_LOGGER,
	SERVICE_SIGNER,
	SERVICE_COUNT,
};

struct process_table;

/* Fork it if the settings want it.  If not, it stays away, and what the region has of its
 * work is cleared. */
__attribute__((nonnull)) void service_start(struct process_table *table,
					    enum service service);

/* It has ended, with `status` as from waitpid: settle what becomes of it. */
__attribute__((nonnull)) void service_note_end(struct process_table *table,
					       enum service service, int status);

/* End it and fork it anew, with the settings that heritage has by then; it is started or
 * stays away as they want it then. */
__attribute__((nonnull)) void service_renew(struct process_table *table,
					    enum service service);

/* When its loop turned last, of CLOCK_MONOTONIC. */
__attribute__((nonnull)) _Atomic uint64_t *service_heartbeat(struct process_table *table,
							     enum service service);

#endif
