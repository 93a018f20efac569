/* Merging sidecars into zones. */
#include "loader/zone/sidecar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "loader/zone/name_text.h"
#include "loader/zone/record_json.h"
#include "loader/zone/zone_config_json.h"
#include "loader/zone/zone_file.h"
#include "loader/zone/zone_stamp.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

#define FILE_SUFFIX ".zone"
#define SIDECAR_SUFFIX ".json"

/* ---- where it is ---- */

/* Does the file's name say of which zone it is, as those in zones.dir do? */
static bool
is_named_by_origin(const struct zone_list_entry *entry)
{
	uint8_t origin[DNAME_MAX];

	return zone_list_origin(entry->path, origin) == entry->origin_len &&
	       memcmp(origin, entry->origin, entry->origin_len) == 0;
}

bool
sidecar_path(const struct zone_list_entry *entry, char out[PATH_MAX])
{
	const char *slash = strrchr(entry->path, '/');
	size_t len = strlen(entry->path);
	char name[DNAME_TEXT_MAX];
	int printed;

	if (is_named_by_origin(entry)) {
		printed = snprintf(out, PATH_MAX, "%.*s" SIDECAR_SUFFIX,
				   (int)(len - strlen(FILE_SUFFIX)), entry->path);
		return printed > 0 && printed < PATH_MAX;
	}
	dname_to_text(entry->origin, name);
	len = strlen(name);
	name[len - 1] = '\0'; /* the final dot */
	if (strchr(name, '/'))
		return false;
	printed = snprintf(out, PATH_MAX, "%.*s%s" SIDECAR_SUFFIX,
			   slash ? (int)(slash + 1 - entry->path) : 0, entry->path,
			   name[0] ? name : "root");
	return printed > 0 && printed < PATH_MAX;
}

bool
sidecar_exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

/* ---- what it replaces ---- */

/* An RRset that the sidecar has. */
struct replaced {
	const uint8_t *owner;
	uint32_t label; /* by number */
	uint16_t type;
};

struct merging {
	struct zone_records *zone;
	struct zone_messages *messages;
	struct record_json *parser;
	struct record_result result;
	struct replaced *replaced;
	size_t replaced_count, replaced_room;
	size_t file_count; /* records that are the file's, the first ones */
	uint32_t label_count;
	uint32_t ttl; /* of RRsets that say none */
	uint16_t file; /* its index in the zone's paths */
	const char *path;
};

static int
compare_replaced(const void *left, const void *right)
{
	const struct replaced *a = left, *b = right;
	int order = dname_compare(a->owner, b->owner);

	return order ? order : (int)a->type - (int)b->type;
}

static int
note_replaced(struct merging *m, const uint8_t *owner, size_t owner_len, uint16_t type)
{
	struct replaced *list = grow_items(m->replaced, &m->replaced_room,
					   m->replaced_count + 1, sizeof *list);

	if (!list)
		return ERR_NOMEM;
	m->replaced = list;
	list[m->replaced_count] = (struct replaced){
		.owner = arena_copy(m->zone->arena, owner, owner_len),
		.label = m->label_count,
		.type = type,
	};
	return list[m->replaced_count++].owner ? ERR_OK : ERR_NOMEM;
}

/* Two labels may mean one name ("www" and "WWW"): which of them counts is not to be
 * guessed. */
static bool
check_labels(struct merging *m)
{
	char name[DNAME_TEXT_MAX];

	if (m->replaced_count > 1)
		qsort(m->replaced, m->replaced_count, sizeof *m->replaced,
		      compare_replaced);
	for (size_t i = 1; i < m->replaced_count; i++) {
		const struct replaced *a = &m->replaced[i - 1], *b = &m->replaced[i];

		if (a->label == b->label || dname_compare(a->owner, b->owner) != 0)
			continue;
		dname_to_text(a->owner, name);
		zone_messages_add(m->messages, ZONE_ERROR, m->path, 0,
				  "two labels mean %s", name);
		return false;
	}
	return true;
}

/* Take out the file's records that are replaced. */
static void
drop_replaced(struct merging *m)
{
	struct zone_records *zone = m->zone;
	size_t to = 0;

	for (size_t i = 0; i < zone->count; i++) {
		const struct replaced key = { .owner = zone->records[i].owner,
					      .type = zone->records[i].type };

		if (i < m->file_count && bsearch(&key, m->replaced, m->replaced_count,
						 sizeof key, compare_replaced))
			continue;
		zone->records[to++] = zone->records[i];
	}
	zone->count = to;
}

