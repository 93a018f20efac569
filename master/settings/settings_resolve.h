/* From what the configuration says to what the server works with: addresses, zone
 * names, CPUs, the machine's name.  Knows no libconfig.
 *
 * Each function returns NULL, or why it failed: text for people without the option's
 * name, borrowed until the next call. */
#ifndef MASTER_SETTINGS_SETTINGS_RESOLVE_H
#define MASTER_SETTINGS_SETTINGS_RESOLVE_H

#include "master/settings/settings_schema.h"
#include "shm/settings.h"

/* Append an address to settings->listen. */
__attribute__((nonnull)) const char *
settings_resolve_listen(struct settings *settings, const struct listen_option *option);

/* Find out http.listen and what follows from it. */
__attribute__((nonnull)) const char *settings_resolve_http(struct settings *settings);

/* Append a resolver; the address may have a port behind it, which wins. */
__attribute__((nonnull)) const char *
settings_resolve_server(struct settings *settings, const struct server_option *option);

/* Is one of the resolvers an address that we listen on?  A reason is only a warning here. */
__attribute__((nonnull)) const char *
settings_resolve_check_servers(const struct settings *settings);

/* Append a zone file; option->file, an absolute path, is copied. */
__attribute__((nonnull)) const char *
settings_resolve_zone_file(struct settings *settings,
			   const struct zone_file_option *option, unsigned line);

/* Append a CPU to settings->workers.cpus. */
__attribute__((nonnull)) const char *settings_resolve_cpu(struct settings *settings,
							  long long cpu);

/* Replace dns.identity "@hostname" by the machine's name. */
__attribute__((nonnull)) const char *settings_resolve_identity(struct settings *settings);

/* Settle workers.count.  A reason is only a warning here. */
__attribute__((nonnull)) const char *settings_resolve_workers(struct settings *settings);

/* What is wrong with the options of `dnssec` taken together; NULL: nothing. */
__attribute__((nonnull, pure)) const char *
settings_resolve_dnssec(const struct settings *settings);

#endif
