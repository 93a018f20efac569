/* The straight path answers as the general one does: random queries of all kinds, asked of
 * random zones without live changes, with some, and with nothing but these, both ways, give
 * the same octets and the same counts; steered RRsets, too, when both draw the same. */
#include "worker/answer_fast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/store/builder.h"
#include "loader/store/live.h"
#include "shm/dns.h"
#include "shm/geo_path.h"
#include "shm/nsec3_hash.h"
#include "shm/region.h"
#include "shm/wire.h"
#include "t/draw.h"
#include "t/live_store.h"
#include "t/mmdb_maker.h"
#include "t/scratch_dir.h"
#include "t/steered_maker.h"
#include "worker/answer.h"
#include "worker/cookie.h"
#include "worker/geo.h"
#include "worker/limit.h"
#include "worker/stage_clock.h"
#include "worker/steer.h"

enum {
	STORES = 24,
	BATCHES = 60,
	OWNERS = 30,
	ROOM = 4096,
	NSCOUNT_AT = 8,
	NAME_TEXT = 300,
	SETS = 20, /* change sets, of so many owners each */
	SET_OWNERS = 4,
	STEERED_MOST = 80, /* more than a word of bits */
};

static uint8_t packets[2][ANSWER_BATCH][ROOM + 8];
static struct query queries[2][ANSWER_BATCH];
static struct stats_block counts[2];
static unsigned fast_answers, all_answers, fast_live, all_live, fast_steered, fast_proofs;

static struct sockaddr_in6 clients[ANSWER_BATCH];
static struct geo geos[4]; /* both databases, each alone, and none */
static struct steerer steerer;

/* ---- places ---- */

static void
make_database(const char *dir, enum geo_db_kind kind)
{
	static struct mmdb_maker db;
	struct geo_address network = { { [10] = 0xff, [11] = 0xff, 192, 0, 2 } };
	char path[PATH_MAX];

	mmdb_begin(&db, kind == GEO_ASN);
	for (unsigned len = 23; len <= 32; len++) {
		struct geo_place place = { .has_location = draw(3) > 0,
					   .latitude = draw(90),
					   .longitude = draw(90) };

		memcpy(place.country, draw(2) ? "DE" : "FR", sizeof place.country);
		network.octets[15] = (uint8_t)draw(256);
		mmdb_add(&db, network, 96 + len,
			 kind == GEO_ASN ? mmdb_put_asn(&db, draw(3))
					 : mmdb_put_place(&db, &place));
	}
	if (!geo_path(dir, kind, 1, path))
		bail_out("a path too long");
	mmdb_write(&db, path);
}

static void
make_databases(const char *dir)
{
	static struct region_geo published[3] = { { .numbers = { 1, 1 } },
						  { .numbers = { 1, 0 } },
						  { .numbers = { 0, 1 } } };

	if (mkdir(scratch_path(dir, GEO_DIR), 0700) != 0)
		bail_out("no directory");
	make_database(dir, GEO_COUNTRY);
	make_database(dir, GEO_ASN);
	for (unsigned i = 0; i < 3; i++) {
		geo_follow(&geos[i], dir, &published[i]);
		geo_take(&geos[i]);
	}
	if (steerer_init(&steerer, NULL) != 0)
		bail_out("no seed");
}

/* ---- zones ---- */

static const char *const origins[] = { "test", "a.test", "b.a.test", "other.example",
				       "." };

enum { ORIGINS = sizeof origins / sizeof origins[0] };

/* Up to `most` labels above `origin`, from few letters so that names meet. */
static void
draw_owner(char out[NAME_TEXT], const char *origin, unsigned most)
{
	static const char *const labels[] = {
		"a", "b", "*", "www", "mail", "a-label-of-27-octets-in-all"
	};
	unsigned count = draw(most + 1), len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		len += (unsigned)snprintf(out + len, NAME_TEXT - len, "%s.",
					  labels[draw(6)]);
	snprintf(out + len, NAME_TEXT - len, "%s",
		 strcmp(origin, ".") == 0 && len ? "" : origin);
}

