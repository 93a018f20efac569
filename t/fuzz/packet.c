/* Messages from strangers, answered from zones that have a bit of everything, steered RRsets
 * too: whatever comes in, what goes out is nothing or a response that parses, fits and
 * belongs to it, the same by the straight path as by the general one.
 *
 * input: octet 0 says how the message comes (enum how), the rest is the message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "shm/geo_path.h"
#include "t/fuzz/target.h"
#include "t/message_check.h"
#include "t/mmdb_maker.h"
#include "t/zone_dir_store.h"
#include "worker/answer.h"
#include "worker/cookie.h"
#include "worker/geo.h"
#include "worker/steer.h"
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

static struct zone_store store;
static struct geo geo;
static struct steerer steerer = { .geo = &geo };
static struct stats_block stats, general_stats;

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "packet: %s: %s\n", what, why);
	abort();
}

/* 192.0.2.0/24, a half and a quarter of it, which are elsewhere. */
static void
make_database(const char *dir, enum geo_db_kind kind)
{
	static struct mmdb_maker db;
	struct geo_address network = { { [10] = 0xff, [11] = 0xff, 192, 0, 2 } };
	char path[PATH_MAX];

	mmdb_begin(&db, kind == GEO_ASN);
	for (unsigned i = 0; i < 3; i++) {
		struct geo_place place = { .has_location = i != 1,
					   .latitude = 30 * i,
					   .longitude = 50 * i };

		memcpy(place.country, i == 1 ? "US" : "DE", sizeof place.country);
		memcpy(place.continent, i == 1 ? "NA" : "EU", sizeof place.continent);
		memcpy(place.region, "CA", 2);
		mmdb_add(&db, network, 96 + 24 + i,
			 kind == GEO_ASN ? mmdb_put_asn(&db, 64496 + i)
					 : mmdb_put_place(&db, &place));
	}
	if (!geo_path(dir, kind, 1, path))
		give_up(path, "too long");
	mmdb_write(&db, path);
}

static void
open_databases(void)
{
	static const struct region_geo published = { .numbers = { 1, 1 } };
	char *scratch = scratch_dir_make();

	if (mkdir(scratch_path(scratch, GEO_DIR), 0700) != 0)
		give_up(scratch, "no directory");
	make_database(scratch, GEO_COUNTRY);
	make_database(scratch, GEO_ASN);
	geo_follow(&geo, scratch, &published);
	geo_take(&geo);
	scratch_dir_free(scratch);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	zone_dir_store_open("t/fuzz/zones", &store);
	open_databases();
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
	static const struct sockaddr_in client = { .sin_family = AF_INET,
						   .sin_addr.s_addr = 0x090200c0 };
	struct answer_options options = { .any_policy = ANY_MINIMAL,
					  .ecs = true,
					  .steerer = &steerer };
	struct sockaddr_in6 from = { .sin6_family = AF_INET6 };
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
	if (!(how & HOW_IPV6))
		memcpy(&from, &client, sizeof client);
	query.client = &from;
	general = query;
	general.packet = malloc(query.room);
	if (!general.packet)
		abort();
	memcpy(general.packet, data, len);
	steerer.random.state = len;
	answer_batch(&query, 1, &store, &options, &stats);
	check(&query, data, len, options.udp_size);
	steerer.random.state = len;
	answer_batch_general(&general, 1, &store, &options, &general_stats);
	if (general.response_len != query.response_len ||
	    memcmp(general.packet, query.packet, query.response_len) != 0 ||
	    memcmp(&general_stats, &stats, sizeof stats) != 0)
		give_up("response", "not that of the general path");
	free(general.packet);
	free(query.packet);
	return 0;
}
