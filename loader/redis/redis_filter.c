/* A walk over the frames of RESP2: lines, and texts of announced length behind lines
 * that begin with '$'. */
#include "loader/redis/redis_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_link.h"
#include "shm/errcode.h"

enum { CRLF_LEN = 2 };

/* What is being fed; [start, at) has been looked at and waits. */
struct feeding {
	struct redis_filter *filter;
	const char *start, *at, *end;
	redis_filter_sink *sink;
	void *context;
};

static int
flush(struct feeding *feeding)
{
	int code = ERR_OK;

	if (feeding->at > feeding->start)
		code = feeding->sink(feeding->context, feeding->start,
				     (size_t)(feeding->at - feeding->start));
	feeding->start = feeding->at;
	return code;
}

/* Part of a text, or all of it. */
static int
take_body(struct feeding *feeding)
{
	struct redis_filter *filter = feeding->filter;
	size_t room = (size_t)(feeding->end - feeding->at);
	size_t len = filter->body < room ? (size_t)filter->body : room;

	feeding->at += len;
	filter->body -= len;
	if (filter->is_dropped)
		feeding->start = feeding->at;
	filter->is_dropped = filter->is_dropped && filter->body > 0;
	return ERR_OK;
}

/* A line that is none of a text. */
static int
take_line(struct feeding *feeding)
{
	struct redis_filter *filter = feeding->filter;
	const char *end = memchr(feeding->at, '\n', (size_t)(feeding->end - feeding->at));
	const char *stop = end ? end + 1 : feeding->end;

	filter->rest_len += (size_t)(stop - feeding->at);
	if (filter->rest_len > REDIS_FILTER_LINE_MAX)
		return ERR_RANGE;
	filter->is_in_line = !end;
	if (end)
		filter->rest_len = 0;
	feeding->at = stop;
	return ERR_OK;
}

/* The line with a text's length is whole: pass it on, or say that the text is too long. */
static int
finish_length(struct feeding *feeding)
{
	struct redis_filter *filter = feeding->filter;
	const char *line = filter->line;
	char error[64];
	long long len;

	errno = 0;
	len = strtoll(line + 1, NULL, 10);
	if (errno == ERANGE)
		len = -1; /* the parser refuses it */

	feeding->start = feeding->at;
	filter->body = len >= 0 ? (uint64_t)len + CRLF_LEN : 0;
	filter->is_dropped = len > REDIS_TEXT_LEN_MAX;
	if (filter->is_dropped) {
		snprintf(error, sizeof error, "-" REDIS_FILTER_ERROR "%lld\r\n", len);
		line = error;
	}
	filter->line_len = 0;
	return feeding->sink(feeding->context, line, strlen(line));
}

/* The line of a text's length is collected, since it may be cut by the end of a piece. */
static int
take_length(struct feeding *feeding)
{
	struct redis_filter *filter = feeding->filter;
	int code = flush(feeding);

	while (code == ERR_OK && feeding->at < feeding->end) {
		char octet = *feeding->at++;

		filter->line[filter->line_len++] = octet;
		filter->line[filter->line_len] = '\0';
		if (octet == '\n')
			return finish_length(feeding);
		if (filter->line_len + 1 < sizeof filter->line)
			continue;
		/* no length: the parser will say so */
		filter->is_in_line = true;
		feeding->start = feeding->at;
		code = feeding->sink(feeding->context, filter->line, filter->line_len);
		filter->line_len = 0;
		return code;
	}
	feeding->start = feeding->at;
	return code;
}

int
redis_filter_feed(struct redis_filter *filter, const char *bytes, size_t len,
		  redis_filter_sink *sink, void *context)
{
	struct feeding feeding = {
		.filter = filter,
		.start = bytes,
		.at = bytes,
		.end = bytes + len,
		.sink = sink,
		.context = context,
	};
	int code = ERR_OK;

	while (code == ERR_OK && feeding.at < feeding.end) {
		if (filter->body > 0)
			code = take_body(&feeding);
		else if (filter->line_len == 0 &&
			 (filter->is_in_line || *feeding.at != '$'))
			code = take_line(&feeding);
		else
			code = take_length(&feeding);
	}
	return code == ERR_OK ? flush(&feeding) : code;
}
