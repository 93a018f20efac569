/* The networks that are never probed (health.deny), whatever form an address has: an IPv4
 * address may also stand in one of IPv6, where a kernel, a router or a tunnel takes it out
 * again. */
#ifndef LOADER_HEALTH_DENY_LIST_H
#define LOADER_HEALTH_DENY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/network.h"
#include "shm/settings.h"

struct deny_list {
	struct network *networks;	/* owned */
	size_t count;
};

/* From checked settings.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int deny_list_init(struct deny_list *list, const struct setting_texts *texts);
__attribute__((nonnull))
void deny_list_fini(struct deny_list *list);

/* May this address not be probed: IPv4 as ::ffff:a.b.c.d? */
__attribute__((nonnull, pure))
bool deny_list_holds(const struct deny_list *list, const uint8_t address[16]);

#endif
