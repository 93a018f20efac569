/* What nodes want, entered into the watch list and taken out of it. */
#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/watch_private.h"
#include "shm/errcode.h"

/* ---- wants, counted ---- */

static enum watch_table
table_of(enum watch_want kind)
{
	return kind == WATCH_TARGET ? WATCH_TARGETS : WATCH_NAMES;
}

/* One more wants it; the first brings its spec. */
static void
count_in(struct watch *watch, enum watch_want kind, const void *want, size_t len,
	 const void *spec, size_t spec_len)
{
	MDB_dbi table = watch->tables[table_of(kind)];
	uint8_t octets[DNAME_MAX], stored[sizeof(uint32_t) + WATCH_TARGET_LEN_MAX];
	MDB_val key = { .mv_size = len, .mv_data = octets }, value;
	uint32_t count = 0;
	int rc;

	if (watch->is_stale || len > sizeof octets || spec_len > WATCH_TARGET_LEN_MAX)
		return;
	memcpy(octets, want, len);
	rc = mdb_get(watch->txn, table, &key, &value);
	if (rc == 0 && value.mv_size >= sizeof count)
		memcpy(&count, value.mv_data, sizeof count);
	else if (rc != MDB_NOTFOUND)
		watch_check(watch, rc == 0 ? MDB_CORRUPTED : rc);
	count++;
	memcpy(stored, &count, sizeof count);
	if (spec_len > 0)
		memcpy(stored + sizeof count, spec, spec_len);
	value = (MDB_val){ .mv_size = sizeof count + spec_len, .mv_data = stored };
	if (!watch->is_stale)
		watch_check(watch, mdb_put(watch->txn, table, &key, &value, 0));
}

static void
count_out(struct watch *watch, enum watch_want kind, const uint8_t *want, size_t len)
{
	MDB_dbi table = watch->tables[table_of(kind)];
	uint8_t stored[sizeof(uint32_t) + WATCH_TARGET_LEN_MAX];
	uint8_t octets[DNAME_MAX];
	MDB_val key = { .mv_size = len, .mv_data = octets }, value;
	uint32_t count;
	int rc;

	if (watch->is_stale || len > sizeof octets)
		return;
	watch->work++;
	memcpy(octets, want, len);
	rc = mdb_get(watch->txn, table, &key, &value);
	if (rc != 0 || value.mv_size < sizeof count || value.mv_size > sizeof stored) {
		watch_check(watch, rc != 0 ? rc : MDB_CORRUPTED);
		return;
	}
	memcpy(stored, value.mv_data, value.mv_size);
	memcpy(&count, stored, sizeof count);
	if (--count == 0) {
		watch_check(watch, mdb_del(watch->txn, table, &key, NULL));
		return;
	}
	memcpy(stored, &count, sizeof count);
	value.mv_data = stored;
	watch_check(watch, mdb_put(watch->txn, table, &key, &value, 0));
}

/* ---- nodes ---- */

static void
append(struct watch *watch, const void *octets, size_t len)
{
	if (watch->is_stale)
		return;
	if (watch->value_len + len > watch->value_room) {
		size_t room = 2 * (watch->value_len + len);
		uint8_t *grown = realloc(watch->value, room);

		if (!grown) {
			watch_check(watch, ENOMEM);
			return;
		}
		watch->value = grown;
		watch->value_room = room;
	}
	memcpy(watch->value + watch->value_len, octets, len);
	watch->value_len += len;
}

/* watch_want_fn */
static void
add_want(void *context, enum watch_want kind, const void *want, size_t want_len,
	 const void *spec, size_t spec_len)
{
	const struct watch_want_head head = { (uint16_t)kind, (uint16_t)want_len };
	struct watch *watch = context;

	watch->work++;
	append(watch, &head, sizeof head);
	append(watch, want, want_len);
	if (kind != WATCH_LEAD)
		count_in(watch, kind, want, want_len, spec, spec_len);
}

/* The same, only written. */
static void
write_want(void *context, enum watch_want kind, const void *want, size_t want_len,
	   const void *spec, size_t spec_len)
{
	const struct watch_want_head head = { (uint16_t)kind, (uint16_t)want_len };
	struct watch *watch = context;

	(void)spec;
	(void)spec_len;
	watch->work++;
	append(watch, &head, sizeof head);
	append(watch, want, want_len);
}

static void
write_owner(struct watch *watch, const struct node *node)
{
	watch->value_len = 0;
	append(watch, &node->head.owner_len, 1);
	append(watch, node_owner(node), node->head.owner_len);
}

