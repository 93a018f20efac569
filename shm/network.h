/* Networks of addresses, as an operator writes them: "192.0.2.0/24", "::1". */
#ifndef SHM_NETWORK_H
#define SHM_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct network {
	uint8_t octets[16];		/* IPv4 is in ::ffff:0:0/96 */
	uint8_t len;			/* 0..128; bits behind it are 0 */
};

/* Read an address, or an address with the length of a prefix; bits behind that do not
 * count.  returns false when it is neither. */
__attribute__((nonnull, warn_unused_result))
bool network_parse(const char *text, struct network *out);

/* Has a text that network_parse takes bits behind its prefix, which do not count? */
__attribute__((nonnull, warn_unused_result))
bool network_has_rest(const char *text);

__attribute__((nonnull, pure))
bool network_holds(const struct network *network, const uint8_t address[16]);

/* The octets of an AF_INET or AF_INET6 address, IPv4 as ::ffff:a.b.c.d; of others zeros. */
__attribute__((nonnull))
void network_octets(const struct sockaddr *from, uint8_t out[16]);

#endif
