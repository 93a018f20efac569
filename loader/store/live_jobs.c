/* What the end of an edit has signed: names, their places in the chain of denial, and those
 * before them. */
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_signing.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"

/* The rdata of a chain's record: `next` and what `bitmap` tells. */
static int
make_chain(struct live_edit *edit, const uint8_t *next, const uint8_t *bitmap,
	   size_t bitmap_len, struct node_sign_wish *wish)
{
	enum { NSEC3_HEAD = 6, NSEC3_FLAG_OPT_OUT = 1 };
	struct live_signing *signing = edit->live->signing;
	uint8_t rdata[DNAME_MAX + TYPE_BITMAP_MAX] = { 1, 0, 0, 0, 0, NSEC3_HASH_LEN };
	size_t len = dname_len(next, DNAME_MAX);

	wish->chain_type = RRTYPE_NSEC;
	wish->chain_ttl = signing->negative_ttl;
	if (signing->denial == DENIAL_NSEC) {
		memcpy(rdata, next, len);
	} else {
		wish->chain_type = RRTYPE_NSEC3;
		rdata[1] = signing->denial == DENIAL_OPTOUT ? NSEC3_FLAG_OPT_OUT : 0;
		if (!nsec3_hash_from_label(next, rdata + NSEC3_HEAD))
			return ERR_DAMAGED;
		len = NSEC3_HEAD + NSEC3_HASH_LEN;
	}
	memcpy(rdata + len, bitmap, bitmap_len);
	wish->chain_len = len + bitmap_len;
	wish->chain = arena_copy(node_sign_arena(signing->sign), rdata, wish->chain_len);
	return wish->chain ? ERR_OK : ERR_NOMEM;
}

/* The same with the types that a node has. */
static int
make_link_chain(struct live_edit *edit, const struct live_link *link,
		struct node_sign_wish *wish)
{
	bool is_nsec3 = edit->live->signing->denial != DENIAL_NSEC;
	struct type_bitmap *types = calloc(1, sizeof *types);
	uint8_t bitmap[TYPE_BITMAP_MAX];
	size_t len;
	int rc;

	if (!types)
		return ERR_NOMEM;
	node_sign_types(link->node, link->is_cut, is_nsec3, types);
	len = type_bitmap_take(types, bitmap);
	rc = make_chain(edit, link->next, bitmap, len, wish);
	free(types);
	return rc;
}

/* A node of nothing but its name, for an NSEC3, and the name that it stands for if that is a
 * wildcard with steered RRsets. */
static int
make_place(struct live_edit *edit, const struct live_link *link, struct node *out)
{
	struct node_writer *writer = &edit->live->writer;
	struct node made;
	int rc;

	node_writer_begin(writer, edit->facts.zone_id | NSEC3_SPACE, 0, link->place,
			  link->place_len);
	if (live_is_hashed_name(link->node))
		node_writer_put_block(writer, BLOCK_HASHED_NAME, 0,
				      node_owner(link->node),
				      link->node->head.owner_len - edit->origin_len);
	rc = node_writer_end(writer);
	if (rc != ERR_OK)
		return rc;
	return node_open(writer->bytes, writer->len, &made)
		       ? live_keep_node(edit, &made, out)
		       : ERR_DAMAGED;
}

static int
add_nsec3_job(struct live_edit *edit, struct live_link *link)
{
	struct node node;
	struct node_sign_wish wish = { .node = &node,
				       .old = link->was ? &link->old : NULL };
	int rc;

	if (!link->is)
		return ERR_OK;
	rc = make_place(edit, link, &node);
	if (rc == ERR_OK)
		rc = make_link_chain(edit, link, &wish);
	return rc == ERR_OK ? node_sign_add(edit->live->signing->sign, &wish, &link->job)
			    : rc;
}

/* What denies the steered RRset of a wildcard says what its NSEC3 says. */
static int
take_nsec3(struct live_edit *edit, const struct live_touched *touched,
	   struct node_sign_wish *wish)
{
	const struct live_signing *signing = edit->live->signing;
	struct node_sign_wish own = { .chain = NULL };
	int rc = ERR_OK;

