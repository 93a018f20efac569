/* steered - what choosing among records costs without sockets: user instructions and ns a
 * query.
 *
 *	steered LOAD [ROUNDS]
 *
 * Each name has 8 addresses, of 400 in all, in a zone that is made anew.  LOAD is one of
 * loads[] below: the order of records, "all" for a weighted one of which all are left.
 * Queries carry EDNS and come from a /24 each: "hit" from one of 1,000 that were there
 * before, "miss" from one that is new.  "signed" ones have DO, and are answered with
 * signatures (of an ECDSA key's length, of no meaning) from the cache of those that were made
 * on demand.  Prints one line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/zone/steering.h"
#include "shm/clock.h"
#include "shm/geo_path.h"
#include "t/bench/user_instructions.h"
#include "t/mmdb_maker.h"
#include "t/query_file.h"
#include "t/scratch_dir.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"
#include "worker/answer.h"
#include "worker/geo.h"
#include "worker/signed_sets.h"
#include "worker/steer.h"
#include "worker/zone_store.h"

enum {
	PACKET_ROOM = 1232,
	NAMES = 1000,
	RECORDS = 8,
	NETWORKS = 8192, /* /21 each, in 11.0.0.0/8 */
	ENTRIES = 500, /* different ones of each database */
	CLIENTS_SEEN = 1000,
	ECS_LEN = 11, /* of a /24, with its head */
};

struct load {
	const char *name;
	char kind; /* first letter of the names that are asked for */
	uint16_t type;
	bool is_fresh, has_subnet, is_signed;
};

static const struct load loads[] = {
	{ "plain", 'p', RRTYPE_A, false, false, false },
	{ "plain-aaaa", 'p', RRTYPE_AAAA, false, false, false },
	{ "none-hit", 'n', RRTYPE_A, false, false, false },
	{ "rr-hit", 'r', RRTYPE_A, false, false, false },
	{ "rr-miss", 'r', RRTYPE_A, true, false, false },
	{ "weighted-hit", 'w', RRTYPE_A, false, false, false },
	{ "weighted-miss", 'w', RRTYPE_A, true, false, false },
	{ "weighted-ecs", 'w', RRTYPE_A, false, true, false },
	{ "all-hit", 'a', RRTYPE_A, false, false, false },
	{ "weighted-aaaa", 'w', RRTYPE_AAAA, false, false, false },
	{ "nearest-hit", 'l', RRTYPE_A, false, false, false },
	{ "nearest-miss", 'l', RRTYPE_A, true, false, false },
	{ "weighted-signed", 's', RRTYPE_A, false, false, true },
};

static uint8_t packets[ANSWER_BATCH][PACKET_ROOM];
static struct query queries[ANSWER_BATCH];
static struct sockaddr_in6 clients[ANSWER_BATCH];
static struct stats_block stats;
static struct geo geo;

/* ---- signatures ---- */

enum { SIG_LEN = 12 + 18 + 12 + 64 };

static struct ring_ends ends;
static struct ring requests;
static struct region_signer signer;
static struct signed_sets signed_sets = { .signer = &signer };
static uint8_t ring_octets[STEERED_RING_LEN];

/* Let a payload be one whose sets are signed on demand.  returns its length. */
static size_t
sign_payload(uint8_t *payload, size_t len, uint64_t mark)
{
	const struct steered_part_head part = { STEERED_SIGNED, 0,
						sizeof(struct steered_signed) };
	const struct steered_signed none = { .mark = mark };
	struct steered_head head;
	struct rrset_head rrset;
	uint8_t *end;

	memcpy(&head, payload, sizeof head);
	memcpy(&rrset, payload + sizeof head, sizeof rrset);
	end = payload + sizeof head + head.rrset_len;
	memmove(end + SIG_LEN, end, len - (size_t)(end - payload));
	memset(end, 0, SIG_LEN);
	head.rrset_len += SIG_LEN;
	rrset.sig_count = 1;
	rrset.sig_len = SIG_LEN;
	memcpy(payload, &head, sizeof head);
	memcpy(payload + sizeof head, &rrset, sizeof rrset);
	memcpy(payload + len + SIG_LEN, &part, sizeof part);
	memcpy(payload + len + SIG_LEN + sizeof part, &none, sizeof none);
	return len + SIG_LEN + sizeof part + sizeof none;
}

static void
open_cache(void)
{
	signed_sets.cache = steered_cache_create(64 << 20);
	ring_open_writer(&signed_sets.requests, &ends, ring_octets, sizeof ring_octets);
	ring_open_reader(&requests, &ends, ring_octets, sizeof ring_octets);
}

