/* Messages from strangers, answered from zones that have a bit of everything: whatever
 * comes in, what goes out is nothing or a response that parses, fits and belongs to it,
 * the same by the straight path as by the general one.
 *
 * input: octet 0 says how the message comes (enum how), the rest is the message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/message_check.h"
#include "t/zone_dir_store.h"
#include "worker/answer.h"
#include "worker/cookie.h"
#include "worker/zone_store.h"

enum { UDP_ROOM = 4096 };

enum how {
	HOW_TCP = 1 << 0,
	HOW_IPV6 = 1 << 1,
	HOW_NAMELESS = 1 << 2, /* identity and version are not configured */
	HOW_ANY_TCP = 1 << 3,
	HOW_UDP_LARGE = 1 << 4, /* dns.udp_size is 4096, else 1232 */
	HOW_NO_COOKIES = 1 << 5,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct zone_store store;
static struct stats_block stats, general_stats;

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "packet: %s: %s\n", what, why);
	abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	zone_dir_store_open("t/fuzz/zones", &store);
	return 0;
}

/* The largest response that may be sent, as far as it can be told without parsing. */
static size_t
largest(const struct query *q, const uint8_t *message, size_t udp_size)
{
	if (q->flags & QUERY_TCP)
		return QUERY_MESSAGE_MAX;
	return message_u16(message + 10) == 0 ? QUERY_UDP_MIN : udp_size;
}

static void
check(const struct query *q, const uint8_t *message, size_t len, size_t udp_size)
{
	const char *wrong;

	if (len < 12 || (message[2] & 0x80)) {
		if (q->response_len != 0)
			give_up("response", "to what must not be answered");
		return;
	}
	wrong = q->response_len == 0
			? "none"
			: message_check(q->packet, q->response_len, message, len);
	if (wrong)
		give_up("response", wrong);
	if (q->response_len > largest(q, message, udp_size))
		give_up("response", "larger than allowed");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct limit_config secrets = { .secret_count = 2 };
	static const struct cookie_jar cookies = { &secrets, 0x5cf79f11 };
	struct answer_options options = { .any_policy = ANY_MINIMAL, .ecs = true };
	struct query query, general;
	unsigned how;

	if (len == 0)
		return 0;
	how = *data++;
	len--;
	memset(&query, 0, sizeof query);
	query.room = (how & HOW_TCP) ? QUERY_MESSAGE_MAX : UDP_ROOM;
	if (len > query.room)
		return 0;
	if (!(how & HOW_NO_COOKIES))
		options.cookies = &cookies;
	options.udp_size = (how & HOW_UDP_LARGE) ? UDP_ROOM : 1232;
	if (how & HOW_ANY_TCP)
		options.any_policy = ANY_TCP;
	if (!(how & HOW_NAMELESS)) {
		options.identity_len = options.version_len = SETTINGS_IDENTITY_MAX;
		memset(options.identity, 'i', SETTINGS_IDENTITY_MAX);
		memset(options.version, 'v', SETTINGS_IDENTITY_MAX);
	}
	query.packet = malloc(query.room);
	if (!query.packet)
		return 0;
	memcpy(query.packet, data, len);
	query.received_len = (uint32_t)len;
	query.flags =
		((how & HOW_TCP) ? QUERY_TCP : 0u) | ((how & HOW_IPV6) ? QUERY_IPV6 : 0u);
	general = query;
	general.packet = malloc(query.room);
	if (!general.packet)
		abort();
	memcpy(general.packet, data, len);
	answer_batch(&query, 1, &store, &options, &stats);
	check(&query, data, len, options.udp_size);
	answer_batch_general(&general, 1, &store, &options, &general_stats);
	if (general.response_len != query.response_len ||
	    memcmp(general.packet, query.packet, query.response_len) != 0 ||
	    memcmp(&general_stats, &stats, sizeof stats) != 0)
		give_up("response", "not that of the general path");
	free(general.packet);
	free(query.packet);
	return 0;
}
