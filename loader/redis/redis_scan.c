/* SCAN over all keys, and its finds in order. */
#include "loader/redis/redis_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

enum { SCAN_COUNT = 2000 };

/* A key as it was found. */
struct found {
	struct redis_known_key key;
	size_t zone; /* index of the name */
};

struct scanning {
	struct redis_scan *scan;
	struct redis_keys *keys;
	const struct redis_text *names;
	size_t zone_count;
	struct found *found;
	size_t count, room;
};

void
redis_scan_fini(struct redis_scan *scan)
{
	free(scan->keys);
	free(scan->first);
	arena_free(scan->arena);
	*scan = (struct redis_scan){ .keys = NULL };
}

/* ---- one key ---- */

static int
compare_names(const void *left, const void *right)
{
	return redis_text_compare(*(const struct redis_text *)left,
				  *(const struct redis_text *)right);
}

static bool
find_zone(const struct scanning *scanning, struct redis_text name, size_t *index)
{
	const struct redis_text *found = bsearch(
		&name, scanning->names, scanning->zone_count, sizeof name, compare_names);

	if (found)
		*index = (size_t)(found - scanning->names);
	return found != NULL;
}

/* The type as we ask for it, or NULL; it lives as long as the keys. */
static const char *
find_type(struct redis_keys *keys, struct redis_text text)
{
	for (int round = 0; round < 2; round++) {
		const char *type;

		for (size_t i = 0; (type = redis_keys_type(keys, i)); i++)
			if (strncmp(type, text.bytes, text.len) == 0 &&
			    type[text.len] == '\0')
				return type;
		if (!redis_keys_learn_type(keys, text))
			return NULL;
	}
	return NULL;
}

static int
add_key(struct scanning *scanning, struct redis_text text)
{
	struct redis_key key;
	struct found found, *all;
	char *label;

	redis_keys_parse(scanning->keys, text, &key);
	if (key.kind != REDIS_KEY_RRSET || !find_zone(scanning, key.zone, &found.zone))
		return ERR_OK;
	found.key.type = find_type(scanning->keys, key.type);
	if (!found.key.type)
		return ERR_OK;
	label = arena_copy(scanning->scan->arena, key.label.bytes, key.label.len + 1);
	all = grow_items(scanning->found, &scanning->room, scanning->count + 1,
			 sizeof *all);
	if (all)
		scanning->found = all;
	if (!label || !all)
		return ERR_NOMEM;
	label[key.label.len] = '\0';
	found.key.label = (struct redis_text){ label, key.label.len };
	scanning->found[scanning->count++] = found;
	return ERR_OK;
}

/* ---- the walk ---- */

/* The pattern; what is special in prefix and suffix is escaped. */
static size_t
write_pattern(const struct redis_keys *keys, char out[REDIS_KEY_MAX])
{
	const char *parts[] = { keys->prefix, NULL, keys->suffix };
	size_t len = 0;

	for (size_t i = 0; i < 3; i++) {
		if (!parts[i]) {
			len += (size_t)sprintf(out + len, "z42:zones:*:labels:*:*");
			continue;
		}
		for (const char *at = parts[i]; *at; at++) {
			if (strchr("*?[]\\^-", *at))
				out[len++] = '\\';
			out[len++] = *at;
		}
	}
	return len;
}

/* One step; *cursor is "0" at the end. */
static int
step(struct scanning *scanning, struct redis_link *link, char cursor[32],
     char reason[REDIS_REASON_MAX])
{
	char pattern[REDIS_KEY_MAX];
	size_t len = write_pattern(scanning->keys, pattern);
	struct arena *arena = arena_new();
	const struct redis_reply *reply = NULL, *list;
	int code = ERR_OK;

	if (arena)
		reply = redis_link_ask(link, arena, "SCAN %s MATCH %b COUNT %d", cursor,
				       pattern, len, SCAN_COUNT);
	list = reply && redis_reply_count(reply) == 2
		       ? redis_reply_next(redis_reply_first(reply))
		       : NULL;
	if (!list) {
		if (reply)
			redis_link_explain(reply, "SCAN", reason);
		else
			snprintf(reason, REDIS_REASON_MAX, "%s", redis_link_reason(link));
		arena_free(arena);
		return ERR_IO;
	}
	snprintf(cursor, 32, "%s", redis_reply_text(redis_reply_first(reply)).bytes);
	for (list = redis_reply_first(list); list && code == ERR_OK;
	     list = redis_reply_next(list))
		code = add_key(scanning, redis_reply_text(list));
	arena_free(arena);
	if (code != ERR_OK)
		snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(code));
	return code;
}

/* ---- order ---- */

static int
compare_found(const void *left, const void *right)
{
	const struct found *a = left, *b = right;
	int order;

	if (a->zone != b->zone)
		return a->zone < b->zone ? -1 : 1;
	order = redis_text_compare(a->key.label, b->key.label);
	return order ? order : strcmp(a->key.type, b->key.type);
}

/* Sorted, each once: SCAN may tell of a key twice. */
static int
put_in_order(struct scanning *scanning)
{
	struct redis_scan *scan = scanning->scan;
	size_t to = 0, zone = 0;

	if (scanning->count > 0)
		qsort(scanning->found, scanning->count, sizeof *scanning->found,
		      compare_found);
	scan->keys = reallocarray(NULL, scanning->count + 1, sizeof *scan->keys);
	scan->first = reallocarray(NULL, scanning->zone_count + 1, sizeof *scan->first);
	if (!scan->keys || !scan->first)
		return ERR_NOMEM;
	for (size_t i = 0; i < scanning->count; i++) {
		const struct found *found = &scanning->found[i];

		if (i > 0 && compare_found(found - 1, found) == 0)
			continue;
		while (zone <= found->zone)
			scan->first[zone++] = to;
		scan->keys[to++] = found->key;
	}
	while (zone <= scanning->zone_count)
		scan->first[zone++] = to;
	return ERR_OK;
}

int
redis_scan_run(struct redis_scan *scan, struct redis_link *link, struct redis_keys *keys,
	       const struct redis_text *names, size_t zone_count,
	       char reason[REDIS_REASON_MAX])
{
	struct scanning scanning = {
		.scan = scan,
		.keys = keys,
		.names = names,
		.zone_count = zone_count,
	};
	char cursor[32] = "0";
	int code;

	scan->arena = arena_new();
	if (!scan->arena) {
		snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	do
		code = step(&scanning, link, cursor, reason);
	while (code == ERR_OK && strcmp(cursor, "0") != 0);
	if (code == ERR_OK) {
		code = put_in_order(&scanning);
		if (code != ERR_OK)
			snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(code));
	}
	free(scanning.found);
	return code;
}
