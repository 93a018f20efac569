/* What the signer is asked, and how.
 *
 * Whoever needs it makes a pair of stream sockets and sends one end over the datagram pair
 * that all children share (struct heritage, signer_fds): so connections wait while there is
 * no signer, and a new one finds them.  Then requests and replies take turns; each is a head
 * and `len` octets.  Both ends are one program: structures are sent as they stand. */
#ifndef LOADER_SIGN_SIGNER_PROTO_H
#define LOADER_SIGN_SIGNER_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "loader/sign/key_given.h"
#include "loader/sign/sign_key.h"

/* The largest RRset, each owner written out, is 1.5 MB. */
enum { SIGNER_REQUEST_MAX = 4 << 20 };

enum signer_op {
	SIGNER_KEYS = 1,		/* zone, wire form: struct signer_keys_head, items,
					 * problems; they are the connection's keys now */
	SIGNER_SIGN,			/* struct signer_item and its octets, again and again:
					 * a signature each, one behind the other */
	SIGNER_ZONES,			/* each zone that has keys: an octet of length, the name */
	SIGNER_GENERATE,		/* struct signer_generate, zone: why not, as text */
	SIGNER_PUT,			/* struct signer_put, zone, names and texts: nothing */
	SIGNER_ROLL,			/* zone: struct roll_zone */
	SIGNER_PUT_ROLL,		/* struct roll_zone, zone: why not, as text */
	SIGNER_ROLLS,			/* zones of which there is one, as SIGNER_ZONES */
	SIGNER_UNKEPT,			/* zones whose keys are to be put again, as SIGNER_ZONES */
	SIGNER_LIST,			/* struct signer_list, zone: a list for a fleet, as text */
};

struct signer_request {
	uint32_t op;			/* enum signer_op */
	uint32_t len;
	uint32_t is_paced;		/* of SIGNER_SIGN: dnssec.max_rate holds */
};

struct signer_reply {
	int32_t result;			/* 0 or an error code */
	uint32_t len;
};

struct signer_keys_head {
	uint32_t count, problem_count;
	int64_t next_s;
	uint32_t goal, is_list_lost;
	char rolled_by[SIGN_NODE_MAX];
};

struct signer_item {
	uint16_t key;			/* which of the connection's keys */
	uint16_t reserved;
	uint32_t len;
};

struct signer_generate {
	uint8_t algorithm, is_split;
};

struct signer_list {
	uint64_t number;
	int64_t written_s;
};

/* What another source has of a zone's keys; behind it the zone in wire form, and for each
 * text its name there and what it holds. */
struct signer_put {
	uint32_t zone_len;
	struct {
		uint32_t state;		/* enum key_given_state */
		uint32_t name_len, text_len;
	} texts[KEY_GIVEN_TEXTS];
};

/* Read or write all of it.  returns false when the other end is gone. */
__attribute__((nonnull(2), warn_unused_result))
_Bool signer_read(int fd, void *octets, size_t len);
__attribute__((nonnull(2), warn_unused_result))
_Bool signer_write(int fd, const void *octets, size_t len);

#endif
