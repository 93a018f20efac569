/* The order of a zone's chain of denial in an overlay, see shm/overlay_value.h: kept along
 * with the nodes that are put. */
#include <lmdb.h>
#include <string.h>

#include "loader/store/overlay_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/name_hash.h"
#include "shm/rrtype.h"

/* Under which id a node would be ordered; 0: it cannot be told, it is an apex that is gone.
 */
static uint32_t
chain_id_of(const struct node *node)
{
	const struct zone_facts *facts;

	if (node->head.zone_id != CATALOGUE_ID)
		return node->head.zone_id | CHAIN_SPACE;
	facts = node->head.flags & NODE_DELETED ? NULL : node_facts(node);
	return facts ? facts->zone_id | CHAIN_SPACE : 0;
}

static bool
is_member(const struct node *node)
{
	uint16_t type = node->head.zone_id & NSEC3_SPACE ? RRTYPE_NSEC3 : RRTYPE_NSEC;
	struct block block;

	return !(node->head.flags & NODE_DELETED) &&
	       node_find_block(node, BLOCK_RRSET, type, &block);
}

static uint64_t
chain_hash(const struct overlay *o, uint32_t chain_id)
{
	static const uint8_t root[1 + NAME_PAD];

	return name_hash(&o->gen->head.seed, chain_id, root);
}

void
overlay_chain_add_to_filter(struct overlay *o, const struct node *node)
{
	uint32_t id = is_member(node) ? chain_id_of(node) : 0;

	if (id)
		overlay_filter_add(&o->filter, chain_hash(o, id), o->commit + 1);
}

int
overlay_chain_follow(struct overlay *o, const struct node *node)
{
	uint32_t id = chain_id_of(node);
	MDB_val key, value = { 0 };
	uint8_t octets[DNAME_KEY_MAX];
	int rc;

	if (!id || !overlay_filter_may_have(&o->filter, chain_hash(o, id)))
		return 0;
	key = (MDB_val){ dname_key(id, node_owner(node), octets), octets };
	if (is_member(node)) {
		rc = mdb_put(o->txn, o->dbi, &key, &value, MDB_NOOVERWRITE);
		o->chain_change += rc == 0;
		return rc == MDB_KEYEXIST ? 0 : rc;
	}
	rc = mdb_del(o->txn, o->dbi, &key, NULL);
	o->chain_change -= rc == 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

bool
overlay_chain_has(const MDB_val *key)
{
	return key->mv_size >= DNAME_KEY_PREFIX &&
	       *(const uint8_t *)key->mv_data & CHAIN_SPACE >> 24 &&
	       !overlay_is_note(key);
}

int
overlay_chain_skip(MDB_cursor *cursor, MDB_val *key, MDB_val *value)
{
	bool is_nsec3 = *(const uint8_t *)key->mv_data & NSEC3_SPACE >> 24;
	uint8_t octets[DNAME_KEY_PREFIX];

	dname_key_prefix(is_nsec3 ? NSEC3_SPACE | CHAIN_SPACE | ZONE_ID_END : NSEC3_SPACE,
			 octets);
	*key = (MDB_val){ sizeof octets, octets };
	return mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
}

/* ---- looking up ---- */

/* The node's own key: a node without one is the apex, which stands first. */
static int
find_member(MDB_txn *txn, struct overlay *o, const MDB_val *chain_key, struct node *out)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { chain_key->mv_size, octets }, value;
	int rc;

	if (key.mv_size > sizeof octets)
		return ERR_DAMAGED;
	memcpy(octets, chain_key->mv_data, key.mv_size);
	octets[0] &= (uint8_t) ~(CHAIN_SPACE >> 24);
	rc = mdb_get(txn, o->dbi, &key, &value);
	if (rc != 0)
		return lmdb_env_error(rc);
	return overlay_node_of(&value, out) ? ERR_OK : ERR_DAMAGED;
}

int
overlay_chain_before(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
		     struct node *out)
{
	uint8_t octets[DNAME_KEY_MAX];
	uint32_t id = zone_id | CHAIN_SPACE;
	MDB_val key = { DNAME_KEY_PREFIX, octets }, value;
	MDB_cursor *cursor;
	int rc = overlay_cursor_begin(overlay, &cursor);

	if (rc != ERR_OK)
		return rc;
	if (name)
		key.mv_size = dname_key(id, name, octets);
	else
		dname_key_prefix(id + 1, octets);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
	dname_key_prefix(id, octets);
	if (rc == 0 && (key.mv_size < DNAME_KEY_PREFIX ||
			memcmp(key.mv_data, octets, DNAME_KEY_PREFIX) != 0))
		rc = MDB_NOTFOUND;
	rc = rc == 0 ? find_member(mdb_cursor_txn(cursor), overlay, &key, out)
		     : lmdb_env_error(rc);
	mdb_cursor_close(cursor);
	return rc;
}

/* ---- how many there are: the difference of each change set goes into a note ---- */

int
overlay_chain_count(struct overlay *o, uint64_t *out)
{
	int rc = overlay_read_note(o, OVERLAY_CHAIN_NOTE, out, sizeof *out);

	if (rc == ERR_NOTFOUND)
		*out = 0;
	else if (rc != (int)sizeof *out)
		return rc < 0 ? rc : ERR_DAMAGED;
	*out += (uint64_t)o->chain_change;
	return ERR_OK;
}

int
overlay_chain_note(struct overlay *o)
{
	uint64_t count;
	int rc = o->chain_change == 0 ? ERR_OK : overlay_chain_count(o, &count);

	if (rc == ERR_OK && o->chain_change != 0)
		rc = overlay_note(o, OVERLAY_CHAIN_NOTE, &count, sizeof count);
	o->chain_change = 0;
	return rc;
}
