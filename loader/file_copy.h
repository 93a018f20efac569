/* Copying what stands in a file, for copies that are served from: by read and write, so
 * that a file that shrinks meanwhile is an error and no SIGBUS. */
#ifndef LOADER_FILE_COPY_H
#define LOADER_FILE_COPY_H

#include <stddef.h>
#include <stdint.h>

/* Copy the next `len` octets, and have them written to the disk.
 * returns 0; ERR_DAMAGED when `from` ends before; ERR_NOSPACE, ERR_IO, ... of errno. */
__attribute__((warn_unused_result)) int file_copy(int from, int to, uint64_t len);

#endif
