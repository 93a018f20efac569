/* Base64 (RFC 4648, section 4), as keys are written. */
#ifndef LOADER_SIGN_BASE64_H
#define LOADER_SIGN_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that stand for `len` octets, without a NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Decode `text`, text_len characters; blanks in it mean nothing.
 * len      receives how many octets of `out` were filled, at most `room`.
 * returns  false for what is no base64, or does not fit. */
__attribute__((nonnull, warn_unused_result))
bool base64_decode(const char *text, size_t text_len, uint8_t *out, size_t room, size_t *len);

/* Encode, NUL-terminated; `out` has room for BASE64_LEN(len) + 1. */
__attribute__((nonnull))
void base64_encode(const uint8_t *octets, size_t len, char *out);

#endif
