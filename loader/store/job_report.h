/* What a job (loader/job.h) hands back to sync. */
#ifndef LOADER_STORE_JOB_REPORT_H
#define LOADER_STORE_JOB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a job found, octets in an order that its two ends agree on.  All zero is empty. */
struct job_report {
	uint8_t *octets; /* owned: job_report_fini */
	size_t len, room;
	size_t at; /* where job_report_take goes on */
	bool is_broken; /* no memory, or more was taken than there is */
};

/* Append; without memory the report is broken. */
__attribute__((nonnull))
void job_report_put(struct job_report *report, const void *octets, size_t len);
__attribute__((nonnull))
void job_report_put_text(struct job_report *report, const char *text);

/* Take from the front: zeros and NULL once it is broken. */
__attribute__((nonnull))
void job_report_take(struct job_report *report, void *octets, size_t len);
/* returns a copy, owned by the caller. */
__attribute__((nonnull, warn_unused_result))
char *job_report_take_text(struct job_report *report);

__attribute__((nonnull))
void job_report_fini(struct job_report *report);

#endif
