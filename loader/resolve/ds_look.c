/* From a zone to its parent, from there to the servers, and to each of them. */
#include "loader/resolve/ds_look.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/resolve/resolve_answer.h"
#include "loader/resolve/resolve_ask.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/errcode.h"

enum {
	SERVERS_MAX = 32, /* of one parent */
	ADDRESSES_MAX = 8, /* of one server */
	DNS_PORT = 53,
	POLL_MS = 1000,
	PARENT_MS = 60000, /* so long the servers of the last parent are remembered */
};

struct server {
	uint8_t name[DNAME_MAX];
	size_t name_len;
	unsigned count;
	struct listen_address addresses[ADDRESSES_MAX];
};

struct ds_look {
	const struct settings *settings;
	struct resolve_ask *ask;
	/* the question under way */
	bool is_done;
	uint8_t *message; /* owned; NULL: no answer */
	size_t len;
	const char *reason;
	/* the parent that was looked at last */
	uint8_t parent[DNAME_MAX];
	size_t parent_len;
	uint64_t parent_until_ms;
	unsigned server_count;
	struct server servers[SERVERS_MAX];
};

/* ---- what was seen ---- */

void
ds_view_server(struct ds_view *view)
{
	view->servers++;
	view->at_last = 0;
}

void
ds_view_record(struct ds_view *view, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	if (ttl > view->ttl_s)
		view->ttl_s = ttl;
	if (++view->at_last > view->most)
		view->most = view->at_last;
	if (len > DS_RDATA_MAX)
		return;
	for (unsigned i = 0; i < view->count; i++)
		if (view->seen[i].rdata_len == len &&
		    memcmp(view->seen[i].rdata, rdata, len) == 0) {
			view->seen[i].servers++;
			return;
		}
	if (view->count == DS_LOOK_MAX)
		return;
	view->seen[view->count].servers = 1;
	view->seen[view->count].rdata_len = (uint8_t)len;
	memcpy(view->seen[view->count++].rdata, rdata, len);
}

