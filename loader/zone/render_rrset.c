/* One RRset as it stands behind its own question: compression, patches, targets. */
#include "loader/zone/render_rrset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/rdata.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum {
	MESSAGE_MAX = 65535,
	OPT_LEN = 11, /* an OPT record without options */
	RR_FIXED_LEN = 12, /* owner pointer, type, class, TTL, rdata length */
	RR_RDLEN_AT = 10,
	QUESTION_AT = 12, /* of the owner, in the message */
};

#define POINTER_BITS 0xC000u

/* An RRset under way.  `len` counts the octets of wire and then of signatures. */
struct rrset_writer {
	struct rrset_scratch *scratch;
	const struct rrset_job *job;
	struct node_writer *node;
	const uint8_t *owner;
	size_t owner_len;
	uint32_t base; /* offset of wire in the message */
	uint32_t len;
	bool too_big;
	bool owner_is_pointable;
};

/* Where the literal part of a name ends and what follows it. */
struct name_tail {
	unsigned label; /* labels before this one are literal */
	bool is_pointer;
	enum patch_kind kind;
	uint16_t offset; /* PATCH_SELF: in wire */
};

static void
append(struct rrset_writer *w, const void *bytes, size_t len)
{
	node_writer_append(w->node, bytes, len);
	w->len += (uint32_t)len;
}

static int
patches_add(struct rrset_scratch *scratch, unsigned at, const struct name_tail *tail)
{
	struct rrset_patch *patches =
		grow_items(scratch->patches, &scratch->patch_room,
			   scratch->patch_count + 1, sizeof *patches);

	if (!patches)
		return ERR_NOMEM;
	scratch->patches = patches;
	scratch->patches[scratch->patch_count++] = (struct rrset_patch){
		.at = (uint16_t)at,
		.to = (uint16_t)((unsigned)tail->kind << PATCH_KIND_SHIFT | tail->offset),
	};
	return ERR_OK;
}

static int
targets_add(struct rrset_scratch *scratch, unsigned at, const uint8_t *name,
	    unsigned prefix_len, unsigned prefix_labels)
{
	struct rrset_target target = {
		.at = (uint16_t)at,
		.prefix_len = (uint8_t)prefix_len,
		.prefix_labels = (uint8_t)prefix_labels,
	};
	size_t len = sizeof target + prefix_len;
	uint8_t *targets = grow_items(scratch->targets, &scratch->targets_room,
				      scratch->targets_len + len, 1);

	if (!targets)
		return ERR_NOMEM;
	scratch->targets = targets;
	memcpy(scratch->targets + scratch->targets_len, &target, sizeof target);
	memcpy(scratch->targets + scratch->targets_len + sizeof target, name, prefix_len);
	scratch->targets_len += len;
	scratch->target_count++;
	return ERR_OK;
}

/* The label from which on the name is `ancestor`; -1 when it is not below it. */
static int
label_of_ancestor(const struct name_key *key, const uint8_t *ancestor,
		  size_t ancestor_len)
{
	unsigned low = 0, high = key->label_count;

	if (ancestor_len > key->len)
		return -1;
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (key->len - key->label_at[middle] > ancestor_len)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == key->label_count)
		return ancestor_len == 1 ? (int)low : -1;
	return key->len - key->label_at[low] == ancestor_len &&
			       memcmp(key->name + key->label_at[low], ancestor,
				      ancestor_len) == 0
		       ? (int)low
		       : -1;
}

/* The longest part that stands elsewhere; of equally long ones the owner, which is
 * always in reach of a pointer.  Never the root. */
static struct name_tail
choose_tail(const struct rrset_writer *w, const struct name_key *key)
{
	const struct rrset_job *job = w->job;
	struct name_tail tail = { .label = key->label_count };
	int label = label_of_ancestor(key, job->apex, job->apex_len);

	if (label >= 0 && (unsigned)label < tail.label)
		tail = (struct name_tail){ (unsigned)label, true, PATCH_APEX, 0 };
	label = w->owner_is_pointable ? label_of_ancestor(key, w->owner, w->owner_len)
				      : -1;
	if (label >= 0 && (unsigned)label <= tail.label)
		tail = (struct name_tail){ (unsigned)label, true, PATCH_OWNER, 0 };
	for (unsigned i = 0; i < tail.label; i++) {
		const struct name_entry *entry =
			name_table_find(&w->scratch->names, key, i);

		if (entry && entry->pointable)
			return (struct name_tail){ i, true, PATCH_SELF, entry->at };
	}
	return tail;
}

