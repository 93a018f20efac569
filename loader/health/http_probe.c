/* HTTP and HTTPS, by libcurl: one request to a literal address, and no step further.
 *
 * Nothing but the target decides where the request goes: no proxy, no environment, no
 * redirect, no name is resolved, and the address is looked at again where the socket is
 * made.  What comes back is bounded in time and in octets. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/health/probe.h"
#include "loader/health/probe_address.h"
#include "shm/errcode.h"

enum {
	RECEIVE_MAX = 64 << 10, /* octets of header lines, and of a body */
	SPARE_MAX = 64, /* handles that are kept for the next probes */
	URL_MAX = HEALTH_HOST_MAX + 64,
	REDIRECTS = 0,
	CA_CACHE_S = 3600,
};

struct http_prober {
	struct probe_bed *bed;
	CURLM *multi;
	struct event_timer *timer;
	CURL *spare[SPARE_MAX];
	unsigned spare_count;
};

struct http_probe {
	struct http_prober *prober;
	struct probe *probe;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	size_t header_len, body_len;
	char tail[HEALTH_BODY_MAX]; /* the end of the body so far, for what lies across */
	size_t tail_len;
	bool is_found, is_too_long, is_denied, is_without_socket;
	char error[CURL_ERROR_SIZE];
};

/* ---- what comes back ---- */

static size_t
take_header(char *octets, size_t size, size_t count, void *context)
{
	struct http_probe *http = context;

	(void)octets;
	http->header_len += size * count;
	http->is_too_long |= http->header_len > RECEIVE_MAX;
	return http->is_too_long ? 0 : size * count;
}

/* Does what is wanted stand in the body, with what came before? */
static void
look_for_text(struct http_probe *http, const char *octets, size_t len)
{
	const char *wanted = http->probe->target->check.body;
	size_t wanted_len = strlen(wanted), keep = wanted_len - 1, from_new;
	char joined[2 * HEALTH_BODY_MAX];

	if (http->is_found || memmem(octets, len, wanted, wanted_len)) {
		http->is_found = true;
		return;
	}
	from_new = len < keep ? len : keep;
	memcpy(joined, http->tail, http->tail_len);
	memcpy(joined + http->tail_len, octets, from_new);
	http->is_found = memmem(joined, http->tail_len + from_new, wanted, wanted_len);
	/* the last octets of both together */
	if (len >= keep) {
		memcpy(http->tail, octets + len - keep, keep);
		http->tail_len = keep;
		return;
	}
	from_new = http->tail_len + len;
	http->tail_len = from_new < keep ? from_new : keep;
	memcpy(http->tail, joined + from_new - http->tail_len, http->tail_len);
}

/* What was looked for has been found, or all that may come has come: go no further. */
static size_t
take_body(char *octets, size_t size, size_t count, void *context)
{
	struct http_probe *http = context;
	size_t len = size * count;

	if (http->probe->target->check.body[0] == '\0')
		return 0;
	if (len > RECEIVE_MAX - http->body_len)
		len = RECEIVE_MAX - http->body_len;
	http->body_len += len;
	look_for_text(http, octets, len);
	return http->is_found || http->body_len == RECEIVE_MAX ? 0 : size * count;
}

/* ---- where it goes ---- */

static curl_socket_t
make_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_probe *http = context;
	uint8_t octets[16];
	int fd;

	(void)purpose;
	network_octets(&address->addr, octets);
	http->is_denied = deny_list_holds(http->prober->bed->deny, octets) ||
			  memcmp(octets, http->probe->target->address, 16) != 0;
	if (http->is_denied)
		return CURL_SOCKET_BAD;
	fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    address->protocol);
	http->is_without_socket = fd < 0;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static bool
append(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (longer)
		*list = longer;
	return longer != NULL;
}

/* Who is not asked for a certificate needs no authorities: curl would read all of them for
 * each probe.  Those that are needed are read once in a while. */
static CURLcode
set_authorities(CURL *easy, const struct health_check *check, const char *ca_file)
{
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, check->verify ? 1L : 0L);
	rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, check->verify ? 2L : 0L);
	if (!check->verify || ca_file[0])
		rc |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (!check->verify)
		rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	else if (ca_file[0])
		rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	/* not in every build of curl */
	(void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
	return rc;
}

static CURLcode
set_bounds(CURL *easy, const struct health_check *check)
{
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)check->timeout_ms);
	rc |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)check->timeout_ms);
	rc |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, (long)REDIRECTS);
	rc |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	rc |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	rc |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	rc |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	rc |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	rc |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	rc |= curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	/* it keeps literal addresses too, and looks through all of them */
	rc |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	rc |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	rc |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	rc |= curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	rc |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "martlet/" MARTLET_VERSION);
	return rc;
}

