/* Sets of zones that wait for a decision. */
#include "loader/redis/held.h"

#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

/* ---- a set ---- */

static int
compare_names(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (order != 0)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

static int
compare_zones(const void *a, const void *b)
{
	const struct held_zone *x = a, *y = b;

	return compare_names(x->name, x->name_len, y->name, y->name_len);
}

void
held_sort(struct held_zone *zones, size_t count)
{
	qsort(zones, count, sizeof *zones, compare_zones);
}

static void
fini_set(struct held_set *set)
{
	free(set->zones);
	free(set->pool);
}

static struct held_zone *
find_in_set(const struct held_set *set, const uint8_t *name, size_t len)
{
	struct held_zone key = { .name = name, .name_len = (uint8_t)len };

	return set->zone_count == 0 ? NULL
				    : bsearch(&key, set->zones, set->zone_count,
					      sizeof key, compare_zones);
}

/* Room for zones whose names take `names_len` octets. */
static int
alloc_set(struct held_set *set, size_t zones, size_t names_len)
{
	set->zones = calloc(zones ? zones : 1, sizeof *set->zones);
	set->pool = malloc(names_len ? names_len : 1);
	if (set->zones && set->pool)
		return ERR_OK;
	fini_set(set);
	return ERR_NOMEM;
}

static void
append(struct held_set *set, const struct held_zone *zone, size_t *pool_len)
{
	struct held_zone *copy = &set->zones[set->zone_count++];

	*copy = *zone;
	memcpy(set->pool + *pool_len, zone->name, zone->name_len);
	copy->name = set->pool + *pool_len;
	*pool_len += zone->name_len;
	set->served += zone->served;
	set->offered += zone->offered;
	if (zone->reason > set->reason)
		set->reason = zone->reason;
}

/* ---- the list ---- */

void
held_fini(struct held_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		fini_set(&list->sets[i]);
	list->count = 0;
}

struct held_set *
held_find(struct held_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->sets[i].id == id)
			return &list->sets[i];
	return NULL;
}

struct held_set *
held_find_zone(struct held_list *list, const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < list->count; i++)
		if (find_in_set(&list->sets[i], name, len))
			return &list->sets[i];
	return NULL;
}

bool
held_is_unlisted(struct held_list *list, const uint8_t *name, size_t len)
{
	struct held_set *set = held_find_zone(list, name, len);
	const struct held_zone *zone = set ? find_in_set(set, name, len) : NULL;

	return zone && (zone->reason == HELD_UNLISTED || zone->reason == HELD_EMPTY);
}

static void
remove_at(struct held_list *list, size_t i)
{
	fini_set(&list->sets[i]);
	list->count--;
	memmove(&list->sets[i], &list->sets[i + 1],
		(list->count - i) * sizeof *list->sets);
}

static bool
shares_zones(const struct held_set *set, const struct held_zone *zones, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (find_in_set(set, zones[i].name, zones[i].name_len))
			return true;
	return false;
}

/* What the sets of `joined` hold besides `own`, which is sorted. */
static void
append_others(struct held_set *out, size_t *pool_len, const struct held_set *from,
	      const struct held_set *own)
{
	for (uint32_t i = 0; i < from->zone_count; i++)
		if (!find_in_set(own, from->zones[i].name, from->zones[i].name_len))
			append(out, &from->zones[i], pool_len);
}

int
held_add(struct held_list *list, const struct held_zone *zones, size_t count,
	 int64_t now_ms, uint64_t change_ms, uint64_t change_seq, uint64_t *id)
{
	struct held_set set = { .since_ms = now_ms,
				.change_ms = change_ms,
				.change_seq = change_seq };
	bool joins[HELD_SETS_MAX];
	size_t room = count, names_len = 0, pool_len = 0;
	struct held_set own;

	for (size_t i = 0; i < count; i++)
		names_len += zones[i].name_len;
	for (size_t i = 0; i < list->count; i++) {
		const struct held_set *old = &list->sets[i];

		joins[i] = shares_zones(old, zones, count) || i + 1 == HELD_SETS_MAX;
		for (uint32_t k = 0; joins[i] && k < old->zone_count; k++)
			names_len += old->zones[k].name_len;
		room += joins[i] ? old->zone_count : 0;
	}
	if (alloc_set(&set, room, names_len) != ERR_OK)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		append(&set, &zones[i], &pool_len);
	held_sort(set.zones, set.zone_count);
	own = set;
	for (size_t i = list->count; i-- > 0;) {
		if (!joins[i])
			continue;
		append_others(&set, &pool_len, &list->sets[i], &own);
		if (list->sets[i].since_ms < set.since_ms)
			set.since_ms = list->sets[i].since_ms;
		remove_at(list, i);
	}
	held_sort(set.zones, set.zone_count);
	*id = set.id = ++list->last_id;
	list->sets[list->count++] = set;
	return ERR_OK;
}

void
held_release(struct held_list *list, const uint8_t *name, size_t len)
{
	struct held_set *set = held_find_zone(list, name, len), moved;
	struct held_zone *zone;

	if (!set)
		return;
	zone = find_in_set(set, name, len);
	set->served -= zone->served;
	set->offered -= zone->offered;
	set->zone_count--;
	memmove(zone, zone + 1,
		(size_t)(set->zones + set->zone_count - zone) * sizeof *zone);
	set->id = ++list->last_id;
	moved = *set;
	list->count--;
	memmove(set, set + 1, (size_t)(list->sets + list->count - set) * sizeof *set);
	if (moved.zone_count == 0)
		fini_set(&moved);
	else
		list->sets[list->count++] = moved;
}

