/* The command line of martlet-flood. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/rrtype.h"
#include "t/bench/load/flood_options.h"

enum { EXIT_USAGE = 2 };

enum long_option {
	OPTION_TYPE = 256,
	OPTION_COUNT,
	OPTION_GIVE_UP,
	OPTION_EDNS,
	OPTION_ECS,
	OPTION_COOKIE,
	OPTION_TCP,
	OPTION_TCP_CONNECTIONS,
	OPTION_TCP_QUERIES,
	OPTION_SOURCES,
	OPTION_SEED,
	OPTION_SPIN,
	OPTION_JSON,
	OPTION_SVG,
	OPTION_QUIET,
	OPTION_OWN,
};

static const struct option long_options[] = {
	{ "server", required_argument, NULL, 's' },
	{ "port", required_argument, NULL, 'p' },
	{ "queries", required_argument, NULL, 'd' },
	{ "random", required_argument, NULL, 'r' },
	{ "type", required_argument, NULL, OPTION_TYPE },
	{ "seconds", required_argument, NULL, 'l' },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "rate", required_argument, NULL, 'Q' },
	{ "sockets", required_argument, NULL, 'c' },
	{ "window", required_argument, NULL, 'q' },
	{ "threads", required_argument, NULL, 'T' },
	{ "timeout", required_argument, NULL, 't' },
	{ "interval", required_argument, NULL, 'S' },
	{ "give-up", required_argument, NULL, OPTION_GIVE_UP },
	{ "edns", required_argument, NULL, OPTION_EDNS },
	{ "do", no_argument, NULL, 'D' },
	{ "ecs", required_argument, NULL, OPTION_ECS },
	{ "cookie", required_argument, NULL, OPTION_COOKIE },
	{ "tcp", required_argument, NULL, OPTION_TCP },
	{ "tcp-connections", required_argument, NULL, OPTION_TCP_CONNECTIONS },
	{ "tcp-queries", required_argument, NULL, OPTION_TCP_QUERIES },
	{ "sources", required_argument, NULL, OPTION_SOURCES },
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "spin", no_argument, NULL, OPTION_SPIN },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "svg", required_argument, NULL, OPTION_SVG },
	{ "quiet", no_argument, NULL, OPTION_QUIET },
	{ "i-own-this", no_argument, NULL, OPTION_OWN },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: martlet-flood [OPTION...] -d FILE | -r NAME\n"
	"Ask a DNS server as fast as it answers, or at a constant rate, and say how it "
	"did.\n"
	"\n"
	"whom\n"
	"  -s, --server ADDRESS     127.0.0.1; others than loopback want --i-own-this\n"
	"  -p, --port PORT          53\n"
	"what\n"
	"  -d, --queries FILE       lines of a name and a type, asked in turn; \"-\" is "
	"stdin\n"
	"  -r, --random NAME        random names below this one; may be given many "
	"times\n"
	"      --type TYPE          of the random names: A\n"
	"      --edns SIZE          1232; 0 is none\n"
	"  -D, --do                 ask for signatures\n"
	"      --ecs NETWORK        client subnet; \"random\" draws a /24 for each "
	"query\n"
	"      --cookie KIND        client: a client cookie; full: with what the server "
	"gave\n"
	"how\n"
	"  -Q, --rate N             queries a second, answered or not; else a closed "
	"loop of\n"
	"  -q, --window N           unanswered queries on each socket: 48\n"
	"  -l, --seconds N          10\n"
	"      --count N            queries in all\n"
	"  -c, --sockets N          16, or as many as the rate needs\n"
	"      --sources NETWORK    ask from its addresses in turn, as 127.1.0.0/16\n"
	"      --tcp PERCENT        of the queries, over TCP: 0\n"
	"      --tcp-connections N  16\n"
	"      --tcp-queries N      on each connection, then a new one; 0 is no limit\n"
	"  -T, --threads N          1\n"
	"      --spin               never sleep: a CPU a thread\n"
	"      --seed N             the same random names again\n"
	"  -t, --timeout SECONDS    after which a query is lost: 1\n"
	"      --give-up SECONDS    end when nothing is answered for so long: 5; 0 is "
	"never\n"
	"output\n"
	"  -S, --interval SECONDS   of progress and of the time line: 1\n"
	"      --json               one JSON object\n"
	"      --svg FILE           a plot, too\n"
	"      --quiet              no progress\n"
	"  -V, -h                   version, this help\n";

int
flood_options_wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("martlet-flood: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	return EXIT_USAGE;
}

/* ---- values ---- */

