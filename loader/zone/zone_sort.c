/* Sorting by owner: a merge sort over short prefixes of the owners' canonical keys,
 * repeated deeper inside groups whose prefixes are equal.  Comparing whole names at
 * each step instead would walk both names' labels, and miss the cache, n log n times. */
#include "loader/zone/zone_sort.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/canonical_names.h"
#include "shm/errcode.h"

enum {
	PREFIX_LEN = 12, /* octets of key in a run: high and low */
	INSERTION_MAX = 16, /* records of an owner that are sorted by insertion */
	AHEAD = 12, /* records whose octets, anywhere in memory, are fetched early */
};

/* Neighbouring records of one owner, moved as one. */
struct owner_run {
	uint64_t high; /* of the prefix, as a big-endian number */
	uint32_t low;
	uint32_t first; /* index of the first record */
};

/* Where a prefix is collected: octets before `skip` of the key are left out. */
struct prefix {
	uint8_t octets[PREFIX_LEN + 1]; /* an escape may write one too many */
	size_t len, skip;
};

static void
prefix_put(struct prefix *prefix, uint8_t octet)
{
	if (prefix->skip > 0)
		prefix->skip--;
	else
		prefix->octets[prefix->len++] = octet;
}

/* A label as in dname_key: 0 and 1 escaped by 1, ended by 0. */
static void
prefix_put_label(struct prefix *prefix, const uint8_t *label)
{
	for (unsigned i = 1; i <= label[0] && prefix->len < PREFIX_LEN; i++) {
		if (label[i] <= 1)
			prefix_put(prefix, 1);
		prefix_put(prefix, label[i] <= 1 ? (uint8_t)(label[i] + 1) : label[i]);
	}
	if (prefix->len < PREFIX_LEN)
		prefix_put(prefix, 0);
}

/* The part of the owner's key from `depth` on, its labels below the origin from the
 * top down; zeros behind its end. */
static void
run_set_prefix(struct owner_run *run, const struct zone_records *zone, size_t depth)
{
	const struct zone_record *record = &zone->records[run->first];
	struct prefix prefix = { .skip = depth };
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned labels = 0;
	size_t below_len = record->owner_len - zone->origin_len;

	for (unsigned at = 0; at < below_len; at += record->owner[at] + 1u)
		starts[labels++] = (uint8_t)at;
	while (labels > 0 && prefix.len < PREFIX_LEN)
		prefix_put_label(&prefix, record->owner + starts[--labels]);
	run->high = 0;
	run->low = 0;
	for (unsigned i = 0; i < 8; i++)
		run->high = run->high << 8 | prefix.octets[i];
	for (unsigned i = 8; i < PREFIX_LEN; i++)
		run->low = run->low << 8 | prefix.octets[i];
}

/* Without branches: in a merge nobody can predict them. */
static bool
run_is_after(const struct owner_run *a, const struct owner_run *b)
{
	return (a->high > b->high) | ((a->high == b->high) & (a->low > b->low));
}

/* The end of the ascending stretch that begins at `at`. */
static size_t
stretch_end(const struct owner_run *runs, size_t at, size_t count)
{
	for (at++; at < count; at++)
		if (run_is_after(&runs[at - 1], &runs[at]))
			break;
	return at;
}

static void
merge(const struct owner_run *a, const struct owner_run *a_end, const struct owner_run *b,
      const struct owner_run *b_end, struct owner_run *out)
{
	while (a < a_end && b < b_end) {
		bool second = run_is_after(a, b);

		*out++ = second ? *b : *a;
		a += !second;
		b += second;
	}
	memcpy(out, a, (size_t)(a_end - a) * sizeof *a);
	memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof *b);
}

/* Stable natural merge sort by prefix: each pass merges pairs of ascending stretches. */
static void
sort_by_prefix(struct owner_run *runs, struct owner_run *spare, size_t count)
{
	struct owner_run *from = runs, *to = spare;

	while (stretch_end(from, 0, count) < count) {
		struct owner_run *swap = from;

		for (size_t at = 0; at < count;) {
			size_t middle = stretch_end(from, at, count);
			size_t end = middle < count ? stretch_end(from, middle, count)
						    : middle;

			merge(from + at, from + middle, from + middle, from + end,
			      to + at);
			at = end;
		}
		from = to;
		to = swap;
	}
	if (from != runs)
		memcpy(runs, from, count * sizeof *runs);
}

/* Two zero octets in a row are only behind the end of a key. */
static bool
key_has_ended(const struct owner_run *run)
{
	return (run->low & 0xffff) == 0;
}

/* Sort runs whose keys are equal up to `depth`; at most DNAME_KEY_MAX / PREFIX_LEN
 * levels deep.  Equal owners keep the order of the file. */
static void
sort_runs(struct owner_run *runs, struct owner_run *spare, size_t count,
	  const struct zone_records *zone, size_t depth)
{
	for (size_t i = 0; i < count; i++)
		run_set_prefix(&runs[i], zone, depth);
	sort_by_prefix(runs, spare, count);
	for (size_t start = 0, end; start < count; start = end) {
		for (end = start + 1; end < count; end++)
			if (run_is_after(&runs[end], &runs[start]))
				break;
		if (end - start > 1 && !key_has_ended(&runs[start]))
			sort_runs(runs + start, spare, end - start, zone,
				  depth + PREFIX_LEN);
	}
}