/* ---- what it says ---- */

static void
complain(struct merging *m, const struct json_fault *fault)
{
	zone_messages_add(m->messages, ZONE_ERROR, m->path, 0, "%s%s%s", fault->path,
			  fault->path[0] ? ": " : "", fault->reason);
}

/* A record that is left out is a fault of the zone; a warning is told once. */
static int
take_note(struct merging *m, const uint8_t *owner, size_t owner_len, uint16_t type,
	  const struct record_note *note)
{
	char text[JSON_PATH_MAX + JSON_REASON_MAX + 2];
	struct zone_fault fault = {
		.type = type,
		.owner_len = (uint8_t)owner_len,
		.kind = (uint8_t)note->kind,
		.path = m->zone->paths[m->file],
	};

	snprintf(text, sizeof text, "%s%s%s", note->fault.path,
		 note->fault.path[0] ? ": " : "", note->fault.reason);
	if (note->kind == FAULT_WARNING) {
		zone_messages_add(m->messages, ZONE_WARNING, m->path, 0, "%s", text);
		return ERR_OK;
	}
	zone_messages_add(m->messages, ZONE_DROPPED, m->path, 0, "%s: it is left out",
			  text);
	fault.owner = arena_copy(m->zone->arena, owner, owner_len);
	fault.reason = arena_copy(m->zone->arena, text, strlen(text) + 1);
	return fault.owner && fault.reason ? zone_records_add_fault(m->zone, &fault)
					   : ERR_NOMEM;
}

static int
take_rrset(struct merging *m, const struct record_rrset *rrset, const uint8_t *owner,
	   size_t owner_len)
{
	int code = ERR_OK;

	if (rrset->state != RECORD_GOOD) {
		const struct json_fault unknown = { .reason = "cannot be used" };

		complain(m, rrset->fault ? rrset->fault : &unknown);
		return ERR_OK;
	}
	for (unsigned i = 0; i < rrset->note_count && code == ERR_OK; i++)
		code = take_note(m, owner, owner_len, rrset->type, &rrset->notes[i]);
	return code == ERR_OK ? note_replaced(m, owner, owner_len, rrset->type) : code;
}

static int
take_label(struct merging *m, const struct json_node *node)
{
	uint8_t owner[DNAME_MAX];
	const char *reason;
	const struct record_json_value value = {
		.owner = owner,
		.owner_len = name_text_parse_label(node->key, strlen(node->key),
						   m->zone->origin, m->zone->origin_len,
						   owner, &reason),
		.missing_ttl = m->ttl,
	};
	struct json_fault fault = { 0 };
	size_t first = m->zone->count;
	int code;

	if (value.owner_len == 0) {
		json_reader_fail(&fault, node, "%s", reason);
		complain(m, &fault);
		return ERR_OK;
	}
	m->label_count++;
	record_result_clear(&m->result);
	code = record_json_read_node(m->parser, node, &value, m->zone, &m->result);
	if (m->result.fault.found)
		complain(m, &m->result.fault);
	for (size_t i = 0; i < m->result.count && code == ERR_OK; i++)
		code = take_rrset(m, &m->result.rrsets[i], owner, value.owner_len);
	for (size_t i = first; i < m->zone->count; i++)
		m->zone->records[i].file = m->file;
	return code;
}

/* "denial": how a zone that is signed here proves what is not there. */
/* What a zone in Redis has in its config; its SOA is the file's. */
static void
take_config(struct merging *m, const struct json_node *config)
{
	struct json_node flattening = json_node_member(config, "cname_flattening");
	struct json_node dnssec = json_node_member(config, "dnssec");
	struct json_node soa = json_node_member(config, "soa");
	struct json_fault fault = { 0 };

	json_reader_object(&fault, config);
	m->zone->is_flattened = json_reader_bool(&fault, &flattening, false);
	if (json_reader_bool(&fault, &dnssec, false)) {
		m->zone->signing_wish.is_wanted = true;
		m->zone->signing_wish.is_by_sidecar = true;
	}
	m->zone->signing_wish.has_denial =
		zone_config_json_denial(&fault, config, &m->zone->signing_wish.denial);
	if (fault.found)
		complain(m, &fault);
	if (soa.value)
		zone_messages_add(m->messages, ZONE_WARNING, m->path, 0,
				  SIDECAR_CONFIG
				  ".soa: the SOA is that of the zone file");
}