/* Somewhere in this zone, in another, or in none. */
static void
draw_target(char out[NAME_TEXT], const char *origin)
{
	draw_owner(out,
		   draw(4)   ? origin
		   : draw(2) ? origins[draw(ORIGINS)]
			     : "nowhere",
		   draw(3));
}

static void
put_signed(struct zone_records *zone, const char *owner, const char *origin,
	   bool is_signed, uint16_t type)
{
	if (is_signed)
		zone_put_sig(zone, owner, 300, type, origin);
}

static void
put_steered(struct zone_records *zone, const char *owner, uint16_t type)
{
	uint8_t lasts[STEERED_MOST];
	uint32_t weights[STEERED_MOST];
	unsigned count = 1 + draw(draw(4) ? 12 : STEERED_MOST);
	bool differ = draw(3);

	for (unsigned i = 0; i < count; i++) {
		lasts[i] = (uint8_t)(differ ? i + 1 : draw(9));
		weights[i] = draw(3) ? draw(9) : 0;
	}
	zone_put_steered(zone, owner, 300, type, (enum steered_count)draw(2),
			 (enum steered_order)draw(3), (enum steered_geo)draw(5),
			 (uint16_t)draw(4), count, lasts, weights);
}

static void
put_plain(struct zone_records *zone, const char *owner, const char *origin,
	  bool is_signed)
{
	char target[NAME_TEXT];

	if (draw(2))
		put_steered(zone, owner, RRTYPE_A);
	else
		for (unsigned i = draw(3); i > 0; i--)
			zone_put(zone, owner, 300, RRTYPE_A, "4", draw(100));
	if (draw(4) == 0) {
		put_steered(zone, owner, RRTYPE_AAAA);
	} else if (draw(3) == 0) {
		zone_put(zone, owner, 300, RRTYPE_AAAA, "4444", 1, 2, 3, draw(100));
		put_signed(zone, owner, origin, is_signed, RRTYPE_AAAA);
	}
	for (unsigned i = draw(3); i > 0; i--) {
		draw_target(target, origin);
		zone_put(zone, owner, 300, RRTYPE_MX, "2n", i, target);
	}
	if (draw(5) == 0) {
		draw_target(target, origin);
		zone_put(zone, owner, 300, RRTYPE_SRV, "222n", 1, 2, 3, target);
	}
	for (unsigned i = draw(12) ? draw(2) : 20; i > 0; i--)
		zone_put(zone, owner, 300, RRTYPE_TXT, "s4",
			 "some text of some length, as such texts are", i);
	if (draw(10) == 0)
		zone_put(zone, owner, 300, RRTYPE_DNAME, "n", "other.example");
}

/* How the zone's hashes are made. */
struct hashing {
	unsigned iterations, salt_len;
};

/* The NSEC3 of a name, with a next hash of any kind. */
static void
put_nsec3(struct zone_records *zone, const char *owner, const char *origin,
	  const struct hashing *how)
{
	static const uint8_t salt[4] = { 1, 2, 3, 4 };
	uint8_t name[DNAME_MAX], hash[NSEC3_HASH_LEN], label[NSEC3_LABEL_LEN + 1];
	unsigned len = (unsigned)dname_from_text(owner, name);
	char text[NAME_TEXT];

	nsec3_hash(name, len, salt, how->salt_len, how->iterations, hash);
	nsec3_hash_to_label(hash, label);
	snprintf(text, sizeof text, "%.32s.%s", (const char *)label + 1,
		 strcmp(origin, ".") == 0 ? "" : origin);
	zone_put(zone, text, 60, RRTYPE_NSEC3, "112xx", 1, 0, how->iterations,
		 how->salt_len ? "0401020304" : "00",
		 "1400112233445566778899aabbccddeeff001122330006000000080003");
	zone_put_sig(zone, text, 60, RRTYPE_NSEC3, origin);
}

