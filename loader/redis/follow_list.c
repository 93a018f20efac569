/* The list of zones against what is served: all in steps, or with a set at once. */
#include "loader/redis/follow_list.h"

#include <string.h>

#include "loader/redis/follow_lose.h"
#include "loader/zone/apex_node.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	STEP_US = 1000,
	STEP_NAMES = 250, /* read at once, about */
	STEP_ZONES = 64, /* looked at between two looks at the clock */
	LIST_OCTETS_MAX = 512 << 20, /* of all names: a list without an end is none */
};

/* ---- what is listed ---- */

/* Is there more to a zone that is listed than what is served?  A conflict is counted. */
static bool
is_fresh(struct follow *f, struct follow_list *list, const uint8_t *origin, size_t len)
{
	struct node apex;

	if (live_zone(f->live, origin, len, &apex) != ERR_OK)
		return true;
	if (apex_is_from_redis(&apex)) /* is it listed again? */
		return held_is_unlisted(&f->held, origin, len);
	list->conflicts++;
	return apex_has_error(&apex, "");
}

static int
take_name(struct follow *f, struct follow_list *list, struct redis_text name)
{
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const char *reason;
	size_t len = redis_zone_origin(name, origin, &reason), before;
	uint32_t number;
	int rc;

	if (name.len > REDIS_NAME_MAX + 1)
		name.len = REDIS_NAME_MAX + 1; /* it counts, although it is none */
	rc = key_table_add(&list->names, 0, name.bytes, name.len, &number);
	if (rc != ERR_OK || len == 0)
		return rc;
	before = list->origins.count;
	rc = key_table_add(&list->origins, 0, origin, len, &number);
	if (rc == ERR_OK && number == before && is_fresh(f, list, origin, len))
		rc = key_table_add(&list->fresh, 0, name.bytes, name.len, &number);
	return rc;
}

static int
take_names(struct follow *f, struct follow_list *list, const struct redis_text *names,
	   size_t count)
{
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < count; i++)
		rc = take_name(f, list, names[i]);
	return rc;
}

/* ---- what is served ---- */

struct looking {
	struct follow_list *list;
	uint64_t until_us; /* 0: to the end */
	unsigned seen;
};

/* A zone that is served from a file and listed, too, is a conflict; it is an error of the
 * zone's as long as it lasts. */
static bool
should_be_listed(const struct node *apex)
{
	return apex_is_from_redis(apex) || apex_has_error(apex, FOLLOW_CONFLICT_TEXT);
}

static int
visit_served(void *context, const struct node *apex)
{
	struct looking *looking = context;
	struct follow_list *list = looking->list;
	const uint8_t *origin = node_owner(apex);
	size_t len = apex->head.owner_len;
	uint32_t number;

	if (looking->until_us != 0 && ++looking->seen % STEP_ZONES == 0 &&
	    clock_now_ns() / 1000 >= looking->until_us) {
		memcpy(list->next, origin, len);
		return ERR_BUSY;
	}
	if (!should_be_listed(apex) ||
	    key_table_find(&list->origins, 0, origin, len, &number) == ERR_OK)
		return 0;
	return key_table_add(&list->gone, 0, origin, len, &number);
}

static void
show_conflicts(struct follow *f, size_t count)
{
	if (count == 0)
		region_source_set_text(f->board, SOURCE_TEXT_CONFLICT, "%s", "");
	else
		region_source_set_text(
			f->board, SOURCE_TEXT_CONFLICT,
			"%zu zone%s in zone files and in Redis, too; the files "
			"are served: see `martletctl errors`",
			count, count == 1 ? " is" : "s are");
}

static int
look(struct follow *f, struct follow_list *list, uint64_t until_us)
{
	struct looking looking = { .list = list, .until_us = until_us };
	int rc = live_walk_zones_from(f->live, list->next, visit_served, &looking);

	if (rc == ERR_OK)
		show_conflicts(f, list->conflicts);
	return rc;
}

/* ---- in steps ---- */