__attribute__((format(printf, 2, 3))) static bool
fail(struct ds_view *view, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(view->reason, sizeof view->reason, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- one question ---- */

static void
on_reply(void *context, uint64_t number, const struct resolve_reply *reply)
{
	struct ds_look *look = context;

	(void)number;
	look->is_done = true;
	look->reason = reply->reason;
	if (!reply->message)
		return;
	look->message = malloc(reply->len);
	if (look->message)
		memcpy(look->message, reply->message, reply->len);
	look->len = reply->len;
}

/* returns whether there is a message. */
static bool
ask(struct ds_look *look, const struct listen_address *server, const uint8_t *name,
    size_t name_len, uint16_t type)
{
	struct pollfd fds[RESOLVE_ASK_FDS_MAX];

	free(look->message);
	look->message = NULL;
	look->is_done = false;
	look->reason = "cannot be asked now";
	if (resolve_ask_start(look->ask, server, look->settings->resolver.timeout_ms,
			      name, name_len, type, 0) != ERR_OK)
		return false;
	while (!look->is_done) {
		int timeout_ms = POLL_MS;
		unsigned count = resolve_ask_poll(look->ask, fds, &timeout_ms);

		(void)poll(fds, count, timeout_ms);
		resolve_ask_step(look->ask, fds, count);
	}
	return look->message != NULL;
}

typedef void visit_fn(void *context, uint32_t ttl, const uint8_t *rdata, size_t len);

/* Ask the resolvers, one after the other, until one knows.  returns whether there are
 * records; look->reason is "" where there are none. */
static bool
resolve(struct ds_look *look, const uint8_t *name, size_t name_len, uint16_t type,
	visit_fn *visit, void *context)
{
	const struct settings *settings = look->settings;
	struct resolve_rrset rrset;

	look->reason = "there is no resolver";
	for (size_t i = 0; i < settings->resolver.server_count; i++) {
		if (!ask(look, &settings->resolver.servers[i], name, name_len, type))
			continue;
		resolve_answer_rrset(look->message, look->len, name, name_len, type,
				     visit, context, &rrset);
		look->reason = rrset.verdict == RESOLVE_FAILED ? rrset.reason : "";
		if (rrset.verdict != RESOLVE_FAILED)
			return rrset.verdict == RESOLVE_ADDRESSES;
	}
	return false;
}

/* ---- the parent's servers ---- */

static void
take_server(void *context, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	struct ds_look *look = context;
	struct server *server = &look->servers[look->server_count];

	(void)ttl;
	if (look->server_count == SERVERS_MAX)
		return;
	memset(server, 0, sizeof *server);
	memcpy(server->name, rdata, len);
	server->name_len = len;
	look->server_count++;
}

static void
take_address(void *context, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	struct server *server = context;
	struct listen_address *to = &server->addresses[server->count];
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(DNS_PORT) };
	bool is_v4 = len == sizeof v4.sin_addr;

	(void)ttl;
	if (server->count == ADDRESSES_MAX || (!is_v4 && len != sizeof v6.sin6_addr))
		return;
	server->count++;
	memcpy(is_v4 ? (void *)&v4.sin_addr : &v6.sin6_addr, rdata, len);
	to->address_len = is_v4 ? sizeof v4 : sizeof v6;
	memcpy(&to->address, is_v4 ? (void *)&v4 : &v6, to->address_len);
	inet_ntop(is_v4 ? AF_INET : AF_INET6, rdata, to->text, sizeof to->text);
}

static bool
find_addresses(struct ds_look *look, struct ds_view *out)
{
	for (unsigned i = 0; i < look->server_count; i++) {
		struct server *server = &look->servers[i];
		char name[DNAME_TEXT_MAX];

		(void)resolve(look, server->name, server->name_len, TYPE_A, take_address,
			      server);
		(void)resolve(look, server->name, server->name_len, TYPE_AAAA,
			      take_address, server);
		if (server->count > 0)
			continue;
		dname_to_text(server->name, name);
		return fail(out, "the parent's server %s has no address%s%s", name,
			    look->reason[0] ? ": the resolver " : "", look->reason);
	}
	return true;
}

/* The deepest name above the zone that has NS records. */
static bool
find_parent(struct ds_look *look, const uint8_t *zone, size_t len, struct ds_view *out)
{
	const uint8_t *at = zone, *end = zone + len;
	uint64_t now_ms = clock_now_ms();

	while (at[0] != 0) {
		at += at[0] + 1;
		if (now_ms < look->parent_until_ms &&
		    look->parent_len == (size_t)(end - at) &&
		    memcmp(look->parent, at, look->parent_len) == 0)
			return true;
		look->server_count = 0;
		look->parent_until_ms = 0;
		if (!resolve(look, at, (size_t)(end - at), TYPE_NS, take_server, look)) {
			if (look->reason[0])
				return fail(out, "the resolver %s", look->reason);
			continue;
		}
		look->parent_len = (size_t)(end - at);
		memcpy(look->parent, at, look->parent_len);
		if (!find_addresses(look, out))
			return false;
		look->parent_until_ms = now_ms + PARENT_MS;
		return true;
	}
	return fail(out, "the zone has no parent");
}

/* ---- the DS ---- */

static void
take_ds(void *context, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	ds_view_record(context, ttl, rdata, len);
}

/* Those of its addresses that cannot be reached from here do not count, if another can. */
static bool
look_at_server(struct ds_look *look, const struct server *server, const uint8_t *zone,
	       size_t len, struct ds_view *out)
{
	const char *reason = "cannot be asked now";
	char name[DNAME_TEXT_MAX];
	bool is_heard = false;

	for (unsigned i = 0; i < server->count; i++) {
		struct resolve_rrset rrset;
		struct ds_view before = *out;

		if (!ask(look, &server->addresses[i], zone, len, TYPE_DS)) {
			reason = look->reason;
			continue;
		}
		ds_view_server(out);
		resolve_answer_rrset(look->message, look->len, zone, len, TYPE_DS,
				     take_ds, out, &rrset);
		if (rrset.verdict <= RESOLVE_NODATA && rrset.is_authoritative) {
			is_heard = true;
			continue;
		}
		*out = before;
		dname_to_text(server->name, name);
		return fail(out, "the parent's server %s (%s) %s", name,
			    server->addresses[i].text,
			    rrset.reason[0] ? rrset.reason : "answers without authority");
	}
	if (is_heard)
		return true;
	dname_to_text(server->name, name);
	return fail(out, "the parent's server %s %s", name, reason);
}

void
ds_look_at(struct ds_look *look, const uint8_t *zone, size_t len, struct ds_view *out)
{
	out->is_known = false;
	if (!find_parent(look, zone, len, out))
		return;
	for (unsigned i = 0; i < look->server_count; i++)
		if (!look_at_server(look, &look->servers[i], zone, len, out))
			return;
	out->is_known = true;
}

struct ds_look *
ds_look_new(const struct settings *settings)
{
	struct ds_look *look = calloc(1, sizeof *look);

	if (!look)
		return NULL;
	look->settings = settings;
	look->ask = resolve_ask_new(on_reply, look);
	if (look->ask)
		return look;
	free(look);
	return NULL;
}

void
ds_look_free(struct ds_look *look)
{
	if (!look)
		return;
	free(look->message);
	free(look->ask);
	free(look);
}
