/* Configuration text and what is said about it; defaults; every value; comparison. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/settings/settings_diff.h"
#include "master/settings/settings_fields.h"
#include "master/settings/settings_load.h"
#include "master/settings/settings_redis.h"
#include "master/settings/settings_schema.h"
#include "t/tap.h"

const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets a string that has no end. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig_yy\nleak:strbuf_append\n";
}

static char dir[] = "/tmp/martlet-settings-XXXXXX";
static char said[8192]; /* findings, a line each, the directory taken off */

static void
collect(void *arg, bool is_error, const char *text)
{
	size_t len = strlen(said);

	(void)arg;
	if (strncmp(text, dir, strlen(dir)) == 0)
		text += strlen(dir) + 1;
	snprintf(said + len, sizeof said - len, "%s%s: %s", len ? "\n" : "",
		 is_error ? "error" : "warning", text);
}

static const char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		bail_out("%s: %s", name, strerror(errno));
}

static struct settings *
load_file(const char *name)
{
	const struct settings_sink sink = { collect, NULL };
	struct settings *settings = NULL;

	said[0] = '\0';
	if (settings_load(path_of(name), &settings, &sink) != 0 && settings)
		bail_out("settings in spite of errors");
	return settings;
}

static struct settings *
load_text(const char *text)
{
	write_file("c.conf", text);
	return load_file("c.conf");
}

#define A_URL                                                                           \
	"write host:port, [IPv6]:port or the path of a socket, no URL; user, password " \
	"and db are options of their own"
