/* Nodes written with what was signed, and what is counted of that. */
#include <string.h>

#include "loader/store/live_signing.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

/* What the signer has made of a node is added to the zone's facts, `sign` 1, or taken away,
 * -1. */
static void
count_made(struct live_edit *edit, const struct node *node, int sign)
{
	struct signing_facts *facts = &edit->live->signing->facts;
	uint64_t signatures = 0, records = 0;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node->bytes && node_next_block(node, &at, &block)) {
		if (!block_holds_rrset(&block) || !block_open_rrset(&block, &rrset))
			continue;
		signatures += rrset.head.sig_count;
		if (rrset.type == RRTYPE_NSEC || rrset.type == RRTYPE_NSEC3 ||
		    node_is_resolved(node, rrset.type))
			records += rrset.head.rr_count;
		if (sign > 0 && rrset.head.ttl > facts->longest_ttl)
			facts->longest_ttl = rrset.head.ttl;
	}
	records += signatures;
	facts->signatures += sign > 0 ? signatures : -signatures;
	facts->made_count += (uint32_t)(sign > 0 ? records : -records);
}

int
live_sign_put(struct live_edit *edit, const struct node_sign_job *job,
	      const struct node *present, const struct node *old)
{
	struct live *live = edit->live;
	struct node node;
	int rc = node_sign_write(job, &live->writer);

	if (rc == ERR_OK)
		rc = node_writer_end(&live->writer);
	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &node))
		return ERR_DAMAGED;
	if (present->bytes && present->head.node_len == node.head.node_len &&
	    memcmp(present->bytes, node.bytes, node.head.node_len) == 0)
		return ERR_OK;
	if (present->bytes)
		live_count_out(edit, present);
	live_count_in(edit, &node);
	count_made(edit, old, -1);
	count_made(edit, &node, 1);
	return overlay_put(live->overlay, node.bytes, node.head.node_len);
}

static int
write_nsec3(struct live_edit *edit, const struct live_link *link)
{
	struct live *live = edit->live;

	if (link->job)
		return live_sign_put(edit, link->job, &link->old, &link->old);
	if (!link->was)
		return ERR_OK;
	live_count_out(edit, &link->old);
	count_made(edit, &link->old, -1);
	return overlay_delete(live->overlay, edit->facts.zone_id | NSEC3_SPACE,
			      link->place, link->place_len);
}

static int
write_name(struct live_edit *edit, const struct live_touched *touched)
{
	if (touched->job)
		return live_sign_put(edit, touched->job, &touched->node, &touched->old);
	count_made(edit, &touched->old, -1);
	return ERR_OK;
}

int
live_jobs_write(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	bool is_nsec = signing->denial == DENIAL_NSEC;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++)
		rc = write_name(edit, signing->touched[i]);
	for (size_t i = 0; rc == ERR_OK && i < signing->link_count && !is_nsec; i++)
		rc = write_nsec3(edit, &signing->links[i]);
	for (size_t i = 0; rc == ERR_OK && i < signing->neighbour_count; i++) {
		const struct live_neighbour *neighbour = &signing->neighbours[i];

		rc = live_sign_put(edit, neighbour->job, &neighbour->node,
				   &neighbour->node);
	}
	return rc;
}

int
live_jobs_write_apex(struct live_edit *edit)
{
	struct live *live = edit->live;
	struct node node;
	int rc = node_sign_write(live->signing->apex_job, &live->writer);

	if (rc == ERR_OK)
		rc = node_writer_end(&live->writer);
	if (rc == ERR_OK && !node_open(live->writer.bytes, live->writer.len, &node))
		rc = ERR_DAMAGED;
	if (rc == ERR_OK) {
		count_made(edit, &live->signing->apex, -1);
		count_made(edit, &node, 1);
	}
	return rc;
}