static int
read_number(const char *name, double least, double most, double *out)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(optarg, &end);
	if (end == optarg || *end != '\0' || errno != 0 ||
	    !(value >= least && value <= most))
		return flood_options_wrong("--%s %s: give a number from %.15g to %.15g",
					   name, optarg, least, most);
	*out = value;
	return -1;
}

static int
read_whole(const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(optarg, &end, 10);
	if (optarg[0] < '0' || optarg[0] > '9' || *end != '\0' || errno != 0 ||
	    value < least || value > most)
		return flood_options_wrong(
			"--%s %s: give a whole number from %llu to %llu", name, optarg,
			(unsigned long long)least, (unsigned long long)most);
	*out = value;
	return -1;
}

static int
read_unsigned(const char *name, unsigned least, unsigned most, unsigned *out)
{
	uint64_t value;
	int rc = read_whole(name, least, most, &value);

	if (rc < 0)
		*out = (unsigned)value;
	return rc;
}

static int
read_u16(const char *name, unsigned least, uint16_t *out)
{
	unsigned value;
	int rc = read_unsigned(name, least, 65535, &value);

	if (rc < 0)
		*out = (uint16_t)value;
	return rc;
}

static int
read_ecs(struct flood_options *options)
{
	options->ecs = strcmp(optarg, "random") == 0 ? ECS_RANDOM : ECS_FIXED;
	if (options->ecs == ECS_FIXED && !network_parse(optarg, &options->ecs_network))
		return flood_options_wrong(
			"--ecs %s: give a network, as 192.0.2.0/24, or random", optarg);
	return -1;
}

static int
read_cookies(struct flood_options *options)
{
	if (strcmp(optarg, "client") == 0)
		options->cookies = COOKIES_CLIENT;
	else if (strcmp(optarg, "full") == 0)
		options->cookies = COOKIES_FULL;
	else
		return flood_options_wrong("--cookie %s: client or full", optarg);
	return -1;
}

static int
read_sources(struct flood_options *options)
{
	unsigned host_bits;

	if (!network_parse(optarg, &options->sources))
		return flood_options_wrong(
			"--sources %s: give a network, as 127.1.0.0/16", optarg);
	host_bits = 128u - options->sources.len;
	options->source_count = UINT64_C(1) << (host_bits < 32 ? host_bits : 31);
	/* the first and the last one of a network are no host's */
	if (options->source_count > 2) {
		options->sources.octets[15] |= 1;
		options->source_count -= 2;
	}
	return -1;
}

static int
read_name(struct flood_options *options)
{
	if (options->random_count == FLOOD_NAMES_MAX)
		return flood_options_wrong(
			"--random: at most %d names; put more into a file as \"zz-.NAME "
			"TYPE\"",
			FLOOD_NAMES_MAX);
	options->random_names[options->random_count++] = optarg;
	return -1;
}

static int
read_type(struct flood_options *options)
{
	if (!rrtype_from_text(optarg, &options->random_type))
		return flood_options_wrong("--type %s: no type of records has this name",
					   optarg);
	return -1;
}

static int
read_tcp_share(struct flood_options *options)
{
	int rc = read_number("tcp", 0, 100, &options->tcp_share);

	options->tcp_share /= 100;
	return rc;
}

/* ---- one option ---- */

