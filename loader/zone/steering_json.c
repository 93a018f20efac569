/* The members by which answers are steered. */
#include "loader/zone/steering_json.h"

#include <string.h>

#include "loader/zone/health_json.h"
#include "loader/zone/places_json.h"

/* Words of a member, their index being what they mean; the first one is the default. */
struct words {
	const char *const *list;
	unsigned count;
};

#define WORDS(list) ((struct words){ list, sizeof list / sizeof list[0] })

/* The index of the member's word; 0 when it is missing or unknown. */
static unsigned
read_word(const struct steering_reader *reader, const struct json_node *filter,
	  const char *key, struct words words)
{
	struct json_node node = json_node_member(filter, key);
	struct json_text text = json_reader_text(reader->fault, &node);

	if (text.len == 0)
		return 0;
	for (unsigned i = 0; i < words.count; i++)
		if (strcmp(text.bytes, words.list[i]) == 0)
			return i;
	record_notes_warn(reader->notes, &node,
			  "\"%.60s\" is not known here: it means \"%s\"", text.bytes,
			  words.list[0]);
	return 0;
}

static void
read_filter(const struct steering_reader *reader, const struct json_node *filter)
{
	struct steering *steering = reader->steering;
	struct json_node first, sticky, ttl;

	if (!filter->value)
		return;
	first = json_node_member(filter, "first");
	sticky = json_node_member(filter, "sticky");
	ttl = json_node_member(filter, "ttl");
	json_reader_object(reader->fault, filter);
	steering->count = (enum steered_count)read_word(reader, filter, "count",
							WORDS(steered_count_words));
	steering->order = (enum steered_order)read_word(reader, filter, "order",
							WORDS(steered_order_words));
	steering->geo = (enum steered_geo)read_word(reader, filter, "geo_filter",
						    WORDS(steered_geo_words));
	steering->first =
		(uint16_t)json_reader_number(reader->fault, &first, STEERED_MAX, 0);
	steering->is_sticky = json_reader_bool(reader->fault, &sticky, false);
	steering->has_ttl = ttl.value != NULL;
	steering->ttl = json_reader_number(reader->fault, &ttl, INT32_MAX, 0);
}

void
steering_json_read_rrset(const struct steering_reader *reader,
			 const struct json_node *rrset, const uint8_t *owner)
{
	struct json_node filter = json_node_member(rrset, "filter");
	struct json_node check = json_node_member(rrset, "health_check");

	read_filter(reader, &filter);
	health_json_read(reader, &check, owner);
}

/* One that does not steer is only looked at. */
static uint32_t
read_weight(const struct steering_reader *reader, const struct json_node *record)
{
	struct json_node node = json_node_member(record, "weight");
	struct json_fault fault = { 0 };

	if (reader->steering->order == STEERED_WEIGHTED)
		return json_reader_number(reader->fault, &node, STEERED_WEIGHT_MAX, 0);
	json_reader_check_integer(reader->fault, &node);
	(void)json_reader_number(&fault, &node, STEERED_WEIGHT_MAX, 0);
	if (fault.found && !reader->fault->found)
		record_notes_warn(reader->notes, &node,
				  "is not from 0 to %lu; none is asked for",
				  (unsigned long)STEERED_WEIGHT_MAX);
	return 0;
}

uint32_t
steering_json_read_record(const struct steering_reader *reader,
			  const struct json_node *record)
{
	struct json_node fallback = json_node_member(record, "fallback");

	steering_drop_next(reader->steering);
	places_json_read(reader, record);
	reader->steering->is_next_fallback =
		json_reader_bool(reader->fault, &fallback, false);
	return read_weight(reader, record);
}
