/* The members by which answers are steered. */
#include "loader/zone/steering_json.h"

#include <string.h>

static void
check_texts(struct json_fault *fault, const struct json_node *object,
	    const char *const keys[])
{
	for (; *keys; keys++) {
		struct json_node node = json_node_member(object, *keys);

		(void)json_reader_text(fault, &node);
	}
}

static void
check_integers(struct json_fault *fault, const struct json_node *object,
	       const char *const keys[])
{
	for (; *keys; keys++) {
		struct json_node node = json_node_member(object, *keys);

		json_reader_check_integer(fault, &node);
	}
}

static bool
is_word(struct json_fault *fault, const struct json_node *filter, const char *key,
	const char *word)
{
	struct json_node node = json_node_member(filter, key);

	return strcmp(json_reader_text(fault, &node).bytes, word) == 0;
}

static void
read_filter(struct json_fault *fault, const struct json_node *filter,
	    struct steering *steering)
{
	static const char *const words[] = { "geo_filter", NULL };

	json_reader_object(fault, filter);
	if (is_word(fault, filter, "count", "single"))
		steering->count = STEERED_SINGLE;
	if (is_word(fault, filter, "order", "rr"))
		steering->order = STEERED_RR;
	else if (is_word(fault, filter, "order", "weighted"))
		steering->order = STEERED_WEIGHTED;
	check_texts(fault, filter, words);
}

void
steering_json_read_rrset(struct json_fault *fault, const struct json_node *rrset,
			 struct steering *steering)
{
	static const char *const texts[] = { "protocol", "uri", NULL };
	static const char *const integers[] = { "port", "timeout", "up_count",
						"down_count", NULL };
	struct json_node filter = json_node_member(rrset, "filter");
	struct json_node check = json_node_member(rrset, "health_check");
	struct json_node enable = json_node_member(&check, "enable");

	read_filter(fault, &filter, steering);
	json_reader_object(fault, &check);
	(void)json_reader_bool(fault, &enable, false);
	check_texts(fault, &check, texts);
	check_integers(fault, &check, integers);
}

static void
check_country(struct json_fault *fault, const struct json_node *node)
{
	(void)json_reader_text(fault, node);
}

static void
check_asn(struct json_fault *fault, const struct json_node *node)
{
	(void)json_reader_number(fault, node, UINT32_MAX, 0);
}

static void
check_one_or_many(struct json_fault *fault, const struct json_node *node,
		  void (*check)(struct json_fault *fault, const struct json_node *node))
{
	if (!json_node_is_list(node)) {
		check(fault, node);
		return;
	}
	for (size_t i = 0, count = json_reader_list(fault, node); i < count; i++) {
		struct json_node item = json_node_item(node, i);

		check(fault, &item);
	}
}

uint32_t
steering_json_read_record(struct json_fault *fault, const struct json_node *record,
			  const struct steering *steering)
{
	struct json_node weight = json_node_member(record, "weight");
	struct json_node country = json_node_member(record, "country");
	struct json_node asn = json_node_member(record, "asn");

	check_one_or_many(fault, &country, check_country);
	check_one_or_many(fault, &asn, check_asn);
	if (steering->order == STEERED_WEIGHTED)
		return json_reader_number(fault, &weight, STEERED_WEIGHT_MAX, 0);
	json_reader_check_integer(fault, &weight);
	return 0;
}
