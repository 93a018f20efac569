/* Asking each second, and the terminal meanwhile. */
#include "master/client/ctl_client_top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_top_page.h"
#include "master/client/ctl_client_value.h"
#include "shm/errcode.h"

enum {
	ANSWER_MS = 5000,
	EVERY_MS = 1000,
	REPLY_MAX = 1 << 20,
	WIDTH = 80,
	HEIGHT = 24,
	HEIGHT_PRINTED = 68, /* where it is not a page: all that the server lists */
	CTRL_C = 3,
	CTRL_D = 4,
};

static struct termios before;
static volatile sig_atomic_t is_over, is_resized;

/* ---- asking ---- */

struct reply {
	char *text; /* REPLY_MAX, owned */
	size_t len;
};

static int
take_data(void *arg, const char *data, size_t len)
{
	struct reply *reply = arg;

	if (len > REPLY_MAX - reply->len)
		return ERR_FULL;
	memcpy(reply->text + reply->len, data, len);
	reply->len += len;
	return 0;
}

static void
take_progress(void *arg, const char *text, size_t len)
{
	(void)arg, (void)text, (void)len;
}

/* returns the reply (ctl_json_free); NULL, with why in link->error, when there is none. */
static struct ctl_json *
ask(struct ctl_link *link, const char *socket_path, const char *flag, struct reply *reply,
    int *code, int *status)
{
	const struct ctl_reply_sink sink = { take_progress, take_data, reply };
	char command[] = "top", option[32];
	char *args[] = { command, option };
	struct ctl_json *top = NULL;

	snprintf(option, sizeof option, "--%s", flag ? flag : "");
	reply->len = 0;
	*code = ctl_link_open(link, socket_path, ANSWER_MS);
	if (*code)
		return NULL;
	*code = ctl_link_send(link, flag ? 2 : 1, args);
	if (!*code)
		*code = ctl_link_receive(link, &sink, status);
	ctl_link_close(link);
	if (!*code)
		top = ctl_json_parse(reply->text, reply->len);
	if (!*code && ctl_json_kind(top) != CTL_JSON_OBJECT)
		*code = ERR_SYNTAX;
	if (*code && !*link->error)
		snprintf(link->error, sizeof link->error, "the reply makes no sense");
	if (!*code)
		return top;
	ctl_json_free(top);
	return NULL;
}

/* ---- the terminal ---- */

static void
note_signal(int number)
{
	if (number == SIGWINCH)
		is_resized = 1;
	else
		is_over = 1;
}

/* Another screen, which does not scroll, without cursor and echo. */
static bool
take_terminal(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	struct sigaction action = { .sa_handler = note_signal };
	struct termios raw;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l", stdout);
	return true;
}

static void
give_terminal_back(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void
draw(const struct ctl_json *top, const char *error)
{
	struct winsize window = { 0 };
	size_t width = WIDTH, height = HEIGHT;
	char *text;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 &&
	    window.ws_row > 1) {
		width = window.ws_col;
		height = window.ws_row;
	}
	fputs("\033[H", stdout);
	/* each line clears what stood behind it; the last one stays free */
	if (top)
		ctl_top_print(stdout, top, "\033[K\r\n", width, height - 1);
	text = ctl_text_escape(error, strlen(error));
	printf("%.*s\033[J", (int)width - 1, *text ? text : "q: quit");
	free(text);
	fflush(stdout);
}

/* Wait for the next turn.  returns false when there shall be none. */
static bool
wait_for_turn(void)
{
	struct pollfd wait = { .fd = STDIN_FILENO, .events = POLLIN };
	char key = 0;

	if (poll(&wait, 1, EVERY_MS) > 0 && read(STDIN_FILENO, &key, 1) <= 0)
		return errno == EINTR && !is_over;
	return !is_over && key != 'q' && key != 'Q' && key != CTRL_C && key != CTRL_D;
}

static void
watch(const char *socket_path, const char *flag, struct reply *reply,
      struct ctl_json *top)
{
	struct ctl_link link = { .fd = -1 };
	int code = 0, status;

	do {
		draw(top, code ? link.error : "");
		if (!wait_for_turn())
			break;
		ctl_json_free(top);
		*link.error = '\0';
		top = ask(&link, socket_path, flag, reply, &code, &status);
	} while (!is_over);
	ctl_json_free(top);
}

int
ctl_top_run(const char *socket_path, const char *flag, int *status)
{
	struct reply reply = { .text = malloc(REPLY_MAX) };
	struct ctl_link link = { .fd = -1 };
	struct ctl_json *top;
	int code = ERR_NOMEM;

	*status = 1;
	top = reply.text ? ask(&link, socket_path, flag, &reply, &code, status) : NULL;
	if (!top) {
		fprintf(stderr, "martletctl: top: %s\n", link.error);
	} else if (ctl_value_has_text(top, "error")) {
		char *error = ctl_value_member(top, "error");

		fprintf(stderr, "martletctl: top: %s\n", error);
		free(error);
		ctl_json_free(top);
	} else if (take_terminal()) {
		watch(socket_path, flag, &reply, top);
		give_terminal_back();
	} else {
		ctl_top_print(stdout, top, "\n", WIDTH, HEIGHT_PRINTED);
		ctl_json_free(top);
	}
	free(reply.text);
	return code;
}
