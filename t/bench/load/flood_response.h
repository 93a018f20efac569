/* What a response says, as far as a load wants to know. */
#ifndef T_FLOOD_RESPONSE_H
#define T_FLOOD_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "t/bench/load/flood_figures.h"
#include "t/bench/load/flood_queries.h"

struct flood_response {
	unsigned rcode; /* extended by OPT, where that was read */
	unsigned cookie_len; /* 0: none */
	uint8_t cookie[FLOOD_COOKIE_MAX];
};

/* Is it a response at all, with a header and QR? */
static inline bool
flood_response_is_one(const uint8_t *message, unsigned len)
{
	return len >= 12 && (message[2] & 0x80);
}

/* Find the extended rcode and the cookie of a response; a broken one has neither. */
void flood_response_read(const uint8_t *message, unsigned len, struct flood_response *out);

/* Count an answer of `len` octets. */
void flood_response_count(struct flood_figures *figures, const uint8_t *message,
			  unsigned len, unsigned rcode);

#endif