/* One owner's records: they must not contradict each other, hence one kind for each. */
static void
put_owner(struct zone_records *zone, const char *owner, const char *origin,
	  bool is_signed, bool has_nsec)
{
	char target[NAME_TEXT];

	draw_target(target, origin);
	switch (draw(8)) {
	case 0:
	case 2:
		zone_put(zone, owner, 300, RRTYPE_CNAME, "n", target);
		put_signed(zone, owner, origin, is_signed, RRTYPE_CNAME);
		break;
	case 1:
		if (strncmp(owner, "*", 1) != 0 && draw(2)) {
			zone_put(zone, owner, 300, RRTYPE_NS, "n", target);
			if (draw(2))
				zone_put(zone, owner, 300, RRTYPE_DS, "211x", draw(9), 13,
					 2, "00112233445566778899aabbccddeeff");
			break;
		}
		/* fall through */
	default:
		put_plain(zone, owner, origin, is_signed);
	}
	if (!has_nsec)
		return;
	zone_put(zone, owner, 60, RRTYPE_NSEC, "nx", origin, "0006000000080003");
	zone_put_sig(zone, owner, 60, RRTYPE_NSEC, origin);
}

/* With an SOA whose names point here and there. */
static struct zone_records *
begin_zone(const char *origin)
{
	uint8_t name[DNAME_MAX];
	char first[NAME_TEXT], second[NAME_TEXT];
	struct zone_records *zone = zone_records_new(name, dname_from_text(origin, name));

	if (!zone || zone_records_add_path(zone, "/zones/test.zone") != 0)
		bail_out("no memory");
	draw_target(first, origin);
	draw_target(second, draw(2) ? first : origin);
	zone_put(zone, origin, 3600, RRTYPE_SOA, "nn44444", first, second, 1, 7200, 3600,
		 1209600, 300);
	draw_target(first, origin);
	zone_put(zone, origin, 3600, RRTYPE_NS, "n", first);
	return zone;
}

static struct zone_records *
draw_zone(const char *origin)
{
	struct zone_records *zone = begin_zone(origin);
	const struct hashing how = { draw(2) * draw(3), draw(2) * 4 };
	const enum denial denial = (enum denial)draw(DENIAL_OPTOUT + 1);
	const bool is_signed = draw(2), has_nsec = is_signed && denial == DENIAL_NSEC,
		   has_nsec3 = is_signed && !has_nsec;
	char seen[OWNERS][NAME_TEXT];

	if (draw(2))
		zone_put(zone, origin, 300, RRTYPE_A, "4", draw(100));
	if (draw(2))
		zone_put(zone, origin, 300, RRTYPE_MX, "2n", 1,
			 draw(2) ? origin : "mail.test");
	if (draw(8) == 0)
		zone_put(zone, origin, 300, RRTYPE_DNAME, "n", "other.example");
	put_signed(zone, origin, origin, is_signed, RRTYPE_SOA);
	if (has_nsec) {
		zone_put(zone, origin, 60, RRTYPE_NSEC, "nx", origin, "0006000000080003");
		zone_put_sig(zone, origin, 60, RRTYPE_NSEC, origin);
	} else if (has_nsec3) {
		zone_put(zone, origin, 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, how.iterations,
			 how.salt_len ? "0401020304" : "00");
		put_nsec3(zone, origin, origin, &how);
	}
	for (unsigned i = 0; i < OWNERS; i++) {
		bool is_new = true;

		draw_owner(seen[i], origin, draw(6) ? 3 : 8);
		for (unsigned k = 0; k < i; k++)
			is_new = is_new && strcmp(seen[i], seen[k]) != 0;
		if (!is_new || strcmp(seen[i], origin) == 0)
			continue;
		put_owner(zone, seen[i], origin, is_signed, has_nsec);
		if (has_nsec3 && !(denial == DENIAL_OPTOUT && draw(4) == 0))
			put_nsec3(zone, seen[i], origin, &how);
	}
	zone_done(zone);
	return zone;
}

