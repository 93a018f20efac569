/* An append-only writer of one JSON text (RFC 8259) into a buffer of fixed size.
 *
 * Commas, colons and escapes are written by themselves.  Whenever the buffer is full
 * its content is handed to `flush`, so that a list may be longer than memory; without
 * `flush` the buffer must hold all.  The first failure sticks: everything after it is
 * swallowed, and json_out_finish() tells it.
 *
 *	json_out_init(&out, buffer, sizeof buffer, send_piece, &peer);
 *	json_out_begin_object(&out, NULL);
 *	json_out_begin_array(&out, "zones");
 *	...
 *	json_out_end_array(&out);
 *	json_out_end_object(&out);
 *	err = json_out_finish(&out);
 *
 * `name` is the member's name inside an object and NULL elsewhere; a call that does
 * not fit its place is our bug and asserted. */
#ifndef SHM_JSON_OUT_H
#define SHM_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_OUT_DEPTH_MAX = 16 };

struct json_out {
	char *buffer; /* borrowed until finish */
	size_t capacity, len;
	int (*flush)(void *arg, const void *data, size_t len);
	void *arg;
	int error; /* the first failure; 0 */
	unsigned depth;
	bool is_array[JSON_OUT_DEPTH_MAX];
	bool is_empty[JSON_OUT_DEPTH_MAX];
	bool is_done; /* the one value at the top is complete */
};

/* flush   takes `len` octets (1..capacity) and returns 0 or an error code, which then
 *         sticks; NULL: more than `capacity` octets are ERR_FULL */
__attribute__((nonnull(1, 2))) void
json_out_init(struct json_out *out, char *buffer, size_t capacity,
	      int (*flush)(void *arg, const void *data, size_t len), void *arg);

/* Flush the rest; every object and array must be ended.
 * returns 0 or the first failure.  Without `flush` the text is buffer[0..len), not
 * NUL-terminated. */
__attribute__((nonnull)) int json_out_finish(struct json_out *out);

__attribute__((nonnull(1))) void json_out_begin_object(struct json_out *out,
						       const char *name);
__attribute__((nonnull)) void json_out_end_object(struct json_out *out);
__attribute__((nonnull(1))) void json_out_begin_array(struct json_out *out,
						      const char *name);
__attribute__((nonnull)) void json_out_end_array(struct json_out *out);

/* Any octets: what is no valid UTF-8 (RFC 3629) comes out as U+FFFD, control
 * characters (C0, DEL, C1) as \u00XX.  `text` NULL is null. */
__attribute__((nonnull(1))) void json_out_text(struct json_out *out, const char *name,
					       const char *text);
__attribute__((nonnull(1))) void json_out_text_len(struct json_out *out, const char *name,
						   const char *text, size_t len);

__attribute__((nonnull(1))) void json_out_int(struct json_out *out, const char *name,
					      int64_t value);
__attribute__((nonnull(1))) void json_out_uint(struct json_out *out, const char *name,
					       uint64_t value);

/* `digits` (0..9) behind the point; what is not finite is null. */
__attribute__((nonnull(1))) void json_out_double(struct json_out *out, const char *name,
						 double value, unsigned digits);
__attribute__((nonnull(1))) void json_out_bool(struct json_out *out, const char *name,
					       bool value);
__attribute__((nonnull(1))) void json_out_null(struct json_out *out, const char *name);

#endif
