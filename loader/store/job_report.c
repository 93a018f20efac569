/* The octets that a job hands back. */
#include "loader/store/job_report.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"

void
job_report_put(struct job_report *report, const void *octets, size_t len)
{
	uint8_t *grown;

	if (report->is_broken || len == 0)
		return;
	grown = grow_items(report->octets, &report->room, report->len + len, 1);
	if (!grown) {
		report->is_broken = true;
		return;
	}
	report->octets = grown;
	memcpy(report->octets + report->len, octets, len);
	report->len += len;
}

void
job_report_put_text(struct job_report *report, const char *text)
{
	size_t len = strlen(text);

	job_report_put(report, &len, sizeof len);
	job_report_put(report, text, len);
}

void
job_report_take(struct job_report *report, void *octets, size_t len)
{
	if (report->len - report->at < len)
		report->is_broken = true;
	if (report->is_broken) {
		memset(octets, 0, len);
		return;
	}
	if (len > 0)
		memcpy(octets, report->octets + report->at, len);
	report->at += len;
}

char *
job_report_take_text(struct job_report *report)
{
	size_t len;
	char *text;

	job_report_take(report, &len, sizeof len);
	if (len > report->len - report->at)
		report->is_broken = true;
	text = report->is_broken ? NULL : malloc(len + 1);
	if (!text) {
		report->is_broken = true;
		return NULL;
	}
	job_report_take(report, text, len);
	text[len] = '\0';
	return text;
}

void
job_report_fini(struct job_report *report)
{
	free(report->octets);
	*report = (struct job_report){ 0 };
}
