/* Prefixes, laid out as the ranges between their ends. */
#include "worker/prefix_table.h"

#include <stdbool.h>
#include <stdlib.h>

prefix_number
prefix_number_of(const uint8_t address[16])
{
	prefix_number number = 0;

	for (unsigned i = 0; i < 16; i++)
		number = number << 8 | address[i];
	return number;
}

static int
compare(const void *a, const void *b)
{
	const prefix_number *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool
covers(const struct network *network, prefix_number address)
{
	return ((prefix_number_of(network->octets) ^ address) &
		prefix_mask(network->len)) == 0;
}

static enum prefix_list
list_of(const struct limit_prefix *prefixes, unsigned count, prefix_number address)
{
	const struct limit_prefix *best = NULL;

	for (unsigned i = 0; i < count; i++) {
		const struct limit_prefix *one = &prefixes[i];

		if (best && (one->network.len < best->network.len ||
			     (one->network.len == best->network.len && !one->is_black)))
			continue;
		if (covers(&one->network, address))
			best = one;
	}
	return !best ? PREFIX_NONE : best->is_black ? PREFIX_BLACK : PREFIX_WHITE;
}

void
prefix_table_make(struct prefix_table *table, const struct limit_prefix *prefixes,
		  unsigned count)
{
	prefix_number *start = table->start;
	unsigned starts = 0, kept = 0;

	table->count = 0;
	if (count == 0)
		return;
	start[starts++] = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct network *network = &prefixes[i].network;
		prefix_number first = prefix_number_of(network->octets);
		prefix_number last = first | ~prefix_mask(network->len);

		start[starts++] = first;
		if (last != ~(prefix_number)0)
			start[starts++] = last + 1;
	}
	qsort(start, starts, sizeof *start, compare);
	for (unsigned i = 0; i < starts; i++) {
		enum prefix_list list = list_of(prefixes, count, start[i]);

		if (kept > 0 && table->list[kept - 1] == list)
			continue;
		start[kept] = start[i];
		table->list[kept++] = (uint8_t)list;
	}
	table->count = kept;
}

enum prefix_list
prefix_table_find(const struct prefix_table *table, prefix_number address)
{
	unsigned low = 0, high = table->count;

	if (high == 0)
		return PREFIX_NONE;
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (table->start[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return (enum prefix_list)table->list[low];
}
