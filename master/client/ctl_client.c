/* martletctl: asks a running server, and prints what it says. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/client/ctl_client_build.h"
#include "master/client/ctl_client_commands.h"
#include "master/client/ctl_client_config.h"
#include "master/client/ctl_client_explain.h"
#include "master/client/ctl_client_import.h"
#include "master/client/ctl_client_link.h"
#include "master/client/ctl_client_output.h"
#include "master/client/ctl_client_profile.h"
#include "master/client/ctl_client_top.h"
#include "shm/ctl_proto.h"
#include "shm/errcode.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_SERVER = 3, NEXT_IS_COMMAND = -1 };
enum { REQUEST_ARGS_MAX = 4, CTL_FLAG_MAX = 32, IMPORT_OPTION = 256, NOTICE_MS = 5000 };

struct options {
	const char *config; /* NULL: the default one */
	const char *socket; /* NULL: the configuration's */
	const char *flag; /* of the command, as "per-worker"; NULL: none */
	bool is_json;
	const char *import[CTL_IMPORT_OPTION_COUNT]; /* NULL where not given */
	struct ctl_explain_options explain;
	struct ctl_profile_options profile;
};

static void
print_help(void)
{
	puts("usage: martletctl [-c FILE | -s SOCKET] [--json] COMMAND [ARG...]\n");
	ctl_command_list(stdout);
	puts("\n"
	     "  -c FILE    the server's configuration, " CTL_CONFIG_FILE "\n"
	     "  -s SOCKET  the server's control socket, else as configured\n"
	     "  --json     print the reply as one JSON object\n"
	     "  -V, -h     version, this help\n\n"
	     "import takes, over what the configuration says: --redis ADDRESS, --db N,\n"
	     "--user NAME, --password-file FILE, --prefix TEXT, --suffix TEXT,\n"
	     "--schema redins|z42\n\n"
	     "explain takes: --client IP, --ecs PREFIX, --tcp, --do\n"
	     "simulate takes: --down ADDRESS, --weight ADDRESS=N, --country-db FILE,\n"
	     "--asn-db FILE\n\n"
	     "profile and trace take: -o FILE; profile memory: --since FILE\n\n"
	     "exit 0 done, 1 refused or failed, 2 usage, 3 no server");
}

static int
usage(void)
{
	fputs("usage: martletctl [-c FILE | -s SOCKET] [--json] COMMAND [ARG...], "
	      "or martletctl -h\n",
	      stderr);
	return EXIT_USAGE;
}

/* A link's failure as exit code. */
static int
exit_code(int code)
{
	switch (code) {
	case ERR_NOTFOUND:
	case ERR_TIMEOUT:
	case ERR_CLOSED:
		return EXIT_NO_SERVER;
	case ERR_FULL:
	case ERR_RANGE:
		return EXIT_USAGE;
	}
	return EXIT_REFUSED;
}

static int
take_data(void *arg, const char *data, size_t len)
{
	return ctl_output_data(arg, data, len);
}

static void
take_progress(void *arg, const char *text, size_t len)
{
	ctl_output_progress(arg, text, len);
}

/* Send the request, with the files that belong to it, if there are any; print the reply. */
static int
ask(struct ctl_link *link, struct ctl_output *output, struct ctl_simulate_files *files,
    int arg_count, char *const *args)
{
	const struct ctl_reply_sink sink = { take_progress, take_data, output };
	int status = 0, code;

	code = ctl_link_send(link, arg_count, args);
	if (!code && files->count > 0)
		code = ctl_simulate_send(files, link);
	if (!code)
		code = ctl_link_receive(link, &sink, &status);
	if (!code)
		code = ctl_output_end(output);
	if (!code)
		return status;
	if (*link->error) {
		ctl_output_fail(output, link->error);
		return exit_code(code);
	}
	ctl_output_fail(output, code == ERR_FULL ? "an item of the reply is too long"
						 : "the reply makes no sense");
	return EXIT_REFUSED;
}

/* The server's working directory is not ours. */
static int
absolute_path(const char *path, char out[2 * PATH_MAX])
{
	char cwd[PATH_MAX];

	if (*path == '/') {
		snprintf(out, 2 * PATH_MAX, "%s", path);
		return 0;
	}
	if (!getcwd(cwd, sizeof cwd))
		return -1;
	snprintf(out, 2 * PATH_MAX, "%s/%s", cwd, path);
	return 0;
}