bool
held_is_same(const struct held_set *set, const struct held_zone *zones, size_t count)
{
	if (set->zone_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (compare_zones(&set->zones[i], &zones[i]) != 0 ||
		    set->zones[i].digest != zones[i].digest)
			return false;
	return true;
}

/* ---- the note ----
 *
 *	note_head, then for each set a set_head, for each of its zones a zone_head and
 *	the octets of its name */

struct note_head {
	uint32_t version, set_count;
	uint64_t last_id;
};

struct set_head {
	uint64_t id, change_ms, change_seq;
	int64_t since_ms;
	uint32_t zone_count, reserved;
};

struct zone_head {
	uint64_t digest, served, offered;
	uint8_t reason, name_len;
	uint8_t reserved[6];
};

static size_t
packed_len(const struct held_list *list)
{
	size_t len = sizeof(struct note_head);

	for (size_t i = 0; i < list->count; i++) {
		len += sizeof(struct set_head);
		for (uint32_t k = 0; k < list->sets[i].zone_count; k++)
			len += sizeof(struct zone_head) + list->sets[i].zones[k].name_len;
	}
	return len;
}

static uint8_t *
put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *
pack_set(uint8_t *at, const struct held_set *set)
{
	struct set_head head = { .id = set->id,
				 .change_ms = set->change_ms,
				 .change_seq = set->change_seq,
				 .since_ms = set->since_ms,
				 .zone_count = set->zone_count };

	at = put(at, &head, sizeof head);
	for (uint32_t i = 0; i < set->zone_count; i++) {
		const struct held_zone *zone = &set->zones[i];
		struct zone_head zone_head = { .digest = zone->digest,
					       .served = zone->served,
					       .offered = zone->offered,
					       .reason = zone->reason,
					       .name_len = zone->name_len };

		at = put(at, &zone_head, sizeof zone_head);
		at = put(at, zone->name, zone->name_len);
	}
	return at;
}

int
held_pack(const struct held_list *list, void **bytes, size_t *len)
{
	struct note_head head = { .version = HELD_VERSION,
				  .set_count = (uint32_t)list->count,
				  .last_id = list->last_id };
	uint8_t *at;

	*len = packed_len(list);
	*bytes = malloc(*len);
	if (!*bytes)
		return ERR_NOMEM;
	at = put(*bytes, &head, sizeof head);
	for (size_t i = 0; i < list->count; i++)
		at = pack_set(at, &list->sets[i]);
	return ERR_OK;
}

struct reader {
	const uint8_t *at, *end;
};

static bool
take(struct reader *in, void *out, size_t len)
{
	if ((size_t)(in->end - in->at) < len)
		return false;
	memcpy(out, in->at, len);
	in->at += len;
	return true;
}

static bool
take_zone(struct reader *in, struct held_zone *zone)
{
	struct zone_head head;

	if (!take(in, &head, sizeof head) || head.reason >= HELD_REASON_COUNT ||
	    dname_len(in->at, (size_t)(in->end - in->at)) != head.name_len ||
	    head.name_len == 0)
		return false;
	*zone = (struct held_zone){ .digest = head.digest,
				    .served = head.served,
				    .offered = head.offered,
				    .reason = head.reason,
				    .name_len = head.name_len,
				    .name = in->at };
	in->at += head.name_len;
	return true;
}

static int
unpack_set(struct reader *in, struct held_set *out)
{
	struct held_zone zone;
	struct set_head head;
	size_t pool_len = 0;

	if (!take(in, &head, sizeof head) ||
	    head.zone_count > (size_t)(in->end - in->at) / sizeof(struct zone_head))
		return ERR_DAMAGED;
	*out = (struct held_set){ .id = head.id,
				  .change_ms = head.change_ms,
				  .change_seq = head.change_seq,
				  .since_ms = head.since_ms };
	if (alloc_set(out, head.zone_count, (size_t)(in->end - in->at)) != ERR_OK)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < head.zone_count; i++) {
		if (!take_zone(in, &zone)) {
			fini_set(out);
			return ERR_DAMAGED;
		}
		append(out, &zone, &pool_len);
	}
	held_sort(out->zones, out->zone_count);
	return ERR_OK;
}

int
held_unpack(struct held_list *list, const void *bytes, size_t len)
{
	struct reader in = { .at = bytes, .end = (const uint8_t *)bytes + len };
	struct note_head head;
	int rc = ERR_OK;

	held_fini(list);
	list->last_id = 0;
	if (!take(&in, &head, sizeof head))
		return ERR_DAMAGED;
	if (head.version != HELD_VERSION)
		return ERR_NEWER;
	list->last_id = head.last_id;
	for (uint32_t i = 0; rc == ERR_OK && i < head.set_count; i++) {
		rc = i < HELD_SETS_MAX ? unpack_set(&in, &list->sets[i]) : ERR_DAMAGED;
		list->count += rc == ERR_OK;
	}
	if (rc != ERR_OK)
		held_fini(list);
	return rc;
}

const char *
held_reason_text(enum held_reason reason)
{
	switch (reason) {
	case HELD_SHRINKS:
		return "too much would vanish within a minute";
	case HELD_UNLISTED:
		return "too much would vanish with zones that have left the list";
	case HELD_CONFIG_GONE:
		return "the zone is listed, but its config has vanished";
	case HELD_KEY_GONE:
		return "the zone is listed, but its key has vanished";
	case HELD_EMPTY:
		return "the list of zones is empty";
	case HELD_REASON_COUNT:
		break;
	}
	return "unknown";
}
