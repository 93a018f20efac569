/* libzscanner, one record, directive or error at a time. */
#include "loader/zone/zone_scanner.h"

#include <libzscanner/scanner.h>
#include <stdlib.h>
#include <string.h>

#include "shm/rrtype.h"

enum {
	CLASS_IN = 1,
	SOA_MINIMUM_LEN = 4, /* the last field of a SOA */
};

struct zone_scanner {
	zs_scanner_t now;
	zs_scanner_t fresh; /* as zs_init leaves it, for the root as origin */
	uint32_t last_ttl; /* ZONE_SCANNER_NO_TTL: none was stated yet */
};

struct zone_scanner *
zone_scanner_new(void)
{
	struct zone_scanner *scanner = calloc(1, sizeof *scanner);

	if (!scanner)
		return NULL;
	if (zs_init(&scanner->fresh, ".", CLASS_IN, ZONE_SCANNER_NO_TTL) < 0) {
		free(scanner);
		return NULL;
	}
	return scanner;
}

void
zone_scanner_free(struct zone_scanner *scanner)
{
	if (!scanner)
		return;
	zs_deinit(&scanner->fresh);
	free(scanner);
}

#define COPY_MEMBERS(to, from, first, behind)                        \
	memcpy((char *)(to) + offsetof(zs_scanner_t, first),         \
	       (const char *)(from) + offsetof(zs_scanner_t, first), \
	       offsetof(zs_scanner_t, behind) - offsetof(zs_scanner_t, first))

/* Back to the state after zs_init, but without clearing its 200 KB of scratch arrays
 * (buffer, include_filename, windows, r_data), which are written before they are read. */
void
zone_scanner_reset(struct zone_scanner *scanner, const uint8_t *origin, size_t len)
{
	COPY_MEMBERS(&scanner->now, &scanner->fresh, cs, buffer);
	COPY_MEMBERS(&scanner->now, &scanner->fresh, path, windows);
	COPY_MEMBERS(&scanner->now, &scanner->fresh, last_window, r_data);
	zone_scanner_set_origin(scanner, origin, len);
	scanner->last_ttl = ZONE_SCANNER_NO_TTL;
}

void
zone_scanner_read(struct zone_scanner *scanner, const char *bytes, size_t len)
{
	zs_set_input_string(&scanner->now, bytes, len);
}

enum zone_scan
zone_scanner_next(struct zone_scanner *scanner)
{
	if (zs_parse_record(&scanner->now) != 0)
		return ZONE_SCAN_END;
	switch (scanner->now.state) {
	case ZS_STATE_DATA:
		return ZONE_SCAN_RECORD;
	case ZS_STATE_INCLUDE:
		return ZONE_SCAN_INCLUDE;
	case ZS_STATE_ERROR:
		return ZONE_SCAN_ERROR;
	case ZS_STATE_NONE:
	case ZS_STATE_EOF:
	case ZS_STATE_STOP:
		break;
	}
	return ZONE_SCAN_END;
}

const char *
zone_scanner_at(const struct zone_scanner *scanner)
{
	return scanner->now.input.current;
}

bool
zone_scanner_is_through(const struct zone_scanner *scanner)
{
	return scanner->now.input.eof;
}

uint64_t
zone_scanner_line(const struct zone_scanner *scanner)
{
	return scanner->now.line_counter;
}

/* ---- records ---- */

static uint32_t
soa_minimum(const zs_scanner_t *scanner)
{
	const uint8_t *field = scanner->r_data + scanner->r_data_length - SOA_MINIMUM_LEN;

	if (scanner->r_data_length < SOA_MINIMUM_LEN)
		return 0;
	return (uint32_t)field[0] << 24 | (uint32_t)field[1] << 16 |
	       (uint32_t)field[2] << 8 | field[3];
}

static uint32_t
record_ttl(struct zone_scanner *scanner)
{
	const zs_scanner_t *now = &scanner->now;

	if (now->default_ttl != ZONE_SCANNER_NO_TTL)
		return now->r_ttl;
	if (now->r_ttl != ZONE_SCANNER_NO_TTL)
		scanner->last_ttl = now->r_ttl;
	else if (scanner->last_ttl == ZONE_SCANNER_NO_TTL && now->r_type == RRTYPE_SOA)
		scanner->last_ttl = soa_minimum(now);
	return scanner->last_ttl;
}

