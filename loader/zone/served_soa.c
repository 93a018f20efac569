/* From a rendered SOA back to its fields. */
#include "loader/zone/served_soa.h"

#include "shm/dns.h"

enum { SOA_NUMBERS = 20, RR_HEAD = 12, JUMPS_MAX = 16 };

/* The message that a rendered RRset belongs behind: a header, the question's name. */
struct placed {
	const uint8_t *owner;
	size_t owner_len;
	const uint8_t *wire;
	size_t wire_len, base;
};

/* The octet at an offset of the message; -1 outside of what is there. */
static int
octet(const struct placed *in, size_t at)
{
	if (at >= 12 && at < 12 + in->owner_len)
		return in->owner[at - 12];
	if (at >= in->base && at - in->base < in->wire_len)
		return in->wire[at - in->base];
	return -1;
}

/* Copy a name without its pointers.  returns its length, 0 when it is none; *end: where
 * what stands behind it begins. */
static size_t
take_name(const struct placed *in, size_t at, uint8_t out[DNAME_MAX], size_t *end)
{
	unsigned jumps = 0;
	size_t len = 0;

	*end = 0;
	for (;;) {
		int label = octet(in, at), next = octet(in, at + 1);

		if (label < 0 || (label >= 0xc0 && (next < 0 || ++jumps > JUMPS_MAX)))
			return 0;
		if (label >= 0xc0) {
			if (*end == 0)
				*end = at + 2;
			at = (size_t)(label & 0x3f) << 8 | (size_t)next;
			continue;
		}
		if (label > DNAME_LABEL_MAX || len + (size_t)label + 1 > DNAME_MAX)
			return 0;
		for (int i = 0; i <= label; i++) {
			int value = octet(in, at++);

			if (value < 0)
				return 0;
			out[len++] = (uint8_t)value;
		}
		if (label == 0)
			break;
	}
	if (*end == 0)
		*end = at;
	return len;
}

static uint32_t
number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

static void
read_domain_id(const struct node *apex, char out[ZONE_CONFIG_ID_TEXT_MAX])
{
	struct block block;

	if (!node_find_block(apex, BLOCK_DOMAIN_ID, 0, &block) ||
	    block.head.len >= ZONE_CONFIG_ID_TEXT_MAX)
		return;
	memcpy(out, block.payload, block.head.len);
	out[block.head.len] = '\0';
}

bool
served_soa_read(const struct node *apex, struct zone_config *out)
{
	struct zone_config config = { .dnssec_is_known = true };
	struct placed in = { .owner = node_owner(apex),
			     .owner_len = apex->head.owner_len };
	const uint8_t *numbers;
	struct rrset rrset;
	size_t at;

	if (!node_find_rrset(apex, TYPE_SOA, &rrset) || rrset.head.wire_len < RR_HEAD)
		return false;
	in.wire = rrset.wire;
	in.wire_len = rrset.head.wire_len;
	in.base = RRSET_BASE(in.owner_len);
	config.mname_len = (uint8_t)take_name(&in, in.base + RR_HEAD, config.mname, &at);
	if (config.mname_len == 0)
		return false;
	config.rname_len = (uint8_t)take_name(&in, at, config.rname, &at);
	if (config.rname_len == 0 || at < in.base ||
	    at - in.base + SOA_NUMBERS > in.wire_len)
		return false;
	numbers = in.wire + (at - in.base);
	config.ttl = rrset.head.ttl;
	config.serial = number(numbers);
	config.refresh = number(numbers + 4);
	config.retry = number(numbers + 8);
	config.expire = number(numbers + 12);
	config.minimum = number(numbers + 16);
	read_domain_id(apex, config.domain_id);
	config.cname_flattening =
		node_facts(apex) && (node_facts(apex)->flags & ZONE_FLATTENED);
	*out = config;
	return true;
}
