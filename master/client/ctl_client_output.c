/* The two forms in which martletctl prints a reply. */
#include "master/client/ctl_client_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "master/client/ctl_client_text.h"
#include "shm/errcode.h"
#include "shm/json_out.h"

enum { OUTPUT_WIDTH = 80, OUTPUT_WIDTH_MIN = 40, OUTPUT_WIDTH_MAX = 1000 };

/* What goes to another program is cut and wrapped nowhere: it may be looked for. */
static size_t
output_width(void)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize window;

	if (width == 0 && !isatty(STDOUT_FILENO))
		return CTL_WIDTH_ENDLESS;
	if (width == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0)
		width = window.ws_col;
	if (width == 0)
		return OUTPUT_WIDTH;
	if (width < OUTPUT_WIDTH_MIN)
		return OUTPUT_WIDTH_MIN;
	return width < OUTPUT_WIDTH_MAX ? width : OUTPUT_WIDTH_MAX;
}

void
ctl_output_open(struct ctl_output *output, const char *command, bool has_args,
		bool is_json)
{
	memset(output, 0, sizeof *output);
	output->command = command;
	if (!is_json)
		output->view =
			ctl_view_new(command, has_args, stdout, stderr, output_width());
}

/* As it came.  Control characters have no place in JSON text outside of escapes; a
 * server that sends them shall not reach the terminal by it. */
static void
print_raw(struct ctl_output *output, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool is_control =
			(unsigned char)data[i] < ' ' && !strchr("\t\n\r", data[i]);

		putchar(is_control || data[i] == '\0' ? '?' : data[i]);
	}
	if (len > 0) {
		output->has_data = true;
		output->last = data[len - 1];
	}
}

int
ctl_output_data(struct ctl_output *output, const char *data, size_t len)
{
	if (output->view)
		return ctl_view_feed(output->view, data, len);
	print_raw(output, data, len);
	return 0;
}

void
ctl_output_progress(struct ctl_output *output, const char *text, size_t len)
{
	char *line;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\0'))
		len--;
	line = ctl_text_escape(text, len);
	fprintf(stderr, "%s: %s\n", output->command, line);
	free(line);
}

int
ctl_output_end(struct ctl_output *output)
{
	if (output->view)
		return ctl_view_end(output->view);
	if (!output->has_data)
		return ERR_SYNTAX;
	if (output->last != '\n')
		putchar('\n');
	return 0;
}

static int
write_piece(void *arg, const void *data, size_t len)
{
	print_raw(arg, data, len);
	return 0;
}

void
ctl_output_fail(struct ctl_output *output, const char *text)
{
	fprintf(stderr, "martletctl: %s: %s\n", output->command, text);
	ctl_output_fail_told(output, text);
}

void
ctl_output_fail_told(struct ctl_output *output, const char *text)
{
	char buffer[256];
	struct json_out json;

	if (output->view)
		return;
	if (!output->has_data) {
		json_out_init(&json, buffer, sizeof buffer, write_piece, output);
		json_out_begin_object(&json, NULL);
		json_out_text(&json, "error", text);
		json_out_end_object(&json);
		(void)json_out_finish(&json);
	}
	putchar('\n');
}

bool
ctl_output_close(struct ctl_output *output)
{
	if (output->view)
		ctl_view_free(output->view);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fprintf(stderr, "martletctl: cannot write the reply: %s\n", strerror(errno));
	return false;
}
