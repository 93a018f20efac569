/* Databases opened, addresses looked up and shortened. */
#include "loader/query_log/query_places.h"

#include <ctype.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/geo_path.h"

enum { IPV4_AT = 96 }; /* bits before an IPv4 address */

/* A copy that cannot be opened has made place for a newer one, which is told of soon. */
static void
open_copy(struct query_places *places, enum geo_db_kind kind, const char *state_dir)
{
	char path[PATH_MAX], reason[GEO_DB_REASON_MAX];

	geo_db_close(places->dbs[kind]);
	places->dbs[kind] = NULL;
	if (places->numbers[kind] == 0 ||
	    !geo_path(state_dir, kind, places->numbers[kind], path) ||
	    geo_db_open(path, kind, &places->dbs[kind], reason) != ERR_OK)
		places->dbs[kind] = NULL;
}

void
query_places_follow(struct query_places *places, const struct region *region,
		    const char *state_dir)
{
	for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
		uint64_t number = atomic_load(&region->geo.numbers[kind]);

		if (number == places->numbers[kind])
			continue;
		places->numbers[kind] = number;
		open_copy(places, (enum geo_db_kind)kind, state_dir);
	}
}

/* What is no letter says nothing. */
static void
put_country(const char code[2], char out[3])
{
	bool is_code = isupper((unsigned char)code[0]) && isupper((unsigned char)code[1]);

	memcpy(out, code, 2);
	out[is_code ? 2 : 0] = '\0';
}

void
query_places_find(const struct query_places *places, const uint8_t address[16],
		  struct query_facts *out)
{
	struct geo_address wanted;
	struct geo_place place;

	memcpy(wanted.octets, address, sizeof wanted.octets);
	out->has_country = places->dbs[GEO_COUNTRY] != NULL;
	out->has_asn = places->dbs[GEO_ASN] != NULL;
	if (out->has_country) {
		geo_db_find(places->dbs[GEO_COUNTRY], &wanted, GEO_WANT_NETWORK, &place);
		put_country(place.country, out->country);
	}
	if (out->has_asn) {
		geo_db_find(places->dbs[GEO_ASN], &wanted, GEO_WANT_NETWORK, &place);
		out->asn = place.asn;
	}
}

/* Shorten an address to a prefix.  returns the length of that, in its own family. */
static unsigned
shorten(const struct settings *settings, uint8_t address[16])
{
	bool is_ipv4 =
		IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address);
	unsigned len =
		is_ipv4 ? settings->query_log.v4_prefix : settings->query_log.v6_prefix;
	unsigned bits = is_ipv4 ? IPV4_AT + len : len;

	if (bits < 128) {
		address[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
		memset(address + bits / 8 + 1, 0, 15 - bits / 8);
	}
	return len;
}

void
query_places_hide(const struct settings *settings, struct query_record *record)
{
	unsigned len;

	switch (settings->query_log.client) {
	case LOG_CLIENT_FULL:
		break;
	case LOG_CLIENT_PREFIX:
		shorten(settings, record->client);
		len = shorten(settings, record->subnet);
		if (record->subnet_len > len)
			record->subnet_len = (uint8_t)len;
		break;
	case LOG_CLIENT_NONE:
		memset(record->client, 0, sizeof record->client);
		memset(record->subnet, 0, sizeof record->subnet);
		record->port = 0;
		break;
	}
}
