/* Addresses, zone names, CPUs and the machine's name. */
#include "master/settings/settings_resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/alloc.h"

static char reason[256];

static bool
is_v4_mapped(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_V4MAPPED(
		       &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* Is the same address and port on the list? */
static bool
listens_on(const struct settings *settings, const struct listen_address *one)
{
	for (size_t i = 0; i < settings->listen_count; i++) {
		const struct listen_address *other = &settings->listen[i];

		if (other->address_len == one->address_len &&
		    memcmp(&other->address, &one->address, one->address_len) == 0)
			return true;
	}
	return false;
}

static const char *
parse_address(const char *text, unsigned port_number, struct listen_address *out)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	const char *why = NULL;
	char port[8];

	snprintf(port, sizeof port, "%u", port_number);
	if (getaddrinfo(text, port, &hints, &found) != 0) {
		snprintf(reason, sizeof reason, "\"%s\" is no IPv4 or IPv6 address",
			 text);
		return reason;
	}
	if (is_v4_mapped(found->ai_addr)) {
		why = "write an IPv4 address in its own form, not as ::ffff:...";
	} else {
		memcpy(&out->address, found->ai_addr, found->ai_addrlen);
		out->address_len = found->ai_addrlen;
	}
	freeaddrinfo(found);
	return why;
}

const char *
settings_resolve_listen(struct settings *settings, const struct listen_option *option)
{
	struct listen_address address = { .freebind = option->freebind };
	const char *why = parse_address(option->address, option->port, &address);

	if (why)
		return why;
	snprintf(address.text, sizeof address.text, "%.48s port %u", option->address,
		 option->port);
	if (listens_on(settings, &address)) {
		snprintf(reason, sizeof reason, "%s is listed twice", address.text);
		return reason;
	}
	settings->listen = alloc_again(settings->listen, settings->listen_count + 1,
				       sizeof *settings->listen);
	settings->listen[settings->listen_count++] = address;
	return NULL;
}

const char *
settings_resolve_check_servers(const struct settings *settings)
{
	for (size_t i = 0; i < settings->resolver.server_count; i++) {
		if (!listens_on(settings, &settings->resolver.servers[i]))
			continue;
		snprintf(reason, sizeof reason,
			 "%s is this server, which knows nothing of names outside of its "
			 "zones",
			 settings->resolver.servers[i].text);
		return reason;
	}
	return NULL;
}

/* Cut "address:port" or "[IPv6]:port" in two; a text without a port is all address. */
static void
split_port(char *text, char **address, unsigned *port)
{
	char *colon = strrchr(text, ':'), *end;
	bool is_bracketed = text[0] == '[' && strchr(text, ']');
	unsigned long number;

	*address = text;
	if (is_bracketed) {
		*address = text + 1;
		end = strchr(text, ']');
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
	} else if (colon && memchr(text, ':', (size_t)(colon - text))) {
		colon = NULL; /* an IPv6 address by itself */
	}
	if (!colon || colon[1] < '0' || colon[1] > '9')
		return;
	number = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || number < 1 || number > 65535)
		return;
	*port = (unsigned)number;
	*colon = '\0';
}

const char *
settings_resolve_server(struct settings *settings, const struct server_option *option)
{
	struct listen_address server = { .freebind = false };
	char *text = alloc_text(option->address), *address;
	unsigned port = option->port;
	const char *why;

	split_port(text, &address, &port);
	why = parse_address(address, port, &server);
	snprintf(server.text, sizeof server.text, "%.48s port %u", address, port);
	free(text);
	if (why)
		return why;
	settings->resolver.servers =
		alloc_again(settings->resolver.servers,
			    settings->resolver.server_count + 1, sizeof server);
	settings->resolver.servers[settings->resolver.server_count++] = server;
	return NULL;
}

static bool
is_loopback(const struct sockaddr_storage *any)
{
	if (any->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)(const void *)any)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)(const void *)any)->sin_addr.s_addr) >>
		       24 ==
	       IN_LOOPBACKNET;
}

const char *
settings_resolve_http(struct settings *settings)
{
	struct listen_address *listen = &settings->http.listen;
	const char *why;

	if (!settings->http.address[0])
		return NULL;
	why = parse_address(settings->http.address, settings->http.port, listen);
	if (why)
		return why;
	snprintf(listen->text, sizeof listen->text, "%.48s port %u",
		 settings->http.address, settings->http.port);
	settings->http.is_loopback = is_loopback(&listen->address);
	return NULL;
}

