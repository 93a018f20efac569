/* The links of an edit joined to those of the chain that it does not touch.
 *
 * The names that it touches, in the order of the chain, fall into runs, between which
 * members stand that it does not touch.  A run begins behind one such member, its neighbour,
 * and ends before the one that the last old member of the run leads to. */
#include <stdlib.h>
#include <string.h>

#include "loader/store/live_signing.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"

enum { NSEC3_NEXT_AT = 6 };

static uint16_t
chain_type(const struct live_signing *signing)
{
	return live_uses_nsec3(signing) ? RRTYPE_NSEC3 : RRTYPE_NSEC;
}

/* The place of the member behind that of a node.  returns NULL for damage, or without
 * memory. */
static const uint8_t *
next_place(struct live_edit *edit, const struct node *node)
{
	const struct live_signing *signing = edit->live->signing;
	const uint8_t *rdata;
	size_t len;

	rdata = node->bytes ? live_chain_rdata(node, chain_type(signing), &len) : NULL;
	if (!rdata)
		return NULL;
	if (!live_uses_nsec3(signing))
		return dname_len(rdata, len) != 0 ? rdata : NULL;
	if (len < NSEC3_NEXT_AT + NSEC3_HASH_LEN)
		return NULL;
	return live_hash_place(edit, rdata + NSEC3_NEXT_AT, &len);
}

/* ---- neighbours ---- */

static bool
is_link(const struct live_signing *signing, const struct node *node)
{
	const struct live_link wanted = { .place = node_owner(node) };

	return bsearch(&wanted, signing->links, signing->link_count, sizeof wanted,
		       live_compare_links) != NULL;
}

/* The member before a place (NULL: the last one) that is no link, or `last`, that of the
 * link before it (bytes NULL: none), whichever is the later one.  A sealed member that the
 * overlay has, too, is found there. */
