/* What a store of keys says of a zone's keys. */
#ifndef T_KEY_PROBLEMS_H
#define T_KEY_PROBLEMS_H

#include <stdbool.h>
#include <string.h>

#include "loader/sign/sign_key.h"
#include "t/tap.h"

/* Does one of the problems hold these words?  All are shown if not. */
static inline bool
key_problems_tell(const struct sign_keys *keys, const char *what)
{
	for (size_t i = 0; i < keys->problem_count; i++)
		if (strstr(keys->problems[i], what))
			return true;
	for (size_t i = 0; i < keys->problem_count; i++)
		diag("%s", keys->problems[i]);
	return false;
}

#endif
