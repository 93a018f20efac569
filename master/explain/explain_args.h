/* The arguments of explain and simulate, from a peer that is not trusted. */
#ifndef EXPLAIN_EXPLAIN_ARGS_H
#define EXPLAIN_EXPLAIN_ARGS_H

#include <stddef.h>

#include "master/explain/explainer.h"
#include "shm/geo_db.h"

enum { EXPLAIN_COMPLAINT_MAX = 256 };

/* Say what is wrong with an argument.  returns false. */
__attribute__((nonnull, format(printf, 2, 3)))
bool explain_complain(char complaint[EXPLAIN_COMPLAINT_MAX], const char *format, ...);

/* NAME TYPE [--client IP] [--ecs PREFIX] [--tcp] [--do], in any order; args[0] is the
 * command.  returns false with a reason for people. */
__attribute__((nonnull, warn_unused_result))
bool explain_args_parse(int arg_count, char *const *args, struct explain_question *out,
			char complaint[EXPLAIN_COMPLAINT_MAX]);

/* NAME and TYPE.  returns as above. */
__attribute__((nonnull, warn_unused_result))
bool explain_args_question(const char *name, const char *type, struct explain_question *out,
			   char complaint[EXPLAIN_COMPLAINT_MAX]);

/* "192.0.2.1" or "2001:db8::1", as who sends a query.  returns false when it is none. */
__attribute__((nonnull, warn_unused_result))
bool explain_args_address(const char *text, struct explain_client *out);

/* "192.0.2.0/24", "2001:db8::/48", or an address, which is its /24 or /56 as RFC 7871,
 * section 11.1, advises; bits behind the prefix are cleared.  returns false when it is none. */
__attribute__((nonnull, warn_unused_result))
bool explain_args_subnet(const char *text, struct query_subnet *out);

#endif
