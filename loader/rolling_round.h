/* One look at the zones whose keys roll, in a process of its own: what has come to pass, what
 * is done next, and what people ask for. */
#ifndef LOADER_ROLLING_ROUND_H
#define LOADER_ROLLING_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/fleet.h"
#include "loader/job.h"
#include "loader/sync_state.h"
#include "shm/dname.h"

enum rolling_wish {
	ROLLING_LOOK,			/* nothing is asked for */
	ROLLING_ROLL,
	ROLLING_DS_SEEN,
	ROLLING_UNSIGN,
};

struct rolling_round {
	struct sync *sync;
	bool is_whole;			/* all signed zones, not only those that roll already */

	enum rolling_wish wish;
	uint8_t zone[DNAME_MAX];	/* the one it is of, lower-cased */
	size_t zone_len;
	unsigned roles;			/* enum roll_wish, loader/sign/roll.h */
	uint8_t algorithm;		/* to be changed to; 0: none */
	uint16_t tag;
	uint32_t ttl_ds_s;		/* that caches have the DS with; 0: not said */

	/* filled */
	bool must_sign;			/* some zone is not served as its keys stand */
	bool has_moved;			/* because they have just moved */
	bool has_rolls, has_signed;	/* there are zones that roll, that are signed */
	int64_t next_s;			/* Unix time of the next look; 0: never */
	char fleet_text[FLEET_TEXT_MAX]; /* fleet_explain, of a whole look */
};

/* In the job's process: struct job's `run`, the context a round. */
int rolling_round_run(void *context, struct job_report *report, char reason[JOB_REASON_MAX]);

#endif
