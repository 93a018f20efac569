/* Wherever an RRset is placed in a message, a reader of the message finds the records
 * that were rendered: same owner, same rdata, no pointer that goes astray. */
#include "worker/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/render_rrset.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/rdata.h"
#include "shm/wire.h"
#include "t/draw.h"
#include "t/tap.h"

enum { ROUNDS = 20000, RECORDS_MAX = 12, RDATA_MAX = 600, ROOM = 65535, GUARD = 0xa5 };

static uint8_t packet[ROOM + 8];

struct name {
	uint8_t octets[DNAME_MAX + 8];
	unsigned len;
};

/* Put up to 4 short labels, from few letters so that suffixes are shared, above `tail`. */
static void
draw_name(struct name *out, const struct name *tail, unsigned labels_min)
{
	unsigned labels = labels_min + draw(4), at = 0;

	for (unsigned i = 0; i < labels; i++) {
		unsigned len = 1 + draw(3);

		out->octets[at++] = (uint8_t)len;
		while (len-- > 0)
			out->octets[at++] = (uint8_t)("abAB"[draw(4)]);
	}
	memcpy(out->octets + at, tail->octets, tail->len);
	out->len = at + tail->len;
}

static void
draw_target(struct name *out, const struct name *owner, const struct name *apex)
{
	static const struct name outside = { { 3, 'n', 'e', 't', 0 }, 5 };
	static const struct name root = { { 0 }, 1 };

	switch (draw(6)) {
	case 0:
		draw_name(out, &outside, 0);
		return;
	case 1:
		draw_name(out, owner, 0);
		return;
	case 2:
		*out = root;
		return;
	default:
		draw_name(out, apex, 0);
	}
}

static unsigned
draw_rdata(uint16_t type, uint8_t *out, const struct name *owner, const struct name *apex)
{
	unsigned at = type == 15 ? 2 : type == 33 ? 6 : 0;
	struct name target;

	if (type == TYPE_TXT) {
		unsigned len = draw(250);

		out[0] = (uint8_t)len;
		memset(out + 1, 0xc0, len);
		return len + 1;
	}
	memset(out, 0xc0, at);
	for (unsigned i = type == TYPE_SOA ? 2 : 1; i > 0; i--) {
		draw_target(&target, owner, apex);
		memcpy(out + at, target.octets, target.len);
		at += target.len;
	}
	if (type == TYPE_SOA) {
		memset(out + at, 0xc0, 20);
		at += 20;
	}
	return at;
}

/* ---- reading a message, in its own way ---- */

/* Spell the name at `at` into `out`; returns octets used at that place, 0: malformed. */
static unsigned
read_name(unsigned at, unsigned end, uint8_t out[DNAME_MAX])
{
	unsigned len = 0, used = 0, start = at;

	for (unsigned jumps = 0;;) {
		if (at >= end)
			return 0;
		if (packet[at] >= 0xc0) {
			unsigned to = wire_get_u16(packet + at) & 0x3fffu;

			used = used ? used : at + 2 - start;
			if (to >= at || ++jumps > 128)
				return 0;
			at = to;
			continue;
		}
		if (packet[at] > 63 || len + packet[at] + 1u > DNAME_MAX)
			return 0;
		memcpy(out + len, packet + at, packet[at] + 1u);
		len += packet[at] + 1u;
		at += packet[at] + 1u;
		if (out[len - 1] == 0 && dname_len(out, len) == len)
			return used ? used : at - start;
	}
}

static bool
same_name(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t x[DNAME_MAX], y[DNAME_MAX];

	memcpy(x, a, len);
	memcpy(y, b, len);
	dname_lower(x, len);
	dname_lower(y, len);
	return memcmp(x, y, len) == 0;
}

/* Does the record at *at equal (owner, record)?  Advances *at. */
static bool
read_record(unsigned *at, unsigned end, const struct name *owner,
	    const struct zone_record *record)
{
	struct rdata_name names[RDATA_NAMES_MAX];
	unsigned count =
		rdata_names(record->type, record->rdata, record->rdata_len, names);
	unsigned done = 0, used, rdata_end;
	uint8_t name[DNAME_MAX];

	used = read_name(*at, end, name);
	if (used == 0 || !same_name(name, owner->octets, owner->len))
		return false;
	*at += used + 10;
	if (*at > end || wire_get_u16(packet + *at - 10) != record->type)
		return false;
	rdata_end = *at + wire_get_u16(packet + *at - 2);
	if (rdata_end > end)
		return false;
	for (unsigned i = 0; i < count; i++) {
		unsigned plain = names[i].at - done;

		if (memcmp(packet + *at, record->rdata + done, plain) != 0)
			return false;
		*at += plain;
		used = read_name(*at, rdata_end, name);
		if (used == 0 ||
		    !same_name(name, record->rdata + names[i].at, names[i].len))
			return false;
		*at += used;
		done = names[i].at + names[i].len;
	}
	if (rdata_end - *at != record->rdata_len - done ||
	    memcmp(packet + *at, record->rdata + done, rdata_end - *at) != 0)
		return false;
	*at = rdata_end;
	return true;
}

