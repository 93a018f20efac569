/* Address RRsets made, and compared with what stands. */
#include "loader/store/live_addresses.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "loader/zone/steered_bare.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "shm/wire.h"

enum { TTL_AT = 6 };

uint16_t
live_address_rrtype(enum live_address_type type)
{
	return type == LIVE_A ? RRTYPE_A : RRTYPE_AAAA;
}

void
live_leader_fini(struct live_leader *leader)
{
	for (unsigned type = 0; type < LIVE_ADDRESS_TYPES; type++)
		free(leader->types[type].payload);
}

static int
make_room(struct live_addresses *addresses, size_t len)
{
	uint8_t *grown = grow_items(addresses->payload, &addresses->room, len, 1);

	if (!grown)
		return ERR_NOMEM;
	addresses->payload = grown;
	addresses->state = LIVE_ADDRESSES_SET;
	return ERR_OK;
}

static int
compare_v4(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static int
compare_v6(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

int
live_addresses_set(struct live_addresses *addresses, enum live_address_type type,
		   const uint8_t *octets, unsigned count)
{
	size_t len = type == LIVE_A ? 4 : 16, rr_len = STEERED_RR_HEAD_LEN + len;
	struct rrset_head head = { .ttl = addresses->ttl };
	uint8_t *sorted = malloc(len * count), *at;
	int rc = sorted ? make_room(addresses, sizeof head + rr_len * count) : ERR_NOMEM;

	if (rc == ERR_OK) {
		memcpy(sorted, octets, len * count);
		qsort(sorted, count, len, type == LIVE_A ? compare_v4 : compare_v6);
		addresses->is_steered = false;
		at = addresses->payload + sizeof head;
		for (unsigned i = 0; i < count; i++) {
			if (i > 0 &&
			    memcmp(sorted + len * i, sorted + len * (i - 1), len) == 0)
				continue;
			wire_put_u16(at, QNAME_POINTER);
			wire_put_u16(at + 2, live_address_rrtype(type));
			wire_put_u16(at + 4, CLASS_IN);
			wire_put_u32(at + TTL_AT, head.ttl);
			wire_put_u16(at + 10, (uint16_t)len);
			memcpy(at + STEERED_RR_HEAD_LEN, sorted + len * i, len);
			at += rr_len;
			head.rr_count++;
		}
		head.wire_len = (uint16_t)(rr_len * head.rr_count);
		memcpy(addresses->payload, &head, sizeof head);
		addresses->len = sizeof head + head.wire_len;
	}
	free(sorted);
	return rc;
}

/* Set the TTL of an RRset without signatures, `payload` its block's. */
static void
set_ttl(uint8_t *payload, uint32_t ttl, size_t rr_len)
{
	struct rrset_head head;

	memcpy(&head, payload, sizeof head);
	head.ttl = ttl;
	memcpy(payload, &head, sizeof head);
	for (size_t i = 0; i < head.rr_count; i++)
		wire_put_u32(payload + sizeof head + rr_len * i + TTL_AT, ttl);
}

int
live_addresses_copy(struct live_addresses *addresses, const struct block *block)
{
	size_t rr_len = STEERED_RR_LEN(block->head.type), at = 0;
	struct rrset_head head;
	struct rrset rrset;
	int rc = make_room(addresses, block->head.len);

	if (rc != ERR_OK)
		return rc;
	if (!block_open_rrset(block, &rrset) ||
	    rrset.head.wire_len != rr_len * rrset.head.rr_count)
		return ERR_DAMAGED;
	addresses->is_steered = block->head.kind == BLOCK_STEERED;
	if (addresses->is_steered) {
		addresses->len = steered_bare_write(block, addresses->payload);
		addresses->signed_ttl = addresses->ttl;
		at = sizeof(struct steered_head);
		if (addresses->len == 0)
			return ERR_DAMAGED;
	} else {
		head = (struct rrset_head){ .rr_count = rrset.head.rr_count,
					    .wire_len = rrset.head.wire_len };
		memcpy(addresses->payload, &head, sizeof head);
		memcpy(addresses->payload + sizeof head, rrset.wire, head.wire_len);
		addresses->len = sizeof head + head.wire_len;
	}
	set_ttl(addresses->payload + at, addresses->ttl, rr_len);
	return ERR_OK;
}

/* ---- what stands ---- */

static bool
is_same_steered(const struct node *node, uint16_t type,
		const struct live_addresses *addresses)
{
	struct block block;
	uint8_t *bare;
	bool is_same;

	if (!node_find_block(node, BLOCK_STEERED, type, &block))
		return false;
	bare = malloc(block.head.len);
	is_same = bare && steered_bare_write(&block, bare) == addresses->len &&
		  memcmp(bare, addresses->payload, addresses->len) == 0;
	free(bare);
	return is_same;
}

static bool
is_near(uint32_t stands, uint32_t wanted)
{
	return stands <= wanted && wanted - stands <= stands;
}

static bool
is_same_plain(const struct node *node, uint16_t type,
	      const struct live_addresses *addresses)
{
	size_t rr_len = STEERED_RR_LEN(type), head_len = STEERED_RR_HEAD_LEN;
	const uint8_t *wire = addresses->payload + sizeof(struct rrset_head);
	struct rrset rrset;

	if (!node_find_rrset(node, type, &rrset) ||
	    !is_near(rrset.head.ttl, addresses->ttl) ||
	    rrset.head.wire_len != addresses->len - sizeof(struct rrset_head))
		return false;
	for (size_t at = head_len; at < rrset.head.wire_len; at += rr_len)
		if (memcmp(rrset.wire + at, wire + at, rr_len - head_len) != 0)
			return false;
	return true;
}

bool
live_addresses_are_there(const struct node *node, enum live_address_type type,
			 const struct live_addresses *addresses)
{
	uint16_t rrtype = live_address_rrtype(type);
	bool is_resolved = node_is_resolved(node, rrtype);

	switch (addresses->state) {
	case LIVE_ADDRESSES_KEEP:
		return true;
	case LIVE_ADDRESSES_NONE:
		return !is_resolved;
	case LIVE_ADDRESSES_SET:
		break;
	}
	if (!is_resolved || node_signed_ttl(node, rrtype, 0) != addresses->signed_ttl)
		return false;
	return addresses->is_steered ? is_same_steered(node, rrtype, addresses)
				     : is_same_plain(node, rrtype, addresses);
}
