/* A record of the query log (shm/query_record.h) as people and programs read it, under
 * redins's names. */
#ifndef LOADER_QUERY_LOG_QUERY_LINE_H
#define LOADER_QUERY_LOG_QUERY_LINE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/query_record.h"
#include "shm/rrtype.h"

enum {
	QUERY_FIELDS_MAX = 20,
	QUERY_TIME_MAX = 32,
	/* a subnet with two lengths of at most 3 digits behind it */
	QUERY_SUBNET_MAX = INET6_ADDRSTRLEN + 8,
};

/* What the logger knows besides; all but `client` and `subnet` may be NULL or 0. */
struct query_facts {
	bool has_client;		/* else nothing is told of who asked */
	bool has_country, has_asn;	/* a database is there */
	char country[3];		/* "" when it does not know */
	uint32_t asn;
	const char *domain_id;
	uint32_t sample;		/* one query of so many was logged */
};

/* A member: a text, or without one a number. */
struct query_field {
	const char *name;		/* a word */
	size_t name_len;
	const char *text;		/* printable ASCII; NULL: `number` */
	size_t len;
	uint64_t number;
};

struct query_line {
	struct query_field fields[QUERY_FIELDS_MAX];
	unsigned count;
	char time[QUERY_TIME_MAX];
	char name[DNAME_TEXT_MAX], zone[DNAME_TEXT_MAX];
	char type[RRTYPE_TEXT_MAX], class[RRTYPE_TEXT_MAX];
	char client[INET6_ADDRSTRLEN], subnet[QUERY_SUBNET_MAX];
};

/* Is it whole?  Its lengths are right, its name is one. */
__attribute__((nonnull, pure)) bool query_record_is_sound(const struct query_record *record);

/* The RCODE, with the bits that the header does not hold. */
__attribute__((nonnull, pure)) unsigned query_record_rcode(const struct query_record *record);

/* Make the members of a sound record; their texts stand in `out` and `facts`. */
__attribute__((nonnull)) void query_line_make(const struct query_record *record,
					      const struct query_facts *facts,
					      struct query_line *out);

/* Write it as one JSON object and a line end.
 * returns its length, 0 when it does not fit in `room`. */
__attribute__((nonnull, warn_unused_result)) size_t
query_line_print(const struct query_line *line, char *out, size_t room);

#endif
