/* Zones that change at random, as a plain list, and the same as a full build has them. */
#ifndef T_PROP_LIVE_MODEL_H
#define T_PROP_LIVE_MODEL_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/arena.h"
#include "loader/zone/zone_records.h"
#include "shm/aname.h"
#include "shm/node.h"
#include "t/draw.h"
#include "t/watched_maker.h"
#include "t/zone_maker.h"

enum { MODEL_ZONES = 5, MODEL_OWNERS = 60, MODEL_NAME = 400, MODEL_LAST = 6000 };

/* Which values of an owner cannot be used; what was served before goes on then. */
enum model_bad { MODEL_GOOD = 0, MODEL_BAD_ALL, MODEL_BAD_ADDRESSES, MODEL_BAD_CUT };

/* Are there addresses with health checks too? */
static bool model_has_watched;

/* Are there addresses of which those for one country alone are chosen? */
static bool model_has_steered;

/* Are there ANAMEs? */
static bool model_has_anames;

/* Are there names of 250 to 255 octets? */
static bool model_has_long_names;

/* Are there wildcards that delegate, or rename?  What they mean is nowhere said (RFC 4592,
 * sections 4.2 and 4.4), and not what a signer takes them for. */
static bool model_has_odd_wildcards = true;

/* What stands at a name follows from its seed. */
struct model_owner {
	char name[MODEL_NAME]; /* "": free */
	unsigned seed;
	enum model_bad bad;
	size_t last_len; /* of the node that was served before, 0: none */
	uint8_t last[MODEL_LAST];
};

struct model_zone {
	bool exists;
	const char *origin;
	unsigned serial, apex_seed, config_seed;
	struct model_owner owners[MODEL_OWNERS];
};

static const char *const model_origins[MODEL_ZONES] = { "example.com", "a.example.com",
							"b.a.example.com", "test",
							"c.test" };

/* A name of 250 to 255 octets, of labels that are long or short. */
static inline void
model_draw_long_name(const char *origin, char out[MODEL_NAME])
{
	static const char *const octets[] = { "x", "y", "@", "\\255" };
	uint8_t wire[DNAME_MAX];
	size_t left = 250 + draw(6) - dname_from_text(origin, wire), len = 0;
	size_t most = draw(2) ? 63 : 7;

	if (draw(3) == 0) {
		len += (size_t)sprintf(out, "*.");
		left -= 2;
	}
	while (left > 0) {
		size_t label = left > most + 1 ? most : left - 1;

		if (left - label - 1 == 1)
			label--;
		left -= label + 1;
		while (--label > 0)
			out[len++] = 'x';
		len += (size_t)sprintf(out + len, "%s.", octets[draw(4)]);
	}
	strcpy(out + len, origin);
}

/* A name below the origin: mostly short ones that meet, at times deep ones. */
static inline void
model_draw_name(const char *origin, char out[MODEL_NAME])
{
	static const char *const labels[] = { "a", "b", "c", "*", "x", "www" };
	unsigned depth = draw(20) == 0 ? 5 + draw(40) : 1 + draw(4);
	size_t len = 0;

	if (model_has_long_names && draw(10) == 0) {
		model_draw_long_name(origin, out);
		return;
	}
	while (depth-- > 0 && len < 80)
		len += (size_t)sprintf(out + len, "%s.", labels[draw(6)]);
	strcpy(out + len, origin);
}

/* Addresses for one country, at times with one for all others. */
static inline void
model_put_steered(struct zone_records *zone, const char *owner, unsigned seed)
{
	static const uint32_t weights[5] = { 1, 0, 7 };
	uint8_t lasts[5];
	unsigned count = 1 + seed / 8 % 5;

	for (unsigned i = 0; i < count; i++)
		lasts[i] = (uint8_t)(1 + (seed + 2 * i) % 100 * 2);
	if (seed & 0x800)
		lasts[0]--; /* for all others */
	zone_put_steered(zone, owner, 30 + seed % 100, RRTYPE_A,
			 seed & 0x80 ? STEERED_SINGLE : STEERED_MULTI, STEERED_WEIGHTED,
			 STEERED_BY_COUNTRY, 0, count, lasts, weights);
}

static inline void
model_put_addresses(struct zone_records *zone, const char *owner, unsigned seed)
{
	bool is_steered = model_has_steered && seed % 5 == 0;

	if (is_steered)
		model_put_steered(zone, owner, seed);
	for (unsigned i = 0; !is_steered && i <= seed / 8 % 4; i++)
		zone_put(zone, owner, 30 + seed % 100, RRTYPE_A, "4", seed + i);
	if (model_has_watched && seed % 3 == 0)
		zone_put_watched(zone, owner, (uint8_t)(seed % 11),
				 (uint16_t)(seed & 0x40 ? seed % 3 : 1));
}

/* An ANAME, one of few. */
static inline void
model_put_aname(struct zone_records *zone, const char *owner, unsigned seed)
{
	uint8_t name[DNAME_MAX], payload[ANAME_LEN_MAX];
	struct aname_head head = { .ttl = seed & 0x10 ? 60 : 3600 };
	size_t len = dname_from_text(owner, name);
	char target[MODEL_NAME];

	snprintf(target, sizeof target, "to%u.elsewhere.test", seed % 3);
	head.target_len =
		(uint8_t)dname_from_text(target, payload + sizeof head);
	memcpy(payload, &head, sizeof head);
	dname_lower(name, len);
	if (zone_records_add_mark(zone, name, len, ZONE_MARK_ANAME, ANAME_TYPE, payload,
				  sizeof head + head.target_len) != 0)
		bail_out("no memory");
}

