/* Prometheus's text format. */
#include "loader/report/metric_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 65536 };

void
metric_text_reset(struct metric_text *out)
{
	out->len = 0;
	out->has_failed = false;
}

static bool
make_room(struct metric_text *out, size_t more)
{
	size_t room = out->room ? out->room : FIRST_ROOM;
	char *grown;

	if (out->len + more <= out->room)
		return true;
	while (room < out->len + more)
		room *= 2;
	grown = realloc(out->text, room);
	if (!grown) {
		out->has_failed = true;
		return false;
	}
	out->text = grown;
	out->room = room;
	return true;
}

static void
put_len(struct metric_text *out, const char *text, size_t len)
{
	if (!make_room(out, len))
		return;
	memcpy(out->text + out->len, text, len);
	out->len += len;
}

static void
put(struct metric_text *out, const char *text)
{
	put_len(out, text, strlen(text));
}

/* Octets of the UTF-8 character (RFC 3629) at `at`, 0 when it is none. */
static size_t
utf8_len(const unsigned char *at)
{
	static const struct {
		unsigned char first, last, second_first, second_last, len;
	} forms[] = {
		{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (forms[i].len > 1 &&
		    (at[1] < forms[i].second_first || at[1] > forms[i].second_last))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static void
put_escaped(struct metric_text *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		size_t len = utf8_len(at);

		if (*at == '\\')
			put(out, "\\\\");
		else if (*at == '\n')
			put(out, "\\n");
		else if (*at == '"')
			put(out, "\\\"");
		else if (len == 0)
			put(out, "\xef\xbf\xbd");
		else
			put_len(out, (const char *)at, len);
		at += len ? len : 1;
	}
}

void
metric_text_begin(struct metric_text *out, const char *name, enum metric_kind kind,
		  const char *help)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };

	put(out, "# HELP martlet_");
	put(out, name);
	put(out, " ");
	/* our own words, without anything to escape */
	put(out, help);
	put(out, "\n# TYPE martlet_");
	put(out, name);
	put(out, " ");
	put(out, kinds[kind]);
	put(out, "\n");
}

static void
put_name(struct metric_text *out, const char *name, const char *label,
	 const char *label_value)
{
	put(out, "martlet_");
	put(out, name);
	if (label) {
		put(out, "{");
		put(out, label);
		put(out, "=\"");
		put_escaped(out, label_value);
		put(out, "\"}");
	}
	put(out, " ");
}

__attribute__((format(printf, 2, 3))) static void
put_number(struct metric_text *out, const char *format, ...)
{
	char number[48];
	va_list args;

	va_start(args, format);
	vsnprintf(number, sizeof number, format, args);
	va_end(args);
	put(out, number);
}

void
metric_text_uint(struct metric_text *out, const char *name, const char *label,
		 const char *label_value, uint64_t value)
{
	put_name(out, name, label, label_value);
	put_number(out, "%llu\n", (unsigned long long)value);
}

void
metric_text_double(struct metric_text *out, const char *name, const char *label,
		   const char *label_value, double value)
{
	put_name(out, name, label, label_value);
	put_number(out, "%.15g\n", value);
}

void
metric_text_bucket(struct metric_text *out, const char *name, const char *label,
		   const char *label_value, double limit, uint64_t count)
{
	put(out, "martlet_");
	put(out, name);
	put(out, "_bucket{");
	if (label) {
		put(out, label);
		put(out, "=\"");
		put_escaped(out, label_value);
		put(out, "\",");
	}
	if (isinf(limit))
		put(out, "le=\"+Inf\"} ");
	else
		put_number(out, "le=\"%.10g\"} ", limit);
	put_number(out, "%llu\n", (unsigned long long)count);
}