static unsigned
tail_pointer(const struct rrset_writer *w, const struct name_tail *tail)
{
	switch (tail->kind) {
	case PATCH_OWNER:
		return QNAME_POINTER;
	case PATCH_APEX:
		return POINTER_BITS |
		       (QUESTION_AT + (unsigned)(w->owner_len - w->job->apex_len));
	case PATCH_SELF:
		break;
	}
	return POINTER_BITS | (w->base + tail->offset);
}

/* Offsets in wire from here on cannot be pointed to. */
static unsigned
pointable_end(const struct rrset_writer *w)
{
	unsigned by_pointer = POINTER_MAX + 1 - w->base;

	return by_pointer < PATCH_OFFSET + 1 ? by_pointer : PATCH_OFFSET + 1;
}

/* Note where a name stands.  Of one that is a pointer and nothing else, only that it
 * was seen. */
static int
remember_name(struct rrset_writer *w, const struct name_key *key, unsigned literal_end,
	      bool is_target)
{
	struct name_table *names = &w->scratch->names;

	if (key->label_count == 0)
		return ERR_OK;
	if (literal_end == 0)
		return name_table_add(names, key, 1, w->len, 0, is_target);
	return name_table_add(names, key, literal_end, w->len, pointable_end(w),
			      is_target);
}

/* Called before the name is written, with w->len where it will stand. */
static int
note_target(struct rrset_writer *w, const struct name_key *key)
{
	int label = label_of_ancestor(key, w->job->apex, w->job->apex_len);
	const struct name_entry *seen = name_table_find(&w->scratch->names, key, 0);

	if (label < 0 || (seen && seen->is_target))
		return ERR_OK;
	return targets_add(w->scratch, w->len, key->name,
			   label < (int)key->label_count ? key->label_at[label]
							 : key->len - 1,
			   (unsigned)label);
}

static int
write_name(struct rrset_writer *w, const uint8_t *name, const struct rdata_name *info)
{
	uint8_t lower[DNAME_MAX + NAME_PAD] = { 0 };
	struct name_tail tail;
	struct name_key key;
	uint8_t pointer[2];
	size_t literal;

	memcpy(lower, name, info->len);
	dname_lower(lower, info->len);
	name_table_key(&w->scratch->names, lower, info->len, &key);
	if (info->is_target && note_target(w, &key) != ERR_OK)
		return ERR_NOMEM;
	tail = info->may_compress ? choose_tail(w, &key)
				  : (struct name_tail){ .label = key.label_count };
	if (w->job->record_count > 1 || w->job->records[0].type == RRTYPE_SOA)
		if (remember_name(w, &key, tail.label, info->is_target) != ERR_OK)
			return ERR_NOMEM;
	literal = tail.label < key.label_count ? key.label_at[tail.label] : key.len - 1u;
	append(w, name, tail.is_pointer ? literal : info->len);
	if (!tail.is_pointer)
		return ERR_OK;
	wire_put_u16(pointer, (uint16_t)tail_pointer(w, &tail));
	if (patches_add(w->scratch, w->len, &tail) != ERR_OK)
		return ERR_NOMEM;
	append(w, pointer, sizeof pointer);
	return ERR_OK;
}

static int
write_rdata(struct rrset_writer *w, const struct zone_record *record)
{
	struct rdata_name names[RDATA_NAMES_MAX];
	unsigned count = 0, at = 0;

	if (record->type != RRTYPE_A && record->type != RRTYPE_AAAA)
		count = rdata_names(record->type, record->rdata, record->rdata_len,
				    names);
	for (unsigned i = 0; i < count; i++) {
		if (!names[i].may_compress && !names[i].is_target)
			continue;
		append(w, record->rdata + at, names[i].at - at);
		if (write_name(w, record->rdata + names[i].at, &names[i]) != ERR_OK)
			return ERR_NOMEM;
		at = names[i].at + names[i].len;
	}
	append(w, record->rdata + at, record->rdata_len - at);
	return ERR_OK;
}

static void
write_rr_head(struct rrset_writer *w, uint16_t type, unsigned rdata_len)
{
	uint8_t head[RR_FIXED_LEN];

	wire_put_u16(head, QNAME_POINTER);
	wire_put_u16(head + 2, type);
	wire_put_u16(head + 4, CLASS_IN);
	wire_put_u32(head + 6, w->job->ttl);
	wire_put_u16(head + RR_RDLEN_AT, (uint16_t)rdata_len);
	append(w, head, sizeof head);
}