/* Add what the seed says stands at `owner`. */
static inline void
model_put_data(struct zone_records *zone, const char *owner, const char *origin,
	       unsigned seed, enum model_bad bad)
{
	char target[MODEL_NAME];

	if (!model_has_odd_wildcards && owner[0] == '*' && (seed % 8 == 2 || seed % 8 == 3))
		seed += 2;
	snprintf(target, sizeof target, "%s.%s", seed & 1 ? "www.a" : "b", origin);
	switch (seed % 8) {
	case 0:
		return;
	case 1:
		zone_put(zone, owner, 60, RRTYPE_CNAME, "n", target);
		return;
	case 2:
		zone_put(zone, owner, 60, RRTYPE_NS, "n", target);
		zone_put(zone, owner, 60, RRTYPE_NS, "n", "ns.other.test");
		return;
	case 3:
		zone_put(zone, owner, 60, RRTYPE_DNAME, "n", "other.test");
		break;
	default:
		break;
	}
	if (model_has_anames && seed % 7 < 3)
		model_put_aname(zone, owner, seed);
	if (bad == MODEL_GOOD && !(model_has_anames && seed % 7 < 2))
		model_put_addresses(zone, owner, seed);
	if (seed & 0x100)
		zone_put(zone, owner, 300, RRTYPE_MX, "2n", seed % 50, target);
	if (seed & 0x200)
		zone_put(zone, owner, 300, RRTYPE_TXT, "s", target);
}

static inline uint64_t
model_hash(unsigned seed)
{
	return (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* A mark of an RRset, or of type 0, that is bad. */
static inline void
model_put_bad(struct zone_records *zone, const char *owner, uint16_t type)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(owner, name);

	if (zone_records_add_mark(zone, name, len, ZONE_MARK_BAD, type, "bad", 3) != 0)
		bail_out("no memory");
}

static inline void
model_put_owner(struct zone_records *zone, const char *owner, const char *origin,
		unsigned seed, enum model_bad bad)
{
	const struct provenance provenance = { model_hash(seed), seed, 7 };
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(owner, name);

	if (zone_records_add_mark(zone, name, len, ZONE_MARK_PROVENANCE, 0, &provenance,
				  sizeof provenance) != 0)
		bail_out("no memory");
	if (bad == MODEL_BAD_ALL)
		model_put_bad(zone, owner, 0);
	if (bad == MODEL_BAD_ADDRESSES)
		model_put_bad(zone, owner, RRTYPE_A);
	if (bad == MODEL_BAD_CUT)
		model_put_bad(zone, owner, RRTYPE_NS);
	if (bad != MODEL_BAD_ALL)
		model_put_data(zone, owner, origin, seed, bad);
}

static inline void
model_put_soa(struct zone_records *zone, const struct model_zone *model)
{
	zone_put(zone, model->origin, 3600, RRTYPE_SOA, "nn44444", "ns.other.test",
		 "hostmaster.other.test", model->serial, 7200, 3600, 1209600, 300);
}

static inline uint64_t
model_digest(const struct model_zone *model)
{
	uint64_t digest = model_hash(model->config_seed) + model_hash(model->apex_seed);

	for (unsigned i = 0; i < MODEL_OWNERS; i++)
		if (model->owners[i].name[0])
			digest += model_hash(model->owners[i].seed);
	return digest;
}

/* No records as yet; with all else that an apex tells. */
static inline struct zone_records *
model_new_records(const struct model_zone *model)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(model->origin, name);
	struct zone_records *zone = zone_records_new(name, len);
	struct redis_facts facts = {
		.config_hash = model_hash(model->config_seed),
		.raw_digest = model_digest(model),
		.change_ms = model->serial,
		.flags = 3,
	};

	if (!zone || zone_records_add_path(zone, model->origin) < 0)
		bail_out("no memory");
	zone->redis = arena_copy(zone->arena, &facts, sizeof facts);
	zone->loaded_at_s = 1700000000;
	return zone;
}

static inline void
model_put_apex(struct zone_records *zone, const struct model_zone *model)
{
	model_put_soa(zone, model);
	model_put_owner(zone, model->origin, model->origin, model->apex_seed, MODEL_GOOD);
}

/* A seed whose data can stand beside a SOA. */
static inline unsigned
model_draw_apex(void)
{
	unsigned seed = draw(100000);

	return seed % 8 == 1 ? seed + 3 : seed;
}

static inline struct zone_records *
model_records(const struct model_zone *model)
{
	struct zone_records *zone = model_new_records(model);

	model_put_apex(zone, model);
	for (unsigned i = 0; i < MODEL_OWNERS; i++)
		if (model->owners[i].name[0])
			model_put_owner(zone, model->owners[i].name, model->origin,
					model->owners[i].seed, model->owners[i].bad);
	zone_done(zone);
	return zone;
}

static inline struct model_owner *
model_find_owner(struct model_zone *model, const char *name)
{
	for (unsigned i = 0; i < MODEL_OWNERS; i++)
		if (strcmp(model->owners[i].name, name) == 0)
			return &model->owners[i];
	return NULL;
}

/* A zone made anew. */
static inline void
model_draw_zone(struct model_zone *model, const char *origin)
{
	char name[MODEL_NAME];

	memset(model, 0, sizeof *model);
	model->exists = true;
	model->origin = origin;
	model->serial = 1 + draw(1000);
	model->apex_seed = model_draw_apex();
	model->config_seed = draw(100000);
	for (unsigned i = 0, count = draw(MODEL_OWNERS); i < count; i++) {
		model_draw_name(origin, name);
		if (!model_find_owner(model, name)) {
			strcpy(model->owners[i].name, name);
			model->owners[i].seed = draw(100000);
		}
	}
}

#endif