static int
ask_server(const char *socket_path, const struct ctl_command *command,
	   struct ctl_output *output, struct ctl_simulate_files *files, int arg_count,
	   char *const *args)
{
	struct ctl_link link;
	int code = ctl_link_open(&link, socket_path,
				 command->patience_s ? command->patience_s * 1000 : -1);

	link.notice_ms = NOTICE_MS;
	if (code) {
		ctl_output_fail(output, link.error);
		return exit_code(code);
	}
	code = ask(&link, output, files, arg_count, args);
	ctl_link_close(&link);
	return code;
}

/* Behind the arguments of a request, "--client" and "192.0.2.1".  returns their number. */
static int
add_options(const struct ctl_explain_options *options, char **request, int count)
{
	for (unsigned i = 0; i < options->count; i++) {
		request[count++] = alloc_printf("--%s", options->list[i].name);
		if (options->list[i].value)
			request[count++] = alloc_text(options->list[i].value);
	}
	return count;
}

static int
run_remote(const struct options *options, const struct ctl_command *command,
	   struct ctl_output *output, int arg_count, char **args)
{
	char *request[CTL_ARGS_MAX] = { args[0] };
	char flag[CTL_FLAG_MAX], path[2 * PATH_MAX];
	char *socket_path, *why = NULL;
	struct ctl_simulate_files files = { .count = 0 };
	int count = 1, first_option, code;

	if (strcmp(command->name, "simulate") == 0 &&
	    !ctl_simulate_open(&options->explain, args[--arg_count], &files)) {
		ctl_output_fail_told(output, "a file cannot be read");
		return EXIT_REFUSED;
	}

	for (int i = 1; i < arg_count; i++) {
		request[count++] = args[i];
		if (command->arg_kind == CTL_ARG_DIR && absolute_path(args[i], path) == 0)
			request[i] = path;
	}
	if (options->flag) {
		snprintf(flag, sizeof flag, "--%s", options->flag);
		request[count++] = flag;
	}
	first_option = count;
	count = add_options(&options->explain, request, count);
	socket_path = options->socket ? alloc_text(options->socket)
				      : ctl_config_socket(options->config, &why);
	if (!socket_path) {
		ctl_output_fail(output, why);
		free(why);
		return EXIT_REFUSED;
	}
	code = ask_server(socket_path, command, output, &files, count, request);
	free(socket_path);
	while (count > first_option)
		free(request[--count]);
	return code;
}

static bool
is_profile(const struct ctl_command *command)
{
	return strcmp(command->name, "profile") == 0 ||
	       strcmp(command->name, "trace") == 0 ||
	       strcmp(command->name, "schedtrace") == 0;
}

/* Files instead of a reply. */
static int
run_profile(const struct options *options, int arg_count, char **args)
{
	char *why = NULL;
	char *socket_path = options->socket ? alloc_text(options->socket)
					    : ctl_config_socket(options->config, &why);
	int code;

	if (!socket_path) {
		fprintf(stderr, "martletctl: %s\n", why);
		free(why);
		return EXIT_REFUSED;
	}
	code = ctl_profile_run(socket_path, &options->profile, arg_count, args);
	free(socket_path);
	return code;
}

/* A page instead of a table. */
static int
run_top(const struct options *options)
{
	char *why = NULL;
	char *socket_path = options->socket ? alloc_text(options->socket)
					    : ctl_config_socket(options->config, &why);
	int code, status;

	if (!socket_path) {
		fprintf(stderr, "martletctl: %s\n", why);
		free(why);
		return EXIT_REFUSED;
	}
	code = ctl_top_run(socket_path, options->flag, &status);
	free(socket_path);
	if (fflush(stdout) != 0)
		return EXIT_REFUSED;
	return code ? exit_code(code) : status;
}

static int
run(const struct options *options, const struct ctl_command *command, int arg_count,
    char **args)
{
	const char *config = options->config ? options->config : CTL_CONFIG_FILE;
	char title[2 * CTL_FLAG_MAX];
	struct ctl_output output;
	int code;

	snprintf(title, sizeof title, "%s%s%s", command->name, options->flag ? " --" : "",
		 options->flag ? options->flag : "");
	ctl_output_open(&output, title, arg_count > 1, options->is_json);
	if (strcmp(command->name, "import") == 0)
		code = ctl_import_run(options->config, options->import, args + 1,
				      (size_t)arg_count - 1, &output);
	else if (command->is_local)
		code = ctl_build_run(config, args[1], &output);
	else
		code = run_remote(options, command, &output, arg_count, args);
	if (!ctl_output_close(&output) && code == 0)
		code = EXIT_REFUSED;
	return code;
}