#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* clang-format off */
static const struct {
	const char *text, *want; /* NULL: any error in c.conf */
} cases[] = {
	/* names */
	{ "wrokers = { count = 1; };", "error: c.conf:1: wrokers: unknown option; nearest is \"workers\"" },
	{ "\n\ndns = {\n udpsize = 512;\n};", "error: c.conf:4: dns.udpsize: unknown option; nearest is \"dns.udp_size\"" },
	{ "udp_size = 512;", "error: c.conf:1: udp_size: unknown option; nearest is \"dns.udp_size\"" },
	{ "listen = ( { adress = \"::1\"; } );", "error: c.conf:1: listen.adress: unknown option; nearest is \"listen.address\"" },
	{ "limit = { isolation = 1; };", "error: c.conf:1: limit.isolation: true or false is needed, this is a whole number" },
	{ "dnssec = { fleet_lag = -1; };", "error: c.conf:1: dnssec.fleet_lag: -1 is out of range, 0 to 31536000" },
	{ "dnssec = { redis = { username = \"u\"; }; };",
	  "error: c.conf:1: dnssec.redis.username: a user needs dnssec.redis.password or dnssec.redis.password_file" },
	{ "dnssec = { redis = { password_file = \"p\"; }; };",
	  "error: c.conf:1: dnssec.redis: a user or password needs dnssec.redis.address; without, the list of keys goes to the Redis that is followed" },
	{ "dnssec = { zsk_days = 40000; };", "error: c.conf:1: dnssec.zsk_days: 40000 is out of range, 0 to 36500" },

	/* http */
	{ "http = { address = \"localhost\"; };", "error: c.conf:1: http.address: \"localhost\" is no IPv4 or IPv6 address" },
	{ "http = { port = 0; };", "error: c.conf:1: http.port: 0 is out of range, 1 to 65535" },
	{ "http = { hosts = [ \"a.test:80\" ]; };",
	  "error: c.conf:1: http.hosts: \"a.test:80\" is no host name: write it without a port, as \"dns1.example.net\"" },
	{ "http = { hosts = \"a.test\"; };", "error: c.conf:1: http.hosts: an array [ ] of host names is needed, this is text in quotes" },

	/* query log */
	{ "query_log = { enable = true; };",
	  "error: c.conf:1: query_log.target: where to is missing: the path of a file, syslog, redis or dnstap" },
	{ "query_log = { target = \"redis://127.0.0.1:6379/log\"; };",
	  "error: c.conf:1: query_log.target: \"redis://127.0.0.1:6379/log\" is a URL: write \"redis\" alone; what belongs to it has options of its own" },
	{ "query_log = { target = \"dnstap:/run/t.sock\"; };",
	  "error: c.conf:1: query_log.target: \"dnstap:/run/t.sock\" is a URL: write \"dnstap\" alone; what belongs to it has options of its own" },
	{ "query_log = {\n target = \"kafka://x\";\n};",
	  "error: c.conf:2: query_log.target: \"kafka://x\" is a URL: one of syslog|redis|dnstap or the path of a file is needed" },
	{ "query_log = { enable = true; target = \"stdout\"; };",
	  "error: c.conf:1: query_log.target: \"stdout\" is none of syslog|redis|dnstap and no path with a '/'; nearest is \"syslog\"" },
	{ "query_log = { target = \"udp://127.0.0.1:514\"; };", NULL },
	{ "query_log = { target = \"kafka:9092/x\"; };", NULL },
	{ "query_log = { target = \"capnp\"; };", NULL },
	{ "query_log = { target = \"./kafka:x\"; };", "" },
	{ "log = { target = \"file:///var/log/martlet.log\"; };", NULL },
	{ "query_log = { enable = true; target = \"redis\"; };",
	  "error: c.conf:1: query_log.redis.address: the target redis needs it, as \"127.0.0.1:6379\"" },
	{ "query_log = { enable = true; target = \"dnstap\"; };",
	  "error: c.conf:1: query_log.dnstap.socket: the target dnstap needs it, the Unix socket of its reader" },
	{ "query_log = { target = \"kafka\"; };", NULL },
	{ "query_log = { client = \"some\"; };", NULL },
	{ "query_log = { sample = 0; };", "error: c.conf:1: query_log.sample: 0 is out of range, 1 to 1000000000" },
	{ "query_log = { v4_prefix = 33; };", "error: c.conf:1: query_log.v4_prefix: 33 is out of range, 0 to 32" },

	/* resolver */
	{ "resolver = { servers = ( \"dns.test\" ); };",
	  "error: c.conf:1: resolver.servers: \"dns.test\" is no IPv4 or IPv6 address" },
	{ "resolver = { servers = ( \"192.0.2.1:0\" ); };",
	  "error: c.conf:1: resolver.servers: \"192.0.2.1:0\" is no IPv4 or IPv6 address" },
	{ "resolver = { servers = ( { port = 5 } ); };",
	  "error: c.conf:1: resolver.servers: a group { address = \"192.0.2.1\"; } is needed" },
	{ "resolver = { servers = ( { addres = \"::1\" } ); };",
	  "error: c.conf:1: resolver.servers.addres: unknown option; nearest is \"resolver.servers.address\"" },
	{ "resolver = { servers = ( 5 ); };",
	  "error: c.conf:1: resolver.servers.address: text in quotes is needed, this is a whole number" },
	{ "resolver = { servers = \"::1\"; };",
	  "error: c.conf:1: resolver.servers: a list ( ) of groups { } is needed, this is text in quotes" },
	{ "resolver = { max_qps = 0; };", "error: c.conf:1: resolver.max_qps: 0 is out of range, 1 to 100000" },

	/* health */
	{ "health = { enable = true; role = \"follow\"; };",
	  "error: c.conf:1: health.role: who follows needs health.redis.address, where the statuses are" },
	{ "health = { deny = [ \"10.0.0.0/33\" ]; };",
	  "error: c.conf:1: health.deny: \"10.0.0.0/33\" is no address and no network, as \"192.0.2.0/24\"" },
	{ "health = { deny = \"::1\"; };", "error: c.conf:1: health.deny: an array [ ] of networks is needed, this is text in quotes" },
	{ "health = { deny = ( 1 ); };", "error: c.conf:1: health.deny: text in quotes is needed, this is a whole number" },
	{ "health = { redis = { username = \"u\"; }; };",
	  "error: c.conf:1: health.redis.username: a user needs health.redis.password or health.redis.password_file" },
	{ "health = { mass_guard = 2; };", "error: c.conf:1: health.mass_guard: 2 is out of range, 0 to 1" },

	/* types */
	{ "user = 5;", "error: c.conf:1: user: text in quotes is needed, this is a whole number" },
	{ "workers = { count = \"2\"; };", "error: c.conf:1: workers.count: a whole number is needed, this is text in quotes" },
	{ "workers = { count = 2.0; };", "error: c.conf:1: workers.count: a whole number is needed, this is a fraction" },
	{ "workers = 3;", "error: c.conf:1: workers: a group { } is needed, this is a whole number" },
	{ "workers = { cpus = 0; };", "error: c.conf:1: workers.cpus: an array [ ] is needed, this is a whole number" },
	{ "workers = { cpus = [ \"0\" ]; };", "error: c.conf:1: workers.cpus: a whole number is needed, this is text in quotes" },
	{ "listen = { address = \"::1\"; };", "error: c.conf:1: listen: a list ( ) of groups { } is needed, this is a group { }" },
	{ "listen = ( \"::1\" );", "error: c.conf:1: listen: a group { } is needed, this is text in quotes" },
	{ "listen = ( { freebind = 1; } );", "error: c.conf:1: listen.freebind: true or false is needed, this is a whole number" },

	/* values */
	{ "dns = { udp_size = 511; };", "error: c.conf:1: dns.udp_size: 511 is out of range, 512 to 4096" },
	{ "dns = { udp_size = 4097; };", "error: c.conf:1: dns.udp_size: 4097 is out of range, 512 to 4096" },
	{ "tcp = { clients = -1; };", "error: c.conf:1: tcp.clients: -1 is out of range, 1 to 1000000" },
	{ "dns = { any = \"mimimal\"; };", "error: c.conf:1: dns.any: \"mimimal\" is none of minimal|tcp; nearest is \"minimal\"" },
	{ "log = { level = \"warn\"; };", "error: c.conf:1: log.level: \"warn\" is none of error|warning|info|debug; nearest is \"warning\"" },
	{ "log = { target = \"sylog\"; };", "error: c.conf:1: log.target: \"sylog\" is none of stderr|syslog and no path with a '/'; nearest is \"syslog\"" },
	{ "state_dir = \"\";", "error: c.conf:1: state_dir: may not be empty" },
	{ "dns = { version = \"a\\nb\"; };", "error: c.conf:1: dns.version: control characters are not allowed; if none is meant, a quote is missing" },
	{ "control_socket = \"/" X60 X60 "\";", "error: c.conf:1: control_socket: /" X60 X60 " has 121 octets, at most 107 fit" },
	{ "workers = { cpus = [ 1023 ]; };", NULL },
	{ "workers = { count = 257; };", "error: c.conf:1: workers.count: 257 is out of range, 0 to 256" },

	/* integers that libconfig wraps */
	{ "tcp = { clients = 5000000000; };", "error: c.conf:1: 5000000000 is out of range: integers are -2147483648 to 2147483647" },
	{ "tcp = {\nclients = 4294967297; # is 1\nidle_ms = 1; };",
	  "error: c.conf:2: 4294967297 is out of range: integers are -2147483648 to 2147483647\n"
	  "error: c.conf:3: tcp.idle_ms: 1 is out of range, 100 to 3600000" },
	{ "tcp = { clients = 0x100000001; };", "error: c.conf:1: 0x100000001 is out of range: integers are -2147483648 to 2147483647" },
	{ "tcp = { clients = 5000000000L; };", "error: c.conf:1: 5000000000L is out of range: integers are -2147483648 to 2147483647" },
	{ "workers = { cpus = [ -99999999999999999999 ]; };", "error: c.conf:1: -99999999999999999999 is out of range: integers are -2147483648 to 2147483647" },
	{ "tcp = { clients = 2147483648; };", "error: c.conf:1: 2147483648 is out of range: integers are -2147483648 to 2147483647" },
	{ "tcp = { clients = 2147483647; };", "error: c.conf:1: tcp.clients: 2147483647 is out of range, 1 to 1000000" },
	{ "# 5000000000\n// 5000000000\n/* 5000000000\n */ user = \"5000000000 \\\" 5000000000\"\n \" 5000000000\";", "" },

	/* syntax */
	{ "user = ;", "error: c.conf:1: user: the value is missing" },
	{ "user = \"a\";\nuser = \"b\";", "error: c.conf:2: an option of this name stands above already: remove one of them" },
	{ "user = \"a\";\n/* group = \"b\";\n", "error: c.conf:2: the comment that begins here is never closed" },
	{ "user = \"a;\n", "error: c.conf:1: the text that begins here has no closing quote" },
	{ "user 5;", "error: c.conf:1: user: a '=' is missing behind the name" },
	{ "\ndns {\n any = \"tcp\";\n};", "error: c.conf:2: dns: a '=' is missing behind the name" },
	{ "\nuser = you;", "error: c.conf:2: user: what follows is no number, true or false, and text stands in quotes" },
	{ "redis = {\n address = 127.0.0.1:6379;\n};", "error: c.conf:2: address: what follows is no number, true or false, and text stands in quotes" },
	{ "state_dir = /a;", "error: c.conf:1: state_dir: text stands in quotes" },
	{ "redis = { enable = yes; };", "error: c.conf:1: enable: what follows is no number, true or false, and text stands in quotes" },
	{ "dns = {\n any = \"tcp\";\n\nzones = {\n dir = \"z\";\n};\n", "error: c.conf:1: the '{' of this line is never closed: a '}' is missing" },
	{ "listen = (\n { port = 53; }\n;\n", "error: c.conf:3: in ( ) and [ ] a ',' stands between elements" },
	{ "listen = ( { port = 53; }, );", "error: c.conf:1: the ',' in front of the ')' is one too many" },
	{ "listen = (\n { port = 53;\n);", "error: c.conf:3: ')' stands where the '{' of line 2 must be closed first" },
	{ "dns = { };\n};", "error: c.conf:2: nothing is open that this '}' could close" },
	{ "[server]\n", "error: c.conf:1: a value without a name: options are NAME = VALUE;" },
	{ "user = \"a;\ngroup = \"b\";\n", "error: c.conf:1: the text that begins here has no closing quote" },
	{ "user = \"a;\ngroup = \"\";\n", "error: c.conf:1: the text that begins here has no closing quote" },

	/* lists */
	{ "listen = ( );", "error: c.conf:1: listen: 0 elements, 1 to 256 are needed" },
	{ "listen = ( { address = \"localhost\"; } );", "error: c.conf:1: listen: \"localhost\" is no IPv4 or IPv6 address" },
	{ "listen = ( { address = \"::ffff:192.0.2.1\"; } );", "error: c.conf:1: listen: write an IPv4 address in its own form, not as ::ffff:..." },
	{ "listen = ( { port = 0; } );", "error: c.conf:1: listen.port: 0 is out of range, 1 to 65535" },
	{ "listen = ( { port = 99; },\n { port = 99; } );", "error: c.conf:2: listen: 127.0.0.1 port 99 is listed twice" },
	{ "zones = { files = ( { origin = \"a.\"; } ); };", "error: c.conf:1: zones.files: a group { origin = \"example.com.\"; file = \"PATH\"; } is needed" },
	{ "zones = { files = ( { origin = \"a..b\"; file = \"x\"; } ); };", "error: c.conf:1: zones.files: \"a..b\" is no domain name" },
	{ "zones = { files = ( { origin = \"A.b\"; file = \"x\"; },\n{ origin = \"a.B.\"; file = \"y\"; } ); };",
	  "error: c.conf:2: zones.files: \"a.B.\" has a file already, in line 1" },
	{ "zones = { files = ( { origin = \"a\"; file = \"\"; } ); };", "error: c.conf:1: zones.files.file: may not be empty" },

	/* Redis */
	{ "redis = { adress = \"a:1\"; };", "error: c.conf:1: redis.adress: unknown option; nearest is \"redis.address\"" },
	{ "redis = { address = \"localhost\"; };", "error: c.conf:1: redis.address: \"localhost\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { address = \"localhost:\"; };", "error: c.conf:1: redis.address: \"localhost:\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { address = \":6379\"; };", "error: c.conf:1: redis.address: \":6379\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { address = \"a:65536\"; };", "error: c.conf:1: redis.address: \"a:65536\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { address = \"::1:6379\"; };", "error: c.conf:1: redis.address: \"::1:6379\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { address = \"\"; };", "error: c.conf:1: redis.address: may not be empty" },
	{ "redis = { address = \"redis://:secret@localhost:6379/0\"; };", "error: c.conf:1: redis.address: " A_URL },
	{ "redis = { address = \"me:secret@localhost:6379\"; };", "error: c.conf:1: redis.address: " A_URL },
	{ "redis = { address = \"/" X60 X60 "\"; };", "error: c.conf:1: redis.address: /" X60 X60 " has 121 octets, at most 107 fit a socket path" },
	{ "redis = { report = { address = \"[::1]\"; }; };", "error: c.conf:1: redis.report.address: \"[::1]\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { sentinel = { master = \"m\"; nodes = ( \"a:1\",\n\"b\" ); }; };",
	  "error: c.conf:2: redis.sentinel.nodes: \"b\" is none of host:port, [IPv6]:port and the path of a socket" },
	{ "redis = { sentinel = { nodes = ( 1 ); }; };", "error: c.conf:1: redis.sentinel.nodes: text in quotes is needed, this is a whole number" },
	{ "redis = { sentinel = { nodes = \"a:1\"; }; };", "error: c.conf:1: redis.sentinel.nodes: a list ( ) of addresses is needed, this is text in quotes" },
	{ "redis = { sentinel = { master = \"m\"; }; };", "error: c.conf:1: redis.sentinel.master: redis.sentinel.nodes lists no Sentinel to ask" },
	{ "redis = { sentinel = { nodes = ( \"a:1\" ); }; };", "error: c.conf:1: redis.sentinel.nodes: redis.sentinel.master is needed too, the name to ask for" },
	{ "redis = { shrink_guard = 1.5; };", "error: c.conf:1: redis.shrink_guard: 1.5 is out of range, 0 to 1" },
	{ "redis = { shrink_guard = \"0.2\"; };", "error: c.conf:1: redis.shrink_guard: a fraction is needed, this is text in quotes" },
	{ "redis = { schema = \"z41\"; };", "error: c.conf:1: redis.schema: \"z41\" is none of redins|z42; nearest is \"z42\"" },
	{ "redis = { username = \"u\"; };", "error: c.conf:1: redis.username: a user needs redis.password or redis.password_file" },
	{ "redis = { password = \"secret\"; password_file = \"/x\"; };", NULL },
	{ "redis = { sentinel = { username = \"u\"; }; };", "error: c.conf:1: redis.sentinel.username: a user needs redis.sentinel.password or redis.sentinel.password_file" },
	{ "redis = { password = \"" X60 X60 X60 X60 X60 X60 X60 X60 X60 "\"; };", "error: c.conf:1: redis.password: has 540 octets, at most 512 fit" },

	/* all of them */
	{ "user = 1;\ngrup = \"x\";\ntcp = { idle_ms = 1; queries = -1; };\n",
	  "error: c.conf:1: user: text in quotes is needed, this is a whole number\n"
	  "error: c.conf:2: grup: unknown option; nearest is \"group\"\n"
	  "error: c.conf:3: tcp.idle_ms: 1 is out of range, 100 to 3600000\n"
	  "error: c.conf:3: tcp.queries: -1 is out of range, 0 to 1000000000" },

	/* files */
	{ "@include \"more.conf\"\nuser = 1;", "error: c.conf:2: user: text in quotes is needed, this is a whole number\n"
	  "error: more.conf:2: tcp.clients: 0 is out of range, 1 to 1000000\n"
	  "error: more.conf:3: 9999999999 is out of range: integers are -2147483648 to 2147483647" },
	{ "\n @include \"c.conf\"\n", NULL },
	{ "\n@include \"nothing.conf\"\n", NULL },
	{ "\n@include \"fifo\"\n", NULL },
};
/* clang-format on */

