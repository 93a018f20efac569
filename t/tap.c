/* Prints the test anything protocol. */
#include "t/tap.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned planned, run, failed;

void
plan(unsigned tests)
{
	planned = tests;
	if (tests)
		printf("1..%u\n", tests);
}

int
done_testing(void)
{
	if (!planned)
		printf("1..%u\n", run);
	else if (planned != run)
		printf("# planned %u tests, ran %u\n", planned, run);
	if (failed)
		printf("# %u of %u tests failed\n", failed, run);
	fflush(stdout);
	return failed || (planned && planned != run) ? 1 : 0;
}

__attribute__((format(printf, 4, 0))) static bool
report(const char *file, int line, bool passed, const char *format, va_list args)
{
	printf("%s %u - ", passed ? "ok" : "not ok", ++run);
	vprintf(format, args);
	putchar('\n');
	if (!passed) {
		failed++;
		printf("#   at %s:%d\n", file, line);
	}
	return passed;
}

bool
tap_ok(const char *file, int line, bool passed, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(file, line, passed, format, args);
	va_end(args);
	return passed;
}

bool
tap_is_int(const char *file, int line, long long got, long long want, const char *format,
	   ...)
{
	va_list args;

	va_start(args, format);
	report(file, line, got == want, format, args);
	va_end(args);
	if (got != want)
		printf("#   got %lld, want %lld\n", got, want);
	return got == want;
}

bool
tap_is_text(const char *file, int line, const char *got, const char *want,
	    const char *format, ...)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;
	va_list args;

	va_start(args, format);
	report(file, line, same, format, args);
	va_end(args);
	if (!same)
		printf("#   got  '%s'\n#   want '%s'\n", got ? got : "NULL",
		       want ? want : "NULL");
	return same;
}

bool
tap_cmp_mem(const char *file, int line, const void *got, const void *want, size_t len,
	    const char *format, ...)
{
	bool same = memcmp(got, want, len) == 0;
	const uint8_t *g = got, *w = want;
	va_list args;

	va_start(args, format);
	report(file, line, same, format, args);
	va_end(args);
	for (size_t i = 0; !same && i < len; i++) {
		if (g[i] == w[i])
			continue;
		printf("#   first difference at octet %zu: got %02x, want %02x\n", i,
		       g[i], w[i]);
		break;
	}
	return same;
}

void
diag(const char *format, ...)
{
	va_list args;

	fputs("# ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void
skip(unsigned tests, const char *format, ...)
{
	char reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	while (tests--)
		printf("ok %u # skip %s\n", ++run, reason);
}

void
skip_all(const char *format, ...)
{
	va_list args;

	fputs("1..0 # skip ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(0);
}

void
bail_out(const char *format, ...)
{
	va_list args;

	fputs("Bail out! ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(255);
}