/* Append the RRs of the set; stops early when they outgrow a message. */
static int
write_records(struct rrset_writer *w)
{
	for (size_t i = 0; i < w->job->record_count; i++) {
		const struct zone_record *record = &w->job->records[i];
		uint32_t at = w->len + RR_FIXED_LEN;
		uint8_t *end;

		if (w->base + w->len > MESSAGE_MAX)
			break;
		write_rr_head(w, record->type, 0);
		if (write_rdata(w, record) != ERR_OK)
			return ERR_NOMEM;
		end = node_writer_reserve(w->node, 0);
		if (!end)
			return ERR_NOMEM;
		wire_put_u16(end - (w->len - at) - 2, (uint16_t)(w->len - at));
	}
	w->too_big = w->base + w->len > MESSAGE_MAX;
	return ERR_OK;
}

static size_t
sigs_wire_len(const struct rrset_job *job)
{
	size_t len = 0;

	for (size_t i = 0; i < job->sig_count; i++)
		len += RR_FIXED_LEN + job->sigs[i].rdata_len;
	return len;
}

static void
write_sigs(struct rrset_writer *w)
{
	for (size_t i = 0; i < w->job->sig_count; i++) {
		const struct zone_record *sig = &w->job->sigs[i];

		write_rr_head(w, RRTYPE_RRSIG, sig->rdata_len);
		append(w, sig->rdata, sig->rdata_len);
	}
}

static void
scratch_clear(struct rrset_scratch *scratch)
{
	name_table_clear(&scratch->names);
	scratch->patch_count = 0;
	scratch->targets_len = 0;
	scratch->target_count = 0;
}

static void
write_lists(struct rrset_writer *w)
{
	struct rrset_scratch *scratch = w->scratch;

	if (scratch->patch_count)
		node_writer_append(w->node, scratch->patches,
				   scratch->patch_count * sizeof *scratch->patches);
	if (scratch->targets_len)
		node_writer_append(w->node, scratch->targets, scratch->targets_len);
}

static void
put_bad_block(struct node_writer *writer, uint16_t type)
{
	char text[96], type_text[RRTYPE_TEXT_MAX];
	int len;

	rrtype_to_text(type, type_text);
	len = snprintf(text, sizeof text,
		       "the %s RRset fits no DNS message (65535 octets)", type_text);
	node_writer_drop_block(writer);
	node_writer_put_block(writer, BLOCK_BAD_RRSET, type, text, (size_t)len);
}

enum rrset_outcome
rrset_render(struct rrset_scratch *scratch, const struct rrset_job *job,
	     struct node_writer *writer)
{
	struct rrset_writer w = {
		.scratch = scratch,
		.job = job,
		.node = writer,
		.owner = job->records[0].owner,
		.owner_len = job->records[0].owner_len,
		.base = RRSET_BASE(job->records[0].owner_len),
	};
	struct rrset_head head = { .ttl = job->ttl };
	uint16_t type = job->records[0].type;
	bool keep_sigs;

	w.owner_is_pointable = !dname_is_wildcard(w.owner) && w.owner_len > 1;
	scratch_clear(scratch);
	node_writer_begin_block(writer, job->kind, type);
	node_writer_append(writer, &head, sizeof head);
	if (write_records(&w) != ERR_OK) {
		writer->error = ERR_NOMEM;
		return RRSET_RENDERED;
	}
	if (w.too_big) {
		put_bad_block(writer, type);
		return RRSET_TOO_BIG;
	}
	head.rr_count = (uint16_t)job->record_count;
	head.wire_len = (uint16_t)w.len;
	keep_sigs = job->sig_count == 0 ||
		    w.base + w.len + sigs_wire_len(job) + OPT_LEN <= MESSAGE_MAX;
	if (keep_sigs) {
		write_sigs(&w);
		head.sig_count = (uint16_t)job->sig_count;
		head.sig_len = (uint16_t)(w.len - head.wire_len);
	}
	head.patch_count = (uint16_t)scratch->patch_count;
	head.target_count = (uint16_t)scratch->target_count;
	write_lists(&w);
	if (!writer->error)
		memcpy(writer->bytes + writer->block_at + sizeof(struct block_head),
		       &head, sizeof head);
	node_writer_end_block(writer);
	return keep_sigs ? RRSET_RENDERED : RRSET_SIGS_DROPPED;
}

int
rrset_scratch_init(struct rrset_scratch *scratch)
{
	memset(scratch, 0, sizeof *scratch);
	return name_table_init(&scratch->names);
}

void
rrset_scratch_fini(struct rrset_scratch *scratch)
{
	name_table_fini(&scratch->names);
	free(scratch->patches);
	free(scratch->targets);
	memset(scratch, 0, sizeof *scratch);
}