static void
test_cases(void)
{
	write_file("more.conf", "tcp = {\nclients = 0;\nidle_ms = 9999999999; };\n");
	if (mkfifo(path_of("fifo"), 0600) != 0)
		bail_out("mkfifo: %s", strerror(errno));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct settings *settings = load_text(cases[i].text);

		if (cases[i].want)
			is(said, cases[i].want, "case %zu: %.*s", i,
			   (int)strcspn(cases[i].want, "\n"), cases[i].want);
		else
			ok(strncmp(said, "error: c.conf:", 14) == 0, "case %zu: %s", i,
			   said);
		ok(!settings == (said[0] != '\0'), "  settings only without errors");
		settings_free(settings);
	}
}

static void
test_no_file(void)
{
	ok(!load_file("nothing.conf"), "a missing file");
	is(said,
	   "error: nothing.conf: cannot be read: No such file or directory; name another "
	   "file with -c FILE",
	   "is named, with the cure");
	ok(!load_file("."), "a directory: %s", said);
}

static void
test_defaults(void)
{
	struct settings *settings = load_text("");
	const struct sockaddr_in *in;
	cpu_set_t allowed;
	char path[300];

	is(said, "", "an empty file is fine");
	if (!settings)
		bail_out("no settings");
	is(settings->user, "martlet", "user");
	is(settings->state_dir, "/var/lib/martlet", "state_dir");
	is(settings->control_socket, "/run/martlet/control.sock", "control_socket");
	is(settings->pid_file, "/run/martlet/martletd.pid", "pid_file");
	is(settings->log.target, "", "log.target");
	is_int(settings->log.level, LOG_LEVEL_INFO, "log.level");
	is_int(settings->workers.steer, STEER_HASH, "workers.steer");
	sched_getaffinity(0, sizeof allowed, &allowed);
	is_int(settings->workers.count, CPU_COUNT(&allowed), "a worker a CPU");
	is_int(settings->workers.cpu_count, 0, "no chosen CPUs");
	is_int(settings->dns.udp_size, 1232, "dns.udp_size");
	is_int(settings->dns.any, ANY_MINIMAL, "dns.any");
	is_int(settings->dns.rcvbuf_kb, 4096, "dns.rcvbuf_kb");
	is_int(settings->tcp.clients, 1000, "tcp.clients");
	is_int(settings->tcp.per_client, 20, "tcp.per_client");
	is_int(settings->tcp.idle_ms, 10000, "tcp.idle_ms");
	is_int(settings->tcp.queries, 0, "tcp.queries");
	is_int(settings->generations.keep, 3, "generations.keep");
	is_int(settings->generations.keep_hours, 6, "generations.keep_hours");
	is_int(settings->generations.reserve_mb, 1024, "generations.reserve_mb");
	is_int(settings->generations.overlay_max_records, 200000,
	       "generations.overlay_max_records");
	is(settings->zones.dir, "", "zones.dir");
	ok(!settings->redis.enable, "redis.enable");
	is(settings->redis.address, "127.0.0.1:6379", "redis.address");
	is_int(settings->redis.schema, REDIS_SCHEMA_REDINS, "redis.schema");
	is_int(settings->redis.sentinel.nodes.count, 0, "redis.sentinel.nodes");
	is(settings->redis.stream, "martlet:changes", "redis.stream");
	is_int(settings->redis.reconcile_s, 600, "redis.reconcile_s");
	is_int(settings->redis.max_ttl, 3600, "redis.max_ttl");
	ok(settings->redis.shrink_guard > 0.19 && settings->redis.shrink_guard < 0.21,
	   "redis.shrink_guard");
	is_int(settings->redis.shrink_min, 1000, "redis.shrink_min");
	is_int(settings->redis.timeout_ms, 2000, "redis.timeout_ms");
	ok(!settings->redis.unsigned_ok, "redis.unsigned_ok");
	is_int(settings->listen_count, 1, "one address");
	in = (const struct sockaddr_in *)(const void *)&settings->listen[0].address;
	ok(in->sin_family == AF_INET && in->sin_port == htons(53) &&
		   in->sin_addr.s_addr == htonl(INADDR_LOOPBACK),
	   "127.0.0.1 port 53");
	is(settings->listen[0].text, "127.0.0.1 port 53", "as text");
	snprintf(path, sizeof path, "%s/c.conf", dir);
	is(settings->config_path, path, "its own path");
	settings_free(settings);
}

