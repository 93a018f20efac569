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

static enum steered_geo
read_geo(struct json_fault *fault, const struct json_node *filter)
{
	static const char *const words[] = {
		[STEERED_BY_COUNTRY] = "country",
		[STEERED_BY_ASN] = "asn",
		[STEERED_BY_ASN_COUNTRY] = "asn+country",
		[STEERED_BY_LOCATION] = "location",
	};

	for (unsigned i = STEERED_BY_COUNTRY; i <= STEERED_BY_LOCATION; i++)
		if (is_word(fault, filter, "geo_filter", words[i]))
			return (enum steered_geo)i;
	return STEERED_ANYWHERE;
}

static void
read_filter(struct json_fault *fault, const struct json_node *filter,
	    struct steering *steering)
{
	struct json_node first = json_node_member(filter, "first");

	json_reader_object(fault, filter);
	if (is_word(fault, filter, "count", "single"))
		steering->count = STEERED_SINGLE;
	if (is_word(fault, filter, "order", "rr"))
		steering->order = STEERED_RR;
	else if (is_word(fault, filter, "order", "weighted"))
		steering->order = STEERED_WEIGHTED;
	steering->geo = read_geo(fault, filter);
	steering->first = (uint16_t)json_reader_number(fault, &first, STEERED_MAX, 0);
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

static char
upper(char octet)
{
	return octet >= 'a' && octet <= 'z' ? (char)(octet & 0xdf) : octet;
}

static void
read_country(struct json_fault *fault, const struct json_node *node,
	     struct steering *steering)
{
	struct json_text text = json_reader_text(fault, node);
	char code[2] = { 0, 0 };

	if (!steering_by_country(steering))
		return;
	if (text.len == 2) {
		code[0] = upper(text.bytes[0]);
		code[1] = upper(text.bytes[1]);
	}
	if (text.len != 0 &&
	    (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z'))
		json_reader_fail(fault, node,
				 "\"%.60s\" is no country: it needs two letters, as "
				 "\"DE\"",
				 text.bytes);
	steering_add_country(steering, code);
}

static void
read_asn(struct json_fault *fault, const struct json_node *node,
	 struct steering *steering)
{
	uint32_t asn = json_reader_number(fault, node, UINT32_MAX, 0);

	if (steering_by_asn(steering))
		steering_add_asn(steering, asn);
}

static void
read_one_or_many(struct json_fault *fault, const struct json_node *node,
		 struct steering *steering,
		 void (*read)(struct json_fault *fault, const struct json_node *node,
			      struct steering *steering))
{
	if (!node->value)
		return;
	if (!json_node_is_list(node)) {
		read(fault, node, steering);
		return;
	}
	for (size_t i = 0, count = json_reader_list(fault, node); i < count; i++) {
		struct json_node item = json_node_item(node, i);

		read(fault, &item, steering);
	}
}

uint32_t
steering_json_read_record(struct json_fault *fault, const struct json_node *record,
			  struct steering *steering)
{
	struct json_node weight = json_node_member(record, "weight");
	struct json_node country = json_node_member(record, "country");
	struct json_node asn = json_node_member(record, "asn");

	steering_drop_places(steering);
	read_one_or_many(fault, &country, steering, read_country);
	read_one_or_many(fault, &asn, steering, read_asn);
	if (steering->order == STEERED_WEIGHTED)
		return json_reader_number(fault, &weight, STEERED_WEIGHT_MAX, 0);
	json_reader_check_integer(fault, &weight);
	return 0;
}