static const struct ctl_command *
check_command(const struct options *options, int arg_count, char **args)
{
	const struct ctl_command *command = ctl_command_find(args[0]);

	if (!command) {
		ctl_command_unknown(args[0]);
		return NULL;
	}
	if (options->flag &&
	    !(command->flag && strcmp(options->flag, command->flag) == 0)) {
		fprintf(stderr, "martletctl: %s knows no --%s\n", command->name,
			options->flag);
		return NULL;
	}
	for (size_t i = 0; i < CTL_IMPORT_OPTION_COUNT; i++)
		if (options->import[i] && strcmp(command->name, "import") != 0) {
			fprintf(stderr, "martletctl: %s knows no --%s\n", command->name,
				ctl_import_option_name((enum ctl_import_option)i));
			return NULL;
		}
	if ((options->profile.out &&
	     (!is_profile(command) || strcmp(args[0], "schedtrace") == 0)) ||
	    (options->profile.since && strcmp(args[0], "profile") != 0)) {
		fprintf(stderr, "martletctl: %s knows no %s\n", command->name,
			options->profile.out ? "-o" : "--since");
		return NULL;
	}
	if (options->is_json && (options->profile.out || options->profile.since)) {
		fprintf(stderr, "martletctl: with --json nothing is written: no -o, no "
				"--since\n");
		return NULL;
	}
	if (!ctl_explain_check(&options->explain, command->name))
		return NULL;
	return ctl_command_check(command, arg_count - 1, args + 1) ? command : NULL;
}

static const struct option long_options[] = {
	{ "client", required_argument, NULL, 'e' },
	{ "ecs", required_argument, NULL, 'e' },
	{ "tcp", no_argument, NULL, 'e' },
	{ "do", no_argument, NULL, 'e' },
	{ "down", required_argument, NULL, 'e' },
	{ "weight", required_argument, NULL, 'e' },
	{ "country-db", required_argument, NULL, 'e' },
	{ "asn-db", required_argument, NULL, 'e' },
	{ "redis", required_argument, NULL, IMPORT_OPTION + CTL_IMPORT_REDIS },
	{ "db", required_argument, NULL, IMPORT_OPTION + CTL_IMPORT_DB },
	{ "user", required_argument, NULL, IMPORT_OPTION + CTL_IMPORT_USER },
	{ "password-file", required_argument, NULL,
	  IMPORT_OPTION + CTL_IMPORT_PASSWORD_FILE },
	{ "prefix", required_argument, NULL, IMPORT_OPTION + CTL_IMPORT_PREFIX },
	{ "suffix", required_argument, NULL, IMPORT_OPTION + CTL_IMPORT_SUFFIX },
	{ "schema", required_argument, NULL, IMPORT_OPTION + CTL_IMPORT_SCHEMA },
	{ "since", required_argument, NULL, 'p' },
	{ "json", no_argument, NULL, 'j' },
	{ "per-worker", no_argument, NULL, 'f' },
	{ "no-clients", no_argument, NULL, 'f' },
	{ "digest", no_argument, NULL, 'f' },
	{ "rrsig", no_argument, NULL, 'f' },
	{ "split", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* returns NEXT_IS_COMMAND with the command at optind, or the exit code. */
static int
parse_options(int argc, char **argv, struct options *options)
{
	int option, long_index = 0;

	while ((option = getopt_long(argc, argv, "c:s:o:Vh", long_options,
				     &long_index)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'o':
			options->profile.out = optarg;
			break;
		case 'p':
			options->profile.since = optarg;
			break;
		case 'j':
			options->is_json = true;
			break;
		case 'f':
			options->flag = long_options[long_index].name;
			break;
		case 'e':
			if (!ctl_explain_keep(&options->explain,
					      long_options[long_index].name, optarg))
				return EXIT_USAGE;
			break;
		case 'V':
			puts("martletctl " MARTLET_VERSION);
			return 0;
		case 'h':
			print_help();
			return 0;
		default:
			if (option < IMPORT_OPTION)
				return usage();
			options->import[option - IMPORT_OPTION] = optarg;
		}
	}
	if (optind == argc || (options->config && options->socket))
		return usage();
	return NEXT_IS_COMMAND;
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	const struct ctl_command *command;
	int code = parse_options(argc, argv, &options);

	if (code != NEXT_IS_COMMAND)
		return code;
	command = check_command(&options, argc - optind, argv + optind);
	if (!command)
		return EXIT_USAGE;
	if (is_profile(command) && !options.is_json)
		return run_profile(&options, argc - optind, argv + optind);
	if (strcmp(command->name, "top") == 0 && !options.is_json)
		return run_top(&options);
	return run(&options, command, argc - optind, argv + optind);
}