/* returns false when the zones that were drawn cannot be stored: that is another test's. */
static bool
draw_generation(const char *dir)
{
	const struct builder_seal_options how = { .id = 1 };
	static const uint8_t broken[] = "\6broken\4test";
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];
	unsigned left_out = draw(3) ? draw(1 << (ORIGINS - 1)) : 6;
	bool done;

	if (builder_new(NULL, NULL, NULL, &builder) != 0)
		bail_out("no builder");
	done = builder_break(builder, broken, sizeof broken,
			     &(struct zone_source){ SOURCE_FILE, 1, NULL, 0 },
			     "bad") == 0;
	for (unsigned i = 0; i < ORIGINS - 1 + (draw(4) == 0) && done; i++) {
		struct zone_records *zone;

		if (left_out >> i & 1)
			continue;
		zone = draw_zone(origins[i]);
		done = builder_add(builder, zone, false) == 0;
		zone_records_free(zone);
	}
	done = done && builder_seal(builder, dir, &how, &manifest, reason) == 0;
	builder_free(builder);
	return done;
}

/* ---- live changes ---- */

/* Some owners of a zone come, go and change, and its SOA.  returns 0 or an error code. */
static int
edit_zone(struct live *live, const char *origin)
{
	uint8_t name[DNAME_MAX];
	struct zone_records *apex = begin_zone(origin);
	struct live_edit edit;
	int rc = live_edit_begin(live, name, dname_from_text(origin, name), &edit);

	for (unsigned i = draw(SET_OWNERS + 1); i > 0 && rc == 0; i--) {
		struct zone_records *zone =
			zone_records_new(apex->origin, apex->origin_len);
		char owner[NAME_TEXT];

		draw_owner(owner, origin, draw(6) ? 3 : 8);
		while (strcmp(owner, origin) == 0)
			draw_owner(owner, origin, 3);
		put_owner(zone, owner, origin, false, false);
		zone_done(zone);
		if (zone->count == 0 || draw(3) == 0)
			rc = live_drop_owner(&edit, name, dname_from_text(owner, name));
		else
			rc = live_put_owner(&edit, zone, zone->records);
		zone_records_free(zone);
	}
	zone_done(apex);
	if (rc == 0)
		rc = live_edit_end(&edit, apex, draw(4) ? LIVE_APEX_SOA : LIVE_APEX_ALL);
	zone_records_free(apex);
	return rc;
}

static int
replace_zone(struct live *live, const char *origin)
{
	struct zone_records *zone = draw_zone(origin);
	int rc = live_put_zone(live, zone);

	zone_records_free(zone);
	return rc;
}

/* What cannot be done is not: no change to a signed zone, no zone that is refused. */
static void
change_set(struct live *live)
{
	const char *origin = origins[draw(ORIGINS - 1)];
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);
	struct node apex;
	int rc = live_begin(live);

	if (rc == 0)
		rc = live_zone(live, name, len, &apex);
	if (rc == ERR_NOTFOUND || (rc == 0 && draw(10) == 0))
		rc = replace_zone(live, origin);
	else if (rc == 0 && draw(20) == 0)
		rc = live_drop_zone(live, name, len);
	else if (rc == 0)
		rc = edit_zone(live, origin);
	if (rc == 0)
		rc = live_commit(live);
	else
		live_abort(live);
}

/* In a process of its own: a reader may not open an overlay a second time. */
static void
change_some(const char *dir)
{
	unsigned sets = 1 + draw(SETS);
	struct live *live;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (live_open(dir, 1000, &live) != 0)
			_exit(1);
		for (; sets > 0; sets--)
			change_set(live);
		live_close(live);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		bail_out("%s: no change is committed", dir);
}

/* ---- queries ---- */