static int
take_members(struct merging *m, const struct json_node *root)
{
	struct json_fault fault = { 0 };
	struct json_node node;
	const struct json_value *at = NULL;
	int code = ERR_OK;

	json_reader_object(&fault, root);
	if (fault.found || !root->value) {
		zone_messages_add(m->messages, ZONE_ERROR, m->path, 0,
				  "must be an object: of labels, each with its RRsets");
		return ERR_OK;
	}
	while (code == ERR_OK && json_node_next(root, &at, &node)) {
		if (strcasecmp(node.key, SIDECAR_CONFIG) == 0)
			take_config(m, &node);
		else
			code = take_label(m, &node);
	}
	return code;
}

/* ---- all of it ---- */

static uint32_t
line_of(const struct zone_file *file, uint32_t at)
{
	uint32_t line = 1;

	for (uint32_t i = 0; i < at && i < file->len; i++)
		line += file->bytes[i] == '\n';
	return line;
}

/* Signatures of the file would say nothing about what is put in their RRsets' place. */
static void
refuse_signed(struct merging *m)
{
	if (m->replaced_count == 0)
		return;
	for (size_t i = 0; i < m->file_count; i++)
		if (m->zone->records[i].type == RRTYPE_RRSIG) {
			zone_messages_add(m->messages, ZONE_ERROR, m->path, 0,
					  "the zone file is signed: its RRsets cannot be "
					  "replaced");
			return;
		}
}

static uint32_t
soa_ttl(const struct zone_records *zone)
{
	for (size_t i = 0; i < zone->count; i++)
		if (zone->records[i].type == RRTYPE_SOA)
			return zone->records[i].ttl;
	return 0;
}

static int
merge_text(struct merging *m, const struct zone_file *file)
{
	struct json_fault fault = { 0 };
	struct json_node root;
	int code = json_reader_open_file(file->bytes, file->len, &root, &fault);

	if (code == ERR_SYNTAX) {
		zone_messages_add(m->messages, ZONE_ERROR, m->path,
				  fault.at ? line_of(file, fault.at) : 0, "%s",
				  fault.reason);
		return code;
	}
	if (code != ERR_OK)
		return code;
	code = take_members(m, &root);
	json_reader_close(&root);
	refuse_signed(m);
	if (code == ERR_OK && m->replaced_count > 0 && check_labels(m))
		drop_replaced(m);
	return code;
}

static void
stamp(struct zone_records *zone, const char *path, const struct zone_file *file)
{
	struct zone_stamp stamp = { .sum = zone->stamp,
				    .unsettled = zone->stamp == ZONE_STAMP_UNKNOWN };

	zone_stamp_add(&stamp, path, &file->status);
	zone->stamp = zone_stamp_value(&stamp);
}

static int
merge_file(struct merging *m, struct zone_file *file)
{
	const char *reason;
	int index, code = zone_file_read(file, m->path, &reason);

	if (code != ERR_OK) {
		zone_messages_add(m->messages, ZONE_ERROR, m->path, 0, "%s", reason);
		return code;
	}
	index = zone_records_add_path(m->zone, m->path);
	m->parser = record_json_new();
	if (index < 0 || !m->parser)
		return ERR_NOMEM;
	m->file = (uint16_t)index;
	stamp(m->zone, m->path, file);
	return merge_text(m, file);
}

int
sidecar_merge(const struct zone_list_entry *entry, struct zone_records *zone,
	      struct zone_messages *messages)
{
	struct merging m = { .zone = zone,
			     .messages = messages,
			     .file_count = zone->count };
	size_t errors = messages->counts[ZONE_ERROR];
	struct zone_file file = { 0 };
	char path[PATH_MAX];
	int code;

	if (!sidecar_path(entry, path) || !sidecar_exists(path))
		return ERR_OK;
	m.path = path;
	m.ttl = soa_ttl(zone);
	code = merge_file(&m, &file);
	if (code == ERR_NOMEM || code == ERR_FULL)
		zone_messages_add(messages, ZONE_ERROR, path, 0, "%s",
				  errcode_text(code));
	zone_file_fini(&file);
	record_json_free(m.parser);
	record_result_fini(&m.result);
	free(m.replaced);
	if (code == ERR_OK && messages->counts[ZONE_ERROR] > errors)
		code = ERR_SYNTAX;
	return code;
}