static void
test_values(void)
{
	struct settings *settings = load_text(
		"user = \"\"; group = \"\"; state_dir = \"state\"; control_group = "
		"\"adm\"; pid_file = \"\";\n"
		"log = { target = \"./x.log\"; level = \"debug\"; };\n"
		"workers = { count = 3; cpus = [ 0, 0, 0 ]; steer = \"cpu\"; };\n"
		"listen = ( { address = \"2001:db8::1\"; port = 5300; freebind = true; "
		"}, { } );\n"
		"dns = { udp_size = 1400; identity = \"@hostname\"; version = \"m\"; any "
		"= \"tcp\"; };\n"
		"tcp = { clients = 0x10; per_client = 3; idle_ms = 200; queries = 7L; "
		"};\n"
		"zones : { dir = \"zones\";\nfiles = ( { origin = \"Example.COM\"; file "
		"= \"/z\"; },\n"
		"{ origin = \".\"; file = \"r\"; } ); }\n");
	char host[256], path[300];

	is(said, "", "nothing to complain about");
	if (!settings)
		bail_out("no settings");
	is(settings->user, "", "empty user");
	snprintf(path, sizeof path, "%s/state", dir);
	is(settings->state_dir, path, "relative paths start at the file");
	snprintf(path, sizeof path, "%s/./x.log", dir);
	is(settings->log.target, path, "a log file too");
	is_int(settings->log.level, LOG_LEVEL_DEBUG, "log.level");
	is_int(settings->workers.cpu_count, 3, "three CPUs");
	is_int(settings->workers.steer, STEER_CPU, "steer");
	is_int(settings->listen_count, 2, "two addresses");
	is_int(settings->listen[0].address.ss_family, AF_INET6, "an IPv6 one");
	ok(settings->listen[0].freebind && !settings->listen[1].freebind, "freebind");
	gethostname(host, sizeof host);
	is(settings->dns.identity, host, "@hostname");
	is_int(settings->dns.any, ANY_TCP, "any");
	is_int(settings->tcp.clients, 16, "hexadecimal");
	is_int(settings->tcp.queries, 7, "with L");
	is_int(settings->zones.file_count, 2, "two zone files");
	cmp_mem(settings->zones.files[0].origin, "\7example\3com", 13,
		"lower-cased name");
	is(settings->zones.files[0].path, "/z", "absolute path");
	is_int(settings->zones.files[1].origin_len, 1, "the root");
	is_int(settings->zones.files[1].line, 9, "line");
	settings_free(settings);
}

