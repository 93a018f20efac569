/* `export`: what is served, as zone files. */
#include <string.h>

#include "loader/clerk.h"
#include "loader/zone/record_text.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum { NAMES_PER_TURN = 1024 };

struct export
{
	struct clerk *clerk;
	struct store_walk *walk;
	struct record_texts texts;
	char zone[DNAME_TEXT_MAX];
	uint64_t name_count;
};

/* A zone file begins with its SOA. */
static bool
is_soa(const char *text)
{
	static const char type[] = " IN SOA ";
	const char *at = strstr(text, " IN ");

	return at && strncmp(at, type, sizeof type - 1) == 0;
}

static void
write_lines(struct export *export, bool is_apex)
{
	struct json_out *json = export->clerk->json;

	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", export->zone);
	json_out_bool(json, "apex", is_apex);
	json_out_begin_array(json, "records");
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < export->texts.count; i++) {
			const char *text = record_texts_get(&export->texts, i);

			if (is_soa(text) == (pass == 0))
				json_out_text(json, NULL, text);
		}
	json_out_end_array(json);
	json_out_end_object(json);
}

/* Names without records are not in a zone file. */
static int
write_name(struct export *export, const struct node *node, bool is_apex)
{
	int result;

	if (export->name_count++ % NAMES_PER_TURN == 0)
		clerk_go_on(export->clerk);
	record_texts_clear(&export->texts);
	result = record_texts_add_node(&export->texts, node);
	if (result == 0 && (export->texts.count > 0 || is_apex))
		write_lines(export, is_apex);
	return result;
}

static int
write_names(struct export *export, uint32_t zone_id)
{
	struct store_cursor *cursor;
	struct node node;
	int result = store_cursor_open(export->walk, zone_id, &cursor);

	if (result)
		return result;
	while ((result = store_cursor_next(cursor, &node)) == 0) {
		result = write_name(export, &node, false);
		if (result)
			break;
	}
	store_cursor_close(cursor);
	return result == ERR_NOTFOUND ? 0 : result;
}

static int
write_zone(struct export *export, const struct node *apex)
{
	struct zone_facts facts;
	int result;

	if (!node_zone_facts(apex, &facts) || facts.zone_id == CATALOGUE_ID)
		return ERR_DAMAGED;
	dname_to_text(node_owner(apex), export->zone);
	result = write_name(export, apex, true);
	if (result == 0)
		result = write_names(export, facts.zone_id);
	return result ? result : write_names(export, facts.zone_id | NSEC3_SPACE);
}

static int
write_zones(struct export *export)
{
	struct store_cursor *cursor;
	struct node apex;
	int result = store_cursor_open(export->walk, CATALOGUE_ID, &cursor);

	if (result)
		return result;
	while ((result = store_cursor_next(cursor, &apex)) == 0) {
		result = write_zone(export, &apex);
		if (result)
			break;
	}
	store_cursor_close(cursor);
	return result == ERR_NOTFOUND ? 0 : result;
}

static unsigned
write_reply(struct export *export, const struct node *only)
{
	struct json_out *json = export->clerk->json;
	int result;

	json_out_begin_object(json, NULL);
	json_out_begin_array(json, "export");
	result = only ? write_zone(export, only) : write_zones(export);
	json_out_end_array(json);
	if (result)
		json_out_text(json, "error",
			      result == ERR_NOMEM
				      ? errcode_text(result)
				      : "the generation that is served is damaged");
	json_out_end_object(json);
	return result ? 1 : 0;
}

unsigned
clerk_export(struct clerk *clerk)
{
	const char *zone = clerk->arg_count > 1 ? clerk->args[1] : NULL;
	struct export export = { .clerk = clerk };
	char reason[256];
	struct node apex;
	unsigned status;

	if (clerk_open_served(clerk, &export.walk, reason) != 0)
		return clerk_refuse(clerk, "%s", reason);
	if (zone && clerk_find_zone(clerk, export.walk, zone, &apex) != 0)
		status = 1;
	else
		status = write_reply(&export, zone ? &apex : NULL);
	record_texts_free(&export.texts);
	store_walk_close(export.walk);
	return status;
}
