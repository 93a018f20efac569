/* Collects findings about a configuration. */
#include "master/settings/settings_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"

void
settings_report_add(struct settings_report *report, bool is_error, const char *file,
		    unsigned line, const char *format, ...)
{
	struct settings_finding *finding;
	char reason[512];
	va_list args;

	report->error_count += is_error;
	if (report->count == SETTINGS_FINDINGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	report->findings =
		alloc_again(report->findings, report->count + 1, sizeof *finding);
	finding = &report->findings[report->count++];
	finding->is_error = is_error;
	finding->line = line;
	finding->file = alloc_text(file);
	finding->reason = alloc_text(reason);
}

bool
settings_report_has(const struct settings_report *report, size_t count, const char *file,
		    unsigned line)
{
	for (size_t i = 0; i < count && i < report->count; i++)
		if (report->findings[i].line == line &&
		    strcmp(report->findings[i].file, file) == 0)
			return true;
	return false;
}

static int
compare(const void *left, const void *right)
{
	const struct settings_finding *a = left, *b = right;
	int order = strcmp(a->file, b->file);

	return order ? order : (a->line > b->line) - (a->line < b->line);
}

void
settings_report_tell(struct settings_report *report, const struct settings_sink *sink)
{
	if (report->count > 0)
		qsort(report->findings, report->count, sizeof *report->findings, compare);
	for (size_t i = 0; i < report->count; i++) {
		struct settings_finding *finding = &report->findings[i];
		char *text = finding->line ? alloc_printf("%s:%u: %s", finding->file,
							  finding->line, finding->reason)
					   : alloc_printf("%s: %s", finding->file,
							  finding->reason);

		sink->put(sink->arg, finding->is_error, text);
		free(text);
		free(finding->file);
		free(finding->reason);
	}
	free(report->findings);
	*report = (struct settings_report){ .findings = NULL };
}
