/* The queries of a load. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/rrtype.h"
#include "shm/wire.h"
#include "t/bench/load/flood_queries.h"
#include "t/bench/load/flood_random.h"

enum {
	HEADER_LEN = 12,
	QUESTION_TAIL_LEN = 4, /* type and class */
	OPT_LEN = 11,
	OPT_RDLEN_AT = 9,
	OPTION_COOKIE = 10,
	FRESH_AT = HEADER_LEN + 4, /* behind the length and "zz-" */
	FRESH_LEN = 12,
	COUNT_MAX = 16 << 20,
};
static const char fresh_mark[] = "zz-";

struct flood_query {
	uint32_t at;
	uint16_t len;
	bool is_fresh;
};

/* What a file holds may be anything; a terminal gets what is printable. */
static void
put_printable(const char *text)
{
	for (; *text; text++)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', stderr);
}

static int
fail(const char *where, unsigned long line, const char *what, const char *why)
{
	fprintf(stderr, "martlet-flood: %s:", where);
	if (line > 0)
		fprintf(stderr, "%lu:", line);
	fputc(' ', stderr);
	put_printable(what);
	fprintf(stderr, " %s\n", why);
	return 1;
}

static bool
has_room(struct flood_queries *q)
{
	if (q->count == q->room) {
		size_t room = q->room ? 2 * q->room : 1024;
		void *grown = realloc(q->queries, room * sizeof *q->queries);

		if (!grown)
			return false;
		q->queries = grown;
		q->room = room;
	}
	if (q->octets_room - q->octets_len < FLOOD_QUERY_ROOM) {
		size_t room = q->octets_room ? 2 * q->octets_room : 65536;
		void *grown = realloc(q->octets, room);

		if (!grown)
			return false;
		q->octets = grown;
		q->octets_room = room;
	}
	return q->count < COUNT_MAX && q->octets_len < UINT32_MAX - FLOOD_QUERY_ROOM;
}

/* returns NULL, or what is wrong with the name. */
static const char *
add(struct flood_queries *q, const char *name, uint16_t type)
{
	uint8_t wire[DNAME_MAX], *out;
	size_t len = dname_from_text(name, wire);
	bool is_fresh = len > 0 && wire[0] == 3 + FRESH_LEN &&
			memcmp(wire + 1, fresh_mark, 3) == 0;

	if (len == 0)
		return "is no domain name";
	if (!has_room(q))
		return "does not fit into memory any more";
	out = q->octets + q->octets_len;
	memset(out, 0, HEADER_LEN);
	wire_put_u16(out + 4, 1);
	memcpy(out + HEADER_LEN, wire, len);
	wire_put_u16(out + HEADER_LEN + len, type);
	wire_put_u16(out + HEADER_LEN + len + 2, CLASS_IN);
	q->queries[q->count++] =
		(struct flood_query){ (uint32_t)q->octets_len,
				      (uint16_t)(HEADER_LEN + len + QUESTION_TAIL_LEN),
				      is_fresh };
	q->octets_len += HEADER_LEN + len + QUESTION_TAIL_LEN;
	return NULL;
}

/* ---- from a file ---- */

static int
read_line(struct flood_queries *q, const char *path, unsigned long number, char *line)
{
	char *rest, *name = strtok_r(line, " \t\r\n", &rest);
	char *type_text = name ? strtok_r(NULL, " \t\r\n", &rest) : NULL;
	char *more = type_text ? strtok_r(NULL, " \t\r\n", &rest) : NULL;
	const char *why;
	uint16_t type;

	if (!name || name[0] == ';' || name[0] == '#')
		return 0;
	if (!type_text)
		return fail(path, number, name, "has no type behind it");
	if (more)
		return fail(path, number, more, "is more than a name and a type");
	if (!rrtype_from_text(type_text, &type))
		return fail(path, number, type_text, "is no type of records");
	why = add(q, name, type);
	return why ? fail(path, number, name, why) : 0;
}

static int
read_lines(struct flood_queries *q, FILE *in, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	unsigned long number = 0;
	int rc = 0;

	errno = 0;
	while (rc == 0 && getline(&line, &room, in) >= 0)
		rc = read_line(q, path, ++number, line);
	if (rc == 0 && ferror(in))
		rc = fail(path, 0, "cannot be read:", strerror(errno));
	if (rc == 0 && q->count == 0)
		rc = fail(path, 0, "there is", "no query in it");
	free(line);
	return rc;
}

static int
read_file(struct flood_queries *q, const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	int rc;

	if (!in)
		return fail(path, 0, "cannot be opened:", strerror(errno));
	rc = read_lines(q, in, path);
	if (in != stdin)
		fclose(in);
	return rc;
}

/* ---- random names ---- */

