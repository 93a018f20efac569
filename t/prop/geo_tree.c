/* Our walk over the search tree finds what libmaxminddb finds: in trees of random networks
 * of both families, with records of each size, whole and damaged. */
#include "shm/geo_tree.h"

#include <maxminddb.h>
#include <netinet/in.h>

#include "t/draw.h"
#include "t/mmdb_maker.h"
#include "t/scratch_dir.h"

enum { TREES = 60, NETWORKS = 300, ASKED = 3000 };

static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
static struct mmdb_maker maker;

static struct geo_address
draw_address(void)
{
	struct geo_address address = { { [10] = 0xff, [11] = 0xff } };

	if (draw(2)) {
		for (unsigned at = 12; at < 16; at++)
			address.octets[at] = (uint8_t)(draw(2) ? draw(4) : draw(256));
		return address;
	}
	for (unsigned at = 0; at < 16; at++)
		address.octets[at] = (uint8_t)(draw(3) ? draw(3) : draw(256));
	return address;
}

static void
make_tree(const char *path)
{
	static const unsigned sizes[] = { 24, 28, 32 };

	mmdb_begin(&maker, true);
	maker.record_bits = sizes[draw(3)];
	for (unsigned i = draw(NETWORKS); i > 0; i--) {
		struct geo_address address = draw_address();
		unsigned least = address.octets[10] == 0xff ? 96 : 1;

		mmdb_add(&maker, address, least + draw(129 - least),
			 mmdb_put_asn(&maker, draw(1000)));
	}
	mmdb_write(&maker, path);
}

/* Some octets of the tree become others. */
static void
damage(const char *path)
{
	FILE *out = fopen(path, "r+");
	unsigned len = (unsigned)maker.node_count * maker.record_bits / 4;

	for (unsigned i = draw(6); out && i > 0; i--) {
		fseek(out, (long)draw(len), SEEK_SET);
		fputc((int)draw(256), out);
	}
	if (!out || fclose(out) != 0)
		bail_out("%s cannot be damaged", path);
}

static MMDB_lookup_result_s
ask_library(const MMDB_s *mmdb, const struct geo_address *address, int *error)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memcpy(&in.sin_addr, address->octets + 12, 4);
	memcpy(&in6.sin6_addr, address->octets, 16);
	if (geo_address_is_within(address, mapped, 96))
		return MMDB_lookup_sockaddr(
			mmdb, (const struct sockaddr *)(const void *)&in, error);
	return MMDB_lookup_sockaddr(mmdb, (const struct sockaddr *)(const void *)&in6,
				    error);
}

static bool
is_same(const struct geo_db *db, const MMDB_s *mmdb, const struct geo_address *address)
{
	int error = MMDB_SUCCESS;
	MMDB_lookup_result_s want = ask_library(mmdb, address, &error);
	bool is_v4 = geo_address_is_within(address, mapped, 96);
	uint8_t len;
	uint32_t got = geo_db_entry(db, address, &len);

	/* a record that leads into what separates tree and data is damage, which the library
	 * takes for an entry 4 GB behind */
	if (error != MMDB_SUCCESS ||
	    (want.found_entry && want.entry.offset >= mmdb->data_section_size))
		return got == 0 && len == 128;
	if (got != (want.found_entry ? want.entry.offset + 1 : 0))
		return false;
	return len == (is_v4 && want.netmask < 96 ? 96 : want.netmask);
}

int
main(void)
{
	char *scratch = scratch_dir_make(), reason[GEO_DB_REASON_MAX];
	const char *path = scratch_path(scratch, "db.mmdb");
	bool same = true;
	unsigned opened = 0;

	plan(2);
	draw_seed();
	for (unsigned i = 0; i < TREES && same; i++) {
		struct geo_db *db;
		MMDB_s mmdb;

		make_tree(path);
		if (draw(3) == 0)
			damage(path);
		if (geo_db_open(path, GEO_ASN, &db, reason) != 0)
			continue;
		if (MMDB_open(path, MMDB_MODE_MMAP, &mmdb) != MMDB_SUCCESS)
			bail_out("the library does not open it");
		opened++;
		for (unsigned n = 0; n < ASKED && same; n++) {
			struct geo_address address = draw_address();

			same = is_same(db, &mmdb, &address);
		}
		MMDB_close(&mmdb);
		geo_db_close(db);
	}
	ok(same, "the same entries for the same networks");
	ok(opened > TREES / 2, "of %u trees", opened);
	scratch_dir_free(scratch);
	return done_testing();
}