static unsigned
draw_question(uint8_t *packet)
{
	static const uint16_t types[] = { TYPE_A,     TYPE_A,     TYPE_AAAA, TYPE_TXT,
					  15,         33,         TYPE_NS,   TYPE_SOA,
					  TYPE_CNAME, TYPE_DS,    TYPE_ANY,  TYPE_NSEC,
					  TYPE_DNAME, TYPE_RRSIG, 65,        TYPE_AXFR,
					  0,          0xffff };
	char text[NAME_TEXT];
	unsigned len;

	draw_owner(text,
		   draw(20) ? draw(30) ? origins[draw(ORIGINS - 1)] : "broken.test"
			    : "nowhere",
		   draw(6) ? 3 : 12);
	len = (unsigned)dname_from_text(text, packet + 12);
	for (unsigned i = 0; i < len; i++)
		if (packet[12 + i] >= 'a' && draw(8) == 0)
			packet[12 + i] = (uint8_t)(packet[12 + i] & 0xdf);
	wire_put_u16(packet + 12 + len, types[draw(18)]);
	wire_put_u16(packet + 14 + len, draw(30)  ? CLASS_IN
					: draw(2) ? CLASS_ANY
						  : CLASS_CH);
	return 16 + len;
}

/* Mostly well-formed, of IPv4.  returns its length. */
static unsigned
draw_subnet(uint8_t *option)
{
	static const uint8_t head[11] = { 0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2 };
	unsigned len = sizeof head;

	memcpy(option, head, sizeof head);
	if (draw(3) == 0) {
		option[3] = 8;
		option[6] = 32;
		option[len++] = (uint8_t)draw(256);
	} else if (draw(3) == 0) {
		option[8] = 10; /* nowhere */
	} else if (draw(4) == 0) {
		option[3] = 4;
		option[6] = 0;
		len = 8;
	}
	if (draw(4) == 0)
		option[draw(len)] = (uint8_t)draw(256);
	return len;
}

/* Of the client alone, one of ours, and of a wrong length now and then. */
static unsigned
draw_cookie(uint8_t *option)
{
	static const uint8_t ours[24] = { 1, 2, 3, 4,    5, 6, 7, 8, 1, 0, 0, 0,
					  0, 0, 3, 0xe8, 9, 9, 9, 9, 9, 9, 9, 9 };
	unsigned len = draw(2) ? 8 : draw(4) ? 24 : draw(60);

	wire_put_u16(option, COOKIE_OPTION);
	wire_put_u16(option + 2, (uint16_t)len);
	for (unsigned i = 0; i < len; i++)
		option[4 + i] = i < 24 ? ours[i] : 0;
	return 4 + len;
}

static unsigned
draw_opt(uint8_t *opt)
{
	static const uint8_t nsid[4] = { 0, 3, 0, 0 };
	unsigned len = 0;

	memset(opt, 0, 11);
	opt[2] = TYPE_OPT;
	wire_put_u16(opt + 3, (uint16_t)(draw(3) ? 1232 : draw(5000)));
	opt[6] = draw(40) == 0;
	opt[7] = draw(2) ? 0x80 : 0;
	if (draw(4) == 0) {
		len = draw_cookie(opt + 11);
	}
	if (draw(10) == 0) {
		memcpy(opt + 11 + len, nsid, sizeof nsid);
		len += sizeof nsid;
	}
	if (draw(4) == 0)
		len += draw_subnet(opt + 11 + len);
	wire_put_u16(opt + 9, (uint16_t)(len + (draw(60) == 0)));
	return 11 + len;
}

static unsigned
draw_message(uint8_t *packet)
{
	static const uint8_t header[12] = { 0, 0, 0, 0, 0, 1 };
	unsigned len;

	memcpy(packet, header, sizeof header);
	wire_put_u16(packet, (uint16_t)draw(65536));
	packet[2] = draw(2) ? FLAG_RD : draw(20) ? 0 : (uint8_t)draw(256);
	packet[3] = draw(3) ? 0 : (uint8_t)draw(256);
	len = draw_question(packet);
	if (draw(3)) {
		packet[11] = 1;
		len += draw_opt(packet + len);
	}
	if (draw(60) == 0)
		len -= draw(len);
	if (draw(60) == 0)
		packet[draw(len + 1)] = (uint8_t)draw(256);
	return len;
}

/* returns it; NULL: nobody knows. */
static const struct sockaddr_in6 *
draw_client(unsigned i)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(0xc0000200 + draw(256));
	memset(&clients[i], 0, sizeof clients[i]);
	if (draw(4)) {
		memcpy(&clients[i], &in, sizeof in);
	} else {
		clients[i].sin6_family = AF_INET6;
		clients[i].sin6_addr.s6_addr[0] = 0x20;
	}
	return draw(10) ? &clients[i] : NULL;
}

