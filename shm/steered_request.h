/* What a worker asks the signer for, in its own ring (shm/ring.h): signatures over some
 * records of a steered RRset.  It names them; the signer reads them itself from what is
 * served, so that nobody has it sign octets of his own choice. */
#ifndef SHM_STEERED_REQUEST_H
#define SHM_STEERED_REQUEST_H

#include <stdint.h>

#include "shm/dname.h"
#include "shm/ring.h"
#include "shm/steered.h"

enum { STEERED_RING_LEN = 256 << 10 };	/* of each worker; a power of two */

struct steered_request {
	uint32_t record_len;		/* sizeof(struct steered_request) */
	uint32_t zone_id;		/* of the node's key */
	uint64_t mark;			/* of its RRset: with another one nothing is signed */
	struct steered_records set;	/* what was chosen */
	struct steered_records group;	/* what would be left, were all of them up */
	uint16_t type;
	uint8_t owner_len;
	uint8_t owner[DNAME_MAX];
	uint8_t reserved[6];
};
_Static_assert(sizeof(struct steered_request) % RING_UNIT == 0, "as a ring has records");

#endif
