/* hiredis's parser, with replies of our own making. */
#include "loader/redis/redis_parser.h"

#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_filter.h"
#include "loader/redis/redis_reply.h"
#include "shm/errcode.h"

struct redis_parser {
	redisReader *reader;
	struct redis_filter filter; /* before it */
	struct redis_builder builder; /* behind it */
};

/* ---- replies, as they are found ---- */

static struct redis_reply *
list_of(const redisReadTask *task)
{
	return task->parent ? task->parent->obj : NULL;
}

static void *
on_text(const redisReadTask *task, char *bytes, size_t len)
{
	struct redis_parser *parser = task->privdata;
	size_t head = sizeof REDIS_FILTER_ERROR - 1;

	if (task->type != REDIS_REPLY_ERROR)
		return redis_reply_add_text(&parser->builder, list_of(task), REDIS_TEXT,
					    bytes, len);
	if (len > head && memcmp(bytes, REDIS_FILTER_ERROR, head) == 0)
		return redis_reply_add_long(&parser->builder, list_of(task),
					    strtoul(bytes + head, NULL, 10));
	return redis_reply_add_text(&parser->builder, list_of(task), REDIS_ERROR, bytes,
				    len);
}

static void *
on_list(const redisReadTask *task, int count)
{
	struct redis_parser *parser = task->privdata;

	(void)count; /* what comes is counted */
	return redis_reply_add_list(&parser->builder, list_of(task));
}

static void *
on_number(const redisReadTask *task, long long value)
{
	struct redis_parser *parser = task->privdata;

	return redis_reply_add_number(&parser->builder, list_of(task), value);
}

static void *
on_nil(const redisReadTask *task)
{
	struct redis_parser *parser = task->privdata;

	return redis_reply_add_nil(&parser->builder, list_of(task));
}

/* The arena is freed as a whole. */
static void
on_free(void *reply)
{
	(void)reply;
}

static redisReplyObjectFunctions functions = {
	.createString = on_text,
	.createArray = on_list,
	.createInteger = on_number,
	.createNil = on_nil,
	.freeObject = on_free,
};

/* ---- life ---- */

struct redis_parser *
redis_parser_new(void)
{
	struct redis_parser *parser = calloc(1, sizeof *parser);

	if (!parser)
		return NULL;
	parser->reader = redisReaderCreateWithFunctions(&functions);
	if (!parser->reader) {
		free(parser);
		return NULL;
	}
	parser->reader->privdata = parser;
	return parser;
}

void
redis_parser_free(struct redis_parser *parser)
{
	if (!parser)
		return;
	redisReaderFree(parser->reader);
	free(parser);
}

/* What stands in the buffer behind its end was moved to its front, or comes later. */
void
redis_parser_wipe(struct redis_parser *parser)
{
	redisReader *reader = parser->reader;

	if (!reader->buf)
		return;
	explicit_bzero(reader->buf, reader->pos);
	explicit_bzero(reader->buf + reader->len, sdsavail(reader->buf));
}

/* ---- replies ---- */

static int
feed(void *reader, const char *bytes, size_t len)
{
	return redisReaderFeed(reader, bytes, len) == REDIS_OK ? ERR_OK : ERR_NOMEM;
}

int
redis_parser_feed(struct redis_parser *parser, const char *bytes, size_t len)
{
	return redis_filter_feed(&parser->filter, bytes, len, feed, parser->reader);
}

void
redis_parser_begin(struct redis_parser *parser, struct arena *arena)
{
	parser->builder = (struct redis_builder){
		.arena = arena,
		.bytes_max = REDIS_REPLY_BYTES_MAX,
	};
}

int
redis_parser_take(struct redis_parser *parser, const struct redis_reply **out)
{
	void *reply = NULL;

	if (redisReaderGetReply(parser->reader, &reply) != REDIS_OK)
		return parser->builder.is_full ? ERR_FULL : ERR_FORMAT;
	*out = reply;
	return ERR_OK;
}

const char *
redis_parser_reason(const struct redis_parser *parser)
{
	return parser->reader->errstr;
}

/* ---- commands ---- */

size_t
redis_parser_command(char **out, const char *format, va_list args)
{
	int len = redisvFormatCommand(out, format, args);

	return len > 0 ? (size_t)len : 0;
}

void
redis_parser_free_command(char *command)
{
	redisFreeCommand(command);
}
