/* A page of `martletctl top`: lines of text that fit a terminal. */
#ifndef MASTER_CLIENT_CTL_CLIENT_TOP_PAGE_H
#define MASTER_CLIENT_CTL_CLIENT_TOP_PAGE_H

#include <stddef.h>
#include <stdio.h>

#include "master/client/ctl_client_json.h"

/* Print the reply `top` in at most `height` lines of at most `width` places, each ended by
 * `line_end`; the lists share the lines that the head leaves. */
__attribute__((nonnull(1, 3))) void ctl_top_print(FILE *out, const struct ctl_json *top,
						  const char *line_end, size_t width,
						  size_t height);

#endif
