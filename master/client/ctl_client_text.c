/* Figures and foreign text on a terminal. */
#include "master/client/ctl_client_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "master/alloc.h"
#include "shm/utf8.h"

static void
short_duration(double seconds, char out[CTL_FIGURE_MAX])
{
	if (seconds < 1e-6)
		snprintf(out, CTL_FIGURE_MAX, "%.0fns", seconds * 1e9);
	else if (seconds < 1e-3)
		snprintf(out, CTL_FIGURE_MAX, "%.1fus", seconds * 1e6);
	else
		snprintf(out, CTL_FIGURE_MAX, "%.1fms", seconds * 1e3);
}

void
ctl_text_duration(double seconds, char out[CTL_FIGURE_MAX])
{
	uint64_t whole = seconds > 0 && seconds < 1e15 ? (uint64_t)seconds : 0;

	if (!(seconds > 0))
		snprintf(out, CTL_FIGURE_MAX, "0s");
	else if (seconds < 1)
		short_duration(seconds, out);
	else if (seconds < 60)
		snprintf(out, CTL_FIGURE_MAX, seconds > (double)whole ? "%.1fs" : "%.0fs",
			 seconds);
	else if (seconds < 3600)
		snprintf(out, CTL_FIGURE_MAX, "%" PRIu64 "m %" PRIu64 "s", whole / 60,
			 whole % 60);
	else if (seconds < 86400)
		snprintf(out, CTL_FIGURE_MAX, "%" PRIu64 "h %" PRIu64 "m", whole / 3600,
			 whole % 3600 / 60);
	else if (seconds < 1e15)
		snprintf(out, CTL_FIGURE_MAX, "%" PRIu64 "d %" PRIu64 "h", whole / 86400,
			 whole % 86400 / 3600);
	else
		snprintf(out, CTL_FIGURE_MAX, "for ever");
}

void
ctl_text_bytes(double bytes, char out[CTL_FIGURE_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t unit = 0;

	if (!(bytes >= 1024)) {
		snprintf(out, CTL_FIGURE_MAX, "%.0f B", bytes > 0 ? bytes : 0);
		return;
	}
	bytes /= 1024;
	while (bytes >= 1023.95 && unit + 1 < sizeof units / sizeof *units) {
		bytes /= 1024;
		unit++;
	}
	snprintf(out, CTL_FIGURE_MAX, bytes < 1e9 ? "%.1f %s" : "%.3g %s", bytes,
		 units[unit]);
}

/* Octets of the harmless character at `text`; 0: it must be escaped. */
static size_t
harmless_len(const unsigned char *text, size_t len)
{
	bool is_c1 = text[0] == 0xc2 && len > 1 && text[1] < 0xa0;

	return text[0] < ' ' || text[0] == 0x7f || is_c1 ? 0 : utf8_len(text, len);
}

char *
ctl_text_escape(const char *text, size_t len)
{
	const unsigned char *octets = (const unsigned char *)text;
	char *out = alloc_again(NULL, 4 * len + 1, 1);
	size_t out_len = 0;

	for (size_t at = 0; at < len;) {
		size_t step = harmless_len(octets + at, len - at);

		if (step) {
			memcpy(out + out_len, text + at, step);
			out_len += step;
			at += step;
		} else {
			out_len +=
				(size_t)sprintf(out + out_len, "\\x%02x", octets[at++]);
		}
	}
	out[out_len] = '\0';
	return out;
}

size_t
ctl_text_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* Octets of the first `columns` characters. */
static size_t
prefix_len(const char *text, size_t columns)
{
	size_t at = 0;

	while (text[at] && columns-- > 0)
		do
			at++;
		while (((unsigned char)text[at] & 0xc0) == 0x80);
	return at;
}

char *
ctl_text_cut(const char *text, size_t columns)
{
	size_t have = ctl_text_columns(text);
	size_t tail = (columns - 2) / 2, head = columns - 2 - tail;
	size_t len = strlen(text), head_len, tail_off;
	char *out = alloc_again(NULL, len + 3, 1);

	if (have <= columns) {
		memcpy(out, text, len + 1);
		return out;
	}
	head_len = prefix_len(text, head);
	tail_off = prefix_len(text, have - tail);
	memcpy(out, text, head_len);
	memcpy(out + head_len, "..", 2);
	memcpy(out + head_len + 2, text + tail_off, len - tail_off + 1);
	return out;
}

/* Octets of the next line: up to the last blank that fits, or the whole first word. */
static size_t
line_len(const char *text, size_t width)
{
	size_t room = prefix_len(text, width), at = room;

	if (text[room] == '\0')
		return room;
	while (at > 0 && text[at] != ' ')
		at--;
	return at > 0 ? at : room + strcspn(text + room, " ");
}

void
ctl_text_wrap(FILE *out, const char *text, size_t indent, size_t width)
{
	size_t room = width > indent + 20 ? width - indent : 20;

	for (;;) {
		size_t len = line_len(text, room);

		fprintf(out, "%.*s\n", (int)len, text);
		text += len;
		while (*text == ' ')
			text++;
		if (*text == '\0')
			return;
		fprintf(out, "%*s", (int)indent, "");
	}
}
