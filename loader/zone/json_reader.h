/* JSON from Redis, read by the rules of Go's encoding/json, under which it was written:
 * member names match in either case, of several members that match the last counts,
 * unknown ones are ignored, and null is as good as missing.
 *
 * A node is a value and the way to it, so that a fault can name its place:
 * "mx.records[1].preference".  Nodes hold on to their outer nodes, texts and keys to the
 * reader: all are borrowed until json_reader_close.
 *
 * The first fault stays; what is read behind it gives zeros, so that a caller may read
 * all members of an object and look at the fault once. */
#ifndef LOADER_ZONE_JSON_READER_H
#define LOADER_ZONE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/json_tree.h"

/* A value beyond these is refused: 100,000 values take up to 10 MB while they are read. */
enum {
	JSON_READER_LEN_MAX = 4 << 20,
	JSON_READER_DEPTH_MAX = 64,
	JSON_READER_VALUES_MAX = 100000,
	JSON_READER_FILE_LEN_MAX = 64 << 20,
	JSON_READER_FILE_VALUES_MAX = 1000000,
};

enum { JSON_PATH_MAX = 80, JSON_REASON_MAX = 200 };	/* octets, NUL included */

/* What is wrong with a value.  All zero: nothing. */
struct json_fault {
	char path[JSON_PATH_MAX];	/* "": the value as a whole */
	char reason[JSON_REASON_MAX];	/* printable ASCII, for people: "PATH: REASON" */
	uint32_t at;			/* octets of the text before the fault; 0: see path */
	bool found;
};

struct json_node {
	const struct json_node *outer;	/* NULL: the root */
	const char *key;		/* of a member; NULL: the root or an item of a list */
	size_t index;			/* of an item */
	const struct json_value *value;	/* NULL: missing or null */
	struct arena *memory;		/* of the root; NULL: it is none */
};

/* Parse a text.
 * root     its value, to be closed; untouched on failure.
 * returns  0; ERR_SYNTAX when the text is not JSON or beyond the bounds, which `fault`
 *          tells; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int json_reader_open(const char *bytes, size_t len, struct json_node *root,
		     struct json_fault *fault);

/* The same of a file that the operator wrote: 64 MiB, and 1,000,000 values. */
__attribute__((nonnull, warn_unused_result))
int json_reader_open_file(const char *bytes, size_t len, struct json_node *root,
			  struct json_fault *fault);

__attribute__((nonnull))
void json_reader_close(struct json_node *root);

/* Note a fault at `node`, unless there is one already. */
__attribute__((nonnull, format(printf, 3, 4)))
void json_reader_fail(struct json_fault *fault, const struct json_node *node,
		      const char *format, ...);

__attribute__((nonnull, pure))
bool json_node_is_list(const struct json_node *node);

/* The member of `object`; without a value when there is none, or `object` is none. */
__attribute__((nonnull))
struct json_node json_node_member(const struct json_node *object, const char *key);

/* The members of an object one after the other, in the order of the text: a key that stands
 * there twice comes twice.
 * at       where the walk is; NULL at first.
 * returns  false behind the last one, and when it is no object. */
__attribute__((nonnull))
bool json_node_next(const struct json_node *object, const struct json_value **at,
		    struct json_node *out);

/* The same of the items of a list.
 * out      the same one for all of the walk. */
__attribute__((nonnull))
bool json_node_next_item(const struct json_node *list, const struct json_value **at,
			 struct json_node *out);

/* Anything but an object is a fault; missing is none, and has no members. */
__attribute__((nonnull))
void json_reader_object(struct json_fault *fault, const struct json_node *node);

/* Anything but a list is a fault; missing is none, and has no items. */
__attribute__((nonnull))
void json_reader_list(struct json_fault *fault, const struct json_node *node);

/* The value of `node` by its kind: `missing` when there is none, "" for a text, and
 * zero, with a fault, when it is of another kind or out of range. */
__attribute__((nonnull))
uint32_t json_reader_number(struct json_fault *fault, const struct json_node *node,
			    uint32_t max, uint32_t missing);
__attribute__((nonnull))
bool json_reader_bool(struct json_fault *fault, const struct json_node *node, bool missing);
__attribute__((nonnull))
struct json_text json_reader_text(struct json_fault *fault, const struct json_node *node);

/* A whole number of either sign, those beyond `bound` brought back to it; `missing` when there
 * is none. */
__attribute__((nonnull))
int json_reader_signed(struct json_fault *fault, const struct json_node *node, int bound,
		       int missing);

/* A whole number of either sign that nobody needs is one, or missing. */
__attribute__((nonnull))
void json_reader_check_integer(struct json_fault *fault, const struct json_node *node);

#endif