static void
draw_queries(unsigned count)
{
	static const unsigned rooms[] = { ROOM, ROOM, ROOM, 512, 700 };

	for (unsigned i = 0; i < count; i++) {
		unsigned len, room = rooms[draw(5)];
		uint32_t flags = draw(6) ? 0 : QUERY_TCP;
		const struct sockaddr_in6 *client = draw_client(i);

		memset(packets[0][i], 0, sizeof packets[0][i]);
		len = draw_message(packets[0][i]);
		memcpy(packets[1][i], packets[0][i], sizeof packets[0][i]);
		for (unsigned way = 0; way < 2; way++) {
			memset(packets[way][i] + room, 0xa5,
			       sizeof packets[way][i] - room);
			queries[way][i].packet = packets[way][i];
			queries[way][i].received_len = len;
			queries[way][i].room = room;
			queries[way][i].flags = flags;
			queries[way][i].client = client;
		}
	}
}

static bool
is_same(unsigned i, const uint8_t asked[ROOM])
{
	const struct query *fast = &queries[0][i], *general = &queries[1][i];

	if (fast->response_len == general->response_len &&
	    memcmp(packets[0][i], packets[1][i], fast->response_len) == 0 &&
	    fast->apex == general->apex && fast->closest == general->closest &&
	    packets[0][i][fast->room] == 0xa5)
		return true;
	for (unsigned at = 0; at < fast->received_len; at += 32) {
		char text[3 * 32 + 1] = "";

		for (unsigned k = 0; k < 32 && at + k < fast->received_len; k++)
			sprintf(text + 3 * k, " %02x", asked[at + k]);
		diag("query%s", text);
	}
	diag("fast %u octets, general %u; apex %d, closest %d", fast->response_len,
	     general->response_len, fast->apex == general->apex,
	     fast->closest == general->closest);
	return false;
}

/* How many of them go the straight way? */
static void
count_fast(const struct zone_store *store, const struct answer_options *options,
	   unsigned count)
{
	struct stage stages[ANSWER_BATCH];
	uint64_t steered = counts[0].value[STAT_steered], left;
	unsigned fast;

	stage_batch(queries[0], stages, count, store, options->udp_size);
	left = answer_fast(queries[0], stages, count, store, options, &counts[0]);
	for (unsigned i = 0; i < count; i++)
		fast_proofs +=
			!(left >> i & 1) && wire_get_u16(packets[0][i] + NSCOUNT_AT) > 2;
	fast = count - (unsigned)__builtin_popcountll(left);
	fast_steered += (unsigned)(counts[0].value[STAT_steered] - steered);
	all_answers += count;
	fast_answers += fast;
	if (store->overlay.active) {
		all_live += count;
		fast_live += fast;
	}
}

/* Answer one way: when records are drawn one by one, so that both ways draw the same. */
static void
answer_way(unsigned way, unsigned count, const struct zone_store *store,
	   const struct answer_options *options)
{
	unsigned step = options->steerer ? 1 : count;

	for (unsigned i = 0; i < count; i += step) {
		steerer.random.state = i;
		if (way == 0)
			answer_batch(&queries[0][i], step, store, options, &counts[0]);
		else
			answer_batch_general(&queries[1][i], step, store, options,
					     &counts[1]);
	}
}

static struct region *regions[2];

/* A limiter for each way, which know the same: rates low enough to be met. */
static struct limiter *
limiter_of(unsigned way)
{
	static struct limiter limiters[2];

	if (!regions[way]) {
		regions[way] = region_create(1);
		if (!regions[way])
			bail_out("no memory");
		regions[way]->client_seed = (struct client_seed){ 77, 99 };
		limiter_init(&limiters[way], regions[way], 0);
	}
	return &limiters[way];
}

