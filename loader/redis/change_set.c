/* Zones and labels to be read together. */
#include "loader/redis/change_set.h"

#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_zone.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"

void
change_set_fini(struct change_set *set)
{
	key_table_fini(&set->origins);
	key_table_fini(&set->texts);
	key_table_fini(&set->labels);
	free(set->next_label);
	free(set->zones);
	free(set->entries);
	*set = (struct change_set){ .count = 0 };
}

void
change_set_clear(struct change_set *set)
{
	key_table_clear(&set->origins);
	key_table_clear(&set->texts);
	key_table_clear(&set->labels);
	set->count = 0;
	set->entry_count = 0;
	set->has_list = false;
	set->first = set->last = (struct change_id){ 0 };
}

/* ---- parts ---- */

uint32_t
change_set_part(struct change_set *set, uint32_t zone)
{
	while (set->zones[zone].part != zone) {
		uint32_t above = set->zones[zone].part;

		set->zones[zone].part = set->zones[above].part;
		zone = above;
	}
	return zone;
}

void
change_set_join(struct change_set *set, uint32_t a, uint32_t b)
{
	set->zones[change_set_part(set, b)].part = change_set_part(set, a);
}

/* ---- adding ---- */

static int
make_room(struct change_set *set)
{
	struct change_zone *zones =
		grow_items(set->zones, &set->room, set->count + 1, sizeof *zones);

	if (!zones)
		return ERR_NOMEM;
	set->zones = zones;
	return ERR_OK;
}

static void
new_zone(struct change_set *set, const uint8_t *origin, size_t len)
{
	struct change_zone *zone = &set->zones[set->count];

	memset(zone, 0, sizeof *zone);
	memcpy(zone->origin, origin, len);
	zone->origin_len = (uint8_t)len;
	zone->part = (uint32_t)set->count++;
	zone->first_label = zone->last_label = CHANGE_NONE;
}

/* returns 0; ERR_SYNTAX when the text is no name of a zone. */
static int
take_zone(struct change_set *set, struct redis_text name, uint32_t *number)
{
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const char *reason;
	size_t len = redis_zone_origin(name, origin, &reason);
	uint32_t text;
	int rc;

	if (len == 0)
		return ERR_SYNTAX;
	rc = make_room(set);
	if (rc == ERR_OK)
		rc = key_table_add(&set->texts, 0, name.bytes, name.len, &text);
	/* the last that can fail: origins are numbered as zones */
	if (rc == ERR_OK)
		rc = key_table_add(&set->origins, 0, origin, len, number);
	if (rc != ERR_OK)
		return rc;
	if (*number == set->count)
		new_zone(set, origin, len);
	set->zones[*number].text = text;
	return ERR_OK;
}

static int
link_label(struct change_set *set, struct change_zone *zone, uint32_t label)
{
	uint32_t *next = grow_items(set->next_label, &set->next_room, (size_t)label + 1,
				    sizeof *next);

	if (!next)
		return ERR_NOMEM;
	set->next_label = next;
	set->next_label[label] = CHANGE_NONE;
	if (zone->last_label == CHANGE_NONE)
		zone->first_label = label;
	else
		set->next_label[zone->last_label] = label;
	zone->last_label = label;
	zone->label_count++;
	return ERR_OK;
}

static int
add_label(struct change_set *set, uint32_t number, struct redis_text text)
{
	struct change_zone *zone = &set->zones[number];
	uint8_t owner[DNAME_MAX + NAME_PAD];
	size_t before = set->labels.count, owner_len;
	const char *reason;
	uint32_t label;
	int rc;

	if (zone->is_whole)
		return ERR_OK;
	/* which of several ways to write a name counts, only the whole zone tells */
	if (zone->label_count == CHANGE_LABELS_MAX ||
	    !redis_zone_label(text, zone->origin, zone->origin_len, owner, &owner_len,
			      &reason) ||
	    owner_len == 0) {
		zone->is_whole = true;
		return ERR_OK;
	}
	rc = key_table_add(&set->labels, number, text.bytes, text.len, &label);
	if (rc == ERR_OK && label == before)
		rc = link_label(set, zone, label);
	return rc;
}

static int
add_item(struct change_set *set, const struct change_item *item, struct change_ref *entry,
	 uint32_t *last_zone)
{
	uint32_t number;
	int rc;

	if (item->kind == CHANGE_LIST) {
		set->has_list = true;
		return ERR_OK;
	}
	rc = take_zone(set, item->zone, &number);
	if (rc != ERR_OK)
		return rc;
	if (*last_zone == CHANGE_NONE)
		entry->zone = number;
	else if (*last_zone != number)
		change_set_join(set, *last_zone, number);
	entry->zone_count += *last_zone != number;
	*last_zone = number;
	set->zones[number].id = entry->id;
	if (item->kind == CHANGE_WHOLE)
		set->zones[number].is_whole = true;
	else if (item->kind == CHANGE_CONFIG)
		set->zones[number].has_config = true;
	else
		rc = add_label(set, number, item->label);
	return rc;
}

static int
add_entry(struct change_set *set, const struct change_ref *ref)
{
	struct change_ref *entries = grow_items(set->entries, &set->entry_room,
						set->entry_count + 1, sizeof *entries);

	if (!entries)
		return ERR_NOMEM;
	set->entries = entries;
	if (set->entry_count == 0)
		set->first = ref->id;
	set->entries[set->entry_count++] = *ref;
	set->last = ref->id;
	return ERR_OK;
}

