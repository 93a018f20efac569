/* `zones --digest`: what is served, in numbers that other machines can be compared by. */
#include <inttypes.h>
#include <stdio.h>

#include "loader/clerk.h"
#include "loader/store/zone_digest.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum { ROWS_PER_TURN = 1024, DIGEST_TEXT_MAX = 17 };

static void
put_digest(struct json_out *json, uint64_t digest)
{
	char text[DIGEST_TEXT_MAX];

	snprintf(text, sizeof text, "%016" PRIx64, digest);
	json_out_text(json, "digest", text);
}

static void
take_turn(void *clerk)
{
	clerk_go_on(clerk);
}

/* A row, and the zone's share of the whole. */
static int
write_zone(struct clerk *clerk, struct store_walk *walk, const struct node *apex,
	   uint64_t *sum)
{
	const struct zone_facts *facts = node_facts(apex);
	struct json_out *json = clerk->json;
	struct zone_digest digest;
	char name[DNAME_TEXT_MAX];
	int result = facts ? zone_digest_make(walk, apex, &digest, take_turn, clerk)
			   : ERR_DAMAGED;

	if (result)
		return result;
	*sum += zone_digest_of_zone(apex, digest.sum);
	dname_to_text(node_owner(apex), name);
	json_out_begin_object(json, NULL);
	json_out_text(json, "name", name);
	if (facts->flags & ZONE_BROKEN)
		json_out_null(json, "serial");
	else
		json_out_uint(json, "serial", facts->serial);
	json_out_uint(json, "records", digest.record_count);
	put_digest(json, digest.sum);
	json_out_end_object(json);
	return 0;
}

static int
write_zones(struct clerk *clerk, struct store_walk *walk, uint64_t *sum)
{
	struct store_cursor *cursor;
	struct node apex;
	int result = store_cursor_open(walk, CATALOGUE_ID, &cursor);

	if (result)
		return result;
	for (size_t i = 0; (result = store_cursor_next(cursor, &apex)) == 0; i++) {
		result = write_zone(clerk, walk, &apex, sum);
		if (result)
			break;
		if (i % ROWS_PER_TURN == 0)
			clerk_go_on(clerk);
	}
	store_cursor_close(cursor);
	return result == ERR_NOTFOUND ? 0 : result;
}

static unsigned
write_reply(struct clerk *clerk, struct store_walk *walk, const struct node *only)
{
	struct json_out *json = clerk->json;
	uint64_t sum = 0;
	int result;

	json_out_begin_object(json, NULL);
	json_out_begin_array(json, "zones");
	result = only ? write_zone(clerk, walk, only, &sum)
		      : write_zones(clerk, walk, &sum);
	json_out_end_array(json);
	if (result)
		json_out_text(json, "error", "the generation that is served is damaged");
	else if (!only)
		put_digest(json, sum);
	json_out_end_object(json);
	return result ? 1 : 0;
}

unsigned
clerk_digest(struct clerk *clerk, const char *zone)
{
	struct store_walk *walk;
	struct node apex;
	char reason[256];
	unsigned status;

	if (clerk_open_served(clerk, &walk, reason) != 0)
		return clerk_refuse(clerk, "%s", reason);
	if (zone && clerk_find_zone(clerk, walk, zone, &apex) != 0)
		status = 1;
	else
		status = write_reply(clerk, walk, zone ? &apex : NULL);
	store_walk_close(walk);
	return status;
}
