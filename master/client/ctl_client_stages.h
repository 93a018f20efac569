/* How long the stages of answering take, in a table for people. */
#ifndef MASTER_CLIENT_CTL_CLIENT_STAGES_H
#define MASTER_CLIENT_CTL_CLIENT_STAGES_H

#include <stddef.h>
#include <stdio.h>

#include "master/client/ctl_client_json.h"

/* A row for each member of `stages` that was gone through. */
__attribute__((nonnull(1))) void
ctl_stages_print(FILE *out, const struct ctl_json *stages, size_t width);

#endif
