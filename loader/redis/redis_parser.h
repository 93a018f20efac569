/* What is left to hiredis: finding replies in octets, and writing commands as octets.  The
 * one file that knows it. */
#ifndef LOADER_REDIS_REDIS_PARSER_H
#define LOADER_REDIS_REDIS_PARSER_H

#include <stdarg.h>

#include "loader/redis/redis_link.h"

/* The parser of one connection: what has come and was not taken yet. */
struct redis_parser;

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct redis_parser *redis_parser_new(void);

/* NULL is allowed. */
void redis_parser_free(struct redis_parser *parser);

/* Clear what has come and was taken already. */
__attribute__((nonnull))
void redis_parser_wipe(struct redis_parser *parser);

/* Octets have come: all but what redis_filter.h leaves out goes to the parser.
 * returns 0; ERR_RANGE: a line of more than REDIS_FILTER_LINE_MAX octets; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_parser_feed(struct redis_parser *parser, const char *bytes, size_t len);

/* Build the next reply in `arena`, which is borrowed until that is whole. */
__attribute__((nonnull))
void redis_parser_begin(struct redis_parser *parser, struct arena *arena);

/* Take a reply out of what has come.
 * out      NULL when it is not whole yet: what there is of it stands in the arena
 * returns  0; ERR_FULL: it takes more than REDIS_REPLY_BYTES_MAX; ERR_FORMAT: this is no
 *          reply, see redis_parser_reason.  After an error only redis_parser_free is good. */
__attribute__((nonnull, warn_unused_result))
int redis_parser_take(struct redis_parser *parser, const struct redis_reply **out);

/* What was wrong, in words; borrowed until the parser is freed. */
__attribute__((nonnull, returns_nonnull))
const char *redis_parser_reason(const struct redis_parser *parser);

/* A command as octets, see redis_link_send for the format.
 * out      for redis_parser_free_command
 * returns  its length; 0 when there is no memory, or the format is none. */
__attribute__((nonnull(1, 2), warn_unused_result))
size_t redis_parser_command(char **out, const char *format, va_list args);
void redis_parser_free_command(char *command);

#endif
