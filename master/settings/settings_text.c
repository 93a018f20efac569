/* A scanner of libconfig's tokens. */
#include "master/settings/settings_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/alloc.h"

enum {
	TEXT_LEN_MAX = 16 << 20,
	INCLUDE_DEPTH_MAX = 10, /* libconfig's own limit */
	FILES_MAX = 1000,
};

struct scan {
	const char *path, *dir;
	const char *at, *end; /* the text is also NUL-terminated */
	unsigned line, depth;
	bool is_line_start; /* only blanks since the line began */
	struct settings_report *report;
	struct settings_syntax *syntax;
	unsigned *file_count;
	bool *is_readable;
};

/* The whole file, NUL-terminated, owned by the caller; NULL with errno and a reason. */
static char *
read_text(const char *path, size_t *len, const char **reason)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	char *text = NULL;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) != 0) {
		*reason = strerror(errno);
	} else if (!S_ISREG(status.st_mode)) {
		*reason = "it is no regular file";
	} else if (status.st_size > TEXT_LEN_MAX) {
		*reason = "it is larger than 16 MiB";
	} else {
		text = alloc_zero((size_t)status.st_size + 1, 1);
		got = read(fd, text, (size_t)status.st_size);
		*len = got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static struct settings_place
place(const struct scan *scan)
{
	return (struct settings_place){ scan->path, scan->line };
}

static void
skip_string(struct scan *scan)
{
	struct settings_place begin = place(scan);

	for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++) {
		if (*scan->at == '\\' && scan->at + 1 < scan->end)
			scan->at++;
		if (*scan->at == '\n')
			scan->line++;
	}
	settings_syntax_text(scan->syntax, begin,
			     scan->at < scan->end ? scan->line : scan->line + 1);
	if (scan->at < scan->end) {
		scan->at++;
		return;
	}
	*scan->is_readable = false;
	settings_report_add(scan->report, true, scan->syntax->hint_path,
			    scan->syntax->hint_line, "%s", scan->syntax->hint);
}

static void
skip_to_line_end(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		scan->at++;
}

static void
skip_comment(struct scan *scan)
{
	unsigned first_line = scan->line;

	for (scan->at += 2; scan->at < scan->end; scan->at++) {
		if (scan->at[0] == '*' && scan->at[1] == '/') {
			scan->at += 2;
			return;
		}
		if (*scan->at == '\n')
			scan->line++;
	}
	settings_report_add(scan->report, true, scan->path, first_line,
			    "the comment that begins here is never closed");
}

/* A name, or a number with all that sticks to it. */
static size_t
word_len(const char *at)
{
	size_t len = 1;

	while (isalnum((unsigned char)at[len]) || (at[len] && strchr("._*-+", at[len])))
		len++;
	return len;
}

static bool
is_integer(const char *word, size_t len, int *base)
{
	const char *digits = "0123456789";
	size_t i = word[0] == '-' || word[0] == '+';

	*base = 10;
	if (len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
		digits = "0123456789abcdefABCDEF";
		*base = 16;
		i = 2;
	}
	if (i == len || !strchr(digits, word[i]))
		return false;
	while (i < len && strchr(digits, word[i]))
		i++;
	while (i < len && word[i] == 'L')
		i++;
	return i == len;
}

static void
check_word(struct scan *scan, const char *word, size_t len)
{
	long long value;
	int base;

	if (!is_integer(word, len, &base))
		return;
	errno = 0;
	value = strtoll(word, NULL, base);
	if (errno == ERANGE || value < INT32_MIN || value > INT32_MAX)
		settings_report_add(scan->report, true, scan->path, scan->line,
				    "%.*s is out of range: integers are -2147483648 to "
				    "2147483647",
				    len > 40 ? 40 : (int)len, word);
}

static void scan_file(const char *path, const struct scan *parent);

/* `@include "FILE"` at the start of a line. */
static bool
take_include(struct scan *scan)
{
	static const char keyword[] = "@include";
	const char *at = scan->at + sizeof keyword - 1, *quote;
	char *name, *path;

	if (!scan->is_line_start || strncmp(scan->at, keyword, sizeof keyword - 1) != 0)
		return false;
	at += strspn(at, " \t");
	quote = *at == '"' ? strchr(at + 1, '"') : NULL;
	if (!quote || memchr(at, '\n', (size_t)(quote - at)))
		return false;
	name = strndup(at + 1, (size_t)(quote - at - 1));
	path = alloc_printf("%s/%s", scan->dir, name ? name : "");
	scan_file(path, scan);
	free(path);
	free(name);
	scan->at = quote + 1;
	return true;
}

static void
step(struct scan *scan)
{
	char c = *scan->at;

	if (c == '@' && take_include(scan))
		return;
	if (c != ' ' && c != '\t')
		scan->is_line_start = c == '\n';
	if (c == '"') {
		skip_string(scan);
	} else if (c == '#' || (c == '/' && scan->at[1] == '/')) {
		skip_to_line_end(scan);
	} else if (c == '/' && scan->at[1] == '*') {
		skip_comment(scan);
	} else if (isalnum((unsigned char)c) || (c && strchr("*+-._", c))) {
		size_t len = word_len(scan->at);

		check_word(scan, scan->at, len);
		settings_syntax_word(scan->syntax, place(scan), scan->at, len);
		scan->at += len;
	} else {
		if (!isspace((unsigned char)c))
			settings_syntax_mark(scan->syntax, place(scan), c);
		scan->line += c == '\n';
		scan->at++;
	}
}

static void
scan_file(const char *path, const struct scan *parent)
{
	struct scan scan = {
		.path = path,
		.dir = parent->dir,
		.line = 1,
		.depth = parent->depth + 1,
		.is_line_start = true,
		.report = parent->report,
		.syntax = parent->syntax,
		.file_count = parent->file_count,
		.is_readable = parent->is_readable,
	};
	const char *reason = "too many files are included";
	size_t len = 0, depth = parent->syntax->depth;
	char *text;

	if (scan.depth > INCLUDE_DEPTH_MAX + 1)
		return; /* libconfig says so */
	text = ++*scan.file_count <= FILES_MAX ? read_text(path, &len, &reason) : NULL;
	if (!text) {
		*scan.is_readable = false;
		if (*parent->path)
			settings_report_add(scan.report, true, parent->path, parent->line,
					    "cannot include %s: %s", path, reason);
		else
			settings_report_add(
				scan.report, true, path, 0,
				"cannot be read: %s; name another file with -c FILE",
				reason);
		return;
	}
	scan.at = text;
	scan.end = text + len;
	while (scan.at < scan.end)
		step(&scan);
	settings_syntax_end(scan.syntax, depth);
	free(text);
}

bool
settings_text_check(const char *path, const char *dir, struct settings_report *report,
		    struct settings_syntax *syntax)
{
	unsigned file_count = 0;
	bool is_readable = true;
	struct scan none = { .path = "",
			     .dir = dir,
			     .report = report,
			     .syntax = syntax,
			     .file_count = &file_count,
			     .is_readable = &is_readable };

	scan_file(path, &none);
	return is_readable;
}
