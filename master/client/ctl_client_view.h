/* A reply laid out for people: takes the JSON object piece by piece, prints the items of
 * lists as they come and the rest at the end (shm/ctl_proto.h names the members). */
#ifndef MASTER_CLIENT_CTL_CLIENT_VIEW_H
#define MASTER_CLIENT_CTL_CLIENT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ctl_view;

/* out, err   borrowed until ctl_view_free
 * width      places of the terminal */
__attribute__((nonnull, returns_nonnull, warn_unused_result)) struct ctl_view *
ctl_view_new(const char *command, bool has_args, FILE *out, FILE *err, size_t width);

/* The next piece of the reply.
 * returns 0; ERR_SYNTAX when it is no JSON, ERR_FULL when an item is too long; sticky. */
__attribute__((nonnull, warn_unused_result)) int
ctl_view_feed(struct ctl_view *view, const char *data, size_t len);

/* The reply is complete: print what is left; member "error" goes to `err`.
 * returns 0, or why it could not be read. */
__attribute__((nonnull, warn_unused_result)) int ctl_view_end(struct ctl_view *view);

__attribute__((nonnull)) void ctl_view_free(struct ctl_view *view);

#endif
