/* Pairs of a name and a target, sorted. */
#include "loader/health/status_names.h"

#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

/* `need` more octets behind `len`.  returns false without memory. */
static bool
have_room(void **at, size_t len, size_t need, size_t *room)
{
	void *grown;

	if (len + need <= *room)
		return true;
	grown = realloc(*at, 2 * (len + need));
	if (!grown)
		return false;
	*at = grown;
	*room = 2 * (len + need);
	return true;
}

static int
add_pair(struct status_names *names, uint64_t key, size_t owner)
{
	size_t room = names->room * sizeof *names->pairs;
	void *pairs = names->pairs;

	if (!have_room(&pairs, names->count * sizeof *names->pairs, sizeof *names->pairs,
		       &room))
		return ERR_NOMEM;
	names->pairs = pairs;
	names->room = room / sizeof *names->pairs;
	names->pairs[names->count++] = (struct status_pair){ key, owner };
	return ERR_OK;
}

static int
read_node(void *context, const char *owner, const uint8_t *wants, size_t len)
{
	struct status_names *names = context;
	size_t at = 0, want_len, place = names->texts_len, owner_len = strlen(owner) + 1;
	void *texts = names->texts;
	enum watch_want kind;
	const uint8_t *want;

	if (!have_room(&texts, names->texts_len, owner_len, &names->texts_room))
		return ERR_NOMEM;
	names->texts = texts;
	memcpy(names->texts + place, owner, owner_len);
	names->texts_len += owner_len;
	while (watch_next_want(wants, len, &at, &kind, &want, &want_len)) {
		uint64_t key;
		int rc;

		if (kind != WATCH_TARGET || want_len != sizeof key)
			continue;
		memcpy(&key, want, sizeof key);
		rc = add_pair(names, key, place);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct status_pair *left = a, *right = b;

	if (left->key != right->key)
		return left->key > right->key ? 1 : -1;
	return (left->owner > right->owner) - (left->owner < right->owner);
}

static void
forget_pairs(void *context, struct target *target)
{
	(void)context;
	target->pair_count = 0;
}

/* Each target gets its run of pairs; a name that has it twice stands there once. */
static void
give_pairs(struct status_names *names, struct target_table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++) {
		struct status_pair pair = names->pairs[i];
		struct target *target = target_table_find(table, pair.key);

		if (!target ||
		    (kept > 0 && compare_pairs(&names->pairs[kept - 1], &pair) == 0))
			continue;
		if (target->pair_count++ == 0)
			target->first_pair = (uint32_t)kept;
		names->pairs[kept++] = pair;
	}
	names->count = kept;
}

int
status_names_read(struct status_names *names, struct watch_reader *reader,
		  struct target_table *table)
{
	int rc;

	names->count = names->texts_len = 0;
	target_table_each(table, forget_pairs, NULL);
	rc = watch_read_nodes(reader, read_node, names);
	if (rc != ERR_OK) {
		names->count = 0;
		return rc;
	}
	if (names->count > 0)
		qsort(names->pairs, names->count, sizeof *names->pairs, compare_pairs);
	give_pairs(names, table);
	return ERR_OK;
}
