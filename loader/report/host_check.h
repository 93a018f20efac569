/* Is a request meant for us?
 *
 * A page of somebody else whose name is made to lead to our address (DNS rebinding) could
 * have a browser read us; its requests carry that name in their Host header. */
#ifndef LOADER_REPORT_HOST_CHECK_H
#define LOADER_REPORT_HOST_CHECK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "shm/settings.h"

/* host     the header: a name or an address, [IPv6] in brackets, and maybe a port, which
 *          does not count; any octets.  NULL: none, as of HTTP/1.0, which no browser sends
 * local    the address that was connected to
 * returns whether it is that address, "localhost" where that is a loopback address, or one
 * of `hosts`. */
__attribute__((nonnull(2, 3), warn_unused_result)) bool
host_check(const char *host, const struct sockaddr_storage *local,
	   const struct setting_texts *hosts);

#endif