/* The name goes into URL, Host and SNI, the address where curl connects to. */
static CURLcode
set_target(struct http_probe *http, const struct health_target *target)
{
	const struct health_check *check = &target->check;
	char url[URL_MAX], to[URL_MAX], address[INET6_ADDRSTRLEN];
	bool is_v4 = probe_address_is_v4(target->address);
	CURLcode rc = CURLE_OK;

	probe_address_print(target->address, address);
	snprintf(url, sizeof url, "%s://%s:%u/", health_protocol_name(check->protocol),
		 check->host, check->port);
	snprintf(to, sizeof to, "::%s%s%s:%u", is_v4 ? "" : "[", address,
		 is_v4 ? "" : "]", check->port);
	if (!append(&http->connect_to, to) || !append(&http->headers, "Accept: */*") ||
	    !append(&http->headers, "Connection: close"))
		return CURLE_OUT_OF_MEMORY;
	rc |= curl_easy_setopt(http->easy, CURLOPT_URL, url);
	rc |= curl_easy_setopt(http->easy, CURLOPT_REQUEST_TARGET, check->uri);
	rc |= curl_easy_setopt(http->easy, CURLOPT_CONNECT_TO, http->connect_to);
	rc |= curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers);
	rc |= curl_easy_setopt(http->easy, CURLOPT_NOBODY, check->body[0] ? 0L : 1L);
	return rc;
}

static CURLcode
set_calls(struct http_probe *http)
{
	CURL *easy = http->easy;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(easy, CURLOPT_PRIVATE, http);
	rc |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
	rc |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	rc |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	rc |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, make_socket);
	rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http);
	return rc;
}

/* ---- the end ---- */

static void
give_up(struct http_probe *http)
{
	struct http_prober *prober = http->prober;

	curl_multi_remove_handle(prober->multi, http->easy);
	curl_easy_reset(http->easy);
	if (prober->spare_count < SPARE_MAX)
		prober->spare[prober->spare_count++] = http->easy;
	else
		curl_easy_cleanup(http->easy);
	curl_slist_free_all(http->headers);
	curl_slist_free_all(http->connect_to);
	http->probe->way = NULL;
	free(http);
}

static bool
is_wanted(const struct health_check *check, long code)
{
	for (unsigned i = 0; i < check->code_count; i++)
		if (code >= check->codes[i].low && code <= check->codes[i].high)
			return true;
	return false;
}

/* Is there no way from here at all?  Then nothing is known of the target. */
static bool
has_no_route(const struct health_target *target)
{
	struct sockaddr_storage address;
	socklen_t len = probe_address(target->address, target->check.port, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has_none =
		fd < 0 || (connect(fd, (const struct sockaddr *)&address, len) != 0 &&
			   errno == ENETUNREACH);

	if (fd >= 0)
		close(fd);
	return has_none;
}

static bool
is_ours(const struct http_probe *http, CURLcode rc)
{
	long os_error = 0;

	if (http->is_denied || http->is_without_socket || rc == CURLE_OUT_OF_MEMORY ||
	    rc == CURLE_URL_MALFORMAT || rc == CURLE_FAILED_INIT ||
	    rc == CURLE_SSL_CACERT_BADFILE)
		return true;
	if (rc != CURLE_COULDNT_CONNECT)
		return false;
	curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &os_error);
	return os_error == EADDRNOTAVAIL || os_error == EACCES || os_error == EPERM ||
	       (os_error == ENETUNREACH && has_no_route(http->probe->target));
}

/* A body that was not read to its end is as good as one that was. */
static bool
has_answered(const struct http_probe *http, CURLcode rc)
{
	return rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && !http->is_too_long);
}

static void
judge(struct http_probe *http, CURLcode rc, enum probe_outcome *outcome,
      char why[CURL_ERROR_SIZE])
{
	const struct health_check *check = &http->probe->target->check;
	long code = 0;

	*outcome = PROBE_DOWN;
	why[0] = '\0';
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code);
	if (is_ours(http, rc)) {
		*outcome = PROBE_UNKNOWN;
		snprintf(why, CURL_ERROR_SIZE, "%s",
			 http->is_denied ? "health.deny forbids the address"
					 : curl_easy_strerror(rc));
	} else if (http->is_too_long) {
		snprintf(why, CURL_ERROR_SIZE, "a header of more than 64 KiB");
	} else if (!has_answered(http, rc)) {
		snprintf(why, CURL_ERROR_SIZE, "%s",
			 http->error[0] ? http->error : curl_easy_strerror(rc));
	} else if (!is_wanted(check, code)) {
		snprintf(why, CURL_ERROR_SIZE, "status %ld", code);
	} else if (check->body[0] && !http->is_found) {
		snprintf(why, CURL_ERROR_SIZE, "the body lacks the text");
	} else {
		*outcome = PROBE_UP;
	}
}

