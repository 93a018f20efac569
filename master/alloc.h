/* Memory for start-up and control: never NULL.  Without memory the process says so and
 * ends, which the operator's init restarts. */
#ifndef MASTER_ALLOC_H
#define MASTER_ALLOC_H

#include <stddef.h>

/* `count` elements of `size` octets, all zero; owned by the caller, free() ends them. */
__attribute__((returns_nonnull, warn_unused_result)) void *alloc_zero(size_t count,
								      size_t size);

/* `old` (or NULL) moved into room for `count` elements; what is new is not set. */
__attribute__((returns_nonnull, warn_unused_result)) void *
alloc_again(void *old, size_t count, size_t size);

__attribute__((returns_nonnull, nonnull, warn_unused_result)) char *
alloc_text(const char *text);

/* printf into memory of its own. */
__attribute__((returns_nonnull, warn_unused_result, format(printf, 1, 2))) char *
alloc_printf(const char *format, ...);

#endif
