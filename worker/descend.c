/* The way down: ancestors first, since they may hide the name. */
#include "worker/descend.h"

/* The next depth in from..to at which the zone has a cut or a DNAME; -1 for none. */
static int
next_marked_depth(const struct zone_facts *facts, unsigned from, unsigned to)
{
	while (from <= to) {
		unsigned word = from / 64;
		uint64_t bits = (facts->cut_depths[word] | facts->dname_depths[word]) >>
				from % 64;

		if (bits) {
			from += (unsigned)__builtin_ctzll(bits);
			return from <= to ? (int)from : -1;
		}
		from = (word + 1) * 64;
	}
	return -1;
}

/* Is the name occluded by this ancestor (or by this cut at the name itself)? */
static bool
is_obstacle(const struct answering *a, const struct descent *d, enum meeting *met)
{
	bool at_name = d->labels == a->q->label_count;

	if ((d->node.head.flags & NODE_HAS_NS) && d->labels > a->zone->labels &&
	    !(at_name && a->q->type == TYPE_DS)) {
		*met = MET_CUT;
		return true;
	}
	if ((d->node.head.flags & NODE_HAS_DNAME) && !at_name) {
		*met = MET_DNAME;
		return true;
	}
	return false;
}

/* Between `d` (exists) and `missing` labels (does not), find the closest encloser: every
 * ancestor of a name has a node, so halving finds it. */
static enum meeting
find_encloser(const struct answering *a, struct descent *d, unsigned missing)
{
	struct node node;

	while (missing - d->labels > 1) {
		unsigned middle = d->labels + (missing - d->labels) / 2;

		switch (zone_probe(a, middle, &node)) {
		case LOOKUP_FOUND:
			d->node = node;
			d->labels = middle;
			break;
		case LOOKUP_MISSING:
			missing = middle;
			break;
		case LOOKUP_DAMAGED:
			return MET_DAMAGE;
		}
	}
	return MET_NOTHING;
}

/* Probe the depths that hold cuts or DNAMEs, top first.
 * returns MET_OWNER when nothing stands in the way so far; *missing is lowered to the
 * first depth that is known not to exist. */
static enum meeting
pass_obstacles(const struct answering *a, struct descent *d, unsigned *missing)
{
	const struct query *q = a->q;
	enum meeting met = MET_OWNER;
	int depth;

	if (is_obstacle(a, d, &met))
		return met;
	depth = next_marked_depth(a->zone->facts, d->labels + 1, q->label_count);
	while (depth >= 0) {
		struct node node;
		enum lookup_result found = zone_probe(a, (unsigned)depth, &node);

		if (found == LOOKUP_DAMAGED)
			return MET_DAMAGE;
		if (found == LOOKUP_MISSING) {
			*missing = (unsigned)depth;
			return MET_OWNER;
		}
		*d = (struct descent){ node, (unsigned)depth };
		if (is_obstacle(a, d, &met))
			return met;
		depth = next_marked_depth(a->zone->facts, (unsigned)depth + 1,
					  q->label_count);
	}
	return MET_OWNER;
}

enum meeting
descend(const struct answering *a, struct descent *d)
{
	unsigned labels = a->q->label_count, missing = labels + 1;
	enum meeting met;

	*d = (struct descent){ a->zone->apex, a->zone->labels };
	met = pass_obstacles(a, d, &missing);
	if (met != MET_OWNER || d->labels == labels)
		return met;
	if (missing > labels) {
		struct node node;

		switch (zone_probe(a, labels, &node)) {
		case LOOKUP_FOUND:
			*d = (struct descent){ node, labels };
			return MET_OWNER;
		case LOOKUP_MISSING:
			missing = labels;
			break;
		case LOOKUP_DAMAGED:
			return MET_DAMAGE;
		}
	}
	return find_encloser(a, d, missing);
}