static int
add_random(struct flood_queries *q, const char *below, uint16_t type)
{
	char name[DNAME_TEXT_MAX + 32];
	const char *why;

	snprintf(name, sizeof name, "zz-abcdefghijkl.%s",
		 strcmp(below, ".") == 0 ? "" : below);
	if (strlen(below) >= DNAME_TEXT_MAX)
		return fail("--random", 0, below, "is too long");
	why = add(q, name, type);
	return why ? fail("--random", 0, below,
			  "is no domain name, or too long for a label of 15 octets "
			  "before it")
		   : 0;
}

/* ---- what each query ends with ---- */

static void
put_ecs(struct flood_queries *q, const struct flood_options *options)
{
	const struct network *network = &options->ecs_network;
	bool is_v6 = options->ecs == ECS_FIXED &&
		     (network->octets[10] != 0xff || network->octets[11] != 0xff);
	unsigned len =
		options->ecs == ECS_RANDOM ? 24 : network->len - (is_v6 ? 0u : 96u);
	unsigned octets = (len + 7) / 8;
	uint8_t *at = q->opt + q->opt_len;

	wire_put_u16(at, OPTION_ECS);
	wire_put_u16(at + 2, (uint16_t)(SUBNET_HEAD_LEN + octets));
	wire_put_u16(at + 4, is_v6 ? 2 : 1);
	at[6] = (uint8_t)len;
	at[7] = 0;
	if (options->ecs == ECS_RANDOM)
		q->ecs_at = q->opt_len + 8;
	else
		memcpy(at + 8, network->octets + (is_v6 ? 0 : 12), octets);
	q->opt_len += OPTION_HEAD_LEN + SUBNET_HEAD_LEN + octets;
}

static void
make_opt(struct flood_queries *q, const struct flood_options *options)
{
	if (options->edns_size == 0)
		return;
	wire_put_u16(q->opt + 1, TYPE_OPT);
	wire_put_u16(q->opt + 3, options->edns_size);
	q->opt[7] = options->has_do ? 0x80 : 0;
	q->opt_len = OPT_LEN;
	if (options->ecs != ECS_NONE)
		put_ecs(q, options);
	wire_put_u16(q->opt + OPT_RDLEN_AT, (uint16_t)(q->opt_len - OPT_LEN));
}

int
flood_queries_load(struct flood_queries *queries, const struct flood_options *options)
{
	int rc = 0;

	*queries = (struct flood_queries){ .queries = NULL };
	make_opt(queries, options);
	if (options->queries_path)
		rc = read_file(queries, options->queries_path);
	for (unsigned i = 0; rc == 0 && i < options->random_count; i++)
		rc = add_random(queries, options->random_names[i], options->random_type);
	return rc;
}

void
flood_queries_free(struct flood_queries *queries)
{
	free(queries->queries);
	free(queries->octets);
}

/* ---- a message ---- */

static void
put_fresh(uint8_t *out, uint64_t random)
{
	for (unsigned i = 0; i < FRESH_LEN; i++, random >>= 5)
		out[FRESH_AT + i] =
			(uint8_t) "abcdefghijklmnopqrstuvwxyz234567"[random & 31];
}

static unsigned
put_opt(const struct flood_queries *q, const struct flood_dress *dress, uint8_t *out)
{
	unsigned len = q->opt_len;

	memcpy(out, q->opt, q->opt_len);
	if (q->ecs_at > 0) {
		uint32_t drawn = (uint32_t)(flood_random_next(dress->random_state) >> 32);

		out[q->ecs_at] = (uint8_t)(1 + drawn % 223);
		wire_put_u16(out + q->ecs_at + 1, (uint16_t)(drawn >> 16));
	}
	if (dress->cookie) {
		wire_put_u16(out + len, OPTION_COOKIE);
		wire_put_u16(out + len + 2, (uint16_t)dress->cookie_len);
		memcpy(out + len + 4, dress->cookie, dress->cookie_len);
		len += OPTION_HEAD_LEN + dress->cookie_len;
		wire_put_u16(out + OPT_RDLEN_AT, (uint16_t)(len - OPT_LEN));
	}
	return len;
}

unsigned
flood_queries_put(const struct flood_queries *queries, uint64_t which,
		  const struct flood_dress *dress, uint8_t out[FLOOD_QUERY_ROOM])
{
	const struct flood_query *query = &queries->queries[which % queries->count];
	unsigned len = query->len;

	memcpy(out, queries->octets + query->at, len);
	if (query->is_fresh)
		put_fresh(out, flood_random_next(dress->random_state));
	if (queries->opt_len > 0) {
		wire_put_u16(out + 10, 1);
		len += put_opt(queries, dress, out + len);
	}
	return len;
}
