/* Databases of where addresses are, in MaxMind's format: libmaxminddb stays behind this
 * file.  Looking up allocates nothing, and reads only inside the file, whatever it holds;
 * the file must not shrink while it is open: it is a copy of our own (loader/geo_files.h).
 *
 * A country database is any that has country.iso_code (Country, City, Enterprise), with
 * location.latitude and .longitude if it has places; or else country_code, latitude and
 * longitude, as flat ones have.  An ASN database has autonomous_system_number. */
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

/* What is known of an address; all 0 but prefix_len when nothing is, and on damage.
 * with_location  else it is not looked at, which is as long again as all the rest. */
__attribute__((nonnull))
void geo_db_find(const struct geo_db *db, const struct geo_address *address,
		 bool with_location, struct geo_place *out);

/* Look at all of it: every node of the tree and every entry.  Takes a second for millions,
 * whatever it holds: entries that are too large to be walked over by a look-up, or that
 * overlap without end, are damage.
 * returns 0, or ERR_DAMAGED with a reason, also when it knows of nothing that its kind
 * is for; or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int geo_db_check(const struct geo_db *db, char reason[GEO_DB_REASON_MAX]);

const char *geo_db_kind_name(enum geo_db_kind kind);

#endif
