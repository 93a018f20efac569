/* The arguments of simulate, from a peer that is not trusted. */
#ifndef EXPLAIN_SIMULATE_ARGS_H
#define EXPLAIN_SIMULATE_ARGS_H

#include "master/explain/explain_args.h"

enum { SIMULATE_CHANGES_MAX = 32 };

/* A record that is changed. */
struct simulate_change {
	struct geo_address address;
	bool is_down;			/* else it gets the weight */
	uint32_t weight;
};

struct simulate_question {
	struct explain_question question;
	unsigned change_count;
	struct simulate_change changes[SIMULATE_CHANGES_MAX];
	bool has_db[GEO_KINDS];		/* another one follows the request */
};

/* NAME TYPE [--down ADDRESS] [--weight ADDRESS=N] [--country-db FILE] [--asn-db FILE], the
 * former two any number of times; args[0] is the command.  Files are only names here.
 * returns false with a reason for people. */
__attribute__((nonnull, warn_unused_result))
bool simulate_args_parse(int arg_count, char *const *args, struct simulate_question *out,
			 char complaint[EXPLAIN_COMPLAINT_MAX]);

/* A line of the file of clients: an address or a prefix, then blanks and how many such clients
 * there are, 1 without; or a line of the query log.  returns 1, 0 for an empty line or a comment, -1 when it is neither. */
__attribute__((nonnull, warn_unused_result))
int simulate_args_client(char *line, struct explain_client *out, double *count);

#endif
