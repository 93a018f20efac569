/* `martletctl top` for people: on a terminal a page that is drawn again each second until q or
 * Ctrl-C, else printed once. */
#ifndef MASTER_CLIENT_CTL_CLIENT_TOP_H
#define MASTER_CLIENT_CTL_CLIENT_TOP_H

#include "master/client/ctl_client_json.h"
#include "master/client/ctl_client_link.h"

/* Ask the server at `socket_path` and show what it says.  What goes wrong is said on stderr,
 * behind the page.
 * returns 0, or a code of shm/errcode.h: of the first request, later ones are repeated;
 * *status receives the reply's exit status. */
__attribute__((nonnull(1, 3), warn_unused_result)) int
ctl_top_run(const char *socket_path, const char *flag, int *status);

#endif
