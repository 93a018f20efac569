/* Class CH: who answers here, and with what (RFC 4892). */
#ifndef WORKER_CHAOS_H
#define WORKER_CHAOS_H

#include "worker/answering.h"

/* Answer version.bind, version.server, id.server, hostname.bind and changes.server as the
 * options allow; everything else, and what is configured as "", is REFUSED. */
void chaos_answer(struct answering *a);

#endif
