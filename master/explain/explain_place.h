/* Telling whose place counted, and what is known of it. */
#ifndef EXPLAIN_EXPLAIN_PLACE_H
#define EXPLAIN_EXPLAIN_PLACE_H

#include "master/explain/explain_steps.h"

enum { EXPLAIN_NETWORK_MAX = 56 };

/* "192.0.2.0/24", "2001:db8::/32", of a prefix as struct geo_address has it, the bits behind
 * it cleared. */
__attribute__((nonnull))
void explain_place_network(const uint8_t address[16], unsigned len,
			   char out[EXPLAIN_NETWORK_MAX]);

/* TRACE_CLIENT and TRACE_GEO. */
__attribute__((nonnull))
void explain_place_client(struct explain_steps *steps, const struct trace_event *event);
__attribute__((nonnull))
void explain_place_facts(struct explain_steps *steps, const struct trace_event *event);

#endif