/* "Sign" what was asked for. */
static void
sign_requested(struct steered_cache *cache)
{
	static const uint8_t signature[SIG_LEN];
	const struct steered_request *request;
	bool is_damaged = false;

	while ((request = ring_next(&requests, sizeof *request, &is_damaged))) {
		const struct steered_key key = {
			.mark = request->mark,
			.of = request->set,
			.type = request->type,
			.owner_len = request->owner_len,
			.owner = request->owner,
		};

		steered_cache_put(cache, &key, &request->set, signature, SIG_LEN);
	}
	ring_release(&requests);
}

/* ---- the zone ---- */

static void
put_steered(struct zone_records *zone, const char *owner, uint16_t type, unsigned seed)
{
	static struct steering steering;
	static uint8_t payload[STEERING_LEN_MAX + SIG_LEN + 64];
	size_t payload_len;
	uint8_t name[DNAME_MAX], address[16] = { 11, (uint8_t)(seed % 50) };
	size_t name_len = dname_from_text(owner, name), len = type == RRTYPE_A ? 4 : 16;

	steering_begin(&steering, type);
	steering.order = *owner == 'r'           ? STEERED_RR
			 : strchr("was", *owner) ? STEERED_WEIGHTED
						 : STEERED_AS_STORED;
	steering.geo = *owner == 'l' ? STEERED_BY_LOCATION : STEERED_BY_ASN_COUNTRY;
	for (unsigned i = 0; i < RECORDS; i++) {
		address[2] = (uint8_t)(i * 31);
		address[len - 1] = (uint8_t)i;
		if (*owner != 'p' && *owner != 'l') {
			steering_add_country(&steering, *owner == 'a' ? "\0\0"
							: i % 2       ? "DE"
								      : "US");
			steering_add_asn(&steering,
					 *owner != 'a' && i / 2 ? 64496 + i / 2 : 0);
		}
		steering_add(&steering, address, i + 1);
		zone_put_rdata(zone, owner, 300, type, address, len);
	}
	payload_len = steering_write(&steering, 300, payload);
	if (*owner == 's')
		payload_len = sign_payload(payload, payload_len, 2 * seed + type);
	if (*owner != 'p' &&
	    zone_records_add_mark(zone, name, name_len, ZONE_MARK_STEERED, type, payload,
				  payload_len) != 0)
		bail_out("no memory");
}

static void
make_store(const char *dir, struct zone_store *store)
{
	static const char kinds[] = "pnrwals";
	struct zone_records *zone = zone_make("steer.test");

	for (unsigned i = 0; i < NAMES; i++)
		for (const char *kind = kinds; *kind; kind++) {
			char owner[64];

			sprintf(owner, "%c%03u.steer.test", *kind, i);
			put_steered(zone, owner, RRTYPE_A, i);
			put_steered(zone, owner, RRTYPE_AAAA, i);
		}
	zone_done(zone);
	zone_seal(dir, &zone, 1);
	if (zone_store_init(dir, store) != 0)
		bail_out("no store");
	zone_store_renew(store);
}

/* ---- the databases ---- */

static int32_t
put_entry(struct mmdb_maker *db, unsigned i)
{
	struct geo_place place = {
		.has_location = true,
		.latitude = (double)i * 180 / ENTRIES - 90,
		.longitude = (double)(i * 7 % 360) - 180,
		.continent = "EU",
		.region = { 'A', (char)('A' + i % 26) },
	};

	if (db->is_asn)
		return mmdb_put_asn(db, 64496 + i);
	memcpy(place.country, i % 3 ? "DE" : "US", sizeof place.country);
	return mmdb_put_place(db, &place);
}

static void
make_database(const char *dir, enum geo_db_kind kind)
{
	static struct mmdb_maker db;
	int32_t entries[ENTRIES];
	char path[PATH_MAX];

	mmdb_begin(&db, kind == GEO_ASN);
	for (unsigned i = 0; i < ENTRIES; i++)
		entries[i] = put_entry(&db, i);
	for (unsigned i = 0; i < NETWORKS; i++) {
		struct geo_address network = { { [10] = 0xff, [11] = 0xff, 11 } };

		network.octets[13] = (uint8_t)(i >> 5);
		network.octets[14] = (uint8_t)(i << 3);
		mmdb_add(&db, network, 96 + 21, entries[i * 31 % ENTRIES]);
	}
	if (!geo_path(dir, kind, 1, path))
		bail_out("a path too long");
	mmdb_write(&db, path);
}

static void
make_databases(const char *dir)
{
	static struct region_geo published = { .numbers = { 1, 1 } };

	if (mkdir(scratch_path(dir, GEO_DIR), 0700) != 0)
		bail_out("no directory");
	make_database(dir, GEO_COUNTRY);
	make_database(dir, GEO_ASN);
	geo_follow(&geo, dir, &published);
	geo_take(&geo);
}

/* ---- queries ---- */