static void
draw_limits(void)
{
	static struct limit_config config;

	memset(&config, 0, sizeof config);
	config.log_only = draw(10) == 0;
	config.client_drops = (uint8_t)draw(2);
	config.client_rate = draw(3) ? 0 : 6000;
	config.client_burst = draw(30);
	for (unsigned i = 0; i < LIMIT_RRL_CLASSES; i++)
		config.rrl_rates[i] = draw(3) * 2;
	config.rrl_slip = draw(4);
	config.rrl_v4_prefix = (uint8_t)(draw(2) ? 8 : 24);
	config.rrl_v6_prefix = 8;
	for (unsigned way = 0; way < 2; way++) {
		struct limiter *limiter = limiter_of(way);

		limit_config_set(&regions[way]->limits, &config);
		limiter_follow(limiter);
	}
}

static bool
ask_batch(const struct zone_store *store)
{
	static uint8_t asked[ANSWER_BATCH][ROOM];
	static const struct limit_config secrets = { .secret_count = 1 };
	static const struct cookie_jar cookies = { &secrets, 1000 };
	static struct stage_times times;
	static struct stage_clock stage_clock = { .times = &times };
	static uint64_t now_ns = 1;
	const bool limits = draw(2);
	struct answer_options options = {
		.cookies = draw(4) ? &cookies : NULL,
		.udp_size = (uint16_t)(draw(3) ? 1232 : 512 + draw(ROOM - 511)),
		.any_policy = draw(2) ? ANY_TCP : ANY_MINIMAL,
		.ecs = draw(2),
		.identity_len = 2,
		.identity = "me",
		.steerer = draw(2) ? &steerer : NULL,
		.clock = draw(2) ? &stage_clock : NULL,
	};
	unsigned count = 1 + draw(ANSWER_BATCH);
	bool same = true;

	steerer.geo = draw(9) ? &geos[draw(2) ? 0 : draw(4)] : NULL;
	steerer.no_match = draw(2) ? NO_MATCH_ALL : NO_MATCH_NONE;
	draw_queries(count);
	for (unsigned i = 0; i < count; i++)
		memcpy(asked[i], packets[0][i], ROOM);
	if (limits)
		draw_limits();
	now_ns += draw(100000000);
	for (unsigned way = 0; way < 2; way++) {
		options.limiter = limits ? limiter_of(way) : NULL;
		limiter_set_time(limiter_of(way), now_ns);
		answer_way(way, count, store, &options);
	}
	for (unsigned i = 0; i < count && same; i++)
		same = is_same(i, asked[i]);
	same = same && memcmp(&counts[0], &counts[1], sizeof counts[0]) == 0;

	for (unsigned i = 0; i < count; i++)
		memcpy(packets[0][i], asked[i], ROOM);
	count_fast(store, &options, count);
	counts[0] = counts[1];
	return same;
}

/* Whatever a generation holds: nothing crashes, nothing is written too far.  (What is
 * damaged may be answered in one way or the other.) */
static void
damage(const char *dir, const char *file, long from)
{
	const char *path = scratch_path(dir, file);
	FILE *out;
	long len;

	if (chmod(path, 0640) != 0 || !(out = fopen(path, "r+")) ||
	    fseek(out, 0, SEEK_END) != 0)
		bail_out("%s: cannot be damaged", path);
	len = ftell(out) - from;
	for (unsigned i = 0; i < 300; i++) {
		fseek(out, from + (long)draw((unsigned)len), SEEK_SET);
		fputc(draw(3) ? (int)draw(256) : 0xff, out);
	}
	fclose(out);
}

/* Let the apexes end where their facts begin. */
static void
shorten_apexes(const char *dir)
{
	struct generation gen;
	char path[4200];
	FILE *out;

	snprintf(path, sizeof path, "%s/data.mdb", dir);
	out = fopen(path, "r+");
	if (!out || generation_open(dir, GENERATION_LAZY, &gen) != 0)
		bail_out("%s: cannot be damaged", dir);
	for (unsigned i = 0; i < ORIGINS; i++) {
		uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
		size_t len = dname_from_text(origins[i], name);
		struct node apex;

		if (generation_find(&gen, CATALOGUE_ID, name, len, &apex) != 0)
			continue;
		apex.head.node_len = (uint32_t)(sizeof apex.head + len);
		fseek(out, apex.bytes - gen.data, SEEK_SET);
		fwrite(&apex.head, sizeof apex.head, 1, out);
	}
	fclose(out);
	generation_close(&gen);
}

