/* What is wrong with a configuration: collected, then told in the order of its lines. */
#ifndef MASTER_SETTINGS_SETTINGS_REPORT_H
#define MASTER_SETTINGS_SETTINGS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* Takes one finding as "FILE:LINE: reason", borrowed for the call. */
struct settings_sink {
	void (*put)(void *arg, bool is_error, const char *text);
	void *arg;
};

struct settings_finding {
	bool is_error;
	unsigned line; /* 0: about no line */
	char *file, *reason;
};

struct settings_report {
	struct settings_finding *findings;
	size_t count;
	unsigned error_count; /* also of those that were not kept */
};

enum { SETTINGS_FINDINGS_MAX = 100 }; /* more are not kept */

__attribute__((nonnull, format(printf, 5, 6))) void
settings_report_add(struct settings_report *report, bool is_error, const char *file,
		    unsigned line, const char *format, ...);

/* Is one of the first `count` findings about this line? */
__attribute__((nonnull)) bool settings_report_has(const struct settings_report *report,
						  size_t count, const char *file,
						  unsigned line);

/* Hand all findings to `sink`, by file and line, and forget them. */
__attribute__((nonnull)) void settings_report_tell(struct settings_report *report,
						   const struct settings_sink *sink);

#endif
