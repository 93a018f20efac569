/* The program and the libraries that this process runs: where each is mapped, from which
 * file, and its build id.  All processes of a server have the same, being forks. */
#ifndef MASTER_PROFILE_MODULES_H
#define MASTER_PROFILE_MODULES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/json_out.h"

enum { MODULES_MAX = 64, MODULE_ID_MAX = 41 };

struct module {
	uint64_t base; /* what addresses in the file are moved by */
	uint64_t start, end; /* of its code */
	uint64_t offset; /* of its code in the file */
	char path[PATH_MAX];
	char build_id[MODULE_ID_MAX]; /* hexadecimal, "": none */
};

struct modules {
	struct module list[MODULES_MAX];
	unsigned count;
};

/* Those of this process. */
__attribute__((nonnull)) void modules_read(struct modules *modules);

/* The one whose code `pc` lies in; NULL. */
__attribute__((nonnull)) const struct module *modules_find(const struct modules *modules,
							    uint64_t pc);

/* Is `pc` in code of this process where a system call is entered or was just left? */
__attribute__((nonnull)) bool modules_is_system_call(const struct modules *modules,
						     uint64_t pc);

/* A list "modules" of objects. */
__attribute__((nonnull)) void modules_print(const struct modules *modules,
					    struct json_out *json);

#endif