/* Does the node want what is noted of it? */
static bool
is_noted(struct watch *watch, MDB_val *key, const struct node *node)
{
	MDB_val stored;

	if (mdb_get(watch->txn, watch->tables[WATCH_NODES], key, &stored) != 0)
		return false;
	write_owner(watch, node);
	watch_wants(node, write_want, watch);
	return !watch->is_stale && stored.mv_size == watch->value_len &&
	       memcmp(stored.mv_data, watch->value, watch->value_len) == 0;
}

/* What was wanted at a place is not any more; the value is copied, since writing moves it. */
static void
forget_wants(struct watch *watch, const MDB_val *stored)
{
	uint8_t *copy = malloc(stored->mv_size);
	const uint8_t *want;
	enum watch_want kind;
	size_t at, len;

	if (!copy || stored->mv_size == 0) {
		free(copy);
		watch_check(watch, ENOMEM);
		return;
	}
	memcpy(copy, stored->mv_data, stored->mv_size);
	at = 1u + copy[0];
	while (at < stored->mv_size &&
	       watch_next_want(copy, stored->mv_size, &at, &kind, &want, &len))
		if (kind != WATCH_LEAD)
			count_out(watch, kind, want, len);
	free(copy);
}

static void
forget_node(struct watch *watch, MDB_val *key)
{
	MDB_val stored;
	int rc = mdb_get(watch->txn, watch->tables[WATCH_NODES], key, &stored);

	if (rc == MDB_NOTFOUND)
		return;
	if (rc != 0) {
		watch_check(watch, rc);
		return;
	}
	forget_wants(watch, &stored);
	if (watch->is_stale)
		return;
	watch_check(watch, mdb_del(watch->txn, watch->tables[WATCH_NODES], key, NULL));
	watch->is_changed = true;
}

static void
put_wants(struct watch *watch, MDB_val *key, const struct node *node)
{
	MDB_val value;
	size_t head_len;

	write_owner(watch, node);
	head_len = watch->value_len;
	watch_wants(node, add_want, watch);
	if (watch->is_stale || watch->value_len == head_len)
		return;
	value = (MDB_val){ .mv_size = watch->value_len, .mv_data = watch->value };
	watch_check(watch,
		    mdb_put(watch->txn, watch->tables[WATCH_NODES], key, &value, 0));
	watch->node_count++;
	watch->is_changed = true;
}

void
watch_put(struct watch *watch, uint32_t zone_id, const struct node *node)
{
	bool wants_any = watch_wants_any(node);
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { .mv_data = octets };

	/* most servers watch nothing, and most names want nothing */
	if ((!wants_any && watch->node_count == 0) || !watch_begin(watch))
		return;
	watch->work++;
	key.mv_size = dname_key(zone_id, node_owner(node), octets);
	if (wants_any && is_noted(watch, &key, node))
		return;
	forget_node(watch, &key);
	if (wants_any && !watch->is_stale)
		put_wants(watch, &key, node);
}

void
watch_forget(struct watch *watch, uint32_t zone_id, const uint8_t *owner)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { .mv_data = octets };

	if (watch->node_count == 0 || !watch_begin(watch))
		return;
	watch->work++;
	key.mv_size = dname_key(zone_id, owner, octets);
	forget_node(watch, &key);
}

void
watch_drop_zone(struct watch *watch, uint32_t zone_id)
{
	uint8_t prefix[DNAME_KEY_PREFIX];
	MDB_cursor *cursor;
	int rc;

	if (watch->node_count == 0 || !watch_begin(watch))
		return;
	dname_key_prefix(zone_id, prefix);
	while (!watch->is_stale) {
		uint8_t octets[DNAME_KEY_MAX];
		MDB_val key = { sizeof prefix, prefix }, stored;

		rc = mdb_cursor_open(watch->txn, watch->tables[WATCH_NODES], &cursor);
		if (rc == 0) {
			rc = mdb_cursor_get(cursor, &key, &stored, MDB_SET_RANGE);
			mdb_cursor_close(cursor);
		}
		if (rc == MDB_NOTFOUND ||
		    (rc == 0 && (key.mv_size < sizeof prefix ||
				 memcmp(key.mv_data, prefix, sizeof prefix) != 0)))
			return;
		watch_check(watch, rc);
		if (rc != 0 || key.mv_size > sizeof octets)
			return;
		memcpy(octets, key.mv_data, key.mv_size);
		key.mv_data = octets;
		forget_node(watch, &key);
	}
}
