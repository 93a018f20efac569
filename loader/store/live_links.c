/* What an edit does to a chain of denial.
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

static bool
is_nsec3(const struct live_signing *signing)
{
	return signing->denial != DENIAL_NSEC;
}

static uint16_t
chain_type(const struct live_signing *signing)
{
	return is_nsec3(signing) ? RRTYPE_NSEC3 : RRTYPE_NSEC;
}

static uint32_t
chain_zone_id(const struct live_edit *edit)
{
	return is_nsec3(edit->live->signing) ? edit->facts.zone_id | NSEC3_SPACE
					     : edit->facts.zone_id;
}

const uint8_t *
live_chain_rdata(const struct node *node, uint16_t type, size_t *len)
{
	enum { RR_HEAD = 12 };
	struct rrset rrset;

	if (!node_find_rrset(node, type, &rrset) || rrset.head.rr_count != 1 ||
	    rrset.head.wire_len < RR_HEAD)
		return NULL;
	*len = rrset.head.wire_len - (size_t)RR_HEAD;
	return rrset.wire + RR_HEAD;
}

/* The place that a hash makes, in the arena. */
static const uint8_t *
hash_place(struct live_edit *edit, const uint8_t hash[NSEC3_HASH_LEN], size_t *len)
{
	uint8_t place[NSEC3_LABEL_LEN + 1 + DNAME_MAX];

	*len = NSEC3_LABEL_LEN + 1 + edit->origin_len;
	if (*len > DNAME_MAX)
		return NULL;
	nsec3_hash_to_label(hash, place);
	memcpy(place + NSEC3_LABEL_LEN + 1, edit->origin, edit->origin_len);
	return arena_copy(node_sign_arena(edit->live->signing->sign), place, *len);
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
	if (!is_nsec3(signing))
		return dname_len(rdata, len) != 0 ? rdata : NULL;
	if (len < NSEC3_NEXT_AT + NSEC3_HASH_LEN)
		return NULL;
	return hash_place(edit, rdata + NSEC3_NEXT_AT, &len);
}

/* ---- links ---- */

static struct live_link *
add_link(struct live_signing *signing)
{
	struct live_link *links = grow_items(signing->links, &signing->link_room,
					     signing->link_count + 1, sizeof *links);

	if (!links)
		return NULL;
	signing->links = links;
	links[signing->link_count] = (struct live_link){ 0 };
	return &links[signing->link_count++];
}

static int
add_nsec_link(struct live_signing *signing, struct live_touched *touched,
	      const struct node *old, const struct node *node, bool is)
{
	struct live_link *link = add_link(signing);
	const struct node *named = node ? node : old;
	size_t len;

	if (!link)
		return ERR_NOMEM;
	*link = (struct live_link){
		.place = touched ? touched->name : node_owner(named),
		.place_len = touched ? touched->len : named->head.owner_len,
		.node = node,
		.touched = touched,
		.old = *old,
		.was = old->bytes && live_chain_rdata(old, RRTYPE_NSEC, &len),
		.is = is,
		.is_cut = touched && node && (node->head.flags & NODE_HAS_NS),
	};
	return ERR_OK;
}

static int
make_nsec_links(struct live_signing *signing)
{
	int rc = add_nsec_link(signing, NULL, &signing->apex, &signing->new_apex, true);

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++) {
		struct live_touched *touched = signing->touched[i];
		bool is = touched->is_whole && !touched->is_hidden;

		rc = add_nsec_link(signing, touched, &touched->old,
				   touched->node.bytes ? &touched->node : NULL, is);
	}
	return rc;
}

/* ---- links of NSEC3: names above those that are touched may come and go as well ---- */

/* Has an empty name something below it that is not an unsigned delegation?  One that has very
 * many of these is taken to stay as it was. */

static bool
is_unsigned_cut(const struct node *node)
{
	struct block block;

	return (node->head.flags & NODE_HAS_NS) &&
	       !node_find_block(node, BLOCK_RRSET, RRTYPE_DS, &block);
}

static bool
is_non_terminal(const struct node *node)
{
	struct block block;

	return (node->head.flags & NODE_EMPTY) &&
	       !node_find_block(node, BLOCK_PROVENANCE, 0, &block);
}

