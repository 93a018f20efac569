/* The checked configuration.  Filled once by master/settings/settings_load.c from the
 * rows of settings_schema.c; read-only from then on, and inherited by every child.
 * A reload makes a second one; it never changes a first. */
#ifndef SHM_SETTINGS_H
#define SHM_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shm/dname.h"

enum {
	SETTINGS_WORKERS_MAX = 256,
	SETTINGS_CPUS_MAX = 1024,
	SETTINGS_LISTEN_MAX = 256,
	SETTINGS_SERVERS_MAX = 16,	/* resolvers */
	SETTINGS_SECRETS_MAX = 16,	/* for DNS cookies */
	SETTINGS_SECRET_LEN = 16,
	SETTINGS_IDENTITY_MAX = 255,	/* one TXT string */
};

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum any_policy { ANY_MINIMAL, ANY_TCP };
enum steer_policy { STEER_HASH, STEER_CPU };
enum steer_no_match { NO_MATCH_ALL, NO_MATCH_NONE };
enum health_role { HEALTH_ROLE_PROBE, HEALTH_ROLE_FOLLOW, HEALTH_ROLE_OFF };
enum limit_action { LIMIT_ACTION_REFUSE, LIMIT_ACTION_DROP };
enum redis_schema { REDIS_SCHEMA_REDINS, REDIS_SCHEMA_Z42 };
enum query_log_client { LOG_CLIENT_FULL, LOG_CLIENT_PREFIX, LOG_CLIENT_NONE };
enum denial { DENIAL_NSEC, DENIAL_NSEC3, DENIAL_OPTOUT };
enum dnssec_role { DNSSEC_ROLE_FOLLOW, DNSSEC_ROLE_ROLL };

struct listen_address {
	struct sockaddr_storage address;
	socklen_t address_len;
	bool freebind;
	char text[64];			/* "127.0.0.1 port 5300", for messages */
};

struct zone_file_setting {
	uint8_t origin[DNAME_MAX];	/* lower-cased wire form */
	size_t origin_len;
	char *path;			/* absolute, owned */
	unsigned line;			/* of the configuration, for messages */
	bool sign;			/* we sign it */
};

struct setting_texts {
	size_t count;
	char **items;			/* owned, as each of them */
};

struct settings {
	char *config_path;		/* absolute, owned; "" when there is none */
	char *user, *group;		/* "" keeps the current ones */
	char *state_dir;		/* absolute, like every path below */
	char *control_socket;
	char *control_group;
	char *pid_file;			/* "" is none */

	struct {
		char *target;		/* "", "stderr", "syslog" or an absolute path */
		enum log_level level;
	} log;

	struct {
		unsigned count;		/* resolved: 1..SETTINGS_WORKERS_MAX */
		unsigned cpu_count;	/* 0: pin to the CPUs that we may run on, in order */
		int *cpus;		/* owned; cpus[i % cpu_count] is worker i's */
		enum steer_policy steer;
	} workers;

	size_t listen_count;
	struct listen_address *listen;	/* owned */

	struct {
		unsigned udp_size;	/* 512..4096 */
		char *identity;		/* "@hostname" resolved; "" refuses */
		char *version;		/* "" refuses */
		bool changes;		/* changes.server is answered */
		enum any_policy any;
		unsigned rcvbuf_kb;
	} dns;

	struct {
		unsigned clients, per_client, idle_ms, queries;	/* queries 0: no limit */
	} tcp;

	struct {
		unsigned keep, keep_hours, reserve_mb, overlay_max_records, stall_s;
	} generations;

	struct {
		char *dir;		/* "" is none */
		size_t file_count;
		struct zone_file_setting *files; /* owned */
	} zones;

	struct {
		char *country_db, *asn_db; /* "" is none */
		bool ecs;
	} geoip;

	struct {
		enum steer_no_match no_match;
	} steer;

