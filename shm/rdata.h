/* Rdata in wire form: the names in it, and whether it is well-formed. */
#ifndef SHM_RDATA_H
#define SHM_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RDATA_NAMES_MAX = 2 };

/* A domain name in rdata, uncompressed. */
struct rdata_name {
	uint16_t at;			/* offset in the rdata */
	uint8_t len;			/* octets, root label included */
	bool may_compress;		/* types of RFC 1035 only: RFC 3597, section 4 */
	bool is_target;			/* its addresses are additional data: NS, MX, SRV,
					 * SVCB, HTTPS, NAPTR with flag "A"; never the root */
};

/* List the names in `rdata`, in order.  What is malformed ends the list early; no
 * octet past `len` is read.  Left out: the names in IPSECKEY, AMTRELAY and HIP,
 * which are neither compressed nor followed.
 * returns how many of `out` were filled. */
__attribute__((nonnull))
unsigned rdata_names(uint16_t type, const uint8_t *rdata, size_t len,
		     struct rdata_name out[RDATA_NAMES_MAX]);

/* Is `rdata` what the type demands: fixed parts there, names whole and uncompressed,
 * strings and lists tiling the rest, nothing left over?  Unknown types may hold
 * anything up to 65,535 octets (RFC 3597). */
__attribute__((nonnull, pure, warn_unused_result))
bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t len);

#endif