static int
read_load_option(struct flood_options *options, int option)
{
	switch (option) {
	case 'l':
		return read_number("seconds", 0.01, FLOOD_SECONDS_MAX, &options->seconds);
	case OPTION_COUNT:
		return read_whole("count", 1, UINT64_MAX - 1, &options->count);
	case 'Q':
		return read_number("rate", 0.01, 1e8, &options->rate);
	case 'c':
		return read_unsigned("sockets", 1, FLOOD_SOCKETS_MAX, &options->sockets);
	case 'q':
		return read_unsigned("window", 1, FLOOD_WINDOW_MAX, &options->window);
	case 'T':
		return read_unsigned("threads", 1, FLOOD_THREADS_MAX, &options->threads);
	case 't':
		return read_number("timeout", 0.001, 60, &options->timeout_s);
	case OPTION_TCP:
		return read_tcp_share(options);
	case OPTION_TCP_CONNECTIONS:
		return read_unsigned("tcp-connections", 1, FLOOD_CONNECTIONS_MAX,
				     &options->tcp_connections);
	case OPTION_TCP_QUERIES:
		return read_whole("tcp-queries", 0, UINT64_MAX - 1,
				  &options->tcp_queries);
	case OPTION_SOURCES:
		return read_sources(options);
	case OPTION_SEED:
		return read_whole("seed", 0, UINT64_MAX - 1, &options->seed);
	default:
		fputs("martlet-flood -h lists the options\n", stderr);
		return EXIT_USAGE;
	}
}

static int
read_output_option(struct flood_options *options, int option)
{
	switch (option) {
	case 'S':
		return read_number("interval", 0.01, 3600, &options->interval_s);
	case OPTION_GIVE_UP:
		return read_number("give-up", 0, FLOOD_SECONDS_MAX, &options->give_up_s);
	case OPTION_SPIN:
		options->is_spinning = true;
		return -1;
	case OPTION_JSON:
		options->is_json = true;
		return -1;
	case OPTION_SVG:
		options->svg_path = optarg;
		return -1;
	case OPTION_QUIET:
		options->is_quiet = true;
		return -1;
	case OPTION_OWN:
		options->is_owner = true;
		return -1;
	case 'V':
		puts("martlet-flood " MARTLET_VERSION);
		return 0;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		return read_load_option(options, option);
	}
}

static int
read_option(struct flood_options *options, int option)
{
	switch (option) {
	case 's':
		options->server = optarg;
		return -1;
	case 'p':
		return read_u16("port", 1, &options->port);
	case 'd':
		options->queries_path = optarg;
		return -1;
	case 'r':
		return read_name(options);
	case OPTION_TYPE:
		return read_type(options);
	case OPTION_EDNS:
		return read_u16("edns", 0, &options->edns_size);
	case 'D':
		options->has_do = true;
		return -1;
	case OPTION_ECS:
		return read_ecs(options);
	case OPTION_COOKIE:
		return read_cookies(options);
	default:
		return read_output_option(options, option);
	}
}

int
flood_options_read(struct flood_options *options, int argc, char **argv)
{
	int option, rc;

	*options = (struct flood_options){ .server = "127.0.0.1",
					   .port = 53,
					   .random_type = RRTYPE_A,
					   .seconds = 10,
					   .count = UINT64_MAX,
					   .window = 48,
					   .threads = 1,
					   .timeout_s = 1,
					   .interval_s = 1,
					   .give_up_s = 5,
					   .edns_size = 1232,
					   .tcp_connections = 16,
					   .seed = clock_now_ns() };
	optind = 1;
	while ((option = getopt_long(argc, argv, "s:p:d:r:l:Q:c:q:T:t:S:DVh",
				     long_options, NULL)) != -1) {
		rc = read_option(options, option);
		if (rc >= 0)
			return rc;
	}
	if (optind < argc)
		return flood_options_wrong(
			"%s: what is it? an option comes before each value "
			"(martlet-flood -h)",
			argv[optind]);
	return flood_options_check(options);
}
