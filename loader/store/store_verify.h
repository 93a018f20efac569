/* Checking a whole generation in a process of its own: reading a damaged device ends
 * in SIGBUS, and that must not be the end of sync. */
#ifndef LOADER_STORE_STORE_VERIFY_H
#define LOADER_STORE_STORE_VERIFY_H

enum { STORE_VERIFY_REASON_MAX = 256 };

/* Open the generation in directory `dir` and check all of it, see generation_verify.
 * Takes about a second a gigabyte.
 * returns 0, or the error of opening it, or ERR_DAMAGED; then `reason` says what is
 * wrong, as the rest of a sentence that begins with the generation. */
__attribute__((nonnull, warn_unused_result))
int store_verify(const char *dir, char reason[STORE_VERIFY_REASON_MAX]);

#endif
