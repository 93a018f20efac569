/* What a node wants of others. */
#include <string.h>

#include "loader/store/watch.h"
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

void
watch_wants(const struct node *node, watch_want_fn *tell, void *context)
{
	struct block block;
	uint32_t at = 0;

	if (node->head.flags & NODE_DELETED)
		return;
	while (node_next_block(node, &at, &block))
		if (block.head.kind == BLOCK_STEERED)
			tell_targets(&block, tell, context);
}

bool
watch_wants_any(const struct node *node)
{
	struct block block;
	uint32_t at = 0;

	if (!(node->head.flags & NODE_HAS_STEERED) || (node->head.flags & NODE_DELETED))
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
