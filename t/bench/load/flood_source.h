/* The addresses that are asked from: those of a network, in turn. */
#ifndef T_FLOOD_SOURCE_H
#define T_FLOOD_SOURCE_H

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "shm/wire.h"
#include "t/bench/load/flood_options.h"

enum { FLOOD_CONTROL_ROOM = 64 };

static inline void
flood_source_octets(const struct flood_options *options, uint32_t source, uint8_t out[16])
{
	memcpy(out, options->sources.octets, 16);
	wire_put_u32(out + 12, wire_get_u32(out + 12) + source);
}

/* A control message that sends from `source`.  returns its length. */
static inline size_t
flood_source_control(const struct flood_options *options, uint32_t source,
		     struct cmsghdr *out)
{
	uint8_t octets[16];
	bool is_v4 = options->target.ss_family == AF_INET;
	struct in_pktinfo v4 = { .ipi_ifindex = 0 };
	struct in6_pktinfo v6 = { .ipi6_ifindex = 0 };

	flood_source_octets(options, source, octets);
	memcpy(&v4.ipi_spec_dst, octets + 12, 4);
	memcpy(&v6.ipi6_addr, octets, 16);
	out->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
	out->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
	out->cmsg_len = CMSG_LEN(is_v4 ? sizeof v4 : sizeof v6);
	if (is_v4)
		memcpy(CMSG_DATA(out), &v4, sizeof v4);
	else
		memcpy(CMSG_DATA(out), &v6, sizeof v6);
	return is_v4 ? CMSG_SPACE(sizeof v4) : CMSG_SPACE(sizeof v6);
}

/* The address to bind a socket to; port 0.  returns its length. */
static inline socklen_t
flood_source_address(const struct flood_options *options, uint32_t source,
		     struct sockaddr_storage *out)
{
	uint8_t octets[16];
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	flood_source_octets(options, source, octets);
	memcpy(&v4.sin_addr, octets + 12, 4);
	memcpy(&v6.sin6_addr, octets, 16);
	memset(out, 0, sizeof *out);
	if (options->target.ss_family == AF_INET) {
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(out, &v6, sizeof v6);
	return sizeof v6;
}

#endif
