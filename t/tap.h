/* The test anything protocol for C tests, with the calls of libtap.
 * Every call returns whether it passed, prints one line, and on failure a
 * diagnosis with file and line. */
#ifndef T_TAP_H
#define T_TAP_H

#include <stdbool.h>
#include <stddef.h>

/* Announce the number of tests; 0: counted by done_testing(). */
void plan(unsigned tests);

/* Print the plan if none was announced; returns the exit code for main. */
int done_testing(void);

#define ok(test, ...) tap_ok(__FILE__, __LINE__, (test), __VA_ARGS__)
#define is_int(got, want, ...) \
	tap_is_int(__FILE__, __LINE__, (long long)(got), (long long)(want), __VA_ARGS__)
#define is(got, want, ...) tap_is_text(__FILE__, __LINE__, (got), (want), __VA_ARGS__)
#define cmp_mem(got, want, len, ...) \
	tap_cmp_mem(__FILE__, __LINE__, (got), (want), (len), __VA_ARGS__)

bool tap_ok(const char *file, int line, bool passed, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool tap_is_int(const char *file, int line, long long got, long long want,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
bool tap_is_text(const char *file, int line, const char *got, const char *want,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
bool tap_cmp_mem(const char *file, int line, const void *got, const void *want, size_t len,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));

void diag(const char *format, ...) __attribute__((format(printf, 1, 2)));
void skip(unsigned tests, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void skip_all(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void bail_out(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
