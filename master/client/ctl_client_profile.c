/* Asking, and the names of files. */
#include "master/client/ctl_client_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/client/ctl_client_rows.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"
#include "shm/ctl_proto.h"
#include "shm/errcode.h"

enum {
	REPLY_MAX = 64 << 20,
	MODE_FILE = 0666,
	SILENCE_MS = 400000, /* of the server: the longest profile, and more */
	EXIT_REFUSED = 1,
	EXIT_NO_SERVER = 3,
};

static const char *const kind_names[] = {
	[CTL_PROFILE_CPU] = "cpu",       [CTL_PROFILE_HEAP] = "heap",
	[CTL_PROFILE_MEMORY] = "memory", [CTL_PROFILE_WAIT] = "wait",
	[CTL_PROFILE_TRACE] = "trace",
};

/* Where the pieces of a reply go. */
struct receiving {
	struct ctl_bytes all;
	struct ctl_trace *trace; /* NULL: into `all` */
};

/* ---- files ---- */

static bool
has_tree(enum ctl_profile_kind kind)
{
	return kind == CTL_PROFILE_CPU || kind == CTL_PROFILE_HEAP;
}

/* What follows the stem of "name.pb.gz" and the like; its end when nothing known does. */
static const char *
known_ending(const char *path)
{
	static const char *const endings[] = { ".pb.gz", ".pb", ".folded", ".svg",
					       ".json" };

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		size_t len = strlen(endings[i]);

		if (strlen(path) > len &&
		    strcmp(path + strlen(path) - len, endings[i]) == 0)
			return path + strlen(path) - len;
	}
	return path + strlen(path);
}

/* A name that was given is that of the first file; the others have its stem. */
static void
name_files(struct ctl_profile_files *files, const char *given)
{
	const char *ending = has_tree(files->kind) ? ".pb.gz" : ".json";
	time_t now = time(NULL);
	char at[32] = "";
	struct tm parts;

	files->is_given = given != NULL;
	if (given) {
		const char *end = known_ending(given);
		bool is_other = has_tree(files->kind) &&
				(strcmp(end, ".svg") == 0 || strcmp(end, ".folded") == 0);

		files->stem = alloc_printf("%.*s", (int)(end - given), given);
		files->main = is_other ? alloc_printf("%s%s", files->stem, ending)
				       : alloc_text(given);
		return;
	}
	if (gmtime_r(&now, &parts))
		strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &parts);
	files->stem = alloc_printf("%s%s-%s",
				   files->kind == CTL_PROFILE_TRACE ? "" : "profile-",
				   kind_names[files->kind], at);
	files->main = alloc_printf("%s%s", files->stem, ending);
}

static bool
check_directory(const char *path)
{
	char *copy = alloc_text(path);
	const char *directory = dirname(copy);
	bool is_fine = access(directory, W_OK | X_OK) == 0;

	if (!is_fine)
		fprintf(stderr, "martletctl: cannot write in %s: %s\n", directory,
			strerror(errno));
	free(copy);
	return is_fine;
}

/* Before the server is kept busy for minutes.  returns false, told on stderr. */
static bool
check_file(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return check_directory(path);
	if (!S_ISDIR(status.st_mode) && access(path, W_OK) == 0)
		return true;
	fprintf(stderr, "martletctl: cannot write %s: %s\n", path,
		strerror(S_ISDIR(status.st_mode) ? EISDIR : errno));
	return false;
}

/* Names of our own can be guessed: in a directory where others write, a link of that name
 * may be theirs. */
int
ctl_profile_open(const struct ctl_profile_files *files, const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
			      (files->is_given ? 0 : O_NOFOLLOW),
		      MODE_FILE);

	if (fd < 0)
		fprintf(stderr, "martletctl: cannot write %s: %s\n", path,
			strerror(errno));
	return fd;
}

