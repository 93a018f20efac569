/* The options of this version, and look-ups by name. */
#include "master/settings/settings_schema.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "shm/settings.h"

#define IN_SETTINGS(field) NULL, offsetof(struct settings, field)
#define IN_LISTEN(field) "listen", offsetof(struct listen_option, field)
#define IN_SERVER(field) "resolver.servers", offsetof(struct server_option, field)
#define IN_ZONE_FILE(field) "zones.files", offsetof(struct zone_file_option, field)

enum {
	PATH_LEN_MAX = PATH_MAX - 1,
	NAME_LEN_MAX = 63,
	REDIS_TEXT_MAX = 512,
	REDIS_AFFIX_MAX = 128,
	LIMIT_LIST_MAX = 512, /* LIMIT_PREFIXES_MAX holds two of them */
	RRL_MAX = 100000,
	HTTP_HOSTS_MAX = 100,
	SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1,
};

/* clang-format off */
const struct setting_row settings_rows[] = {
	{ "user", SETTING_TEXT, SETTING_RESTART, 0, NAME_LEN_MAX, "martlet", NULL,
	  IN_SETTINGS(user), "the user to become when started as root; \"\" keeps the current one" },
	{ "group", SETTING_TEXT, SETTING_RESTART, 0, NAME_LEN_MAX, "martlet", NULL,
	  IN_SETTINGS(group), "the group to become when started as root; \"\" keeps the current one" },
	{ "state_dir", SETTING_PATH, SETTING_RESTART, 1, PATH_LEN_MAX, "/var/lib/martlet", NULL,
	  IN_SETTINGS(state_dir), "where generations live" },
	{ "control_socket", SETTING_PATH, SETTING_RESTART, 1, SOCKET_PATH_MAX,
	  "/run/martlet/control.sock", NULL,
	  IN_SETTINGS(control_socket), "the Unix socket that martletctl speaks to" },
	{ "control_group", SETTING_TEXT, SETTING_RESTART, 0, NAME_LEN_MAX, "", NULL,
	  IN_SETTINGS(control_group), "members may use the reading commands; \"\" is none" },
	{ "pid_file", SETTING_PATH, SETTING_RESTART, 0, PATH_LEN_MAX,
	  "/run/martlet/martletd.pid", NULL,
	  IN_SETTINGS(pid_file), "holds the pid of the running server; \"\" is none" },

	{ "log.target", SETTING_PATH, SETTING_LIVE, 0, PATH_LEN_MAX, "", "stderr|syslog",
	  IN_SETTINGS(log.target), "stderr, syslog or a file; \"\": stderr with -f, syslog otherwise" },
	{ "log.level", SETTING_CHOICE, SETTING_SYNC, 0, 0, "info", "error|warning|info|debug",
	  IN_SETTINGS(log.level), "the least important lines that are logged" },

	{ "workers.count", SETTING_UINT, SETTING_RESTART, 0, SETTINGS_WORKERS_MAX, "0", NULL,
	  IN_SETTINGS(workers.count), "processes that answer; 0: one a CPU that we may run on" },
	{ "workers.cpus", SETTING_CPUS, SETTING_RESTART, 0, SETTINGS_CPUS_MAX, "[ ]", NULL,
	  IN_SETTINGS(workers.cpus), "CPU numbers to pin the workers to, in turn; none: all that we may run on" },
	{ "workers.steer", SETTING_CHOICE, SETTING_RESTART, 0, 0, "hash", "hash|cpu",
	  IN_SETTINGS(workers.steer), "which worker gets a packet: by hash of its addresses, or by receiving CPU" },

	{ "listen", SETTING_LIST, SETTING_RESTART, 1, SETTINGS_LISTEN_MAX, "( { } )", NULL,
	  IN_SETTINGS(listen), "addresses to answer on, over UDP and TCP" },
	{ "listen.address", SETTING_TEXT, SETTING_RESTART, 1, NAME_LEN_MAX, "127.0.0.1", NULL,
	  IN_LISTEN(address), "IPv4 or IPv6" },
	{ "listen.port", SETTING_UINT, SETTING_RESTART, 1, 65535, "53", NULL,
	  IN_LISTEN(port), "port, for UDP and TCP" },
	{ "listen.freebind", SETTING_BOOL, SETTING_RESTART, 0, 1, "false", NULL,
	  IN_LISTEN(freebind), "bind although no interface has the address yet" },

	{ "dns.udp_size", SETTING_UINT, SETTING_LIVE, 512, 4096, "1232", NULL,
	  IN_SETTINGS(dns.udp_size), "octets of the largest answer over UDP" },
	{ "dns.identity", SETTING_TEXT, SETTING_LIVE, 0, SETTINGS_IDENTITY_MAX, "", NULL,
	  IN_SETTINGS(dns.identity), "id.server and NSID; \"@hostname\" is the machine's name, \"\" answers REFUSED" },
	{ "dns.version", SETTING_TEXT, SETTING_LIVE, 0, SETTINGS_IDENTITY_MAX, "", NULL,
	  IN_SETTINGS(dns.version), "version.bind; \"\" answers REFUSED" },
	{ "dns.changes", SETTING_BOOL, SETTING_LIVE, 0, 1, "false", NULL,
	  IN_SETTINGS(dns.changes), "changes.server: the last change from Redis that is served" },
	{ "dns.any", SETTING_CHOICE, SETTING_LIVE, 0, 0, "minimal", "minimal|tcp",
	  IN_SETTINGS(dns.any), "queries of type ANY: one RRset (RFC 8482), or over TCP only" },
	{ "dns.rcvbuf_kb", SETTING_UINT, SETTING_LIVE, 16, 1000000, "4096", NULL,
	  IN_SETTINGS(dns.rcvbuf_kb), "receive buffer of each UDP socket" },

	{ "tcp.clients", SETTING_UINT, SETTING_LIVE, 1, 1000000, "1000", NULL,
	  IN_SETTINGS(tcp.clients), "connections of all workers; full: the longest idle one goes" },
	{ "tcp.per_client", SETTING_UINT, SETTING_LIVE, 1, 1000000, "20", NULL,
	  IN_SETTINGS(tcp.per_client), "connections of one client address" },
	{ "tcp.idle_ms", SETTING_UINT, SETTING_LIVE, 100, 3600000, "10000", NULL,
	  IN_SETTINGS(tcp.idle_ms), "a connection without progress for so long is closed" },
	{ "tcp.queries", SETTING_UINT, SETTING_LIVE, 0, 1000000000, "0", NULL,
	  IN_SETTINGS(tcp.queries), "queries after which a connection is closed; 0: no limit" },

	{ "generations.keep", SETTING_UINT, SETTING_SYNC, 1, 1000, "3", NULL,
	  IN_SETTINGS(generations.keep), "newest generations that are kept" },
	{ "generations.keep_hours", SETTING_UINT, SETTING_SYNC, 0, 8760, "6", NULL,
	  IN_SETTINGS(generations.keep_hours), "also the last one of each of so many hours" },
	{ "generations.reserve_mb", SETTING_UINT, SETTING_SYNC, 0, 1000000000, "1024", NULL,
	  IN_SETTINGS(generations.reserve_mb), "disk space to leave free: fewer are kept when short" },
	{ "generations.overlay_max_records", SETTING_UINT, SETTING_SYNC, 1000, 100000000,
	  "200000", NULL, IN_SETTINGS(generations.overlay_max_records),
	  "live changes after which a new generation is sealed" },
	{ "generations.stall_s", SETTING_UINT, SETTING_SYNC, 1, 86400, "60", NULL,
	  IN_SETTINGS(generations.stall_s),
	  "a process that makes one, and does nothing for so long, is killed" },

	{ "zones.dir", SETTING_PATH, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(zones.dir), "each <origin>.zone in it is served; \"\" is none" },
	{ "zones.files", SETTING_LIST, SETTING_SYNC, 0, 1000000, "( )", NULL,
	  IN_SETTINGS(zones.files), "zone files elsewhere" },
	{ "zones.files.origin", SETTING_TEXT, SETTING_SYNC, 1, DNAME_TEXT_MAX, "", NULL,
	  IN_ZONE_FILE(origin), "the zone's name" },
	{ "zones.files.file", SETTING_PATH, SETTING_SYNC, 1, PATH_LEN_MAX, "", NULL,
	  IN_ZONE_FILE(file), "its file" },
	{ "zones.files.sign", SETTING_BOOL, SETTING_SYNC, 0, 1, "false", NULL,
	  IN_ZONE_FILE(sign), "sign it: what the file has of RRSIG, NSEC and NSEC3 is replaced" },

	{ "dnssec.key_dir", SETTING_PATH, SETTING_SIGNER, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(dnssec.key_dir), "where keys are, in BIND's format; \"\": in state_dir/keys alone" },
	{ "dnssec.denial", SETTING_CHOICE, SETTING_SYNC, 0, 0, "nsec", "nsec|nsec3|optout",
	  IN_SETTINGS(dnssec.denial), "how signed zones prove what is not there; a zone's \"denial\" comes first" },
	{ "dnssec.algorithm", SETTING_UINT, SETTING_LIVE, 8, 16, "13", NULL,
	  IN_SETTINGS(dnssec.algorithm), "of keys that are made here: 8, 10, 13, 14, 15 or 16" },
	{ "dnssec.validity_days", SETTING_UINT, SETTING_SYNC, 2, 365, "14", NULL,
	  IN_SETTINGS(dnssec.validity_days), "how long a signature holds" },
	{ "dnssec.refresh_days", SETTING_UINT, SETTING_SYNC, 1, 364, "7", NULL,
	  IN_SETTINGS(dnssec.refresh_days), "so long before its end it is renewed" },
	{ "dnssec.max_rate", SETTING_UINT, SETTING_SIGNER, 1, 10000000, "20000", NULL,
	  IN_SETTINGS(dnssec.max_rate), "signatures a second that are renewed at most" },
	{ "dnssec.steered_rate", SETTING_UINT, SETTING_SIGNER, 1, 10000000, "2000", NULL,
	  IN_SETTINGS(dnssec.steered_rate), "sets of steered records a second that are signed when they are chosen" },
	{ "dnssec.steered_cache_mb", SETTING_UINT, SETTING_RESTART, 0, 1048576, "64", NULL,
	  IN_SETTINGS(dnssec.steered_cache_mb), "memory for their signatures; 0: only what is signed ahead is answered" },
	{ "dnssec.zsk_days", SETTING_SHARE, SETTING_SYNC, 0, 36500, "0", NULL,
	  IN_SETTINGS(dnssec.zsk_days), "the life of a key that signs data, after which it is rolled; 0: it is not" },
	{ "dnssec.ksk_days", SETTING_SHARE, SETTING_SYNC, 0, 36500, "0", NULL,
	  IN_SETTINGS(dnssec.ksk_days), "the same of a key that signs keys, or all" },
	{ "dnssec.role", SETTING_CHOICE, SETTING_SIGNER, 0, 0, "follow", "follow|roll",
	  IN_SETTINGS(dnssec.role), "of zones from Redis: follow the list of keys that one server writes, or write it" },
	{ "dnssec.fleet_lag", SETTING_UINT, SETTING_SYNC, 0, 31536000, "86400", NULL,
	  IN_SETTINGS(dnssec.fleet_lag), "seconds that each step of a roll leaves to the servers that follow" },
	{ "dnssec.redis.address", SETTING_ADDRESS, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(dnssec.redis.address), "the primary, where the list is written; \"\": the Redis that is followed" },
	{ "dnssec.redis.username", SETTING_TEXT, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(dnssec.redis.username), "its ACL user; \"\" is the default user" },
	{ "dnssec.redis.password", SETTING_SECRET, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(dnssec.redis.password), "its password; \"\" is none" },
	{ "dnssec.redis.password_file", SETTING_PATH, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(dnssec.redis.password_file), "a file that holds the password instead" },

	{ "geoip.country_db", SETTING_PATH, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(geoip.country_db), "where addresses are: a Country or City database of MaxMind's format; \"\" is none" },
	{ "geoip.asn_db", SETTING_PATH, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(geoip.asn_db), "which network they are of: an ASN database; \"\" is none" },
	{ "geoip.ecs", SETTING_BOOL, SETTING_LIVE, 0, 1, "true", NULL,
	  IN_SETTINGS(geoip.ecs), "honour EDNS Client Subnet: a query's place is that of the subnet that it tells of" },

	{ "steer.no_match", SETTING_CHOICE, SETTING_LIVE, 0, 0, "all", "all|none",
	  IN_SETTINGS(steer.no_match), "what is answered when no record of a geo_filter matches and there is no default" },

	{ "limit.isolation", SETTING_BOOL, SETTING_LIVE, 0, 1, "true", NULL,
	  IN_SETTINGS(limit.isolation), "keep a flood of one zone from costing others their answers" },
	{ "limit.log_only", SETTING_BOOL, SETTING_LIVE, 0, 1, "false", NULL,
	  IN_SETTINGS(limit.log_only), "count what is over a limit, and answer it all the same" },
	{ "limit.client.rate", SETTING_UINT, SETTING_LIVE, 0, 6000000, "0", NULL,
	  IN_SETTINGS(limit.client.rate), "queries a minute of one client; 0: no limit" },
	{ "limit.client.burst", SETTING_UINT, SETTING_LIVE, 0, 1000000, "10", NULL,
	  IN_SETTINGS(limit.client.burst), "as many more at once, after a rest" },
	{ "limit.client.whitelist", SETTING_NETWORKS, SETTING_LIVE, 0, LIMIT_LIST_MAX, "[ ]", NULL,
	  IN_SETTINGS(limit.client.whitelist), "networks that are never limited" },
	{ "limit.client.blacklist", SETTING_NETWORKS, SETTING_LIVE, 0, LIMIT_LIST_MAX, "[ ]", NULL,
	  IN_SETTINGS(limit.client.blacklist), "networks that are not served" },
	{ "limit.client.action", SETTING_CHOICE, SETTING_LIVE, 0, 0, "refuse", "refuse|drop",
	  IN_SETTINGS(limit.client.action), "what becomes of a query over the limit: REFUSED, or no answer" },

	{ "limit.rrl.answers", SETTING_UINT, SETTING_LIVE, 0, RRL_MAX, "0", NULL,
	  IN_SETTINGS(limit.rrl.answers), "answers of one name to one network in a second; 0: no limit" },
	{ "limit.rrl.nxdomain", SETTING_UINT, SETTING_LIVE, 0, RRL_MAX, "0", NULL,
	  IN_SETTINGS(limit.rrl.nxdomain), "the same for NXDOMAIN of one zone, and for NODATA" },
	{ "limit.rrl.referrals", SETTING_UINT, SETTING_LIVE, 0, RRL_MAX, "0", NULL,
	  IN_SETTINGS(limit.rrl.referrals), "the same for referrals to one zone" },
	{ "limit.rrl.errors", SETTING_UINT, SETTING_LIVE, 0, RRL_MAX, "0", NULL,
	  IN_SETTINGS(limit.rrl.errors), "the same for all errors together" },
	{ "limit.rrl.slip", SETTING_UINT, SETTING_LIVE, 0, 100, "2", NULL,
	  IN_SETTINGS(limit.rrl.slip), "one of so many over the limit goes out, truncated; 0: none" },
	{ "limit.rrl.v4_prefix", SETTING_UINT, SETTING_LIVE, 1, 32, "24", NULL,
	  IN_SETTINGS(limit.rrl.v4_prefix), "bits of what is one network, IPv4" },
	{ "limit.rrl.v6_prefix", SETTING_UINT, SETTING_LIVE, 1, 128, "56", NULL,
	  IN_SETTINGS(limit.rrl.v6_prefix), "IPv6" },

	{ "limit.cookies.enable", SETTING_BOOL, SETTING_LIVE, 0, 1, "true", NULL,
	  IN_SETTINGS(limit.cookies.enable), "look at DNS cookies, and make them" },
	{ "limit.cookies.secret_file", SETTING_PATH, SETTING_LIVE, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(limit.cookies.secret_file), "what they are made with; \"\": drawn at each start" },

	{ "health.enable", SETTING_BOOL, SETTING_PROBER, 0, 1, "false", NULL,
	  IN_SETTINGS(health.enable), "records whose health_check says that they are down are left out" },
	{ "health.role", SETTING_CHOICE, SETTING_PROBER, 0, 0, "probe", "probe|follow|off",
	  IN_SETTINGS(health.role), "probe the targets, or follow what another one writes into health.redis" },
	{ "health.interval_s", SETTING_UINT, SETTING_PROBER, 1, 86400, "10", NULL,
	  IN_SETTINGS(health.interval_s), "each target is probed once in so many seconds" },
	{ "health.concurrency", SETTING_UINT, SETTING_PROBER, 1, 100000, "1000", NULL,
	  IN_SETTINGS(health.concurrency), "probes under way at one time" },
	{ "health.target_rate", SETTING_UINT, SETTING_PROBER, 0, 1000000, "1", NULL,
	  IN_SETTINGS(health.target_rate), "probes a second that one address gets; 0: no bound" },
	{ "health.mass_guard", SETTING_SHARE, SETTING_PROBER, 0, 1, "0.5", NULL,
	  IN_SETTINGS(health.mass_guard), "when more than this share of at least 20 targets fails within an interval, the last state stands" },
	{ "health.deny", SETTING_NETWORKS, SETTING_PROBER, 0, 1000,
	  "[ \"127.0.0.0/8\", \"::1\", \"169.254.0.0/16\", \"fe80::/10\", \"0.0.0.0/8\", \"::\", "
	  "\"224.0.0.0/4\", \"ff00::/8\" ]", NULL,
	  IN_SETTINGS(health.deny), "networks that are never probed" },
	{ "health.ca_file", SETTING_PATH, SETTING_PROBER, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(health.ca_file), "authorities that a check with verify trusts; \"\" is the system's" },
	{ "health.redis.address", SETTING_ADDRESS, SETTING_PROBER, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(health.redis.address), "the Redis with redins's status keys; \"\" is none" },
	{ "health.redis.db", SETTING_UINT, SETTING_PROBER, 0, 65535, "0", NULL,
	  IN_SETTINGS(health.redis.db), "number of its database" },
	{ "health.redis.username", SETTING_TEXT, SETTING_PROBER, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(health.redis.username), "its ACL user; \"\" is the default user" },
	{ "health.redis.password", SETTING_SECRET, SETTING_PROBER, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(health.redis.password), "its password; \"\" is none" },
	{ "health.redis.password_file", SETTING_PATH, SETTING_PROBER, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(health.redis.password_file), "a file that holds the password instead" },
	{ "health.redis.prefix", SETTING_TEXT, SETTING_PROBER, 0, REDIS_AFFIX_MAX, "", NULL,
	  IN_SETTINGS(health.redis.prefix), "what stands before every key" },
	{ "health.redis.suffix", SETTING_TEXT, SETTING_PROBER, 0, REDIS_AFFIX_MAX, "", NULL,
	  IN_SETTINGS(health.redis.suffix), "what stands behind every key" },

	{ "resolver.servers", SETTING_LIST, SETTING_RESOLVER, 0, SETTINGS_SERVERS_MAX, "( )", NULL,
	  IN_SETTINGS(resolver.servers), "resolvers that are asked where ANAMEs and flattened CNAMEs lead to, in this order" },
	{ "resolver.servers.address", SETTING_TEXT, SETTING_RESOLVER, 1, NAME_LEN_MAX, "", NULL,
	  IN_SERVER(address), "IPv4 or IPv6; with a port behind it, as 192.0.2.1:53 or [2001:db8::1]:53" },
	{ "resolver.servers.port", SETTING_UINT, SETTING_RESOLVER, 1, 65535, "53", NULL,
	  IN_SERVER(port), "port, for UDP and TCP" },
	{ "resolver.timeout_ms", SETTING_UINT, SETTING_RESOLVER, 10, 60000, "400", NULL,
	  IN_SETTINGS(resolver.timeout_ms), "how long one of them may take" },
	{ "resolver.max_qps", SETTING_UINT, SETTING_RESOLVER, 1, 100000, "200", NULL,
	  IN_SETTINGS(resolver.max_qps), "questions a second, to all of them" },

	{ "query_log.enable", SETTING_BOOL, SETTING_LOGGER, 0, 1, "false", NULL,
	  IN_SETTINGS(query_log.enable), "log queries" },
	{ "query_log.target", SETTING_PATH, SETTING_LOGGER, 0, PATH_LEN_MAX, "", "syslog|redis|dnstap",
	  IN_SETTINGS(query_log.target), "where to: a file, syslog, or what query_log.redis or query_log.dnstap names" },
	{ "query_log.client", SETTING_CHOICE, SETTING_LOGGER, 0, 0, "full", "full|prefix|none",
	  IN_SETTINGS(query_log.client), "what is logged of a client's address" },
	{ "query_log.v4_prefix", SETTING_UINT, SETTING_LOGGER, 0, 32, "24", NULL,
	  IN_SETTINGS(query_log.v4_prefix), "bits of a prefix, IPv4" },
	{ "query_log.v6_prefix", SETTING_UINT, SETTING_LOGGER, 0, 128, "56", NULL,
	  IN_SETTINGS(query_log.v6_prefix), "IPv6" },
	{ "query_log.sample", SETTING_UINT, SETTING_LOGGER, 1, 1000000000, "1", NULL,
	  IN_SETTINGS(query_log.sample), "one query of so many is logged, drawn at random" },
	{ "query_log.redis.address", SETTING_ADDRESS, SETTING_LOGGER, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(query_log.redis.address), "the Redis that the target redis writes to" },
	{ "query_log.redis.stream", SETTING_TEXT, SETTING_LOGGER, 1, REDIS_TEXT_MAX, "martlet:queries", NULL,
	  IN_SETTINGS(query_log.redis.stream), "key of the stream" },
	{ "query_log.redis.maxlen", SETTING_UINT, SETTING_LOGGER, 0, 1000000000, "1000000", NULL,
	  IN_SETTINGS(query_log.redis.maxlen), "entries that the stream keeps; 0: all" },
	{ "query_log.redis.db", SETTING_UINT, SETTING_LOGGER, 0, 65535, "0", NULL,
	  IN_SETTINGS(query_log.redis.db), "number of the database" },
	{ "query_log.redis.username", SETTING_TEXT, SETTING_LOGGER, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(query_log.redis.username), "ACL user; \"\" is the default user" },
	{ "query_log.redis.password", SETTING_SECRET, SETTING_LOGGER, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(query_log.redis.password), "its password; \"\" is none" },
	{ "query_log.redis.password_file", SETTING_PATH, SETTING_LOGGER, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(query_log.redis.password_file), "a file that holds the password instead" },
	{ "query_log.dnstap.socket", SETTING_PATH, SETTING_LOGGER, 0, SOCKET_PATH_MAX, "", NULL,
	  IN_SETTINGS(query_log.dnstap.socket), "the Unix socket of the reader that the target dnstap writes to" },

	{ "redis.enable", SETTING_BOOL, SETTING_SYNC, 0, 1, "false", NULL,
	  IN_SETTINGS(redis.enable), "serve the zones that a Redis holds" },
	{ "redis.address", SETTING_ADDRESS, SETTING_SYNC, 1, PATH_LEN_MAX, "127.0.0.1:6379",
	  NULL, IN_SETTINGS(redis.address), "host:port, [IPv6]:port or a socket path" },
	{ "redis.db", SETTING_UINT, SETTING_SYNC, 0, 65535, "0", NULL,
	  IN_SETTINGS(redis.db), "number of the database" },
	{ "redis.username", SETTING_TEXT, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(redis.username), "ACL user; \"\" is the default user" },
	{ "redis.password", SETTING_SECRET, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(redis.password), "its password; \"\" is none" },
	{ "redis.password_file", SETTING_PATH, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(redis.password_file), "a file that holds the password instead" },
	{ "redis.prefix", SETTING_TEXT, SETTING_SYNC, 0, REDIS_AFFIX_MAX, "", NULL,
	  IN_SETTINGS(redis.prefix), "what stands before every key" },
	{ "redis.suffix", SETTING_TEXT, SETTING_SYNC, 0, REDIS_AFFIX_MAX, "", NULL,
	  IN_SETTINGS(redis.suffix), "what stands behind every key" },
	{ "redis.schema", SETTING_CHOICE, SETTING_SYNC, 0, 0, "redins", "redins|z42",
	  IN_SETTINGS(redis.schema), "whose keys they are" },
	{ "redis.sentinel.master", SETTING_TEXT, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(redis.sentinel.master), "name by which Sentinels know it; \"\": none is asked" },
	{ "redis.sentinel.nodes", SETTING_ADDRESSES, SETTING_SYNC, 0, 100, "( )", NULL,
	  IN_SETTINGS(redis.sentinel.nodes), "addresses of Sentinels" },
	{ "redis.sentinel.username", SETTING_TEXT, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(redis.sentinel.username), "ACL user of the Sentinels" },
	{ "redis.sentinel.password", SETTING_SECRET, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(redis.sentinel.password), "what the Sentinels want; \"\" is none" },
	{ "redis.sentinel.password_file", SETTING_PATH, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(redis.sentinel.password_file), "a file that holds it instead" },
	{ "redis.stream", SETTING_TEXT, SETTING_SYNC, 0, REDIS_TEXT_MAX, "martlet:changes",
	  NULL, IN_SETTINGS(redis.stream), "key of the change stream, whole; \"\" is none" },
	{ "redis.notifications", SETTING_BOOL, SETTING_SYNC, 0, 1, "true", NULL,
	  IN_SETTINGS(redis.notifications), "follow keyspace notifications" },
	{ "redis.reconcile_s", SETTING_UINT, SETTING_SYNC, 1, 604800, "600", NULL,
	  IN_SETTINGS(redis.reconcile_s), "every zone is compared once in so many seconds" },
	{ "redis.max_ttl", SETTING_UINT, SETTING_SYNC, 0, INT32_MAX, "3600", NULL,
	  IN_SETTINGS(redis.max_ttl), "the longest TTL; 0: as written" },
	{ "redis.shrink_guard", SETTING_SHARE, SETTING_SYNC, 0, 1, "0.2", NULL,
	  IN_SETTINGS(redis.shrink_guard), "the share of all records whose loss is held back" },
	{ "redis.shrink_min", SETTING_UINT, SETTING_SYNC, 0, 1000000000, "1000", NULL,
	  IN_SETTINGS(redis.shrink_min), "a loss of fewer records is never held back" },
	{ "redis.timeout_ms", SETTING_UINT, SETTING_SYNC, 10, 600000, "2000", NULL,
	  IN_SETTINGS(redis.timeout_ms), "how long one reply may take as a whole" },
	{ "redis.unsigned_ok", SETTING_BOOL, SETTING_SYNC, 0, 1, "false", NULL,
	  IN_SETTINGS(redis.unsigned_ok), "serve zones with \"dnssec\": true that have no key without signatures" },
	{ "redis.report.address", SETTING_ADDRESS, SETTING_SYNC, 0, PATH_LEN_MAX, "", NULL,
	  IN_SETTINGS(redis.report.address), "a Redis that is told of errors; \"\" is none" },
	{ "redis.report.key", SETTING_TEXT, SETTING_SYNC, 0, REDIS_TEXT_MAX, "", NULL,
	  IN_SETTINGS(redis.report.key), "under this key; \"\": martlet:errors:<node>" },

	{ "http.address", SETTING_TEXT, SETTING_REPORTER, 0, NAME_LEN_MAX, "", NULL,
	  IN_SETTINGS(http.address), "IPv4 or IPv6 to serve figures and the page on; \"\" is off" },
	{ "http.port", SETTING_UINT, SETTING_REPORTER, 1, 65535, "9353", NULL,
	  IN_SETTINGS(http.port), "its TCP port" },
	{ "http.hosts", SETTING_HOSTS, SETTING_REPORTER, 0, HTTP_HOSTS_MAX, "[ ]", NULL,
	  IN_SETTINGS(http.hosts), "names that clients may call it by, besides its address and localhost" },
	{ "http.debug", SETTING_BOOL, SETTING_REPORTER, 0, 1, "false", NULL,
	  IN_SETTINGS(http.debug), "profiles, and addresses of clients, on a loopback address" },
};
/* clang-format on */