static void
test_redis_values(void)
{
	struct settings *settings = load_text(
		"redis = { enable = true; address = \"r/redis.sock\"; db = 3; username = "
		"\"u\"; prefix = \"a_\";\nsuffix = \"_b\"; schema = \"z42\"; "
		"password = \"p w\"; sentinel = { master = \"m\";\nnodes = ( "
		"\"[2001:db8::1]:26379\", \"s2:26379\" ); }; shrink_guard = 1; };");
	char path[300];

	snprintf(path, sizeof path, "%s/r/redis.sock", dir);
	if (!settings)
		bail_out("no settings: %s", said);
	is(settings->redis.address, path, "a relative socket path");
	is_int(settings->redis.schema, REDIS_SCHEMA_Z42, "schema");
	is(settings->redis.password, "p w", "password");
	is_int(settings->redis.sentinel.nodes.count, 2, "two Sentinels");
	is(settings->redis.sentinel.nodes.items[0], "[2001:db8::1]:26379", "the first");
	is(settings->redis.sentinel.nodes.items[1], "s2:26379", "the second");
	ok(settings->redis.shrink_guard > 0.99, "a whole number as a fraction");
	settings_free(settings);
}

/* returns whether the password could be read from a file with this text and mode. */
static bool
read_password(const char *text, mode_t mode, const char *want)
{
	const struct settings_sink sink = { collect, NULL };
	struct settings *settings = load_text("redis = { enable = true; password_file = "
					      "\"secret\"; sentinel = { master = "
					      "\"m\"; nodes = ( \"a:1\" ); username = "
					      "\"u\"; password = \"of S\"; }; };");
	bool is_read;

	if (!settings)
		bail_out("no settings: %s", said);
	write_file("secret", text);
	chmod(path_of("secret"), mode);
	said[0] = '\0';
	is_read = settings_redis_read_password(settings, &sink) == 0;
	is(settings->redis.password, want, "the password is \"%s\"", want);
	is(settings->redis.sentinel.password, "of S", "that of the Sentinels its own");
	settings_free(settings);
	return is_read;
}

