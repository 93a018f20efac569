/* Rendering one RRset with its signatures into a block, as shm/node.h lays it out. */
#ifndef LOADER_ZONE_RENDER_RRSET_H
#define LOADER_ZONE_RENDER_RRSET_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/name_table.h"
#include "loader/zone/node_writer.h"
#include "loader/zone/zone_records.h"
#include "shm/node.h"

/* Scratch memory that serves one RRset after another; one per thread. */
struct rrset_scratch {
	struct name_table names;
	struct rrset_patch *patches;
	size_t patch_count, patch_room;
	uint8_t *targets;
	size_t targets_len, targets_room;
	unsigned target_count;
};

/* What to render: `records` are one RRset, `sigs` the RRSIGs over it. */
struct rrset_job {
	enum block_kind kind;		/* BLOCK_RRSET or BLOCK_NEGATIVE_SOA */
	uint32_t ttl;			/* of all records and signatures */
	const struct zone_record *records;
	size_t record_count;
	const struct zone_record *sigs;
	size_t sig_count;
	const uint8_t *apex;
	size_t apex_len;
};

enum rrset_outcome {
	RRSET_RENDERED = 0,
	RRSET_SIGS_DROPPED,		/* with them it would fit no message: left out */
	RRSET_TOO_BIG,			/* fits no message: became a BLOCK_BAD_RRSET */
};

/* returns 0 or an error code of name_table_init. */
__attribute__((nonnull, warn_unused_result))
int rrset_scratch_init(struct rrset_scratch *scratch);

__attribute__((nonnull))
void rrset_scratch_fini(struct rrset_scratch *scratch);

/* Append the block to the open node; without memory the writer's error says so. */
__attribute__((nonnull))
enum rrset_outcome rrset_render(struct rrset_scratch *scratch, const struct rrset_job *job,
				struct node_writer *writer);

#endif
