/* Names of the reporter's figures. */
#include "shm/region_report.h"

static const char *const names[] = {
#define X(name, kind, help) [REPORT_##name] = "http_" #name,
	REPORT_FIGURES(X)
#undef X
};

const char *
region_report_figure_name(enum report_figure which)
{
	return names[which];
}