static bool
ask_damaged(const char *dir)
{
	const struct answer_options options = { .udp_size = 1232 };
	struct zone_store store;
	bool fits = true;

	damage(dir, "data.mdb", 8192);
	if (draw(4) == 0)
		shorten_apexes(dir);
	if (draw(2))
		damage(dir, "index", INDEX_HEAD_LEN);
	if (zone_store_init(dir, &store) != 0)
		bail_out("%s: no store", dir);
	for (unsigned i = 0; i < BATCHES && fits; i++) {
		draw_queries(ANSWER_BATCH);
		answer_batch(queries[0], ANSWER_BATCH, &store, &options, &counts[0]);
		answer_batch_general(queries[1], ANSWER_BATCH, &store, &options,
				     &counts[1]);
		for (unsigned k = 0; k < ANSWER_BATCH; k++)
			fits = fits && packets[0][k][queries[0][k].room] == 0xa5 &&
			       packets[1][k][queries[1][k].room] == 0xa5;
	}
	counts[0] = counts[1];
	zone_store_fini(&store);
	return fits;
}

static bool
ask_store(const char *dir)
{
	struct zone_store store;
	bool same = true;

	if (zone_store_init(dir, &store) != 0)
		bail_out("%s: no store", dir);
	zone_store_renew(&store);
	for (unsigned i = 0; i < BATCHES && same; i++)
		same = ask_batch(&store);
	zone_store_fini(&store);
	return same;
}

/* A store of zones; the same with some live changes, then with changes to others in its
 * overlay. */
static bool
round_trip(unsigned number)
{
	char *scratch = scratch_dir_make();
	char first[4096], second[4096];
	bool same;

	snprintf(first, sizeof first, "%s/first", scratch);
	snprintf(second, sizeof second, "%s/second", scratch);
	while (!draw_generation(first) || !draw_generation(second)) {
		scratch_dir_free(scratch);
		scratch = scratch_dir_make();
		snprintf(first, sizeof first, "%s/first", scratch);
		snprintf(second, sizeof second, "%s/second", scratch);
	}
	same = ask_store(first);
	if (same && number % 4) {
		change_some(first);
		same = ask_store(first);
	}
	if (same && number % 2) {
		live_store_change(first, second);
		same = ask_store(first);
	}
	same = same && ask_damaged(second);
	scratch_dir_free(scratch);
	return same;
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	unsigned failed = 0;

	plan(6);
	draw_seed();
	make_databases(scratch);
	for (unsigned i = 0; i < STORES && failed == 0; i++)
		if (!round_trip(i)) {
			diag("store %u", i);
			failed++;
		}
	is_int(failed, 0, "both paths give the same octets and counts");
	ok(fast_answers > all_answers / 20, "the straight one answers %u of %u",
	   fast_answers, all_answers);
	ok(fast_live > all_live / 20, "and %u of %u in stores with live changes",
	   fast_live, all_live);
	ok(fast_steered > all_answers / 1000, "%u with records that are chosen",
	   fast_steered);
	ok(fast_proofs > all_answers / 100, "%u with proofs of denial", fast_proofs);
	for (unsigned i = 0; i < 3; i++)
		geo_fini(&geos[i]);
	ok(counts[1].value[STAT_limit_rrl_answers] > 0 &&
		   counts[1].value[STAT_limit_rrl_nxdomain] > 0 &&
		   counts[1].value[STAT_limit_rrl_referrals] > 0 &&
		   counts[1].value[STAT_limit_client_rate] > 0 &&
		   counts[1].value[STAT_badcookie] > 0,
	   "and limits are met");
	scratch_dir_free(scratch);
	return done_testing();
}
