/* UTF-8 (RFC 3629). */
#ifndef SHM_UTF8_H
#define SHM_UTF8_H

#include <stddef.h>

/* The length of the character at `text`, of which `len` octets are there, at least 1;
 * 0 when it is none (section 4: overlong forms, surrogates, what is above U+10FFFF). */
__attribute__((nonnull, pure, warn_unused_result))
size_t utf8_len(const unsigned char *text, size_t len);

#endif