/* One run for each stretch of records that share an owner; returns their number. */
static size_t
make_runs(const struct zone_records *zone, struct owner_run *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->count; i++)
		if (i == 0 || zone->records[i].owner != zone->records[i - 1].owner)
			runs[count++].first = (uint32_t)i;
	return count;
}

static size_t
count_runs(const struct zone_records *zone)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->count; i++)
		count += i == 0 || zone->records[i].owner != zone->records[i - 1].owner;
	return count;
}

static bool
runs_are_in_place(const struct owner_run *runs, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (runs[i].first < runs[i - 1].first)
			return false;
	return true;
}

/* Bring the records into the order of their runs. */
static int
move_records(struct zone_records *zone, const struct owner_run *runs, size_t count)
{
	struct zone_record *sorted, *to;

	if (runs_are_in_place(runs, count))
		return ERR_OK;
	sorted = reallocarray(NULL, zone->count, sizeof *sorted);
	if (!sorted)
		return ERR_NOMEM;
	to = sorted;
	for (size_t i = 0; i < count; i++) {
		size_t at = runs[i].first;
		const uint8_t *owner = zone->records[at].owner;

		if (count - i > AHEAD)
			__builtin_prefetch(&zone->records[runs[i + AHEAD].first]);
		while (at < zone->count && zone->records[at].owner == owner)
			*to++ = zone->records[at++];
	}
	free(zone->records);
	zone->records = sorted;
	zone->room = zone->count;
	return ERR_OK;
}

static int
sort_owners(struct zone_records *zone)
{
	size_t count = count_runs(zone);
	struct owner_run *runs = reallocarray(NULL, count, 2 * sizeof *runs);
	int code;

	if (!runs)
		return ERR_NOMEM;
	make_runs(zone, runs);
	sort_runs(runs, runs + count, count, zone, 0);
	code = move_records(zone, runs, count);
	free(runs);
	return code;
}

/* The octet as canonical form has it: in lower case inside a name of most types. */
static uint8_t
canonical_octet(const struct zone_record *record, size_t at)
{
	struct rdata_name names[RDATA_NAMES_MAX];
	uint8_t octet = record->rdata[at];
	unsigned count;

	if (octet < 'A' || octet > 'Z')
		return octet;
	count = canonical_names(record->type, record->rdata, record->rdata_len, names);
	for (unsigned i = 0; i < count; i++)
		if (at >= names[i].at && at < names[i].at + (size_t)names[i].len)
			return octet | 0x20;
	return octet;
}

int
zone_sort_compare_rdata(const struct zone_record *a, const struct zone_record *b)
{
	size_t shorter = a->rdata_len < b->rdata_len ? a->rdata_len : b->rdata_len;

	if (memcmp(a->rdata, b->rdata, shorter) != 0) {
		for (size_t at = 0; at < shorter; at++) {
			int order;

			if (a->rdata[at] == b->rdata[at])
				continue;
			order = (int)canonical_octet(a, at) - (int)canonical_octet(b, at);
			if (order)
				return order;
		}
	}
	return (int)a->rdata_len - (int)b->rdata_len;
}

static int
compare_records(const void *left, const void *right)
{
	const struct zone_record *a = left, *b = right;
	int order;

	if (a->type != b->type)
		return (int)a->type - (int)b->type;
	order = zone_sort_compare_rdata(a, b);
	if (order == 0)
		order = (int)a->file - (int)b->file;
	return order ? order : (a->line > b->line) - (a->line < b->line);
}

static void
sort_by_insertion(struct zone_record *records, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct zone_record moving = records[i];
		size_t at = i;

		for (; at > 0 && compare_records(&records[at - 1], &moving) > 0; at--)
			records[at] = records[at - 1];
		records[at] = moving;
	}
}

/* The records of each owner by type and rdata; owners are in order already. */
static void
sort_types(struct zone_records *zone)
{
	struct zone_record *records = zone->records;

	for (size_t start = 0, end; start < zone->count; start = end) {
		for (end = start + 1; end < zone->count; end++) {
			if (zone->count - end > AHEAD)
				__builtin_prefetch(records[end + AHEAD].owner);
			if (records[end].owner == records[start].owner)
				continue;
			if (records[end].owner_len != records[start].owner_len ||
			    memcmp(records[end].owner, records[start].owner,
				   records[start].owner_len) != 0)
				break;
			records[end].owner = records[start].owner;
		}
		if (end - start <= INSERTION_MAX)
			sort_by_insertion(records + start, end - start);
		else
			qsort(records + start, end - start, sizeof *records,
			      compare_records);
	}
}

int
zone_sort(struct zone_records *zone)
{
	int code;

	if (zone->count == 0)
		return ERR_OK;
	code = sort_owners(zone);
	if (code == ERR_OK)
		sort_types(zone);
	return code;
}
