/* The RRsets that values gave, and their faults. */
#include "loader/zone/record_result.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

static struct json_fault *
copy_fault(const struct json_fault *fault)
{
	struct json_fault *copy = malloc(sizeof *copy);

	if (copy)
		*copy = *fault;
	return copy;
}

/* The place of the next RRset; NULL when there is no memory. */
static struct record_rrset *
next_rrset(struct record_result *result)
{
	struct record_rrset *rrsets = grow_items(result->rrsets, &result->room,
						 result->count + 1, sizeof *rrsets);

	if (!rrsets)
		return NULL;
	result->rrsets = rrsets;
	return &rrsets[result->count];
}

static bool
copy_notes(struct record_rrset *rrset, const struct record_notes *notes)
{
	size_t len = notes->count * sizeof notes->list[0];

	rrset->notes = malloc(len);
	if (!rrset->notes)
		return false;
	memcpy(rrset->notes, notes->list, len);
	rrset->note_count = notes->count;
	return true;
}

static void
forget(struct record_rrset *rrset)
{
	free(rrset->fault);
	free(rrset->notes);
	rrset->fault = NULL;
	rrset->notes = NULL;
	rrset->note_count = 0;
}

int
record_result_add(struct record_result *result, struct zone_records *zone, uint16_t type,
		  size_t first, const struct json_fault *fault,
		  const struct record_notes *notes)
{
	struct record_rrset *rrset = next_rrset(result);

	if (!rrset)
		return ERR_NOMEM;
	*rrset = (struct record_rrset){ .type = type, .first = first };
	if (fault->found) {
		zone->count = first;
		rrset->state = RECORD_BAD;
		rrset->fault = copy_fault(fault);
		if (!rrset->fault)
			return ERR_NOMEM;
	} else if (notes && notes->count > 0 && !copy_notes(rrset, notes)) {
		return ERR_NOMEM;
	}
	rrset->count = zone->count - first;
	result->count++;
	return ERR_OK;
}

void
record_result_reject(struct record_result *result, struct zone_records *zone,
		     size_t index, const char *reason)
{
	struct record_rrset *rrset = &result->rrsets[index];
	struct zone_record *gone = zone->records + rrset->first;
	size_t rest = zone->count - rrset->first - rrset->count;
	struct json_fault fault = { .found = true };

	memmove(gone, gone + rrset->count, rest * sizeof *gone);
	zone->count -= rrset->count;
	for (size_t i = index + 1; i < result->count; i++)
		result->rrsets[i].first -= rrset->count;
	snprintf(fault.reason, sizeof fault.reason, "%s", reason);
	forget(rrset);
	rrset->count = 0;
	rrset->state = RECORD_BAD;
	rrset->fault = copy_fault(&fault);
}

static bool
may_stand_beside_cname(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_RRSIG || type == RRTYPE_NSEC;
}

static const struct record_rrset *
find_cname(const struct record_result *result)
{
	for (size_t i = 0; i < result->count; i++)
		if (result->rrsets[i].type == RRTYPE_CNAME && result->rrsets[i].count > 0)
			return &result->rrsets[i];
	return NULL;
}

static void
shadow(struct record_rrset *rrset)
{
	static const struct json_fault beside_cname = {
		.found = true,
		.reason = "stands beside a CNAME, which wins",
	};

	forget(rrset);
	rrset->state = RECORD_SHADOWED;
	rrset->count = 0;
	/* Without memory there is no reason, but the state still tells it. */
	rrset->fault = copy_fault(&beside_cname);
}

void
record_result_settle(struct record_result *result, struct zone_records *zone)
{
	size_t to = result->count > 0 ? result->rrsets[0].first : 0;

	if (!find_cname(result))
		return;
	for (size_t i = 0; i < result->count; i++) {
		struct record_rrset *rrset = &result->rrsets[i];

		if (rrset->count > 0 && !may_stand_beside_cname(rrset->type))
			shadow(rrset);
		memmove(&zone->records[to], &zone->records[rrset->first],
			rrset->count * sizeof *zone->records);
		rrset->first = to;
		to += rrset->count;
	}
	zone->count = to;
}

void
record_result_clear(struct record_result *result)
{
	for (size_t i = 0; i < result->count; i++)
		forget(&result->rrsets[i]);
	result->count = 0;
	result->fault.found = false;
}

void
record_result_fini(struct record_result *result)
{
	record_result_clear(result);
	free(result->rrsets);
	result->rrsets = NULL;
	result->room = 0;
}
