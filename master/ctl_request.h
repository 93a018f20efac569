/* A control request, from octets to arguments; see shm/ctl_proto.h.  Knows no sockets. */
#ifndef MASTER_CTL_REQUEST_H
#define MASTER_CTL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "shm/ctl_proto.h"

struct ctl_request {
	int arg_count;
	char *args[CTL_ARGS_MAX]; /* borrowed from the octets */
};

/* Check a head of sizeof(struct ctl_head) octets.
 * returns NULL with the octets behind it in *len; else the reason, borrowed for ever. */
__attribute__((nonnull, warn_unused_result)) const char *
ctl_request_check_head(const uint8_t *octets, size_t *len);

/* Cut what stands behind the head into arguments.
 * returns NULL with at least one argument; else the reason, borrowed for ever. */
__attribute__((nonnull, warn_unused_result)) const char *
ctl_request_split(uint8_t *octets, size_t len, struct ctl_request *out);

#endif
