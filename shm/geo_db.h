/* Databases of where addresses are, in MaxMind's format: libmaxminddb stays behind this
 * file.  Looking up allocates nothing, and reads only inside the file, whatever it holds;
 * the file must not shrink while it is open: it is a copy of our own (loader/geo_files.h).
 *
 * A country database is any that has country.iso_code (Country, City, Enterprise), with
 * continent.code, subdivisions[0].iso_code, location.latitude and .longitude as far as it
 * has them; or else country_code, latitude and longitude, as flat ones have.  An ASN
 * database has autonomous_system_number. */
#ifndef SHM_GEO_DB_H
#define SHM_GEO_DB_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum geo_db_kind { GEO_COUNTRY = 0, GEO_ASN, GEO_KINDS };

enum { GEO_DB_REASON_MAX = 200 };

struct geo_db;

/* An address of either family: IPv4 as the last four octets of ::ffff:0:0/96. */
struct geo_address {
	uint8_t octets[16];
};

/* Is it in the network of the first `len` (0..128) bits of `network`? */
static inline bool
geo_address_is_within(const struct geo_address *address, const uint8_t network[16],
		      unsigned len)
{
	unsigned whole = len / 8, rest = len % 8;

	return memcmp(address->octets, network, whole) == 0 &&
	       (rest == 0 ||
		(address->octets[whole] ^ network[whole]) >> (8 - rest) == 0);
}

/* What a database says of an address.  Members that it does not know are 0. */
struct geo_place {
	uint8_t prefix_len;		/* of the network that this holds for, 0..128 */
	bool has_location;
	char country[2];		/* ISO 3166-1, upper case as it stands there */
	char continent[2];		/* AF AN AS EU NA OC SA */
	char region[3];			/* behind the country in ISO 3166-2: "CA" of US-CA, 0 behind */
	uint32_t asn;
	double latitude, longitude;	/* degrees */
};

/* Open a file.  returns 0, or an error code with a reason: ERR_NOTFOUND, ERR_RIGHTS,
 * ERR_DAMAGED (truncated, or of another format), ERR_NOMEM, ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int geo_db_open(const char *path, enum geo_db_kind kind, struct geo_db **out,
		char reason[GEO_DB_REASON_MAX]);

/* NULL is allowed. */
void geo_db_close(struct geo_db *db);

/* What is looked at in an entry; the less, the faster. */
enum geo_wanted {
	GEO_WANT_NETWORK = 0,		/* country or ASN */
	GEO_WANT_REGION = 1 << 0,	/* and continent and region */
	GEO_WANT_LOCATION = 1 << 1,	/* and location, latitude, longitude */
};

/* What is known of an address; all 0 but prefix_len when nothing is, and on damage.
 * wanted  enum geo_wanted; members that are not remain 0 */
__attribute__((nonnull))
void geo_db_find(const struct geo_db *db, const struct geo_address *address,
		 unsigned wanted, struct geo_place *out);

/* The same in two steps: find the entry of an address, then read it.  Networks of which the
 * same is known share an entry.
 * returns it, 0 when nothing is known; *prefix_len receives what that holds for. */
__attribute__((nonnull))
uint32_t geo_db_entry(const struct geo_db *db, const struct geo_address *address,
		      uint8_t *prefix_len);
/* `entry` comes from the same database.  *out is all 0 for 0; its prefix_len always is. */
__attribute__((nonnull))
void geo_db_read(const struct geo_db *db, uint32_t entry, unsigned wanted,
		 struct geo_place *out);

/* Look at all of it: every node of the tree and every entry.  Takes a second for millions,
 * whatever it holds: entries that are too large to be walked over by a look-up, or that
 * overlap without end, are damage.
 * returns 0, or ERR_DAMAGED with a reason, also when it knows of nothing that its kind
 * is for; or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int geo_db_check(const struct geo_db *db, char reason[GEO_DB_REASON_MAX]);

const char *geo_db_kind_name(enum geo_db_kind kind);

#endif
