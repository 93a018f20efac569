/* An open-addressed table of name suffixes, emptied in one step by its epoch.  The
 * hash is seeded at random: names come from strangers. */
#include "loader/zone/name_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

enum { FIRST_SLOTS = 64 };

int
name_table_init(struct name_table *table)
{
	memset(table, 0, sizeof *table);
	table->epoch = 1;
	if (getrandom(&table->seed, sizeof table->seed, 0) != (ssize_t)sizeof table->seed)
		return ERR_IO;
	return ERR_OK;
}

void
name_table_fini(struct name_table *table)
{
	free(table->slots);
	free(table->entries);
	free(table->names);
	memset(table, 0, sizeof *table);
}

void
name_table_clear(struct name_table *table)
{
	table->entry_count = 0;
	table->names_len = 0;
	if (++table->epoch == 0) {
		table->epoch = 1;
		if (table->slots)
			memset(table->slots, 0, table->slot_count * sizeof *table->slots);
	}
}

void
name_table_key(const struct name_table *table, const uint8_t *name, unsigned len,
	       struct name_key *out)
{
	uint64_t state = name_hash_root(&table->seed);
	unsigned count = 0;

	for (unsigned at = 0; name[at] != 0; at += name[at] + 1u)
		out->label_at[count++] = (uint8_t)at;
	out->name = name;
	out->len = len;
	out->label_count = count;
	while (count-- > 0) {
		state = name_hash_label(&table->seed, state, name + out->label_at[count]);
		out->hash[count] = state;
	}
}

static bool
entry_is(const struct name_table *table, const struct name_entry *entry,
	 const struct name_key *key, unsigned label)
{
	unsigned len = key->len - key->label_at[label];

	return entry->hash == key->hash[label] && entry->len == len &&
	       memcmp(table->names + entry->name_at, key->name + key->label_at[label],
		      len) == 0;
}

static struct name_entry *
entry_find(const struct name_table *table, const struct name_key *key, unsigned label)
{
	size_t mask = table->slot_count - 1;

	if (table->entry_count == 0)
		return NULL;
	for (size_t i = key->hash[label] & mask;; i = (i + 1) & mask) {
		const struct name_slot *slot = &table->slots[i];

		if (slot->epoch != table->epoch)
			return NULL;
		if (entry_is(table, &table->entries[slot->entry], key, label))
			return &table->entries[slot->entry];
	}
}

const struct name_entry *
name_table_find(const struct name_table *table, const struct name_key *key,
		unsigned label)
{
	return entry_find(table, key, label);
}

static void
slot_fill(struct name_table *table, uint32_t entry)
{
	size_t mask = table->slot_count - 1;
	size_t i = table->entries[entry].hash & mask;

	while (table->slots[i].epoch == table->epoch)
		i = (i + 1) & mask;
	table->slots[i] = (struct name_slot){ .epoch = table->epoch, .entry = entry };
}

static int
slots_grow(struct name_table *table)
{
	size_t count = table->slot_count ? table->slot_count * 2 : FIRST_SLOTS;
	struct name_slot *slots = calloc(count, sizeof *slots);

	if (!slots)
		return ERR_NOMEM;
	free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	for (size_t i = 0; i < table->entry_count; i++)
		slot_fill(table, (uint32_t)i);
	return ERR_OK;
}

static int
names_reserve(struct name_table *table, size_t len)
{
	uint8_t *names =
		grow_items(table->names, &table->names_room, table->names_len + len, 1);

	if (!names)
		return ERR_NOMEM;
	table->names = names;
	return ERR_OK;
}

static int
entries_reserve(struct name_table *table, size_t count)
{
	struct name_entry *entries =
		grow_items(table->entries, &table->entry_room, table->entry_count + count,
			   sizeof *entries);

	if (!entries)
		return ERR_NOMEM;
	table->entries = entries;
	while (table->slot_count < 2 * (table->entry_count + count))
		if (slots_grow(table) != ERR_OK)
			return ERR_NOMEM;
	return ERR_OK;
}

int
name_table_add(struct name_table *table, const struct name_key *key, unsigned label_end,
	       unsigned wire_at, unsigned pointable_end, bool is_target)
{
	uint32_t name_at = (uint32_t)table->names_len;

	if (names_reserve(table, key->len) != ERR_OK ||
	    entries_reserve(table, label_end) != ERR_OK)
		return ERR_NOMEM;
	memcpy(table->names + name_at, key->name, key->len);
	table->names_len += key->len;
	for (unsigned i = 0; i < label_end; i++) {
		unsigned at = wire_at + key->label_at[i];

		struct name_entry *seen = entry_find(table, key, i);

		if (seen) {
			seen->is_target |= is_target && i == 0;
			continue;
		}
		table->entries[table->entry_count] = (struct name_entry){
			.hash = key->hash[i],
			.name_at = name_at + key->label_at[i],
			.at = (uint16_t)at,
			.len = (uint8_t)(key->len - key->label_at[i]),
			.pointable = at < pointable_end,
			.is_target = is_target && i == 0,
		};
		slot_fill(table, (uint32_t)table->entry_count++);
	}
	return ERR_OK;
}
