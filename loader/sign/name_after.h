/* The name that comes right behind another one in canonical order (RFC 4471, section 3.1.2): no
 * name can stand between them. */
#ifndef LOADER_SIGN_NAME_AFTER_H
#define LOADER_SIGN_NAME_AFTER_H

#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

/* The name behind `name`, which is in lower case, among those of its zone; behind the last one
 * that could be, the apex.
 * apex_len  octets of the zone's name, a suffix of `name`
 * returns   the octets of the name in `out` */
__attribute__((nonnull))
size_t name_after(const uint8_t *name, size_t len, size_t apex_len, uint8_t out[DNAME_MAX]);

#endif
