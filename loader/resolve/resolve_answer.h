/* What a resolver's message says of the addresses of a name.
 *
 * Nothing in it is trusted: the question must be ours, and only records that CNAMEs lead to
 * from there count, whatever else stands in it. */
#ifndef LOADER_RESOLVE_RESOLVE_ANSWER_H
#define LOADER_RESOLVE_RESOLVE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/resolved.h"

enum resolve_verdict {
	RESOLVE_ADDRESSES,		/* one or more */
	RESOLVE_NODATA,			/* the name, or what it leads to, has none of the type */
	RESOLVE_NXDOMAIN,
	RESOLVE_FAILED,			/* it says that it does not know, or says nothing of use */
};

struct resolve_answer {
	enum resolve_verdict verdict;
	uint32_t ttl;			/* the least of all that counted; not bounded here */
	unsigned address_count;		/* the first RESOLVED_ADDRESSES_MAX */
	unsigned name_count;		/* CNAMEs followed, and their targets: */
	size_t names_len;
	const char *reason;		/* NXDOMAIN and FAILED: the rest of a sentence that begins
					 * with who said it; static */
	uint8_t addresses[RESOLVED_ADDRESSES_MAX * 16]; /* 4 octets each of type A */
	uint8_t names[RESOLVED_NAMES_MAX * DNAME_MAX]; /* lower-cased */
};

enum { RESOLVE_QUESTION_MAX = 12 + DNAME_MAX + 4 };

/* Write a question for a recursive resolver, of this id.  returns its length. */
__attribute__((nonnull))
size_t resolve_answer_ask(uint16_t id, const uint8_t *name, size_t name_len, uint16_t type,
			  uint8_t out[RESOLVE_QUESTION_MAX]);

/* Read the answer to a question for (name, type), the name lower-cased, the type A or AAAA. */
__attribute__((nonnull))
void resolve_answer_read(const uint8_t *message, size_t len, const uint8_t *name,
			 size_t name_len, uint16_t type, struct resolve_answer *out);

/* What a message says of one RRset, besides addresses. */
struct resolve_rrset {
	enum resolve_verdict verdict;	/* RESOLVE_ADDRESSES: there are records */
	bool is_authoritative;
	const char *reason;		/* as above */
};

/* Read the records of (name, type) in the answer, without following CNAMEs.
 * visit  gets each one's rdata; of an NS the target, lower-cased, without pointers */
__attribute__((nonnull(1, 3, 6, 8)))
void resolve_answer_rrset(const uint8_t *message, size_t len, const uint8_t *name,
			  size_t name_len, uint16_t type,
			  void (*visit)(void *context, uint32_t ttl, const uint8_t *rdata,
					size_t rdata_len),
			  void *context, struct resolve_rrset *out);

#endif
