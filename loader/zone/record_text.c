/* Printing records: libknot stays behind this file.
 *
 * A stored RRset holds its RRs as they stand behind a question for its own owner.
 * With header and question put in front again it is a message, whose pointers any
 * parser follows. */
#include "loader/zone/record_text.h"

#include <libknot/packet/rrset-wire.h>
#include <libknot/rrset-dump.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/aname_text.h"
#include "loader/zone/grow.h"
#include "loader/zone/steering_text.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rdata.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

enum {
	MESSAGE_MAX = RRSET_BASE(DNAME_MAX) + 2 * UINT16_MAX,
	/* what a line has in front of its rdata, and the longest rdata: each octet \DDD */
	LINE_MAX_LEN = DNAME_TEXT_MAX + 64 + 4 * UINT16_MAX + 1024,
};

/* one line each, times of signatures as dates */
static const knot_dump_style_t style = { .human_timestamp = true };

static bool
make_room(struct record_texts *texts, size_t octets)
{
	size_t *starts =
		grow_items(texts->starts, &texts->room, texts->count + 1, sizeof *starts);
	char *grown;

	if (!starts)
		return false;
	texts->starts = starts;
	grown = grow_items(texts->octets, &texts->octets_room, texts->octets_len + octets,
			   1);
	if (!grown)
		return false;
	texts->octets = grown;
	return true;
}

/* The printer trusts rdata to be what its type demands. */
static bool
is_printable(const knot_rrset_t *record)
{
	const knot_rdata_t *rdata = record->rrs.rdata;

	return record->rrs.count == 1 && !rrtype_is_meta(record->type) &&
	       rdata_is_valid(record->type, rdata->data, rdata->len);
}

static int
add_record(struct record_texts *texts, const knot_rrset_t *record)
{
	char owner[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	char *line;
	int head, rdata;

	if (!make_room(texts, LINE_MAX_LEN))
		return ERR_NOMEM;
	line = texts->octets + texts->octets_len;
	dname_to_text(record->owner, owner);
	rrtype_to_text(record->type, type);
	head = snprintf(line, LINE_MAX_LEN, "%s %u IN %s ", owner, record->ttl, type);
	rdata = knot_rrset_txt_dump_data(record, 0, line + head,
					 (size_t)(LINE_MAX_LEN - head), &style);
	if (rdata < 0)
		return ERR_DAMAGED;
	line[head + rdata] = '\0';
	texts->starts[texts->count++] = texts->octets_len;
	texts->octets_len += (size_t)(head + rdata) + 1;
	return 0;
}

static int
add_records(struct record_texts *texts, const uint8_t *message, size_t at, size_t len,
	    unsigned record_count)
{
	int result = 0;

	for (unsigned i = 0; i < record_count && result == 0; i++) {
		knot_rrset_t record;

		if (knot_rrset_rr_from_wire(message, &at, len, &record, NULL, false) != 0)
			return ERR_DAMAGED;
		result = is_printable(&record) ? add_record(texts, &record) : ERR_DAMAGED;
		knot_rrset_clear(&record, NULL);
	}
	return result;
}

static int
add_rrset(struct record_texts *texts, const struct node *node, const struct rrset *rrset,
	  enum data_view view, uint8_t *message)
{
	size_t base = RRSET_BASE(node->head.owner_len), len = rrset->head.wire_len;
	unsigned count = rrset->head.rr_count;

	if (view == DATA_VIEW_ALL) {
		len += rrset->head.sig_len;
		count += rrset->head.sig_count;
	}
	memset(message, 0, base);
	memcpy(message + 12, node_owner(node), node->head.owner_len);
	memcpy(message + base, rrset->wire, len);
	return add_records(texts, message, base, base + len, count);
}

/* What records do not tell, as a comment: how they are chosen, an ANAME, that the zone is
 * flattened; none of most zones. */
static int
add_comment(struct record_texts *texts, const struct node *node,
	    const struct block *block)
{
	char *line;
	int len;

	if (!make_room(texts, LINE_MAX_LEN))
		return ERR_NOMEM;
	line = texts->octets + texts->octets_len;
	if (block->head.kind == BLOCK_STEERED)
		len = steering_text_print(node_owner(node), block, line, LINE_MAX_LEN);
	else
		len = aname_text_print(node, block, line, LINE_MAX_LEN);
	if (len <= 0)
		return len;
	texts->starts[texts->count++] = texts->octets_len;
	texts->octets_len += (size_t)len + 1;
	return 0;
}

int
record_texts_add_data(struct record_texts *texts, const struct node *node,
		      enum data_view view)
{
	uint8_t *message = malloc(MESSAGE_MAX);
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;
	int result = 0;

	if (!message)
		return ERR_NOMEM;
	while (result == 0 && node_next_block(node, &at, &block)) {
		if (block.head.kind == BLOCK_ANAME || block.head.kind == BLOCK_ZONE)
			result = add_comment(texts, node, &block);
		if (!block_holds_rrset(&block) ||
		    !data_view_has_rrset(view, node, block.head.type))
			continue;
		result = block_open_rrset(&block, &rrset)
				 ? add_rrset(texts, node, &rrset, view, message)
				 : ERR_DAMAGED;
		if (result == 0 && block.head.kind == BLOCK_STEERED)
			result = add_comment(texts, node, &block);
	}
	free(message);
	return result;
}

int
record_texts_add_node(struct record_texts *texts, const struct node *node)
{
	return record_texts_add_data(texts, node, DATA_VIEW_ALL);
}

int
record_texts_add_message(struct record_texts *texts, const uint8_t *message, size_t len,
			 size_t *at, unsigned count)
{
	int result = 0;

	for (unsigned i = 0; i < count && result == 0; i++) {
		knot_rrset_t record;

		if (knot_rrset_rr_from_wire(message, at, len, &record, NULL, false) != 0)
			return ERR_DAMAGED;
		if (!rrtype_is_meta(record.type))
			result = is_printable(&record) ? add_record(texts, &record)
						       : ERR_DAMAGED;
		knot_rrset_clear(&record, NULL);
	}
	return result;
}

int
record_text_data(uint16_t type, const uint8_t *rdata, size_t len, char *out, size_t room)
{
	uint8_t owner[] = { 0 };
	knot_rrset_t record;
	int result;

	knot_rrset_init(&record, owner, type, KNOT_CLASS_IN, 0);
	if (knot_rrset_add_rdata(&record, rdata, (uint16_t)len, NULL) != 0)
		return ERR_NOMEM;
	result = knot_rrset_txt_dump_data(&record, 0, out, room, &style);
	knot_rdataset_clear(&record.rrs, NULL);
	return result >= 0 ? result : ERR_RANGE;
}

static int
compare_starts(const void *a, const void *b, void *octets)
{
	const char *base = octets;

	return strcmp(base + *(const size_t *)a, base + *(const size_t *)b);
}

void
record_texts_sort(struct record_texts *texts)
{
	if (texts->count > 1)
		qsort_r(texts->starts, texts->count, sizeof *texts->starts,
			compare_starts, texts->octets);
}

void
record_texts_clear(struct record_texts *texts)
{
	texts->octets_len = 0;
	texts->count = 0;
}

void
record_texts_free(struct record_texts *texts)
{
	free(texts->octets);
	free(texts->starts);
	memset(texts, 0, sizeof *texts);
}
