/* Queries over TCP: connections that are kept, with many queries on their way at a time,
 * and opened again when they end. */
#ifndef T_FLOOD_TCP_H
#define T_FLOOD_TCP_H

#include "t/bench/load/flood_load.h"

/* returns 0; 1 after a line on standard error. */
int flood_tcp_open(struct flood_load *load);

void flood_tcp_close(struct flood_load *load);

/* Ask query `number`, on a connection that has room for it; at a constant rate it waits for
 * one.  returns false when it cannot be asked: nothing is counted then. */
bool flood_tcp_ask(struct flood_load *load, uint64_t number);

/* Connection `which` can be read or written. */
void flood_tcp_event(struct flood_load *load, unsigned which, unsigned events);

/* Give up what is late, send what waits, open what was closed.  returns how many queries
 * are still waited for. */
unsigned flood_tcp_tend(struct flood_load *load);

#endif