/* ---- one round ---- */

static uint8_t rdata_store[RECORDS_MAX][RDATA_MAX];
static struct zone_record records[RECORDS_MAX];

static unsigned
draw_records(uint16_t type, const struct name *owner, const struct name *apex)
{
	unsigned count =
		type == TYPE_SOA || type == TYPE_CNAME ? 1 : 1 + draw(RECORDS_MAX);

	for (unsigned i = 0; i < count; i++)
		records[i] = (struct zone_record){
			.owner = owner->octets,
			.owner_len = (uint8_t)owner->len,
			.rdata = rdata_store[i],
			.type = type,
			.ttl = 300,
			.rdata_len =
				(uint16_t)draw_rdata(type, rdata_store[i], owner, apex),
		};
	return count;
}

/* Spell a name in the message, so that pointers can name it. */
static uint16_t
spell(struct response *r, const struct name *name)
{
	uint32_t at = r->at;

	memcpy(packet + at, name->octets, name->len);
	r->at += name->len;
	return at > POINTER_MAX ? 0 : (uint16_t)at;
}

static void
draw_place(struct response *r, struct rrset_place *place, const struct name *owner,
	   const struct name *apex)
{
	static const unsigned bases[] = { 12, 40, 700, 16300, 16384, 30000 };

	if (draw(4) == 0) { /* at home: right behind the question */
		r->at = 12;
		place->owner_at = spell(r, owner);
		place->apex_at = (uint16_t)(12 + owner->len - apex->len);
		r->at += 4;
		place->owner_is_own = true;
		return;
	}
	r->at = bases[draw(6)] + draw(100);
	place->owner_at = draw(3) ? spell(r, owner) : 0;
	place->apex_at = draw(3) ? spell(r, apex) : 0;
	place->owner_is_own = draw(2);
}

static bool
round_trip(struct rrset_scratch *scratch, struct node_writer *writer)
{
	static const uint16_t types[] = { TYPE_NS, TYPE_CNAME, TYPE_SOA, 12,
					  15,      TYPE_TXT,   33 };
	static const struct name com = { { 3, 'c', 'o', 'm', 0 }, 5 };
	struct rrset_place place;
	struct name owner, apex;
	struct response r = { .packet = packet };
	struct block block;
	struct rrset rrset;
	struct node node;
	uint32_t wire_at, base;
	unsigned count, at;
	uint16_t type = types[draw(7)];

	draw_name(&apex, &com, 1);
	dname_lower(apex.octets, apex.len);
	draw_name(&owner, &apex, 0);
	dname_lower(owner.octets, owner.len);
	count = draw_records(type, &owner, &apex);
	node_writer_begin(writer, 1, 0, owner.octets, owner.len);
	if (rrset_render(scratch,
			 &(struct rrset_job){ BLOCK_RRSET, 300, records, count, NULL, 0,
					      apex.octets, apex.len },
			 writer) != RRSET_RENDERED ||
	    node_writer_end(writer) != 0 ||
	    !node_open(writer->bytes, writer->len, &node) ||
	    !node_find_block(&node, BLOCK_RRSET, type, &block) ||
	    !rrset_open(&block, &rrset))
		return false;
	place = (struct rrset_place){ .owner = owner.octets,
				      .apex = apex.octets,
				      .owner_len = (uint16_t)owner.len,
				      .apex_len = (uint16_t)apex.len };
	draw_place(&r, &place, &owner, &apex);
	base = at = r.at;
	r.limit = draw(8) ? ROOM : r.at + draw(400);
	packet[r.limit] = GUARD;
	switch (response_add(&r, SECTION_ANSWER, &rrset, &place, &wire_at)) {
	case RESPONSE_FULL:
		return r.limit < ROOM && r.at == base && packet[r.limit] == GUARD;
	case RESPONSE_DAMAGED:
		return false;
	case RESPONSE_ADDED:
		break;
	}
	for (unsigned i = 0; i < count; i++)
		if (!read_record(&at, r.at, &owner, &records[i]))
			return false;
	return at == r.at && r.count[SECTION_ANSWER] == count && packet[r.limit] == GUARD;
}

int
main(void)
{
	struct rrset_scratch scratch;
	struct node_writer writer = { .bytes = NULL };
	unsigned failed = 0;

	plan(1);
	draw_seed();
	if (rrset_scratch_init(&scratch) != 0)
		bail_out("no scratch");
	for (unsigned i = 0; i < ROUNDS && failed == 0; i++)
		if (!round_trip(&scratch, &writer)) {
			diag("round %u fails", i);
			failed++;
		}
	is_int(failed, 0, "records read back as rendered, wherever they were placed");
	rrset_scratch_fini(&scratch);
	node_writer_fini(&writer);
	return done_testing();
}
