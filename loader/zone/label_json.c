/* Which members of a label's object are RRsets. */
#include "loader/zone/label_json.h"

#include <strings.h>

#include "loader/zone/rdata_json.h"
#include "shm/aname.h"
#include "shm/rrtype.h"

static bool
has_member(const struct json_node *object, const char *key)
{
	return json_node_member(object, key).value != NULL;
}

bool
label_json_is_aname(const struct json_node *node)
{
	struct json_fault fault = { 0 };
	struct json_node location;

	if (!node->value || strcasecmp(node->key, "aname") != 0)
		return false;
	location = json_node_member(node, "location");
	json_reader_object(&fault, node);
	return json_reader_text(&fault, &location).len > 0 || fault.found;
}

/* Is this member an RRset, of which type?  See record_json.h. */
static bool
is_rrset(const struct json_node *node, uint16_t *type)
{
	*type = ANAME_TYPE;
	if (label_json_is_aname(node))
		return true;
	*type = 0;
	if (!rrtype_from_text(node->key, type))
		return has_member(node, "rdata");
	return rdata_json_knows(*type) || has_member(node, "rdata") ||
	       (*type != RRTYPE_SOA && has_member(node, "records"));
}

/* Where the member goes: the place of an earlier one of its type, or a new one. */
static struct label_member *
find_member(struct label_json *members, uint16_t type)
{
	for (size_t i = 0; type != 0 && i < members->count; i++)
		if (members->list[i].type == type)
			return &members->list[i];
	if (members->count == RECORD_JSON_RRSETS_MAX)
		return NULL;
	return &members->list[members->count++];
}

bool
label_json_collect(struct label_json *members, const struct json_node *label)
{
	struct json_node node;
	const struct json_value *at = NULL;

	members->count = 0;
	while (json_node_next(label, &at, &node)) {
		struct label_member *member;
		uint16_t type;

		if (!node.value || !is_rrset(&node, &type))
			continue;
		member = find_member(members, type);
		if (!member)
			return false;
		*member = (struct label_member){ .type = type, .node = node };
	}
	return true;
}
