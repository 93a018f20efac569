/* What every fuzz target begins with: its entry, and what it demands of the code. */
#ifndef T_FUZZ_TARGET_H
#define T_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static inline void
demand(bool condition)
{
	if (!condition)
		abort();
}

#endif
