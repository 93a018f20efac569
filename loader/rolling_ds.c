/* DS records, and the keys that they are of. */
#include "loader/rolling_ds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/sign/ds_digest.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum { RR_FIXED_LEN = 12 };

struct rolling_ds {
	const struct settings *settings;
	struct ds_look *look;
	struct ds_view view;
};

struct rolling_ds *
rolling_ds_new(const struct settings *settings)
{
	struct rolling_ds *ds = calloc(1, sizeof *ds);

	if (!ds)
		return NULL;
	ds->settings = settings;
	ds->look = ds_look_new(settings);
	if (ds->look)
		return ds;
	free(ds);
	return NULL;
}

void
rolling_ds_free(struct rolling_ds *ds)
{
	if (!ds)
		return;
	ds_look_free(ds->look);
	free(ds);
}

/* ---- our own data ---- */

static void
take_stored(struct ds_view *view, const struct rrset *rrset)
{
	const uint8_t *at = rrset->wire, *end = at + rrset->head.wire_len;

	while (end - at >= RR_FIXED_LEN) {
		size_t len = wire_get_u16(at + RR_FIXED_LEN - 2);

		at += RR_FIXED_LEN;
		if (len > (size_t)(end - at))
			return;
		ds_view_record(view, rrset->head.ttl, at, len);
		at += len;
	}
}

/* Does a cut between the zone and what we serve above it make another one the parent? */
static bool
is_parent(struct store_walk *walk, uint32_t id, const uint8_t *zone, const uint8_t *apex)
{
	const uint8_t *at = zone + zone[0] + 1;
	struct rrset rrset;
	struct node node;

	for (; dname_compare(at, apex) != 0; at += at[0] + 1)
		if (store_walk_find(walk, id, at, &node) == ERR_OK &&
		    node_find_rrset(&node, RRTYPE_NS, &rrset))
			return false;
	return true;
}

/* returns whether we serve the parent. */
static bool
look_here(struct store_walk *walk, const uint8_t *zone, struct ds_view *view)
{
	struct zone_facts facts;
	struct rrset rrset;
	struct node apex, cut;

	if (zone[0] == 0 ||
	    store_walk_find_zone(walk, zone + zone[0] + 1, &apex) != ERR_OK ||
	    !node_zone_facts(&apex, &facts) ||
	    !is_parent(walk, facts.zone_id, zone, node_owner(&apex)))
		return false;
	ds_view_server(view);
	if (store_walk_find(walk, facts.zone_id, zone, &cut) == ERR_OK &&
	    node_find_rrset(&cut, RRTYPE_DS, &rrset))
		take_stored(view, &rrset);
	return true;
}

/* ---- all of them ---- */

/* Bits of the keys of `roll` that the record is of. */
static uint32_t
keys_of(const struct ds_seen *seen, const uint8_t *zone, size_t len,
	const struct sign_keys *keys, const struct roll_zone *roll)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < keys->count; i++) {
		const struct sign_key *key = &keys->items[i];

		if (!ds_digest_is_of(seen->rdata, seen->rdata_len, zone, len, key))
			continue;
		for (uint32_t k = 0; k < roll->count; k++)
			if (roll->keys[k].tag == key->tag &&
			    roll->keys[k].algorithm == sign_key_algorithm(key))
				bits |= UINT32_C(1) << k;
	}
	return bits;
}

void
rolling_ds_look(struct rolling_ds *ds, struct store_walk *walk, const uint8_t *zone,
		size_t len, const struct sign_keys *keys, const struct roll_zone *roll,
		struct roll_ds *out, char reason[DS_LOOK_REASON_MAX])
{
	struct ds_view *view = &ds->view;

	memset(view, 0, sizeof *view);
	memset(out, 0, sizeof *out);
	view->is_known = look_here(walk, zone, view);
	if (!view->is_known || ds->settings->resolver.server_count > 0)
		ds_look_at(ds->look, zone, len, view);
	snprintf(reason, DS_LOOK_REASON_MAX, "%s", view->reason);
	out->is_known = view->is_known;
	out->ttl_s = view->ttl_s;
	out->count = view->most;
	for (unsigned i = 0; i < view->count; i++) {
		uint32_t bits = keys_of(&view->seen[i], zone, len, keys, roll);

		out->anywhere |= bits;
		if (view->seen[i].servers == view->servers)
			out->everywhere |= bits;
	}
}
