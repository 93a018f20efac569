/* TSIG (RFC 8945).  No keys are known here, so that a request with one is answered by an
 * error that is not signed itself: NOTAUTH with BADKEY (sections 5.2.1 and 5.3.2). */
#ifndef WORKER_TSIG_H
#define WORKER_TSIG_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/dname.h"
#include "worker/query.h"
#include "worker/response.h"

enum {
	TSIG_FIXED_LEN = 10,		/* type, class, TTL, RDLENGTH */
	TSIG_RDATA_REST = 16,		/* of an empty MAC and no other data, the name left out */
	TSIG_ERROR_MAX = 2 * DNAME_MAX + 2 + TSIG_FIXED_LEN + TSIG_RDATA_REST,
};

/* The record that tells of the error. */
struct tsig_error {
	unsigned len;			/* 0: it cannot be told */
	uint8_t octets[TSIG_ERROR_MAX];
};

/* Is this a TSIG?  `at` is behind its owner, all octets of the rdata are there. */
bool tsig_is_well_formed(const uint8_t *at, unsigned rdata_len);

/* Make the error from the query's TSIG, as long as it stands in the packet. */
void tsig_make_error(const struct query *q, struct tsig_error *out);

/* Append it, as the last record, as far as there is room. */
void tsig_add_error(struct response *response, const struct tsig_error *error);

#endif