const size_t settings_row_count = sizeof settings_rows / sizeof *settings_rows;
_Static_assert(sizeof settings_rows / sizeof *settings_rows <= SETTINGS_ROWS_MAX,
	       "SETTINGS_ROWS_MAX holds all names");

const struct setting_row *
settings_row_find(const char *name)
{
	for (size_t i = 0; i < settings_row_count; i++)
		if (strcmp(settings_rows[i].name, name) == 0)
			return &settings_rows[i];
	return NULL;
}

bool
settings_name_is_group(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < settings_row_count; i++)
		if (strncmp(settings_rows[i].name, name, len) == 0 &&
		    settings_rows[i].name[len] == '.')
			return true;
	return false;
}

/* Levenshtein's distance of the first octets, letters of either case alike. */
static unsigned
distance(const char *a, const char *b)
{
	size_t a_len = strnlen(a, SETTINGS_NAME_MAX),
	       b_len = strnlen(b, SETTINGS_NAME_MAX);
	unsigned row[SETTINGS_NAME_MAX + 1];

	for (unsigned j = 0; j <= b_len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			unsigned best = diagonal + !same;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

/* Also compared without groups, so that an option in the wrong group is found. */
static unsigned
name_distance(const char *a, const char *b)
{
	const char *a_last = strrchr(a, '.'), *b_last = strrchr(b, '.');
	unsigned whole = distance(a, b);
	unsigned last = 1 + distance(a_last ? a_last + 1 : a, b_last ? b_last + 1 : b);

	return last < whole ? last : whole;
}

void
settings_name_nearest(const char *name, char out[SETTINGS_NAME_MAX + 1])
{
	unsigned least = UINT_MAX;

	for (size_t i = 0; i < settings_row_count; i++) {
		char candidate[SETTINGS_NAME_MAX + 1];
		char *dot;

		/* the option, then each group that it is in */
		snprintf(candidate, sizeof candidate, "%s", settings_rows[i].name);
		do {
			unsigned away = name_distance(name, candidate);

			if (away < least) {
				least = away;
				memcpy(out, candidate, sizeof candidate);
			}
			dot = strrchr(candidate, '.');
			if (dot)
				*dot = '\0';
		} while (dot);
	}
}

/* The word at `number` of "one|two|three"; returns its length, 0 behind the last. */
static size_t
choice_word(const char *choices, unsigned number, char out[SETTINGS_NAME_MAX + 1])
{
	size_t len;

	for (; number > 0; number--) {
		choices += strcspn(choices, "|");
		if (*choices == '|')
			choices++;
	}
	len = strcspn(choices, "|");
	snprintf(out, SETTINGS_NAME_MAX + 1, "%.*s", (int)len, choices);
	return len;
}

int
settings_choice_find(const char *choices, const char *text)
{
	char word[SETTINGS_NAME_MAX + 1];

	for (unsigned i = 0; choice_word(choices, i, word) > 0; i++)
		if (strcmp(word, text) == 0)
			return (int)i;
	return -1;
}

void
settings_choice_nearest(const char *choices, const char *text,
			char out[SETTINGS_NAME_MAX + 1])
{
	char word[SETTINGS_NAME_MAX + 1];
	unsigned least = UINT_MAX;

	for (unsigned i = 0; choice_word(choices, i, word) > 0; i++) {
		unsigned away = distance(text, word);

		if (away < least) {
			least = away;
			memcpy(out, word, sizeof word);
		}
	}
}
