/* Addresses of targets, where a batch's are looked up ahead: in many zones, behind
 * wildcards, and in a damaged node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/dns.h"
#include "shm/wire.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { ZONES = 3, ROOM = 1232 };

#define LONG_LABEL "a-label-of-63-octets-so-that-what-follows-it-starts-beyond-it-all"

static uint8_t packets[2][ANSWER_BATCH][ROOM];
static struct query queries[2][ANSWER_BATCH];
static struct stats_block stats[2];

static const struct answer_options options = { .udp_size = ROOM };

/* Two targets for the apex and for a wildcard below it, one for another wildcard: there in
 * SRV, whose names are not compressed, since other wildcards do not go the straight way. */
static struct zone_records *
make_zone(const char *origin)
{
	struct zone_records *zone = zone_make(origin);
	char owner[200], mail[200], other[200];

	snprintf(mail, sizeof mail, "%.63s.mail.%s", LONG_LABEL, origin);
	snprintf(other, sizeof other, "other.%s", origin);
	zone_put(zone, mail, 60, RRTYPE_A, "4", 1);
	zone_put(zone, other, 60, RRTYPE_AAAA, "4444", 1, 2, 3, 4);
	zone_put(zone, origin, 60, RRTYPE_MX, "2n", 10, mail);
	zone_put(zone, origin, 60, RRTYPE_MX, "2n", 20, other);
	snprintf(owner, sizeof owner, "*.%s", origin);
	zone_put(zone, owner, 60, RRTYPE_SRV, "222n", 1, 1, 25, mail);
	zone_put(zone, owner, 60, RRTYPE_SRV, "222n", 1, 1, 26, other);
	snprintf(owner, sizeof owner, "*.one.%s", origin);
	zone_put(zone, owner, 60, RRTYPE_SRV, "222n", 1, 1, 25, mail);
	zone_done(zone);
	return zone;
}

static void
make_generation(const char *dir)
{
	struct zone_records *zones[ZONES];
	char origin[32];

	for (unsigned i = 0; i < ZONES; i++) {
		snprintf(origin, sizeof origin, "z%u.test", i);
		zones[i] = make_zone(origin);
	}
	zone_seal(dir, zones, ZONES);
}

static void
put_question(unsigned slot, const char *name, uint16_t type)
{
	static const uint8_t header[12] = { 0, 1, 0, 0, 0, 1 };

	for (unsigned way = 0; way < 2; way++) {
		uint8_t *packet = packets[way][slot];
		unsigned len;

		memset(packet, 0, ROOM);
		memcpy(packet, header, sizeof header);
		len = 12 + (unsigned)dname_from_text(name, packet + 12);
		wire_put_u16(packet + len, type);
		wire_put_u16(packet + len + 2, CLASS_IN);
		queries[way][slot] = (struct query){ .packet = packet,
						     .received_len = len + 4,
						     .room = ROOM };
	}
}

static void
answer_both(const struct zone_store *store)
{
	answer_batch(queries[0], ANSWER_BATCH, store, &options, &stats[0]);
	answer_batch_general(queries[1], ANSWER_BATCH, store, &options, &stats[1]);
}

static bool
is_same(void)
{
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		if (queries[0][i].response_len != queries[1][i].response_len ||
		    memcmp(packets[0][i], packets[1][i], queries[0][i].response_len) !=
			    0) {
			diag("query %u", i);
			return false;
		}
	return memcmp(&stats[0], &stats[1], sizeof stats[0]) == 0;
}

/* A whole batch for `prefix` in one zone after another. */
static void
put_batch(const char *prefix, uint16_t type)
{
	char name[200];

	for (unsigned i = 0; i < ANSWER_BATCH; i++) {
		snprintf(name, sizeof name, "%sz%u.test", prefix, i % ZONES);
		put_question(i, name, type);
	}
}

static void
test_batch(const struct zone_store *store, const char *prefix, uint16_t type,
	   unsigned additional)
{
	unsigned complete = 0;

	put_batch(prefix, type);
	answer_both(store);
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		complete += wire_get_u16(packets[0][i] + 10) == additional;
	ok(is_same(), "\"%s\" in many zones: both paths give the same", prefix);
	is_int(complete, ANSWER_BATCH, "and all with %u addresses", additional);
}

/* Where the first target of the MX at an apex spells its second label. */
static long
find_label(const char *dir, const char *origin)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	size_t len = dname_from_text(origin, name);
	struct generation gen;
	struct rrset rrset;
	struct node apex;
	long at;

	if (generation_open(dir, GENERATION_LAZY, &gen) != 0 ||
	    generation_find(&gen, CATALOGUE_ID, name, len, &apex) != 0 ||
	    !node_find_rrset(&apex, RRTYPE_MX, &rrset) || rrset.head.target_count != 2)
		bail_out("%s has no targets", origin);
	at = (long)(rrset.targets - gen.data) + (long)sizeof(struct rrset_target);
	if (gen.data[at] != DNAME_LABEL_MAX || gen.data[at + 64] != 4)
		bail_out("%s has other targets", origin);
	generation_close(&gen);
	return at + 64;
}

/* A label that ends beyond its name: nothing there may be hashed, which sanitizers see. */
static void
test_damaged(const char *dir)
{
	const char *path = scratch_path(dir, "data.mdb");
	long at = find_label(dir, "z1.test");
	struct zone_store store;
	unsigned failed = 0;
	FILE *file;

	if (chmod(path, 0640) != 0 || !(file = fopen(path, "r+")) ||
	    fseek(file, at, SEEK_SET) != 0 || fputc(255, file) == EOF ||
	    fclose(file) != 0 || zone_store_init(dir, &store) != 0)
		bail_out("%s cannot be damaged", path);
	put_batch("", RRTYPE_MX);
	answer_both(&store);
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		failed += (packets[0][i][3] & 15) == RCODE_SERVFAIL && i % ZONES == 1;
	ok(is_same(), "a target's label beyond its name: both paths give the same");
	is_int(failed, (ANSWER_BATCH + 1) / ZONES, "its zone fails, no other one");
	is_int(stats[0].value[STAT_servfail], failed, "and each failure is counted");
	zone_store_fini(&store);
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	struct zone_store store;
	char dir[256];

	plan(9);
	snprintf(dir, sizeof dir, "%s/generation", scratch);
	make_generation(dir);
	if (zone_store_init(dir, &store) != 0)
		bail_out("no store");
	test_batch(&store, "", RRTYPE_MX, 2);
	test_batch(&store, "x.", RRTYPE_SRV, 2);
	test_batch(&store, "x.one.", RRTYPE_SRV, 1);
	zone_store_fini(&store);
	test_damaged(dir);
	scratch_dir_free(scratch);
	return done_testing();
}
