/* What a health check is: how an address is probed, and what must come back.
 *
 * An RRset has one check for all its records (the member "health_check" of redins); a
 * check with an address is a target.  A target is probed once, however many records ask
 * for it, and its state stands on the status board (shm/board.h) under its key.
 *
 * Stored, all numbers big-endian:
 *
 *	+----------+----------+------+----+------+--------+---------+----------+
 *	| protocol | verify   | port | up | down | codes, | timeout | interval |
 *	|          |          |      |    |      | number | ms      | s        |
 *	+ 1 -------+ 1 -------+ 2 ---+ 1 -+ 1 ---+ 2 -----+ 4 ------+ 4 -------+
 *	| codes: low, high of each       | host | uri | body: length, octets    |
 *	+ 4 each ------------------------+ 2 + n each -------------------------+
 */
#ifndef SHM_HEALTH_TARGET_H
#define SHM_HEALTH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum health_protocol { HEALTH_HTTP, HEALTH_HTTPS, HEALTH_TCP, HEALTH_ICMP };

enum {
	HEALTH_HOST_MAX = 255,		/* octets of texts, without their NUL */
	HEALTH_URI_MAX = 1024,
	HEALTH_BODY_MAX = 255,
	HEALTH_CODES_MAX = 16,
	HEALTH_COUNT_MAX = 100,		/* of up_count, -down_count */
	HEALTH_TIMEOUT_MAX_MS = 60000,
	HEALTH_INTERVAL_MAX_S = 86400,
	HEALTH_CHECK_LEN_MAX = 16 + 4 * HEALTH_CODES_MAX + 3 * 2 + HEALTH_HOST_MAX +
			       HEALTH_URI_MAX + HEALTH_BODY_MAX,
	HEALTH_ADDRESS_LEN = 16,
};

struct health_codes {
	uint16_t low, high;
};

/* All zero is redins's check of a record that names none of its members. */
struct health_check {
	enum health_protocol protocol;
	bool verify;			/* https: the certificate must be good for `host` */
	uint16_t port;			/* 0: 80, of https 443 */
	int up_count, down_count;	/* 0: 3 and -3; a positive down_count is negated */
	uint32_t timeout_ms;		/* 0: 1000 */
	uint32_t interval_s;		/* 0: health.interval_s */
	unsigned code_count;		/* 0: 200, 301 and 302 */
	struct health_codes codes[HEALTH_CODES_MAX];
	char host[HEALTH_HOST_MAX + 1];	/* Host and SNI: a name, without its final dot */
	char uri[HEALTH_URI_MAX + 1];	/* "": / */
	char body[HEALTH_BODY_MAX + 1];	/* "": the body is not asked for (HEAD) */
};

struct health_target {
	uint8_t address[HEALTH_ADDRESS_LEN];	/* IPv4 as ::ffff:a.b.c.d */
	struct health_check check;
};

/* The number of a word of "protocol", in either case: "" is http, ping is icmp.
 * returns false for an unknown one. */
__attribute__((nonnull, warn_unused_result))
bool health_protocol_find(const char *word, enum health_protocol *out);
const char *health_protocol_name(enum health_protocol protocol);

/* Put the defaults in the place of zeros, bring counts and times between their bounds, and
 * clear what the protocol does not look at, so that checks alike are alike in all. */
__attribute__((nonnull))
void health_check_settle(struct health_check *check);

/* May the text stand in the header of a request: visible ASCII, no blanks, and a `uri` that
 * begins with a slash?  Where not, the check cannot be made. */
__attribute__((nonnull, pure))
bool health_check_is_sound(const struct health_check *check);

/* Write a settled check.  returns its length. */
__attribute__((nonnull))
size_t health_check_write(const struct health_check *check, uint8_t out[HEALTH_CHECK_LEN_MAX]);

/* returns false when it is none: damage. */
__attribute__((nonnull, warn_unused_result))
bool health_check_read(const uint8_t *bytes, size_t len, struct health_check *out);

/* The key of a target on the status board, from its address and its written check: two
 * targets that differ have two keys, whoever chose them (SHA-256).
 * returns BOARD_KEY_MIN or more. */
__attribute__((nonnull))
uint64_t health_target_key(const uint8_t address[HEALTH_ADDRESS_LEN], const uint8_t *check,
			   size_t check_len);

#endif