FILE *
ctl_profile_create(const struct ctl_profile_files *files, const char *path)
{
	int fd = ctl_profile_open(files, path);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

bool
ctl_profile_close(FILE *file, const char *path)
{
	bool is_broken = ferror(file);

	if (fclose(file) == 0 && !is_broken)
		return true;
	fprintf(stderr, "martletctl: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

/* ---- the reply ---- */

static int
take_data(void *arg, const char *data, size_t len)
{
	struct receiving *r = arg;

	if (r->trace)
		return ctl_trace_feed(r->trace, data, len);
	if (len > REPLY_MAX - r->all.len)
		return ERR_FULL;
	if (r->all.len + len > r->all.capacity) {
		r->all.capacity = 2 * (r->all.len + len);
		r->all.data = alloc_again(r->all.data, r->all.capacity, 1);
	}
	memcpy(r->all.data + r->all.len, data, len);
	r->all.len += len;
	return 0;
}

/* Lines are what is asked for here. */
static void
print_line(void *arg, const char *text, size_t len)
{
	char *line = ctl_text_escape(text, len);

	(void)arg;
	puts(line);
	fflush(stdout);
	free(line);
}

static void
take_progress(void *arg, const char *text, size_t len)
{
	char *line = ctl_text_escape(text, len);

	(void)arg;
	fprintf(stderr, "%s\n", line);
	free(line);
}

static int
tell_failure(const struct ctl_link *link, int code)
{
	fprintf(stderr, "martletctl: %s\n",
		*link->error ? link->error : "the reply makes no sense");
	return code == ERR_NOTFOUND || code == ERR_TIMEOUT || code == ERR_CLOSED
		       ? EXIT_NO_SERVER
		       : EXIT_REFUSED;
}

/* returns the exit code; 0 with the whole reply taken. */
static int
ask(const char *socket_path, int arg_count, char *const *args, struct receiving *r,
    int *status)
{
	bool is_lines = strcmp(args[0], "schedtrace") == 0;
	const struct ctl_reply_sink sink = { is_lines ? print_line : take_progress,
					     take_data, r };
	struct ctl_link link;
	int code = ctl_link_open(&link, socket_path, SILENCE_MS);

	if (code)
		return tell_failure(&link, code);
	code = ctl_link_send(&link, arg_count, args);
	if (!code)
		code = ctl_link_receive(&link, &sink, status);
	if (code)
		code = tell_failure(&link, code);
	ctl_link_close(&link);
	return code;
}

static int
tell_refusal(const struct ctl_json *reply)
{
	char *error = ctl_value_member(reply, "error");

	fprintf(stderr, "martletctl: %s\n", error);
	free(error);
	return EXIT_REFUSED;
}

static bool
write_reply(const struct receiving *r, const struct ctl_profile_files *files)
{
	const char *path = files->main;
	FILE *file = ctl_profile_create(files, path);

	if (!file)
		return false;
	fwrite(r->all.data, 1, r->all.len, file);
	fputc('\n', file);
	if (!ctl_profile_close(file, path))
		return false;
	printf("written: %s\n", path);
	return true;
}

static bool
use_reply(const struct ctl_json *reply, const struct receiving *r,
	  const struct ctl_profile_files *files, const char *since)
{
	switch (files->kind) {
	case CTL_PROFILE_CPU:
	case CTL_PROFILE_HEAP:
		return ctl_profile_write_tree(reply, files, stdout);
	case CTL_PROFILE_MEMORY:
		return ctl_profile_print_memory(reply, since, stdout) &&
		       write_reply(r, files);
	case CTL_PROFILE_WAIT:
		ctl_profile_print_wait(reply, stdout);
		return write_reply(r, files);
	case CTL_PROFILE_TRACE:
		break;
	}
	return false;
}

static int
run_profile(const char *socket_path, const struct ctl_profile_files *files,
	    const char *since, int arg_count, char *const *args)
{
	struct receiving r = { 0 };
	struct ctl_json *reply = NULL;
	int status = 0, code = ask(socket_path, arg_count, args, &r, &status);

	if (code == 0) {
		reply = ctl_json_parse(r.all.data ? r.all.data : "", r.all.len);
		if (status || ctl_json_kind(reply) != CTL_JSON_OBJECT)
			code = tell_refusal(reply);
		else if (!use_reply(reply, &r, files, since))
			code = EXIT_REFUSED;
	}
	ctl_json_free(reply);
	free(r.all.data);
	return code;
}

/* A trace is written as it comes; what was refused leaves no file. */
static int
run_trace(const char *socket_path, const struct ctl_profile_files *files, int arg_count,
	  char *const *args)
{
	FILE *file = ctl_profile_create(files, files->main);
	struct receiving r = { 0 };
	int status = 0, code;

	if (!file)
		return EXIT_REFUSED;
	r.trace = ctl_trace_new(file);
	code = ask(socket_path, arg_count, args, &r, &status);
	if (code == 0)
		code = ctl_trace_end(r.trace, files->main, stdout);
	ctl_trace_free(r.trace);
	if (!ctl_profile_close(file, files->main))
		code = EXIT_REFUSED;
	if (code)
		unlink(files->main);
	return code;
}

static int
run_lines(const char *socket_path, int arg_count, char *const *args)
{
	struct receiving r = { 0 };
	int status = 0, code = ask(socket_path, arg_count, args, &r, &status);

	if (code == 0 && status) {
		struct ctl_json *reply =
			ctl_json_parse(r.all.data ? r.all.data : "", r.all.len);

		code = tell_refusal(reply);
		ctl_json_free(reply);
	}
	free(r.all.data);
	return code;
}

static enum ctl_profile_kind
kind_of(char *const *args)
{
	const char *name = strcmp(args[0], "trace") == 0 ? args[0] : args[1];
	unsigned kind = CTL_PROFILE_CPU;

	while (kind < CTL_PROFILE_TRACE && strcmp(kind_names[kind], name) != 0)
		kind++;
	return (enum ctl_profile_kind)kind;
}

int
ctl_profile_run(const char *socket_path, const struct ctl_profile_options *options,
		int arg_count, char *const *args)
{
	struct ctl_profile_files files = { 0 };
	int code = EXIT_REFUSED;

	if (strcmp(args[0], "schedtrace") == 0)
		return run_lines(socket_path, arg_count, args);
	files.kind = kind_of(args);
	name_files(&files, options->out);
	if (check_file(files.main))
		code = files.kind == CTL_PROFILE_TRACE
			       ? run_trace(socket_path, &files, arg_count, args)
			       : run_profile(socket_path, &files, options->since,
					     arg_count, args);
	free(files.main);
	free(files.stem);
	return code;
}
