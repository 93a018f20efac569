/* Queries over UDP, many at a time. */
#ifndef T_FLOOD_UDP_H
#define T_FLOOD_UDP_H

#include "t/bench/load/flood_load.h"

/* returns 0; 1 after a line on standard error. */
int flood_udp_open(struct flood_load *load);

void flood_udp_close(struct flood_load *load);

/* Ask up to `count` of the thread's next queries, as far as they are due; those over TCP
 * among them are handed on.  returns how many of its queries are done with. */
unsigned flood_udp_ask(struct flood_load *load, struct flood_socket *at, unsigned count);

/* Take what has come.  returns whether there may be more. */
bool flood_udp_receive(struct flood_load *load, struct flood_socket *at);

#endif