	if (signing->denial == DENIAL_NSEC || !dname_is_wildcard(touched->name) ||
	    !(touched->node.head.flags & NODE_HAS_STEERED))
		return ERR_OK;
	for (size_t i = 0; i < signing->link_count && rc == ERR_OK; i++)
		if (signing->links[i].node == &touched->node && signing->links[i].is)
			rc = make_link_chain(edit, &signing->links[i], &own);
	wish->nsec3 = own.chain;
	return rc;
}

/* A name, with its NSEC if it has one. */
static int
add_name_job(struct live_edit *edit, struct live_touched *touched,
	     const struct live_link *link)
{
	struct node_sign_wish wish = {
		.node = &touched->node,
		.old = touched->old.bytes ? &touched->old : NULL,
		.is_bare = touched->is_hidden,
		.is_cut = touched->node.head.flags & NODE_HAS_NS,
	};
	int rc = ERR_OK;

	if (!touched->node.bytes)
		return ERR_OK;
	if (link && link->is)
		rc = make_link_chain(edit, link, &wish);
	if (rc == ERR_OK)
		rc = take_nsec3(edit, touched, &wish);
	return rc == ERR_OK
		       ? node_sign_add(edit->live->signing->sign, &wish, &touched->job)
		       : rc;
}

static int
add_apex_job(struct live_edit *edit, const struct live_link *link)
{
	struct live_signing *signing = edit->live->signing;
	struct node_sign_wish wish = { .node = &signing->new_apex,
				       .old = &signing->apex };
	int rc = link ? make_link_chain(edit, link, &wish) : ERR_OK;

	return rc == ERR_OK ? node_sign_add(signing->sign, &wish, &signing->apex_job)
			    : rc;
}

/* What denies a wildcard's steered RRsets leads where its NSEC3 does. */
static int
add_wildcard_job(struct live_edit *edit, struct live_neighbour *neighbour)
{
	static const uint8_t no_types[1];
	struct node_sign_wish nsec3 = { .chain = NULL };
	struct node_sign_wish wish = { .node = &neighbour->node,
				       .old = &neighbour->node,
				       .is_chain_only = true };
	int rc = make_chain(edit, neighbour->next, no_types, 0, &nsec3);

	wish.nsec3 = nsec3.chain;
	return rc == ERR_OK
		       ? node_sign_add(edit->live->signing->sign, &wish, &neighbour->job)
		       : rc;
}

static int
add_neighbour_job(struct live_edit *edit, struct live_neighbour *neighbour)
{
	struct live_signing *signing = edit->live->signing;
	struct node_sign_wish wish = { .node = &neighbour->node,
				       .old = &neighbour->node,
				       .is_chain_only = true };
	bool is_nsec = signing->denial == DENIAL_NSEC;
	size_t len, head;
	const uint8_t *rdata = live_chain_rdata(
		&neighbour->node, is_nsec ? RRTYPE_NSEC : RRTYPE_NSEC3, &len);
	int rc;

	if (neighbour->is_wildcard)
		return add_wildcard_job(edit, neighbour);
	if (!rdata)
		return ERR_DAMAGED;
	head = is_nsec ? dname_len(rdata, len) : 6 + (size_t)NSEC3_HASH_LEN;
	if (head == 0 || head > len || len - head > TYPE_BITMAP_MAX)
		return ERR_DAMAGED;
	rc = make_chain(edit, neighbour->next, rdata + head, len - head, &wish);
	return rc == ERR_OK ? node_sign_add(signing->sign, &wish, &neighbour->job) : rc;
}

int
live_jobs_add(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	bool is_nsec = signing->denial == DENIAL_NSEC;
	int rc = add_apex_job(edit, is_nsec ? &signing->links[0] : NULL);

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++)
		rc = add_name_job(edit, signing->touched[i],
				  is_nsec ? &signing->links[i + 1] : NULL);
	for (size_t i = 0; rc == ERR_OK && i < signing->link_count && !is_nsec; i++)
		rc = add_nsec3_job(edit, &signing->links[i]);
	for (size_t i = 0; rc == ERR_OK && i < signing->neighbour_count; i++)
		rc = add_neighbour_job(edit, &signing->neighbours[i]);
	return rc;
}
