/* Writing all of it. */
#ifndef SHM_FILE_WRITE_H
#define SHM_FILE_WRITE_H

#include <stddef.h>

/* Write `len` octets to a descriptor that blocks.
 * octets   may be NULL when `len` is 0
 * returns  0, or an error code of errno, some having been written perhaps. */
__attribute__((warn_unused_result))
int file_write(int fd, const void *octets, size_t len);

#endif