static int
find_neighbour(struct live_edit *edit, const uint8_t *place, struct node *last)
{
	const struct live_signing *signing = edit->live->signing;
	struct live *live = edit->live;
	struct node found, change;
	int rc = live_sealed_before(live, live_chain_id(edit), place, &found);

	if (rc == ERR_OK) {
		rc = overlay_find(live->overlay, live_chain_id(edit), node_owner(&found),
				  &change);
		if (rc == ERR_NOTFOUND && !is_link(signing, &found) &&
		    (!last->bytes ||
		     dname_compare(node_owner(&found), node_owner(last)) > 0))
			*last = found;
	}
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		return rc;
	rc = overlay_chain_before(live->overlay, live_chain_id(edit), place, &found);
	if (rc == ERR_OK && !is_link(signing, &found) &&
	    (!last->bytes || dname_compare(node_owner(&found), node_owner(last)) > 0))
		return live_keep_node(edit, &found, last);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- runs ---- */

/* The neighbour of each link, then that of the end of the chain, `count` + 1 in all.  returns
 * an array to be freed, or NULL and an error code. */
static struct node *
find_neighbours(struct live_edit *edit, int *rc)
{
	const struct live_signing *signing = edit->live->signing;
	size_t count = signing->link_count;
	struct node *found = calloc(count + 1, sizeof *found), last = { 0 };

	*rc = found ? ERR_OK : ERR_NOMEM;
	for (size_t i = 0; *rc == ERR_OK && i <= count; i++) {
		*rc = find_neighbour(edit, i < count ? signing->links[i].place : NULL,
				     &last);
		if (*rc == ERR_OK)
			found[i] = last;
	}
	return found;
}

static int
add_neighbour(struct live_signing *signing, const struct node *node, const uint8_t *next)
{
	struct live_neighbour *items =
		grow_items(signing->neighbours, &signing->neighbour_room,
			   signing->neighbour_count + 1, sizeof *items);

	if (!items)
		return ERR_NOMEM;
	signing->neighbours = items;
	items[signing->neighbour_count++] =
		(struct live_neighbour){ .node = *node, .next = next };
	return ERR_OK;
}

/* A run of links, which may go around the end of the chain. */
struct run {
	size_t first, count;
	const struct node *neighbour; /* bytes NULL: the links are all of the chain */
};

static struct live_link *
link_of(struct live_signing *signing, const struct run *run, size_t number)
{
	return &signing->links[(run->first + number) % signing->link_count];
}

/* Where the run leads to in the end. */
static const uint8_t *
end_of_run(struct live_edit *edit, const struct run *run)
{
	struct live_signing *signing = edit->live->signing;
	const struct node *last = run->neighbour;

	for (size_t i = 0; i < run->count; i++) {
		struct live_link *link = link_of(signing, run, i);

		if (run->neighbour->bytes && link->was)
			last = &link->old;
		if (!run->neighbour->bytes && link->is)
			return link->place;
	}
	return next_place(edit, last);
}

static int
join_run(struct live_edit *edit, const struct run *run)
{
	struct live_signing *signing = edit->live->signing;
	const uint8_t *end = end_of_run(edit, run), *next = end, *old;

	if (!end)
		return ERR_DAMAGED;
	for (size_t i = run->count; i-- > 0;) {
		struct live_link *link = link_of(signing, run, i);

		link->next = next;
		if (link->is)
			next = link->place;
	}
	if (!run->neighbour->bytes)
		return ERR_OK;
	old = next_place(edit, run->neighbour);
	if (!old)
		return ERR_DAMAGED;
	return dname_compare(old, next) == 0
		       ? ERR_OK
		       : add_neighbour(signing, run->neighbour, next);
}

/* The links before any other member stand behind the last member of the chain, as it goes
 * around. */
static size_t
go_around(const struct live_signing *signing, struct node *neighbours)
{
	size_t count = signing->link_count, ahead = 0;

	while (ahead < count && !neighbours[ahead].bytes)
		ahead++;
	for (size_t i = 0; i < ahead; i++)
		neighbours[i] = neighbours[count];
	return ahead < count ? ahead : 0;
}

static int
join_links(struct live_edit *edit, struct node *neighbours)
{
	struct live_signing *signing = edit->live->signing;
	size_t count = signing->link_count, start = go_around(signing, neighbours);
	int rc = ERR_OK;

	for (size_t at = 0; rc == ERR_OK && at < count;) {
		struct run run = { (start + at) % count, 0, NULL };

		run.neighbour = &neighbours[run.first];
		while (at < count &&
		       neighbours[(start + at) % count].bytes == run.neighbour->bytes) {
			run.count++;
			at++;
		}
		rc = join_run(edit, &run);
	}
	return rc;
}

/* ---- wildcards with steered RRsets, whose NSEC3 leads elsewhere ---- */

bool
live_is_hashed_name(const struct node *node)
{
	return (node->head.flags & NODE_HAS_STEERED) &&
	       dname_is_wildcard(node_owner(node));
}

/* The name that an NSEC3 stands for, if it says so. */
static int
find_hashed_name(struct live_edit *edit, const struct node *nsec3, struct node *out)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	struct block block;
	struct node found;
	size_t len;
	int rc;

	if (!node_find_block(nsec3, BLOCK_HASHED_NAME, 0, &block) ||
	    block.head.len > DNAME_MAX - edit->origin_len)
		return ERR_NOTFOUND;
	memcpy(name, block.payload, block.head.len);
	memcpy(name + block.head.len, edit->origin, edit->origin_len);
	len = block.head.len + edit->origin_len;
	if (dname_len(name, len) != len)
		return ERR_DAMAGED;
	rc = live_find(edit->live, edit->facts.zone_id, name, len, &found);
	return rc == ERR_OK ? live_keep_node(edit, &found, out) : rc;
}

static int
add_wildcard(struct live_signing *signing, const struct node *node, const uint8_t *next)
{
	int rc = live_is_hashed_name(node) ? add_neighbour(signing, node, next)
					   : ERR_NOTFOUND;

	if (rc == ERR_OK)
		signing->neighbours[signing->neighbour_count - 1].is_wildcard = true;
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
add_wildcards(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	size_t count = signing->neighbour_count;
	struct node node;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < signing->link_count; i++) {
		const struct live_link *link = &signing->links[i];

		if (link->is && link->node && !link->touched)
			rc = add_wildcard(signing, link->node, link->next);
	}
	for (size_t i = 0; rc == ERR_OK && i < count; i++) {
		const uint8_t *next = signing->neighbours[i].next;

		rc = find_hashed_name(edit, &signing->neighbours[i].node, &node);
		if (rc == ERR_OK)
			rc = add_wildcard(signing, &node, next);
		rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
	}
	return rc;
}

/* ---- all of it ---- */

int
live_runs_join(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	int rc;
	struct node *neighbours = find_neighbours(edit, &rc);

	if (rc == ERR_OK)
		rc = join_links(edit, neighbours);
	if (rc == ERR_OK && live_uses_nsec3(signing))
		rc = add_wildcards(edit);
	free(neighbours);
	return rc;
}
