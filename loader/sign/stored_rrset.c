/* Every pointer in stored rdata is listed (shm/node.h): what it stands for is put there. */
#include "loader/sign/stored_rrset.h"

#include <string.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/wire.h"

enum { RR_HEAD = 12, RR_RDLEN_AT = 10, POINTER_LEN = 2 };

struct reading {
	const struct node *node;
	const struct rrset *stored;
	const uint8_t *apex;
	size_t apex_len;
	unsigned next; /* patch */
};

static struct rrset_patch
patch_at(const struct rrset *stored, unsigned number)
{
	struct rrset_patch patch;

	memcpy(&patch, stored->patches + number * sizeof patch, sizeof patch);
	return patch;
}

static bool
find_patch(const struct rrset *stored, size_t at, struct rrset_patch *out)
{
	for (unsigned i = 0; i < stored->head.patch_count; i++) {
		*out = patch_at(stored, i);
		if (out->at == at)
			return true;
	}
	return false;
}

/* Copy the name that a pointer leads to.  returns its length, 0 for damage. */
static size_t
copy_name(const struct reading *r, struct rrset_patch patch, uint8_t out[DNAME_MAX])
{
	const struct rrset *stored = r->stored;
	size_t used = 0, at = 0;

	for (unsigned hops = 0; hops <= DNAME_LABELS_MAX; hops++) {
		const uint8_t *end_of = patch.to >> PATCH_KIND_SHIFT == PATCH_OWNER
						? node_owner(r->node)
						: r->apex;
		size_t len = end_of == r->apex ? r->apex_len : r->node->head.owner_len;

		if (patch.to >> PATCH_KIND_SHIFT != PATCH_SELF) {
			if (used + len > DNAME_MAX)
				return 0;
			memcpy(out + used, end_of, len);
			return used + len;
		}
		at = patch.to & PATCH_OFFSET;
		while (at < stored->head.wire_len &&
		       stored->wire[at] <= DNAME_LABEL_MAX) {
			len = stored->wire[at] + (size_t)1;
			if (len > stored->head.wire_len - at || used + len > DNAME_MAX)
				return 0;
			memcpy(out + used, stored->wire + at, len);
			used += len;
			at += len;
			if (len == 1)
				return used;
		}
		if (!find_patch(stored, at, &patch))
			return 0;
	}
	return 0;
}

/* How many of the patches from the next one on stand before `end`. */
static unsigned
count_patches(const struct reading *r, size_t end)
{
	unsigned count = 0;

	while (r->next + count < r->stored->head.patch_count &&
	       patch_at(r->stored, r->next + count).at < end)
		count++;
	return count;
}

/* The rdata at [at, end) of the wire. */
static int
read_rdata(struct reading *r, size_t at, size_t end, struct arena *arena,
	   struct zone_record *out)
{
	unsigned pointers = count_patches(r, end);
	uint8_t *rdata = arena_take(arena, end - at + (size_t)pointers * DNAME_MAX);
	size_t used = 0, len;

	if (!rdata)
		return ERR_NOMEM;
	for (; pointers > 0; pointers--, r->next++) {
		struct rrset_patch patch = patch_at(r->stored, r->next);

		if (patch.at < at || end - patch.at < POINTER_LEN)
			return ERR_DAMAGED;
		memcpy(rdata + used, r->stored->wire + at, patch.at - at);
		used += patch.at - at;
		len = copy_name(r, patch, rdata + used);
		if (len == 0)
			return ERR_DAMAGED;
		used += len;
		at = patch.at + (size_t)POINTER_LEN;
	}
	memcpy(rdata + used, r->stored->wire + at, end - at);
	used += end - at;
	if (used > UINT16_MAX)
		return ERR_DAMAGED;
	out->rdata = rdata;
	out->rdata_len = (uint16_t)used;
	return ERR_OK;
}

int
stored_rrset_read(const struct node *node, const struct rrset *stored,
		  const uint8_t *apex, size_t apex_len, struct arena *arena,
		  struct sign_rrset *out)
{
	struct reading r = { node, stored, apex, apex_len, 0 };
	struct zone_record *records =
		arena_take_items(arena, stored->head.rr_count, sizeof *records);
	size_t at = 0, end;
	int rc = ERR_OK;

	if (!records)
		return ERR_NOMEM;
	*out = (struct sign_rrset){
		.owner = node_owner(node),
		.owner_len = node->head.owner_len,
		.type = stored->type,
		.ttl = stored->head.ttl,
		.records = records,
		.count = stored->head.rr_count,
	};
	for (size_t i = 0; i < out->count && rc == ERR_OK; i++, at = end) {
		if (stored->head.wire_len - at < RR_HEAD)
			return ERR_DAMAGED;
		end = at + RR_HEAD + wire_get_u16(stored->wire + at + RR_RDLEN_AT);
		if (end > stored->head.wire_len)
			return ERR_DAMAGED;
		records[i] = (struct zone_record){
			.owner = out->owner,
			.owner_len = (uint8_t)out->owner_len,
			.type = out->type,
			.ttl = out->ttl,
		};
		rc = read_rdata(&r, at + RR_HEAD, end, arena, &records[i]);
	}
	return rc;
}