void
follow_list_begin(struct follow_list *list)
{
	follow_list_clear(list);
	list->is_open = true;
	memcpy(list->cursor, "0", 2);
}

void
follow_list_clear(struct follow_list *list)
{
	key_table_fini(&list->names);
	key_table_fini(&list->origins);
	key_table_fini(&list->fresh);
	key_table_fini(&list->gone);
	*list = (struct follow_list){ .is_open = false };
}

static int
read_some(struct follow *f, struct follow_list *list, struct arena *arena)
{
	char reason[REDIS_REASON_MAX];
	struct redis_zones zones;
	int rc = redis_read_some_zones(f->links[LINK_COMMAND], &f->keys, arena,
				       list->cursor, STEP_NAMES, &zones, reason);

	if (rc != ERR_OK) {
		follow_lose(f, "%s", reason);
		return rc;
	}
	if (list->names.pool_len > LIST_OCTETS_MAX) {
		follow_lose(f, "Redis lists zones without an end: more than %d MB",
			    LIST_OCTETS_MAX >> 20);
		return ERR_FULL;
	}
	list->is_read = strcmp(list->cursor, "0") == 0;
	return take_names(f, list, zones.names, zones.count);
}

static int
read_until(struct follow *f, struct follow_list *list, uint64_t until_us)
{
	int rc = ERR_OK;

	while (rc == ERR_OK && !list->is_read && clock_now_ns() / 1000 < until_us) {
		struct arena *arena = arena_new();

		rc = arena ? read_some(f, list, arena) : ERR_NOMEM;
		arena_free(arena);
	}
	return rc == ERR_OK && !list->is_read ? ERR_BUSY : rc;
}

int
follow_list_step(struct follow *f, struct follow_list *list)
{
	uint64_t began_us = clock_now_ns() / 1000, until_us = began_us + STEP_US;
	int rc = list->is_read ? ERR_OK : read_until(f, list, until_us);

	if (rc == ERR_OK)
		rc = look(f, list, until_us);
	list->took_us += clock_now_ns() / 1000 - began_us;
	if (rc != ERR_OK && rc != ERR_BUSY && f->phase == FOLLOW_READY)
		follow_lose_store(f, rc);
	return rc;
}

/* ---- at once ---- */

int
follow_list_name_gone(struct follow *f, const struct key_table *gone)
{
	uint32_t first = CHANGE_NONE;
	char text[DNAME_TEXT_MAX];
	int rc = ERR_OK;

	for (uint32_t i = 0; rc == ERR_OK && i < gone->count; i++) {
		size_t len;
		const void *origin = key_table_key(gone, i, &len);
		size_t text_len = dname_to_text(origin, text);
		struct redis_text name = { text, text_len };
		uint32_t zone;

		rc = change_set_add_zone(&f->set, name);
		zone = change_set_find(&f->set, origin, len);
		if (first == CHANGE_NONE)
			first = zone;
		else if (zone != CHANGE_NONE)
			change_set_join(&f->set, first, zone);
	}
	return rc;
}

static int
name_fresh(struct follow *f, const struct key_table *fresh)
{
	int rc = ERR_OK;

	for (uint32_t i = 0; rc == ERR_OK && i < fresh->count; i++) {
		struct redis_text name;

		name.bytes = key_table_key(fresh, i, &name.len);
		rc = change_set_add_zone(&f->set, name);
	}
	return rc;
}

int
follow_list_join(struct follow *f, const struct group *group, bool *grew)
{
	struct follow_list list = { .is_open = true };
	size_t before = f->set.count;
	int rc = take_names(f, &list, group->list, group->list_count);

	if (rc == ERR_OK)
		rc = look(f, &list, 0);
	if (rc == ERR_OK)
		rc = name_fresh(f, &list.fresh);
	if (rc == ERR_OK)
		rc = follow_list_name_gone(f, &list.gone);
	follow_list_clear(&list);
	*grew = f->set.count > before;
	return rc;
}