static void
test_passwords(void)
{
	const struct settings_sink sink = { collect, NULL };
	char path[300], want[700];
	struct settings *settings;

	snprintf(path, sizeof path, "%s/secret", dir);
	ok(read_password("se cret\n", 0600, "se cret"), "a password from a file");
	is(said, "", "without a word");
	ok(read_password("secret", 0644, "secret"), "one that others can read");
	snprintf(want, sizeof want,
		 "warning: c.conf:1: redis.password_file: everybody on this machine can "
		 "read it: chmod o-r %s",
		 path);
	is(said, want, "is a warning");
	ok(!read_password("", 0600, ""), "an empty file");
	snprintf(want, sizeof want,
		 "error: c.conf:1: redis.password_file: %s: it is empty", path);
	is(said, want, "is an error");
	ok(!read_password("a\nb\n", 0600, ""), "two lines: %s", said);
	unlink(path);
	settings = load_text("redis = { enable = true; password = \"own\"; sentinel = { "
			     "master = \"m\"; "
			     "nodes = ( \"a:1\" ); password_file = \"secret\"; }; };");
	write_file("secret", "of S\n");
	chmod(path, 0600);
	said[0] = '\0';
	is_int(settings_redis_read_password(settings, &sink), 0, "a file for Sentinels");
	is(settings->redis.password, "own", "the server's password stays");
	is(settings->redis.sentinel.password, "of S", "the Sentinels' is read");
	is(said, "", "without a word");
	settings_free(settings);
	unlink(path);
	settings_free(load_text("redis = { password = \"secret\"; };"));
	snprintf(want, sizeof want,
		 "warning: c.conf:1: redis.password: everybody on this machine can read "
		 "it: chmod o-r %s",
		 path_of("c.conf"));
	is(said, want, "a password in a configuration that others can read");
}

