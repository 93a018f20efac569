/* What a node wants of others. */
#include <string.h>

#include "loader/store/watch.h"
#include "shm/aname.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

struct target_spec {
	uint8_t octets[WATCH_TARGET_LEN_MAX];
	size_t len;
};

static void
set_address(struct target_spec *spec, const struct steered *steered, unsigned candidate,
	    uint16_t type)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *address =
		steered_address(steered, steered_record(steered, candidate));

	if (type == RRTYPE_AAAA) {
		memcpy(spec->octets, address, 16);
		return;
	}
	memcpy(spec->octets, mapped, sizeof mapped);
	memcpy(spec->octets + sizeof mapped, address, 4);
}

static bool
has_targets(const struct block *block)
{
	struct steered steered;

	return steered_open(block, &steered) && steered.targets && steered.probe &&
	       steered.probe_len <= HEALTH_CHECK_LEN_MAX;
}

static void
tell_targets(const struct block *block, watch_want_fn *tell, void *context)
{
	struct target_spec spec;
	struct steered steered;

	if (!has_targets(block) || !steered_open(block, &steered))
		return;
	memcpy(spec.octets + HEALTH_ADDRESS_LEN, steered.probe, steered.probe_len);
	spec.len = HEALTH_ADDRESS_LEN + steered.probe_len;
	for (unsigned i = 0; i < steered.candidate_count; i++) {
		uint64_t key = steered_target(&steered, i);

		if (key == 0 ||
		    steered_record(&steered, i) >= steered.rrset.head.rr_count)
			continue;
		set_address(&spec, &steered, i, block->head.type);
		tell(context, WATCH_TARGET, &key, sizeof key, spec.octets, spec.len);
	}
}

static void
tell_aname(const struct block *block, watch_want_fn *tell, void *context)
{
	struct aname aname;

	if (aname_open(block, &aname))
		tell(context, WATCH_NAME, aname.target, aname.head.target_len, NULL, 0);
}

static bool
is_flattened(const struct node *node, const struct block *block)
{
	return (node->head.flags & NODE_FLATTENED) && block->head.kind == BLOCK_RRSET &&
	       block->head.type == RRTYPE_CNAME;
}

/* One that ends in a pointer leads to a name of its own zone. */
static void
tell_cname(const struct block *block, watch_want_fn *tell, void *context)
{
	uint8_t name[DNAME_MAX];
	struct rrset cname;
	size_t len;

	if (!rrset_open(block, &cname) || cname.head.patch_count > 0 ||
	    cname.head.wire_len <= STEERED_RR_HEAD_LEN)
		return;
	len = dname_len(cname.wire + STEERED_RR_HEAD_LEN,
			cname.head.wire_len - (size_t)STEERED_RR_HEAD_LEN);
	if (len == 0)
		return;
	memcpy(name, cname.wire + STEERED_RR_HEAD_LEN, len);
	dname_lower(name, len);
	tell(context, WATCH_NAME, name, len, NULL, 0);
}

void
watch_wants(const struct node *node, watch_want_fn *tell, void *context)
{
	struct block block;
	uint32_t at = 0;

	if (node->head.flags & NODE_DELETED)
		return;
	if (node->head.flags & (NODE_HAS_ANAME | NODE_FLATTENED))
		tell(context, WATCH_LEAD, "", 0, NULL, 0);
	while (node_next_block(node, &at, &block))
		if (block.head.kind == BLOCK_STEERED)
			tell_targets(&block, tell, context);
		else if (block.head.kind == BLOCK_ANAME)
			tell_aname(&block, tell, context);
		else if (is_flattened(node, &block))
			tell_cname(&block, tell, context);
}

bool
watch_wants_any(const struct node *node)
{
	struct block block;
	uint32_t at = 0;

	if (node->head.flags & NODE_DELETED)
		return false;
	if (node->head.flags & (NODE_HAS_ANAME | NODE_FLATTENED))
		return true;
	if (!(node->head.flags & NODE_HAS_STEERED))
		return false;
	while (node_next_block(node, &at, &block))
		if (block.head.kind == BLOCK_STEERED && has_targets(&block))
			return true;
	return false;
}

bool
watch_next_want(const uint8_t *wants, size_t len, size_t *at, enum watch_want *kind,
		const uint8_t **want, size_t *want_len)
{
	struct watch_want_head head;

	if (len - *at < sizeof head)
		return false;
	memcpy(&head, wants + *at, sizeof head);
	if (head.len > len - *at - sizeof head)
		return false;
	*kind = (enum watch_want)head.kind;
	*want = wants + *at + sizeof head;
	*want_len = head.len;
	*at += sizeof head + head.len;
	return true;
}