static int
add_names(struct change_set *set, const struct redis_text *words, size_t count,
	  struct change_ref *ref, size_t *bad)
{
	uint32_t zone = CHANGE_NONE;
	struct change_entry entry;
	struct change_item item;

	change_entry_open(&entry, words, count);
	while (change_entry_next(&entry, &item)) {
		int rc = add_item(set, &item, ref, &zone);

		if (rc == ERR_SYNTAX)
			++*bad;
		else if (rc != ERR_OK)
			return rc;
	}
	*bad += entry.bad;
	return ERR_OK;
}

int
change_set_add(struct change_set *set, const struct redis_text *words, size_t count,
	       struct change_id id, size_t *bad)
{
	struct change_ref ref = { .id = id, .zone = CHANGE_NONE };
	int rc = add_names(set, words, count, &ref, bad);

	return rc == ERR_OK ? add_entry(set, &ref) : rc;
}

int
change_set_add_names(struct change_set *set, const struct redis_text *words, size_t count,
		     struct change_id id)
{
	struct change_ref ref = { .id = id, .zone = CHANGE_NONE };
	size_t bad = 0;

	return add_names(set, words, count, &ref, &bad);
}

int
change_set_add_zone(struct change_set *set, struct redis_text name)
{
	uint32_t number;
	int rc = take_zone(set, name, &number);

	if (rc != ERR_OK)
		return rc;
	set->zones[number].is_whole = true;
	set->zones[number].is_from_event = true;
	return ERR_OK;
}

int
change_set_copy_zone(struct change_set *to, const struct change_set *from, uint32_t zone,
		     uint32_t *number)
{
	const struct change_zone *at = &from->zones[zone];
	struct redis_text text;
	struct change_zone *out;
	int rc;

	text.bytes = key_table_key(&from->texts, at->text, &text.len);
	rc = take_zone(to, text, number);
	for (uint32_t label = at->first_label; rc == ERR_OK && label != CHANGE_NONE;
	     label = from->next_label[label]) {
		text.bytes = key_table_key(&from->labels, label, &text.len);
		rc = add_label(to, *number, text);
	}
	if (rc != ERR_OK)
		return rc;
	out = &to->zones[*number];
	out->is_whole |= at->is_whole;
	out->has_config |= at->has_config;
	out->is_from_event = true;
	if (out->since_us == 0)
		out->since_us = at->since_us;
	if (change_id_compare(at->id, out->id) > 0)
		out->id = at->id;
	return ERR_OK;
}

void
change_set_widen(struct change_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		set->zones[i].is_whole = true;
}

/* ---- looking ---- */

uint32_t
change_set_find(const struct change_set *set, const uint8_t *origin, size_t len)
{
	uint32_t number;

	return key_table_find(&set->origins, 0, origin, len, &number) == ERR_OK
		       ? number
		       : CHANGE_NONE;
}

/* Is there a name in `zone` that the set reads? */
static enum change_relation
relate_item(const struct change_set *set, const struct change_item *item)
{
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const struct change_zone *zone;
	const char *reason;
	uint32_t number, label;
	size_t len;

	if (item->kind == CHANGE_LIST) /* a zone that is read may be what it is about */
		return set->has_list || set->count == 0 ? CHANGE_INSIDE : CHANGE_OVERLAPS;
	len = redis_zone_origin(item->zone, origin, &reason);
	if (len == 0)
		return CHANGE_INSIDE;
	number = change_set_find(set, origin, len);
	if (number == CHANGE_NONE)
		return CHANGE_APART;
	zone = &set->zones[number];
	if (zone->is_whole)
		return CHANGE_INSIDE;
	switch (item->kind) {
	case CHANGE_WHOLE:
		return CHANGE_OVERLAPS;
	case CHANGE_CONFIG:
		return zone->has_config ? CHANGE_INSIDE : CHANGE_APART;
	case CHANGE_LABEL:
		return key_table_find(&set->labels, number, item->label.bytes,
				      item->label.len, &label) == ERR_OK
			       ? CHANGE_INSIDE
			       : CHANGE_APART;
	case CHANGE_LIST:
	case CHANGE_END:
		break;
	}
	return CHANGE_INSIDE;
}

enum change_relation
change_set_relate(const struct change_set *set, const struct redis_text *words,
		  size_t count)
{
	struct change_entry entry;
	struct change_item item;
	bool touches = false, leaves = false;

	change_entry_open(&entry, words, count);
	while (change_entry_next(&entry, &item)) {
		enum change_relation relation = relate_item(set, &item);

		touches = touches || relation != CHANGE_APART;
		leaves = leaves || relation != CHANGE_INSIDE;
	}
	if (!touches)
		return CHANGE_APART;
	return leaves ? CHANGE_OVERLAPS : CHANGE_INSIDE;
}

struct redis_wish
change_set_wish(const struct change_set *set, uint32_t number, struct redis_text *labels)
{
	const struct change_zone *zone = &set->zones[number];
	struct redis_wish wish = { .wants_config = zone->is_whole || zone->has_config,
				   .is_whole = zone->is_whole };

	wish.zone.bytes = key_table_key(&set->texts, zone->text, &wish.zone.len);
	if (zone->is_whole)
		return wish;
	for (uint32_t at = zone->first_label; at != CHANGE_NONE;
	     at = set->next_label[at]) {
		struct redis_text *label = &labels[wish.label_count++];

		label->bytes = key_table_key(&set->labels, at, &label->len);
	}
	wish.labels = labels;
	return wish;
}
