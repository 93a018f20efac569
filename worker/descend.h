/* From the zone's apex down to a name: steps 3a to 3c of RFC 1034, section 4.3.2. */
#ifndef WORKER_DESCEND_H
#define WORKER_DESCEND_H

#include "worker/answering.h"

/* What stands at the end of the way. */
enum meeting {
	MET_OWNER, /* the name itself */
	MET_NOTHING, /* the name does not exist; node is its closest encloser */
	MET_CUT, /* a zone cut above the name, or at it unless DS is asked for */
	MET_DNAME, /* above the name */
	MET_DAMAGE, /* the store contradicts itself; node is not to be used */
};

/* The last node on the way, borrowed from the store until the batch ends. */
struct descent {
	struct node node;
	unsigned labels; /* of node's owner */
};

/* Go from the apex of a->zone, which is at or above the present name, as far as it goes.
 * The topmost cut or DNAME ends the way. */
enum meeting descend(const struct answering *a, struct descent *d);

#endif
