/* The OPT record of a response (RFC 6891). */
#ifndef WORKER_EDNS_H
#define WORKER_EDNS_H

#include "worker/answer.h"
#include "worker/response.h"

enum { EDNS_PLAIN_LEN = 11 };		/* of an OPT without options */

/* Write the EDNS_PLAIN_LEN octets of one. */
void edns_put_plain(uint8_t *at, uint16_t udp_size, bool dnssec, unsigned rcode);

/* Octets of the option in which the client's subnet goes back; 0: it does not. */
unsigned edns_subnet_len(const struct query *q, const struct answer_options *options);

/* Write it.  returns where it ends. */
uint8_t *edns_put_subnet(uint8_t *at, const struct query_subnet *subnet, unsigned scope_len);

/* Octets that the OPT of this query's response will need, 0 without EDNS. */
unsigned edns_len(const struct query *q, const struct answer_options *options);

/* Append it; `len` is what edns_len returned and was kept free behind response->limit.  A
 * client subnet that was asked with goes back, with this scope (RFC 7871, section 7.2.1).
 * extended_error  goes along as far as there is room (RFC 8914); 0: none. */
void edns_add(struct response *response, const struct query *q,
	      const struct answer_options *options, unsigned len, unsigned rcode,
	      unsigned extended_error, unsigned scope_len);

#endif
