/* Keeps what nobody will read out of the parser of replies: of a text that is longer than
 * REDIS_TEXT_LEN_MAX, the parser is given an error of ours with its length instead, so
 * that one huge value costs neither memory nor the connection. */
#ifndef LOADER_REDIS_REDIS_FILTER_H
#define LOADER_REDIS_REDIS_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How our error begins; the number of octets follows. */
#define REDIS_FILTER_ERROR "MARTLET-TOO-LONG "

/* A line that is none of a text (an error, a number) is never longer; the parser would keep
 * one without an end. */
enum { REDIS_FILTER_LINE_MAX = 64 << 10 };

/* Where the stream stands; all zero at its start. */
struct redis_filter {
	uint64_t body;			/* octets of a text, with its CRLF, that are to come */
	bool is_dropped;		/* they are left out */
	bool is_in_line;		/* of another kind than that of a text's length */
	size_t rest_len;		/* is_in_line: octets of it so far */
	char line[32];			/* the beginning of a text's length */
	size_t line_len;
};

/* Takes octets for the parser; returns 0 or an error code. */
typedef int redis_filter_sink(void *context, const char *bytes, size_t len);

/* Pass octets of the stream on.
 * returns 0; ERR_RANGE when a line is too long; or what the sink said. */
__attribute__((nonnull(1, 2, 4), warn_unused_result))
int redis_filter_feed(struct redis_filter *filter, const char *bytes, size_t len,
		      redis_filter_sink *sink, void *context);

#endif