const char *
settings_resolve_zone_file(struct settings *settings,
			   const struct zone_file_option *option, unsigned line)
{
	struct zone_file_setting zone = { .line = line, .sign = option->sign };

	zone.origin_len = dname_from_text(option->origin, zone.origin);
	if (zone.origin_len == 0) {
		snprintf(reason, sizeof reason, "\"%.100s\" is no domain name",
			 option->origin);
		return reason;
	}
	dname_lower(zone.origin, zone.origin_len);
	for (size_t i = 0; i < settings->zones.file_count; i++) {
		const struct zone_file_setting *other = &settings->zones.files[i];

		if (other->origin_len != zone.origin_len ||
		    memcmp(other->origin, zone.origin, zone.origin_len) != 0)
			continue;
		snprintf(reason, sizeof reason,
			 "\"%.100s\" has a file already, in line %u", option->origin,
			 other->line);
		return reason;
	}
	zone.path = alloc_text(option->file);
	settings->zones.files =
		alloc_again(settings->zones.files, settings->zones.file_count + 1,
			    sizeof *settings->zones.files);
	settings->zones.files[settings->zones.file_count++] = zone;
	return NULL;
}

/* The CPUs that we may run on; all of them where the kernel does not tell. */
static void
get_allowed(cpu_set_t *allowed)
{
	if (sched_getaffinity(0, sizeof *allowed, allowed) == 0 && CPU_COUNT(allowed) > 0)
		return;
	CPU_ZERO(allowed);
	for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN) && i < CPU_SETSIZE; i++)
		CPU_SET((size_t)i, allowed);
}

/* "0-3,8" */
static void
describe_cpus(const cpu_set_t *cpus, char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < CPU_SETSIZE && len + 16 < room; i++) {
		int first = i;

		if (!CPU_ISSET((size_t)i, cpus))
			continue;
		while (i + 1 < CPU_SETSIZE && CPU_ISSET((size_t)i + 1, cpus))
			i++;
		len += (size_t)snprintf(out + len, room - len,
					i > first ? "%s%d-%d" : "%s%d", len ? "," : "",
					first, i);
	}
}

const char *
settings_resolve_cpu(struct settings *settings, long long cpu)
{
	cpu_set_t allowed;
	char text[128];

	get_allowed(&allowed);
	if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET((size_t)cpu, &allowed)) {
		describe_cpus(&allowed, text, sizeof text);
		snprintf(reason, sizeof reason, "we may not run on CPU %lld, only on %s",
			 cpu, text);
		return reason;
	}
	settings->workers.cpus =
		alloc_again(settings->workers.cpus, settings->workers.cpu_count + 1,
			    sizeof *settings->workers.cpus);
	settings->workers.cpus[settings->workers.cpu_count++] = (int)cpu;
	return NULL;
}

const char *
settings_resolve_identity(struct settings *settings)
{
	char name[SETTINGS_IDENTITY_MAX + 1];

	if (strcmp(settings->dns.identity, "@hostname") != 0)
		return NULL;
	if (gethostname(name, sizeof name) != 0 || name[0] == '\0') {
		snprintf(reason, sizeof reason, "the machine has no name: %s",
			 strerror(errno));
		return reason;
	}
	name[sizeof name - 1] = '\0';
	free(settings->dns.identity);
	settings->dns.identity = alloc_text(name);
	return NULL;
}

const char *
settings_resolve_workers(struct settings *settings)
{
	unsigned cpu_count = settings->workers.cpu_count;

	if (cpu_count == 0) {
		cpu_set_t allowed;

		get_allowed(&allowed);
		cpu_count = (unsigned)CPU_COUNT(&allowed);
	}
	if (settings->workers.count == 0)
		settings->workers.count = cpu_count < SETTINGS_WORKERS_MAX
						  ? cpu_count
						  : SETTINGS_WORKERS_MAX;
	if (settings->workers.count <= cpu_count)
		return NULL;
	snprintf(reason, sizeof reason, "%u workers share %u CPU%s",
		 settings->workers.count, cpu_count, cpu_count == 1 ? "" : "s");
	return reason;
}

const char *
settings_resolve_dnssec(const struct settings *settings)
{
	unsigned algorithm = settings->dnssec.algorithm;

	if (algorithm == 9 || algorithm == 11 || algorithm == 12)
		return "dnssec.algorithm: 8, 10, 13, 14, 15 or 16 is needed";
	if (settings->dnssec.refresh_days >= settings->dnssec.validity_days)
		return "dnssec.refresh_days: must be less than validity_days, or "
		       "signatures are always due";
	return NULL;
}
