/* The table of record members. */
#include "loader/zone/rdata_shape.h"

#include "loader/zone/rdata_json.h"
#include "shm/rrtype.h"

/* clang-format off */
/* In the order of the rdata. */
static const struct rdata_shape shapes[] = {
	{ RRTYPE_A,	false, { { "ip", FIELD_V4 } } },
	{ RRTYPE_AAAA,	false, { { "ip", FIELD_V6 } } },
	{ RRTYPE_CNAME,	true,  { { "host", FIELD_HOST } } },
	{ RRTYPE_PTR,	true,  { { "domain", FIELD_HOST } } },
	{ RRTYPE_NS,	false, { { "host", FIELD_HOST } } },
	{ RRTYPE_TXT,	false, { { "text", FIELD_TXT } } },
	{ RRTYPE_MX,	false, { { "preference", FIELD_U16 }, { "host", FIELD_HOST } } },
	{ RRTYPE_SRV,	false, { { "priority", FIELD_U16 }, { "weight", FIELD_U16 },
				 { "port", FIELD_U16 }, { "target", FIELD_HOST } } },
	{ RRTYPE_CAA,	false, { { "flag", FIELD_U8 }, { "tag", FIELD_TAG },
				 { "value", FIELD_OCTETS } } },
	{ RRTYPE_TLSA,	false, { { "usage", FIELD_U8 }, { "selector", FIELD_U8 },
				 { "matching_type", FIELD_U8 },
				 { "certificate", FIELD_HEX } } },
	{ RRTYPE_DS,	false, { { "key_tag", FIELD_U16 }, { "algorithm", FIELD_U8 },
				 { "digest_type", FIELD_U8 }, { "digest", FIELD_HEX } } },
};
/* clang-format on */

const struct rdata_shape *
rdata_shape_find(uint16_t type)
{
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		if (shapes[i].type == type)
			return &shapes[i];
	return NULL;
}

bool
rdata_json_knows(uint16_t type)
{
	return rdata_shape_find(type) != NULL;
}

bool
rdata_json_is_single(uint16_t type)
{
	const struct rdata_shape *shape = rdata_shape_find(type);

	return shape && shape->is_single;
}
