/* The command line of martlet-flood: what belongs together. */
#include <arpa/inet.h>
#include <math.h>
#include <string.h>

#include "t/bench/load/flood_options.h"

enum { SOCKETS_DEFAULT = 16, SOURCES_WITH_COOKIES_MAX = 65536, CLOSED_SLOTS = 32768 };

static bool
is_v4(const struct network *network)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(network->octets, mapped, sizeof mapped) == 0;
}

static bool
is_loopback(const struct network *network)
{
	static const uint8_t one[16] = { [15] = 1 };

	return is_v4(network) ? network->octets[12] == 127
			      : memcmp(network->octets, one, sizeof one) == 0;
}

static int
check_target(struct flood_options *options)
{
	struct network address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&options->target;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&options->target;

	if (!network_parse(options->server, &address) || address.len != 128)
		return flood_options_wrong(
			"--server %s: give an IPv4 or IPv6 address; names are not looked "
			"up",
			options->server);
	if (!is_loopback(&address) && !options->is_owner)
		return flood_options_wrong(
			"%s is not this machine's loopback: a flood harms whoever gets "
			"it, and everybody on the way; when the server and the network "
			"are yours, say --i-own-this",
			options->server);
	memset(&options->target, 0, sizeof options->target);
	if (is_v4(&address)) {
		*v4 = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_port = htons(options->port) };
		memcpy(&v4->sin_addr, address.octets + 12, 4);
		options->target_len = sizeof *v4;
		return -1;
	}
	*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
				     .sin6_port = htons(options->port) };
	memcpy(&v6->sin6_addr, address.octets, 16);
	options->target_len = sizeof *v6;
	return -1;
}

static int
check_options(const struct flood_options *options)
{
	bool has_option = options->ecs != ECS_NONE || options->cookies != COOKIES_NONE;

	if (!options->queries_path && options->random_count == 0)
		return flood_options_wrong(
			"what shall be asked? give --queries FILE or --random NAME "
			"(martlet-flood -h)");
	if (options->edns_size == 0 && (has_option || options->has_do))
		return flood_options_wrong(
			"--edns 0: --do, --ecs and --cookie need EDNS");
	if (options->source_count > 0 &&
	    is_v4(&options->sources) != (options->target.ss_family == AF_INET))
		return flood_options_wrong(
			"--sources: IPv%d addresses for an IPv%d server",
			is_v4(&options->sources) ? 4 : 6,
			options->target.ss_family == AF_INET ? 4 : 6);
	if (options->cookies == COOKIES_FULL &&
	    options->source_count > SOURCES_WITH_COOKIES_MAX)
		return flood_options_wrong(
			"--cookie full remembers a cookie for each source: at most %d",
			SOURCES_WITH_COOKIES_MAX);
	return -1;
}

/* As many sockets as it takes to tell unanswered queries apart by their ids, with half of
 * those kept for answers that come late. */
static int
check_sockets(struct flood_options *options)
{
	double needed = options->rate * options->timeout_s / (FLOOD_IDS / 2);

	if (options->sockets == 0)
		options->sockets = needed > SOCKETS_DEFAULT && needed <= FLOOD_SOCKETS_MAX
					   ? (unsigned)ceil(needed)
					   : SOCKETS_DEFAULT;
	if (options->sockets < options->threads)
		options->sockets = options->threads;
	if (options->sockets < needed)
		return flood_options_wrong(
			"%.15g queries a second, each waited for %.15g s, need %.0f "
			"sockets: --sockets (at most %d) or a shorter --timeout",
			options->rate, options->timeout_s, ceil(needed),
			FLOOD_SOCKETS_MAX);
	if (options->tcp_connections < options->threads)
		options->tcp_connections = options->threads;
	return -1;
}

int
flood_options_check(struct flood_options *options)
{
	int rc = check_target(options);

	if (rc < 0)
		rc = check_options(options);
	return rc < 0 ? check_sockets(options) : rc;
}

unsigned
flood_options_slots(const struct flood_options *options)
{
	double unanswered = options->rate * options->timeout_s / options->sockets;
	unsigned slots = options->rate > 0 ? 256 : CLOSED_SLOTS;

	while (slots < 2 * unanswered && slots < FLOOD_IDS)
		slots *= 2;
	return slots;
}