static void
test_worker_counts(void)
{
	struct settings *settings = load_text("workers = { cpus = [ 0, 0 ]; };");

	is_int(settings ? settings->workers.count : 0, 2,
	       "a worker for each CPU that is named");
	settings_free(settings);
	settings = load_text("\nworkers = { count = 200; };");
	ok(settings &&
		   strncmp(said, "warning: c.conf:2: workers.count: 200 workers share ",
			   52) == 0,
	   "more workers than CPUs: %s", said);
	settings_free(settings);
}

/* Resolvers, in each way of writing one. */
static void
test_resolvers(void)
{
	static const char *const want[] = { "192.0.2.1 port 53",   "192.0.2.2 port 99",
					    "2001:db8::1 port 53", "2001:db8::1 port 99",
					    "192.0.2.3 port 7",    "::1 port 53" };
	struct settings *settings = load_text(
		"resolver = { servers = ( \"192.0.2.1\", \"192.0.2.2:99\", "
		"\"2001:db8::1\", \"[2001:db8::1]:99\", { address = \"192.0.2.3\"; "
		"port = 7; }, { address = \"[::1]\"; } ); timeout_ms = 10; };");
	struct settings *other =
		load_text("resolver = { servers = [ \"192.0.2.1\" ]; };");
	const char *names[SETTINGS_ROWS_MAX];

	if (!settings || !other)
		bail_out("no settings: %s", said);
	is_int(settings->resolver.server_count, 6, "six resolvers");
	for (size_t i = 0; i < settings->resolver.server_count; i++)
		is(settings->resolver.servers[i].text, want[i], "resolver %zu", i);
	is_int(other->resolver.server_count, 1, "one, in an array");
	is_int(other->resolver.timeout_ms, 400, "the default timeout");
	is_int(other->resolver.max_qps, 200, "the default of max_qps");
	is_int(settings_diff_names(settings, other, SETTING_RESOLVER, names), 2,
	       "two changes");
	is(names[0], "resolver.servers", "of which this is one");
	settings_free(settings);
	settings = load_text("listen = ( { port = 99; } );\n"
			     "resolver = { servers = ( \"127.0.0.1:99\" ); };");
	is(said,
	   "warning: c.conf:2: resolver.servers: 127.0.0.1 port 99 is this server, which "
	   "knows nothing of names outside of its zones",
	   "ourselves");
	settings_free(settings);
	settings_free(other);
}