bool
zone_scanner_record(struct zone_scanner *scanner, struct zone_record *out)
{
	zs_scanner_t *now = &scanner->now;
	uint32_t ttl = record_ttl(scanner);

	if (dname_len(now->r_owner, DNAME_MAX) != now->r_owner_length)
		return false;
	dname_lower(now->r_owner, now->r_owner_length);
	out->owner = now->r_owner;
	out->owner_len = (uint8_t)now->r_owner_length;
	out->rdata = now->r_data;
	out->rdata_len = (uint16_t)now->r_data_length;
	out->type = now->r_type;
	out->ttl = ttl;
	return true;
}

/* ---- directives and errors ---- */

const char *
zone_scanner_include(const struct zone_scanner *scanner, uint8_t origin[DNAME_MAX],
		     uint32_t *origin_len)
{
	const zs_scanner_t *now = &scanner->now;

	*origin_len = (uint32_t)dname_from_text((const char *)now->buffer, origin);
	return now->include_filename;
}

/* The library's text for an error, or a better one with its remedy. */
static const char *
error_text(int code)
{
	switch (code) {
	case ZS_UNSUPPORTED_TYPE:
		return "unknown record type, TTL, or class other than IN; a type that "
		       "has no "
		       "name here is written as TYPEn \\# (RFC 3597)";
	case ZS_BAD_NUMBER:
		return "invalid number, or unknown record type";
	case ZS_BAD_OWNER:
	case ZS_BAD_DNAME_CHAR:
		return "invalid name: labels have 1 to 63 octets, with one dot between "
		       "them";
	case ZS_BAD_TEXT_CHAR:
		return "invalid text: a quote without its end";
	case ZS_BAD_ORIGIN:
		return "invalid name in $ORIGIN";
	case ZS_BAD_INCLUDE_ORIGIN:
		return "invalid origin in $INCLUDE";
	case ZS_BAD_DIRECTIVE:
		return "unknown directive: only $ORIGIN, $TTL, $INCLUDE and $GENERATE "
		       "exist";
	case ZS_UNCOVERED_STATE:
		return "syntax error, the lines below were not read";
	case ZS_UNCLOSED_MULTILINE:
		return "the file ends inside parentheses";
	}
	return zs_strerror(code);
}

static enum zone_scan_fault
fault_of(int code)
{
	return code == ZS_BAD_ORIGIN           ? ZONE_SCAN_BAD_ORIGIN
	       : code == ZS_BAD_INCLUDE_ORIGIN ? ZONE_SCAN_BAD_INCLUDE_ORIGIN
	       : code == ZS_UNCOVERED_STATE    ? ZONE_SCAN_LOST
					       : ZONE_SCAN_BAD_ENTRY;
}

void
zone_scanner_error(struct zone_scanner *scanner, struct zone_scan_error *out)
{
	zs_scanner_t *now = &scanner->now;

	out->fault = fault_of(now->error.code);
	out->text = error_text(now->error.code);
	out->is_directive = now->error.fatal;
	/* it would end the scan; the lines behind it are worth reading */
	now->error.fatal = false;
}

/* ---- what is in force ---- */

const uint8_t *
zone_scanner_origin(const struct zone_scanner *scanner, size_t *len)
{
	*len = scanner->now.zone_origin_length;
	return scanner->now.zone_origin;
}

void
zone_scanner_set_origin(struct zone_scanner *scanner, const uint8_t *origin, size_t len)
{
	memcpy(scanner->now.zone_origin, origin, len);
	scanner->now.zone_origin_length = (uint32_t)len;
}

void
zone_scanner_save(const struct zone_scanner *scanner, struct zone_scanner_state *out)
{
	const zs_scanner_t *now = &scanner->now;

	out->at = now->input.current;
	out->end = now->input.end;
	out->line = now->line_counter;
	out->default_ttl = now->default_ttl;
	out->last_ttl = scanner->last_ttl;
	out->origin_len = now->zone_origin_length;
	out->owner_len = now->r_owner_length;
	memcpy(out->origin, now->zone_origin, out->origin_len);
	memcpy(out->owner, now->r_owner, out->owner_len);
}

void
zone_scanner_restore(struct zone_scanner *scanner, const struct zone_scanner_state *state)
{
	zs_scanner_t *now = &scanner->now;

	zone_scanner_reset(scanner, state->origin, state->origin_len);
	now->default_ttl = state->default_ttl;
	scanner->last_ttl = state->last_ttl;
	memcpy(now->r_owner, state->owner, state->owner_len);
	now->r_owner_length = state->owner_len;
}

void
zone_scanner_resume(struct zone_scanner *scanner, const char *at, const char *end,
		    uint64_t line)
{
	scanner->now.line_counter = line;
	zs_set_input_string(&scanner->now, at, (size_t)(end - at));
}
