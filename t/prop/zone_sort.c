/* Sorted zones against the plain definition of the order: random names, some long and
 * alike, with all octets, scattered and repeated. */
#include "loader/zone/zone_sort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "t/draw.h"
#include "t/tap.h"

static size_t
random_label(uint8_t *out, unsigned flavour)
{
	size_t len = flavour == 0 ? 1 + draw(3) : flavour == 1 ? 63 : 1 + draw(63);

	out[0] = (uint8_t)len;
	for (size_t i = 1; i <= len; i++)
		out[i] = (uint8_t)(flavour == 0   ? draw(256)
				   : flavour == 1 ? (i < 60 ? 'x' : 'a' + draw(2))
						  : draw(3));
	return len + 1;
}

static size_t
random_owner(uint8_t out[DNAME_MAX], const struct zone_records *zone)
{
	unsigned flavour = draw(3), labels = draw(flavour == 0 ? 120 : 4);
	size_t len = 0;

	while (labels-- > 0 && len + 64 + zone->origin_len <= DNAME_MAX)
		len += random_label(out + len, flavour);
	memcpy(out + len, zone->origin, zone->origin_len);
	return len + zone->origin_len;
}

enum { NS = 2, SVCB = 64 };

/* Names in both cases, those of SVCB behind a priority; octets. */
static size_t
random_rdata(uint8_t *out, uint16_t type)
{
	size_t len = 1 + draw(3), at = type == SVCB ? 2 : 0;

	memset(out, 0, at);
	if (type != NS && type != SVCB) {
		for (size_t i = 0; i < len; i++)
			out[i] = (uint8_t)draw(2);
		return len;
	}
	out[at++] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		out[at++] = (uint8_t) "aAbB"[draw(4)];
	out[at++] = 0;
	return at;
}

static struct zone_records *
random_zone(size_t count)
{
	static const uint16_t types[] = { 1, NS, 16, SVCB, 65280 };
	struct zone_records *zone = zone_records_new((const uint8_t *)"\2zz\1y", 6);
	uint8_t owner[DNAME_MAX], rdata[16];
	struct zone_record record = { .owner = owner, .rdata = rdata };

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || draw(3) == 0)
			record.owner_len = (uint8_t)random_owner(owner, zone);
		if (i > 10 && draw(8) == 0) {
			const struct zone_record *again =
				&zone->records[draw((uint32_t)i)];

			memcpy(owner, again->owner, again->owner_len);
			record.owner_len = again->owner_len;
		}
		record.type = types[draw(5)];
		record.rdata_len = (uint16_t)random_rdata(rdata, record.type);
		record.line = (uint32_t)i;
		if (zone_records_add(zone, &record) != ERR_OK)
			bail_out("no memory");
	}
	return zone;
}

/* The order as the RFC has it, by copies: in lower case, but of what is newer than it. */
static int
plain_compare(const struct zone_record *a, const struct zone_record *b)
{
	int order = dname_compare(a->owner, b->owner);
	uint8_t x[16], y[16];
	size_t shorter = a->rdata_len < b->rdata_len ? a->rdata_len : b->rdata_len;

	if (order == 0)
		order = (int)a->type - (int)b->type;
	if (order)
		return order;
	memcpy(x, a->rdata, a->rdata_len);
	memcpy(y, b->rdata, b->rdata_len);
	if (a->type == NS) {
		dname_lower(x, a->rdata_len);
		dname_lower(y, b->rdata_len);
	}
	order = memcmp(x, y, shorter);
	if (order == 0)
		order = (int)a->rdata_len - (int)b->rdata_len;
	return order ? order : (a->line > b->line) - (a->line < b->line);
}

static bool
zone_is_sorted(const struct zone_records *zone)
{
	for (size_t i = 1; i < zone->count; i++) {
		const struct zone_record *a = &zone->records[i - 1],
					 *b = &zone->records[i];

		if (plain_compare(a, b) >= 0)
			return false;
		if ((dname_compare(a->owner, b->owner) == 0) != (a->owner == b->owner))
			return false;
	}
	return true;
}

/* Lines are unique: their sum and the strict order above leave no room for losses. */
static uint64_t
line_sum(const struct zone_records *zone)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < zone->count; i++)
		sum += zone->records[i].line;
	return sum;
}

static void
test_random(size_t count)
{
	struct zone_records *zone = random_zone(count);
	uint64_t sum = line_sum(zone);
	struct zone_record *place;

	is_int(zone_sort(zone), ERR_OK, "%zu records are sorted", count);
	ok(zone_is_sorted(zone), "the order is the RFC's");
	ok(zone->count == count && line_sum(zone) == sum, "no record is lost or doubled");
	place = zone->records;
	is_int(zone_sort(zone), ERR_OK, "sorting again");
	ok(zone->records == place && zone_is_sorted(zone), "moves nothing");
	zone_records_free(zone);
}

int
main(void)
{
	draw_seed();
	for (unsigned i = 0; i < 200; i++)
		test_random(draw(100));
	test_random(20000);
	return done_testing();
}