static int
has_signed_below(struct live_edit *edit, const uint8_t *name, size_t len, bool was,
		 bool *out)
{
	enum { LOOKED_AT_MAX = 1000 };
	const uint8_t *above = NULL;
	uint8_t cut[DNAME_MAX];
	struct store_cursor *cursor;
	struct node node;
	size_t cut_len = 0;
	int rc = live_cursor_open_at(edit->live, edit->facts.zone_id, name, &cursor);

	*out = was;
	if (rc != ERR_OK)
		return rc;
	for (unsigned i = 0; i < LOOKED_AT_MAX; i++) {
		rc = store_cursor_next(cursor, &node);
		if (rc != ERR_OK || !dname_is_subdomain(node_owner(&node),
							node.head.owner_len, name, len)) {
			*out = false;
			break;
		}
		if (node.head.owner_len == len || is_non_terminal(&node) ||
		    (above && dname_is_subdomain(node_owner(&node), node.head.owner_len,
						 cut, cut_len)))
			continue;
		if (!is_unsigned_cut(&node)) {
			*out = true;
			break;
		}
		cut_len = node.head.owner_len;
		memcpy(cut, node_owner(&node), cut_len);
		above = cut;
	}
	store_cursor_close(cursor);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
is_member(struct live_edit *edit, const struct node *node, bool is_apex, bool was,
	  bool *out)
{
	bool is_optout = edit->live->signing->denial == DENIAL_OPTOUT;

	*out = is_apex || !live_is_hidden(edit, node_owner(node), node->head.owner_len);
	if (!*out || is_apex || !is_optout)
		return ERR_OK;
	if (is_non_terminal(node))
		return has_signed_below(edit, node_owner(node), node->head.owner_len, was,
					out);
	*out = !is_unsigned_cut(node);
	return ERR_OK;
}

static int
find_old_nsec3(struct live_edit *edit, struct live_link *link)
{
	struct node found;
	int rc = live_find(edit->live, chain_zone_id(edit), link->place, link->place_len,
			   &found);

	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = live_keep_node(edit, &found, &link->old);
	link->was = rc == ERR_OK;
	return rc;
}

static int
add_nsec3_link(struct live_edit *edit, const uint8_t *name, size_t len,
	       const struct node *node)
{
	struct live_signing *signing = edit->live->signing;
	bool is_apex = len == edit->origin_len;
	struct live_link *link = add_link(signing);
	uint8_t hash[NSEC3_HASH_LEN];
	int rc;

	if (!link)
		return ERR_NOMEM;
	nsec3_hash(name, (unsigned)len, (const uint8_t *)"", 0, 0, hash);
	link->place = hash_place(edit, hash, &link->place_len);
	if (!link->place)
		return ERR_NOMEM;
	link->node = node;
	link->is_cut = !is_apex && node && (node->head.flags & NODE_HAS_NS);
	rc = find_old_nsec3(edit, link);
	return rc == ERR_OK && node ? is_member(edit, node, is_apex, link->was, &link->is)
				    : rc;
}

static int
add_nsec3_above(struct live_edit *edit, const uint8_t *name, size_t len)
{
	struct arena *arena = node_sign_arena(edit->live->signing->sign);
	struct node found, *kept = NULL;
	int rc = live_find(edit->live, edit->facts.zone_id, name, len, &found);

	if (rc == ERR_OK) {
		kept = arena_take_items(arena, 1, sizeof *kept);
		rc = kept ? live_keep_node(edit, &found, kept) : ERR_NOMEM;
	}
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		return rc;
	return add_nsec3_link(edit, name, len, kept);
}

/* The names above, as far as they are not above the name that came before as well. */
static int
add_above(struct live_edit *edit, const struct live_touched *touched,
	  const struct live_touched *last)
{
	const uint8_t *name = touched->name;
	size_t len = touched->len;
	int rc = ERR_OK;

	while (rc == ERR_OK) {
		len -= name[0] + 1u;
		name += name[0] + 1u;
		if (len <= edit->origin_len ||
		    (last && dname_is_subdomain(last->name, last->len, name, len)))
			break;
		rc = add_nsec3_above(edit, name, len);
	}
	return rc;
}

static int
compare_links(const void *a, const void *b)
{
	return dname_compare(((const struct live_link *)a)->place,
			     ((const struct live_link *)b)->place);
}

static int
make_nsec3_links(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	const struct live_touched *last = NULL;
	int rc = add_nsec3_link(edit, edit->origin, edit->origin_len, &signing->new_apex);

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++) {
		const struct live_touched *touched = signing->touched[i];

		rc = add_above(edit, touched, last);
		if (rc == ERR_OK)
			rc = add_nsec3_link(edit, touched->name, touched->len,
					    touched->node.bytes ? &touched->node : NULL);
		last = touched;
	}
	if (rc == ERR_OK)
		qsort(signing->links, signing->link_count, sizeof *signing->links,
		      compare_links);
	return rc;
}

/* ---- neighbours ---- */

static bool
is_link(const struct live_signing *signing, const struct node *node)
{
	const struct live_link wanted = { .place = node_owner(node) };

	return bsearch(&wanted, signing->links, signing->link_count, sizeof wanted,
		       compare_links) != NULL;
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
	int rc = live_sealed_before(live, chain_zone_id(edit), place, &found);

	if (rc == ERR_OK) {
		rc = overlay_find(live->overlay, chain_zone_id(edit), node_owner(&found),
				  &change);
		if (rc == ERR_NOTFOUND && !is_link(signing, &found) &&
		    (!last->bytes ||
		     dname_compare(node_owner(&found), node_owner(last)) > 0))
			*last = found;
	}
	if (rc != ERR_OK && rc != ERR_NOTFOUND)
		return rc;
	rc = overlay_chain_before(live->overlay, chain_zone_id(edit), place, &found);
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

int
live_links_make(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	struct node *neighbours;
	int rc;

	signing->link_count = 0;
	signing->neighbour_count = 0;
	rc = is_nsec3(signing) ? make_nsec3_links(edit) : make_nsec_links(signing);
	if (rc != ERR_OK)
		return rc;
	neighbours = find_neighbours(edit, &rc);
	if (rc == ERR_OK)
		rc = join_links(edit, neighbours);
	free(neighbours);
	return rc;
}
