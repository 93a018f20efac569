/* Queries for benchmarks, from a file of "name type" lines: each carries EDNS, and a name
 * that begins with "zz-" gets 12 fresh letters every time it is put. */
#ifndef T_QUERY_FILE_H
#define T_QUERY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum {
	QUERY_FILE_MAX = 1 << 20,
	QUERY_FRESH_AT = 16, /* behind header, length octet and "zz-" */
	QUERY_FRESH_LEN = 12,
	QUERY_ROOM = 300,
};

struct stored_query {
	uint32_t at;
	uint16_t len;
	uint16_t is_fresh;
};

struct query_file {
	struct stored_query *stored; /* owned, until the end of the program */
	unsigned count;
	uint8_t *octets;
	uint64_t random_state; /* not 0 */
};

static inline void
query_file_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static inline unsigned
query_file_encode(uint8_t *out, const char *name, uint16_t type)
{
	static const uint8_t header[12] = { 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	static const uint8_t opt[11] = { 0, 0, 41, 1232 >> 8, 1232 & 255 };
	unsigned len = (unsigned)dname_from_text(name, out + 12);

	if (len == 0)
		query_file_die(name, "is no name");
	memcpy(out, header, sizeof header);
	wire_put_u16(out + 12 + len, type);
	wire_put_u16(out + 14 + len, 1);
	memcpy(out + 16 + len, opt, sizeof opt);
	return 16 + len + (unsigned)sizeof opt;
}

/* Ends the program when the file is not good. */
static inline void
query_file_load(struct query_file *file, const char *path)
{
	char name[1100], type_text[32];
	FILE *in = fopen(path, "r");
	uint32_t at = 0;

	if (!in)
		query_file_die(path, "cannot be read");
	file->count = 0;
	file->random_state = 88172645463325252u;
	file->stored = calloc(QUERY_FILE_MAX, sizeof *file->stored);
	file->octets = malloc((size_t)QUERY_FILE_MAX * QUERY_ROOM);
	if (!file->stored || !file->octets)
		query_file_die(path, "not enough memory");
	while (file->count < QUERY_FILE_MAX &&
	       fscanf(in, "%1023s %31s", name, type_text) == 2) {
		uint16_t type;

		if (!rrtype_from_text(type_text, &type))
			query_file_die(type_text, "is no type");
		file->stored[file->count] = (struct stored_query){
			.at = at,
			.len = (uint16_t)query_file_encode(file->octets + at, name, type),
			.is_fresh = strncmp(name, "zz-", 3) == 0,
		};
		at += file->stored[file->count++].len;
	}
	fclose(in);
	if (file->count == 0)
		query_file_die(path, "holds no queries");
}

/* Put query `which`, counted round and round, into `out`; its id is 1.  returns its
 * length. */
static inline uint16_t
query_file_put(struct query_file *file, uint64_t which, uint8_t out[QUERY_ROOM])
{
	const struct stored_query *from = &file->stored[which % file->count];

	memcpy(out, file->octets + from->at, from->len);
	for (unsigned i = 0; from->is_fresh && i < QUERY_FRESH_LEN; i++) {
		file->random_state ^= file->random_state << 13;
		file->random_state ^= file->random_state >> 7;
		file->random_state ^= file->random_state << 17;
		out[QUERY_FRESH_AT + i] = (uint8_t)('a' + file->random_state % 26);
	}
	return from->len;
}

#endif