	struct {
		bool isolation;
		bool log_only;
		struct {
			unsigned rate;	/* queries a minute; 0: no limit */
			unsigned burst;
			struct setting_texts whitelist, blacklist; /* networks */
			enum limit_action action;
		} client;
		struct {
			/* a second; 0: no limit */
			unsigned answers, nxdomain, referrals, errors;
			unsigned slip, v4_prefix, v6_prefix;
		} rrl;
		struct {
			bool enable;
			char *secret_file; /* "": a secret of this start */
			/* what it held, never shown */
			unsigned secret_count;
			uint8_t secrets[SETTINGS_SECRETS_MAX][SETTINGS_SECRET_LEN];
		} cookies;
	} limit;

	struct {
		bool enable;
		enum health_role role;
		unsigned interval_s;
		unsigned concurrency;	/* probes under way */
		unsigned target_rate;	/* probes a second of one address; 0: no bound */
		double mass_guard;	/* share, 0..1 */
		struct setting_texts deny; /* networks, as shm/network.h reads them */
		char *ca_file;		/* "": the system's */
		struct {
			char *address;	/* as below; "": none */
			unsigned db;
			char *username, *password, *password_file;
			char *prefix, *suffix;
		} redis;
	} health;

	struct {
		size_t server_count;	/* 0: nothing outside is asked */
		struct listen_address *servers; /* owned; `freebind` means nothing here */
		unsigned timeout_ms;
		unsigned max_qps;
	} resolver;

	struct {
		bool enable;
		char *target;		/* "", "syslog", "redis", "dnstap" or an absolute path */
		enum query_log_client client;
		unsigned v4_prefix, v6_prefix; /* with LOG_CLIENT_PREFIX */
		unsigned sample;	/* one query of so many */
		struct {
			char *address;	/* as below */
			char *stream;	/* the key */
			unsigned maxlen; /* entries that are kept; 0: all */
			unsigned db;
			char *username, *password, *password_file;
		} redis;
		struct {
			char *socket;	/* "" is none */
		} dnstap;
	} query_log;

	struct {
		char *key_dir;		/* "": keys are in state_dir/keys alone */
		enum denial denial;
		unsigned algorithm;	/* of new keys */
		unsigned validity_days, refresh_days;
		unsigned max_rate;	/* signatures a second that are renewed */
		unsigned steered_rate;	/* sets a second that are signed on demand */
		unsigned steered_cache_mb; /* for them; 0: none are */
		double zsk_days, ksk_days; /* lives of keys; 0: for ever */
		enum dnssec_role role;	/* of zones from Redis */
		unsigned fleet_lag;	/* seconds */
		struct {
			char *address;	/* as below; "": that of `redis` */
			char *username, *password, *password_file;
		} redis;
	} dnssec;

	/* Addresses are "host:port", "[IPv6]:port" or the absolute path of a socket. */
	struct {
		bool enable;
		char *address;
		unsigned db;
		char *username;		/* "": the default user */
		char *password;		/* "": none; also what password_file held; never shown */
		char *password_file;	/* "" is none */
		char *prefix, *suffix;	/* around every key of the schema */
		enum redis_schema schema;
		struct {
			char *master;	/* "": `address` is connected to, no Sentinel is asked */
			struct setting_texts nodes;
			/* of the Sentinels themselves, as above */
			char *username, *password, *password_file;
		} sentinel;
		char *stream;		/* whole key; "": there is none */
		bool notifications;
		unsigned reconcile_s;
		unsigned max_ttl;	/* 0: TTLs are served as written */
		double shrink_guard;	/* share, 0..1 */
		unsigned shrink_min;	/* records */
		unsigned timeout_ms;
		bool unsigned_ok;
		struct {
			char *address;	/* "": no report */
			char *key;	/* "": martlet:errors:<node> */
		} report;
	} redis;

	struct {
		char *address;		/* "": there is no port for HTTP */
		unsigned port;
		struct setting_texts hosts; /* by which clients may call us, besides address */
		bool debug;
		struct listen_address listen; /* both resolved; address_len 0: none */
		bool is_loopback;	/* only this machine can connect */
	} http;
};

#endif