static void
test_network_rests(void)
{
	struct settings *settings =
		load_text("limit = { client = { whitelist = [ "
			  "\"192.0.2.0/24\",\n\"192.0.2.1/24\" ]; }; "
			  "};\nhealth = { deny = [ \"fe80::1/10\", \"::1\" ]; };");

	if (!settings)
		bail_out("no settings: %s", said);
	is_int(settings->limit.client.whitelist.count, 2, "they are taken");
	is(said,
	   "warning: c.conf:2: limit.client.whitelist: \"192.0.2.1/24\" has bits behind "
	   "its "
	   "length: the network without them is meant\n"
	   "warning: c.conf:3: health.deny: \"fe80::1/10\" has bits behind its length: "
	   "the "
	   "network without them is meant",
	   "with a warning each");
	settings_free(settings);
}

static void
test_diff(void)
{
	static const char base[] = "listen = ( { port = 1; } ); tcp = { queries = 1; }; "
				   "zones = { dir = \"/a\"; };";
	struct settings *a = load_text(base), *b = load_text(base);
	const char *names[64];

	for (int scope = SETTING_LIVE; scope <= SETTING_RESTART; scope++)
		is_int(settings_diff_names(a, b, (enum setting_scope)scope, names), 0,
		       "no change");
	settings_free(b);
	b = load_text("listen = ( { port = 2; } ); tcp = { queries = 2; }; zones = { dir "
		      "= \"/b\"; };"
		      "user = \"x\"; workers = { cpus = [ 0 ]; };");
	is_int(settings_diff_names(a, b, SETTING_LIVE, names), 1, "one live change");
	is(names[0], "tcp.queries", "tcp.queries");
	is_int(settings_diff_names(a, b, SETTING_SYNC, names), 1, "one change for sync");
	is(names[0], "zones.dir", "zones.dir");
	ok(settings_diff_names(a, b, SETTING_RESTART, names) >= 3,
	   "changes that need a restart");
	is(names[0], "user", "user");
	settings_free(a);
	settings_free(b);
}

static void
test_schema(void)
{
	for (size_t i = 0; i < settings_row_count; i++) {
		const struct setting_row *row = &settings_rows[i];

		ok(settings_row_find(row->name) == row && row->help[0] &&
			   strlen(row->name) <= SETTINGS_NAME_MAX,
		   "%s is there once, with a help text", row->name);
		if (row->type == SETTING_CHOICE)
			ok(settings_choice_find(row->choices, row->fallback) >= 0,
			   "its default is one of its choices");
	}
}

int
main(void)
{
	if (!mkdtemp(dir))
		bail_out("mkdtemp: %s", strerror(errno));
	test_schema();
	test_cases();
	test_no_file();
	test_defaults();
	test_values();
	test_redis_values();
	test_passwords();
	test_worker_counts();
	test_resolvers();
	test_network_rests();
	test_diff();
	unlink(path_of("c.conf"));
	unlink(path_of("more.conf"));
	unlink(path_of("fifo"));
	rmdir(dir);
	return done_testing();
}