static void
end(struct http_probe *http, CURLcode rc)
{
	struct probe *probe = http->probe;
	struct probe_bed *bed = http->prober->bed;
	enum probe_outcome outcome;
	char why[CURL_ERROR_SIZE];

	judge(http, rc, &outcome, why);
	give_up(http);
	bed->end(probe, outcome, why);
}

static void
take_ended(struct http_prober *prober)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(prober->multi, &left))) {
		struct http_probe *http = NULL;
		CURLcode rc = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &http);
		end(http, rc);
	}
}

/* ---- curl and the loop ---- */

struct http_socket {
	struct http_prober *prober;
	struct event_watch *watch;
	curl_socket_t fd;
};

static void
on_socket(void *context, unsigned events)
{
	/* freed, it may be, in the call */
	struct http_socket *socket = context;
	struct http_prober *prober = socket->prober;
	int action = 0, running;

	if (events & EVENT_READ)
		action |= CURL_CSELECT_IN;
	if (events & EVENT_WRITE)
		action |= CURL_CSELECT_OUT;
	curl_multi_socket_action(prober->multi, socket->fd, action, &running);
	take_ended(prober);
}

static void
on_time(void *context)
{
	struct http_prober *prober = context;
	int running;

	curl_multi_socket_action(prober->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_ended(prober);
}

static int
set_timer(CURLM *multi, long ms, void *context)
{
	struct http_prober *prober = context;

	(void)multi;
	if (ms < 0)
		event_timer_clear(prober->timer);
	else
		event_timer_set(prober->timer, (uint64_t)ms);
	return 0;
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
	struct http_prober *prober = context;
	struct http_socket *known = socket_context;
	unsigned events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (known)
			event_watch_free(known->watch);
		free(known);
		curl_multi_assign(prober->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= EVENT_READ;
	if (what != CURL_POLL_IN)
		events |= EVENT_WRITE;
	if (known) {
		event_watch_change(known->watch, events);
		return 0;
	}
	known = calloc(1, sizeof *known);
	if (!known)
		return -1;
	*known = (struct http_socket){ prober, NULL, fd };
	known->watch = event_watch_new(prober->bed->loop, fd, events, on_socket, known);
	if (!known->watch) {
		free(known);
		return -1;
	}
	curl_multi_assign(prober->multi, fd, known);
	return 0;
}

struct http_prober *
http_prober_new(struct probe_bed *bed)
{
	struct http_prober *prober = calloc(1, sizeof *prober);

	if (!prober || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(prober);
		return NULL;
	}
	prober->bed = bed;
	prober->multi = curl_multi_init();
	prober->timer = event_timer_new(bed->loop, on_time, prober);
	if (!prober->multi || !prober->timer) {
		event_timer_free(prober->timer);
		curl_multi_cleanup(prober->multi);
		free(prober);
		return NULL;
	}
	curl_multi_setopt(prober->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(prober->multi, CURLMOPT_SOCKETDATA, prober);
	curl_multi_setopt(prober->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(prober->multi, CURLMOPT_TIMERDATA, prober);
	curl_multi_setopt(prober->multi, CURLMOPT_MAXCONNECTS, 1L);
	return prober;
}

int
http_probe_start(struct http_prober *prober, struct probe *probe, const char **why)
{
	struct http_probe *http = calloc(1, sizeof *http);

	*why = "curl cannot make the request";
	if (!http)
		return ERR_NOMEM;
	http->prober = prober;
	http->probe = probe;
	http->easy = prober->spare_count > 0 ? prober->spare[--prober->spare_count]
					     : curl_easy_init();
	if (!http->easy) {
		free(http);
		return ERR_NOMEM;
	}
	probe->way = http;
	if (set_bounds(http->easy, &probe->target->check) != CURLE_OK ||
	    set_authorities(http->easy, &probe->target->check, prober->bed->ca_file) !=
		    CURLE_OK ||
	    set_target(http, probe->target) != CURLE_OK || set_calls(http) != CURLE_OK ||
	    curl_multi_add_handle(prober->multi, http->easy) != CURLM_OK) {
		give_up(http);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void
http_probe_cancel(struct http_prober *prober, struct probe *probe)
{
	(void)prober;
	if (probe->way)
		give_up(probe->way);
}