/* Append the client's /24 to the OPT, which is the last of the message. */
static unsigned
put_subnet(uint8_t *packet, unsigned len, uint32_t address)
{
	static const uint8_t head[8] = { 0, 8, 0, 7, 0, 1, 24, 0 };

	wire_put_u16(packet + len - 2, ECS_LEN);
	memcpy(packet + len, head, sizeof head);
	packet[len + 8] = (uint8_t)(address >> 24);
	packet[len + 9] = (uint8_t)(address >> 16);
	packet[len + 10] = (uint8_t)(address >> 8);
	return len + ECS_LEN;
}

/* Query number `which` of a load, into a slot of the batch. */
static void
fill(const struct load *load, unsigned slot, uint64_t which)
{
	uint64_t network = load->is_fresh ? which : which % CLIENTS_SEEN;
	uint32_t address = 11u << 24 | (uint32_t)(network * 40503 % (1u << 16)) << 8 | 9;
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct query *q = &queries[slot];
	char name[64];

	in.sin_addr.s_addr = __builtin_bswap32(address);
	memcpy(&clients[slot], &in, sizeof in);
	sprintf(name, "%c%03u.steer.test", load->kind, (unsigned)(which * 7 % NAMES));
	q->packet = packets[slot];
	q->received_len = query_file_encode(q->packet, name, load->type);
	if (load->has_subnet)
		q->received_len = put_subnet(q->packet, q->received_len, address);
	if (load->is_signed) /* DO */
		q->packet[q->received_len - 4] |= 0x80;
	q->room = PACKET_ROOM;
	q->flags = 0;
	q->client = &clients[slot];
}

static void
run(const struct load *load, const struct zone_store *store, unsigned long rounds)
{
	static struct steerer steerer;
	const struct answer_options options = { .udp_size = 1232,
						.ecs = true,
						.steerer = &steerer,
						.signed_sets = &signed_sets };
	uint64_t spent_ns = 0, instructions = 0, response_octets = 0;
	int counter = user_instructions_open();

	if (steerer_init(&steerer, &geo) != 0)
		bail_out("no seed");
	for (unsigned i = 0; i < CLIENTS_SEEN && !load->is_fresh; i++) {
		fill(load, 0, i);
		answer_batch_general(queries, 1, store, &options, &stats);
	}
	for (unsigned i = 0; i < 32 * NAMES && load->is_signed; i++) {
		fill(load, 0, i);
		answer_batch_general(queries, 1, store, &options, &stats);
		sign_requested((struct steered_cache *)(uintptr_t)signed_sets.cache);
	}
	stats.value[STAT_steered_stand_ins] = 0;
	for (unsigned long round = 0; round < rounds; round++) {
		uint64_t start;

		for (unsigned i = 0; i < ANSWER_BATCH; i++)
			fill(load, i, round * ANSWER_BATCH + i);
		start = clock_now_ns();
		if (counter >= 0)
			ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
		answer_batch(queries, ANSWER_BATCH, store, &options, &stats);
		if (counter >= 0)
			ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
		spent_ns += clock_now_ns() - start;
		for (unsigned i = 0; i < ANSWER_BATCH; i++)
			response_octets += queries[i].response_len;
	}
	if (counter < 0 ||
	    read(counter, &instructions, sizeof instructions) != sizeof instructions)
		fprintf(stderr,
			"steered: instructions are not counted on this machine\n");
	printf("{\"load\":\"%s\",\"queries\":%lu,\"instructions_per_query\":%.1f,"
	       "\"ns_per_query\":%.1f,\"octets_per_response\":%.1f,\"noerror\":%llu,"
	       "\"steered\":%llu,\"stand_ins\":%llu,\"servfail\":%llu}\n",
	       load->name, rounds * ANSWER_BATCH,
	       (double)instructions / (double)(rounds * ANSWER_BATCH),
	       (double)spent_ns / (double)(rounds * ANSWER_BATCH),
	       (double)response_octets / (double)(rounds * ANSWER_BATCH),
	       (unsigned long long)stats.value[STAT_noerror],
	       (unsigned long long)stats.value[STAT_steered],
	       (unsigned long long)stats.value[STAT_steered_stand_ins],
	       (unsigned long long)stats.value[STAT_servfail]);
}

int
main(int argc, char **argv)
{
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 4000;
	char *scratch = scratch_dir_make();
	const struct load *load = loads, *end = loads + sizeof loads / sizeof *loads;
	struct zone_store store;

	while (load != end && (argc < 2 || strcmp(load->name, argv[1]) != 0))
		load++;
	if (load != end) {
		open_cache();
		make_databases(scratch);
		make_store(scratch_path(scratch, "generation"), &store);
		run(load, &store, rounds);
		zone_store_fini(&store);
		geo_fini(&geo);
	}
	scratch_dir_free(scratch);
	if (load != end)
		return 0;
	fprintf(stderr, "usage: steered LOAD [ROUNDS], LOAD being one of");
	for (load = loads; load != end; load++)
		fprintf(stderr, " %s", load->name);
	fputc('\n', stderr);
	return 1;
}
