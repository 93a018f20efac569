/* JSON values as text for people. */
#include "master/client/ctl_client_value.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "master/client/ctl_client_text.h"
#include "shm/clock.h"

static bool
ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static void
print_number(const char *name, const struct ctl_json *value, char out[CTL_FIGURE_MAX])
{
	double number = ctl_json_number(value);

	if (ends_in(name, "_s"))
		ctl_text_duration(number, out);
	else if (ends_in(name, "_ms"))
		ctl_text_duration(number / 1e3, out);
	else if (ends_in(name, "_us"))
		ctl_text_duration(number / 1e6, out);
	else if (ends_in(name, "_ns"))
		ctl_text_duration(number / 1e9, out);
	else if (ends_in(name, "_bytes") || strcmp(name, "bytes") == 0)
		ctl_text_bytes(number, out);
	else if (ctl_json_kind(value) == CTL_JSON_INTEGER)
		ctl_json_integer(value, out);
	else
		snprintf(out, CTL_FIGURE_MAX, number < 1e15 ? "%.1f" : "%.4g", number);
}

static char *
copy_text(const char *text)
{
	return ctl_text_escape(text, strlen(text));
}

char *
ctl_value_print(const char *name, const struct ctl_json *value)
{
	char figure[CTL_FIGURE_MAX];
	const char *text;
	size_t len;

	switch (ctl_json_kind(value)) {
	case CTL_JSON_TEXT:
		text = ctl_json_text(value, &len);
		return ctl_text_escape(text, len);
	case CTL_JSON_INTEGER:
	case CTL_JSON_REAL:
		print_number(name, value, figure);
		return copy_text(figure);
	case CTL_JSON_BOOL:
		return copy_text(ctl_json_is_true(value) ? "yes" : "no");
	case CTL_JSON_NULL:
	case CTL_JSON_ARRAY:
	case CTL_JSON_OBJECT:
		break;
	}
	return copy_text("-");
}

char *
ctl_value_member(const struct ctl_json *object, const char *name)
{
	return ctl_value_print(name, ctl_json_member(object, name));
}

char *
ctl_value_age(const struct ctl_json *object, const char *name)
{
	char *text = ctl_value_member(object, name);
	char figure[CTL_FIGURE_MAX];
	struct tm parts = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!end || strcmp(end, "Z") != 0)
		return text;
	free(text);
	ctl_text_duration((double)(clock_wall_s() - (int64_t)timegm(&parts)), figure);
	return copy_text(figure);
}

bool
ctl_value_has_text(const struct ctl_json *object, const char *name)
{
	size_t len;

	return ctl_json_text(ctl_json_member(object, name), &len) && len > 0;
}
