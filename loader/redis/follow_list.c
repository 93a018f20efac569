/* The list of zones, compared with what is served. */
#include "loader/redis/follow_list.h"

#include "loader/zone/apex_node.h"
#include "shm/errcode.h"

struct names {
	struct key_table known; /* origins that are listed */
	struct key_table *gone; /* origins that are served and not listed */
};

/* A zone that is served from a file and listed, too, is a conflict; it is an error of the
 * zone's as long as it lasts. */
static int
visit_gone(void *context, const struct node *apex)
{
	struct names *names = context;
	uint32_t number;

	if ((!apex_is_from_redis(apex) && !apex_has_error(apex, FOLLOW_CONFLICT_TEXT)) ||
	    key_table_find(&names->known, 0, node_owner(apex), apex->head.owner_len,
			   &number) == ERR_OK)
		return 0;
	return key_table_add(names->gone, 0, node_owner(apex), apex->head.owner_len,
			     &number);
}

/* Is there more to a zone that is listed than what is served?  A conflict is counted. */
static bool
is_fresh(struct follow *f, const uint8_t *origin, size_t len)
{
	struct node apex;

	if (live_zone(f->live, origin, len, &apex) != ERR_OK)
		return true;
	if (apex_is_from_redis(&apex))
		return false;
	f->conflicts++;
	return apex_has_error(&apex, "");
}

static void
show_conflicts(struct follow *f)
{
	if (f->conflicts == 0)
		region_source_set_text(f->board, SOURCE_TEXT_CONFLICT, "%s", "");
	else
		region_source_set_text(
			f->board, SOURCE_TEXT_CONFLICT,
			"%zu zone%s in zone files and in Redis, too; the files "
			"are served: see `martletctl errors`",
			f->conflicts, f->conflicts == 1 ? " is" : "s are");
}

int
follow_list_compare(struct follow *f, const struct redis_text *list, size_t count,
		    struct key_table *gone, struct key_table *fresh)
{
	struct names names = { .gone = gone };
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const char *reason;
	uint32_t number;
	int rc = ERR_OK;

	f->conflicts = 0;
	for (size_t i = 0; rc == ERR_OK && i < count; i++) {
		size_t len = redis_zone_origin(list[i], origin, &reason);

		if (len == 0)
			continue;
		rc = key_table_add(&names.known, 0, origin, len, &number);
		if (rc == ERR_OK && is_fresh(f, origin, len))
			rc = key_table_add(fresh, 0, list[i].bytes, list[i].len, &number);
	}
	if (rc == ERR_OK)
		rc = live_walk_zones(f->live, visit_gone, &names);
	key_table_fini(&names.known);
	show_conflicts(f);
	return rc;
}

int
follow_list_join(struct follow *f, const struct group *group, bool *grew)
{
	struct key_table gone = { .count = 0 }, fresh = { .count = 0 };
	size_t before = f->set.count;
	int rc = follow_list_compare(f, group->list, group->list_count, &gone, &fresh);
	uint32_t first = CHANGE_NONE;
	char text[DNAME_TEXT_MAX];

	for (uint32_t i = 0; rc == ERR_OK && i < fresh.count; i++) {
		struct redis_text name;

		name.bytes = key_table_key(&fresh, i, &name.len);
		rc = change_set_add_zone(&f->set, name);
	}
	for (uint32_t i = 0; rc == ERR_OK && i < gone.count; i++) {
		size_t len;
		const void *origin = key_table_key(&gone, i, &len);
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
	key_table_fini(&gone);
	key_table_fini(&fresh);
	*grew = f->set.count > before;
	return rc;
}
