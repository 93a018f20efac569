/* The times of `stats` as a picture. */
#ifndef MASTER_CLIENT_CTL_CLIENT_TIMES_H
#define MASTER_CLIENT_CTL_CLIENT_TIMES_H

#include <stddef.h>
#include <stdio.h>

#include "master/client/ctl_client_json.h"

/* Print a bar for each doubling of time below `title`; nothing when nothing was timed.
 * times  {"count": N, "buckets": [{"below_us", "count"}]}, rising; missing is allowed */
__attribute__((nonnull(1, 2))) void
ctl_times_print(FILE *out, const char *title, const struct ctl_json *times, size_t width);

#endif
