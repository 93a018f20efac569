/* Names of functions, from the symbol tables of ELF files. */
#ifndef MASTER_PROFILE_SYMBOLS_H
#define MASTER_PROFILE_SYMBOLS_H

#include <stdint.h>

#include "master/profile/modules.h"

struct symbols;

enum symbols_state {
	SYMBOLS_READ,
	SYMBOLS_NONE, /* the file cannot be read, or has none */
	SYMBOLS_CHANGED, /* the file is another one than that which runs: its build id */
};

/* Read those of the file of `module`; of one that has changed there are none.
 * returns a table (owned by the caller), never NULL. */
__attribute__((nonnull, returns_nonnull, warn_unused_result)) struct symbols *
symbols_open(const struct module *module, enum symbols_state *state);

#define SYMBOLS_KERNEL "/proc/kallsyms"

/* The same of a file in the form of SYMBOLS_KERNEL.  None when it shows no addresses. */
__attribute__((nonnull, returns_nonnull, warn_unused_result)) struct symbols *
symbols_open_kernel(const char *path, enum symbols_state *state);

/* The function at `address` of the file, without what the compiler appends to the names of
 * its copies; NULL: none.  Borrowed from the table. */
__attribute__((nonnull)) const char *symbols_find(const struct symbols *symbols,
						  uint64_t address);

__attribute__((nonnull)) void symbols_close(struct symbols *symbols);

#endif
