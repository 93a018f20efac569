/* Writing an answer on the straight path: RRsets behind the question, then the rest of the
 * message around them. */
#ifndef WORKER_FAST_PUT_H
#define WORKER_FAST_PUT_H

#include "shm/dns.h"
#include "shm/wire.h"
#include "worker/edns.h"
#include "worker/fast.h"
#include "worker/sealed_rrset.h"

enum { RECORD_RDATA_AT = 12 }; /* of a record whose owner is a pointer */

/* Put what stands in `rrset` behind the question; up to FAST_COPY_STEP - 1 octets too many are
 * written.  returns false when that, with an OPT, is not certain to fit. */
static inline bool
fast_put_rrset(struct query *q, const struct sealed_taken *rrset)
{
	if (q->question_end + rrset->len + 2 * FAST_COPY_STEP > q->limit)
		return false;
	fast_copy(q->packet + q->question_end, sealed_rrset_wire(rrset), rrset->len);
	return true;
}

/* Write OPT, header and counts around the sections, which end at `at`; FAST_COPY_STEP octets are
 * free behind them. */
static inline void
fast_finish(struct fast *f, struct query *q, unsigned at, uint8_t rcode, uint64_t answers,
	    uint64_t authority, uint64_t additional)
{
	static const uint8_t keep[2] = { FLAG_RD, FLAG_CD };
	const uint8_t set[2] = { FLAG_QR | FLAG_AA, rcode };
	uint64_t counts =
		UINT64_C(1) << 48 | answers << 32 | authority << 16 | additional;
	uint8_t *packet = q->packet;
	uint16_t flags, keep_flags, set_flags;

	if (q->flags & QUERY_EDNS) {
		size_t dnssec = q->flags / QUERY_DO & 1;

		*(fast_step *)(packet + at) = *(const fast_step *)f->opt[dnssec];
		at += EDNS_PLAIN_LEN;
		counts++;
		f->with_opt[dnssec]++;
	}
	memcpy(&flags, packet + 2, sizeof flags);
	memcpy(&keep_flags, keep, sizeof keep);
	memcpy(&set_flags, set, sizeof set);
	flags = (uint16_t)((flags & keep_flags) | set_flags);
	memcpy(packet + 2, &flags, sizeof flags);
	wire_put_u64(packet + 4, counts);
	q->response_len = at;
}

/* Set the owners of `len` octets of rendered records to a pointer to `owner_at`.  returns
 * false when the records do not tile them. */
static inline bool
fast_set_owners(uint8_t *records, unsigned len, unsigned owner_at)
{
	uint16_t pointer = (uint16_t)(0xc000u | owner_at);
	unsigned done = 0;

	while (done + RECORD_RDATA_AT <= len) {
		wire_put_u16(records + done, pointer);
		done += RECORD_RDATA_AT +
			(unsigned)wire_get_u16(records + done + RECORD_RDATA_AT - 2);
	}
	return done == len;
}

/* Set the pointers of an SOA record at offset `base`, with its signatures, whose owner is
 * the apex at `apex_at`.  returns false when they are not as they should be. */
static inline bool
fast_set_soa_pointers(uint8_t *to, unsigned base, const struct sealed_taken *soa,
		      unsigned apex_at)
{
	const uint8_t *patches = sealed_rrset_patches(soa);
	const uint8_t *end =
		patches + sizeof(struct rrset_patch) * soa->rrset->head.patch_count;

	if (!fast_set_owners(to, soa->len, apex_at))
		return false;
	for (; patches != end; patches += sizeof(struct rrset_patch)) {
		struct rrset_patch patch;
		unsigned goal = apex_at;

		memcpy(&patch, patches, sizeof patch);
		if (patch.to >> PATCH_KIND_SHIFT >= PATCH_SELF) {
			goal = base + (patch.to & PATCH_OFFSET);
			if (patch.to >> PATCH_KIND_SHIFT > PATCH_SELF ||
			    goal > POINTER_MAX)
				return false;
		}
		if (patch.at + 2u > soa->rrset->head.wire_len)
			return false;
		wire_put_u16(to + patch.at, (uint16_t)(0xc000u | goal));
	}
	return true;
}

/* Append the RRset of a block at *at, its owner being spelled at `owner_at`; its records
 * are added to *records.  returns false when it is not as simple as that, or not certain
 * to fit. */
static inline bool
fast_append_rrset(struct query *q, const struct sealed_node *node,
		  const struct sealed_block *block, unsigned owner_at, unsigned *at,
		  unsigned *records)
{
	uint8_t *to = q->packet + *at;
	struct sealed_taken rrset;

	if (!sealed_take_rrset(node, block, q->flags & QUERY_DO, &rrset) ||
	    rrset.rrset->head.patch_count > 0 ||
	    *at + rrset.len + 2 * FAST_COPY_STEP > q->limit)
		return false;
	fast_copy(to, sealed_rrset_wire(&rrset), rrset.len);
	*at += rrset.len;
	*records += rrset.records;
	return fast_set_owners(to, rrset.len, owner_at);
}

/* Append A and AAAA of a node, as far as it has them: in this order. */
static inline bool
fast_append_addresses(struct query *q, const struct sealed_node *node, unsigned owner_at,
		      unsigned *at, unsigned *records)
{
	const uint8_t *next = sealed_blocks(node), *end = sealed_end(node);
	unsigned type_before = 0;

	while (next < end) {
		const struct sealed_block *block = (const struct sealed_block *)next;
		unsigned type = block->head.type;

		if (type == TYPE_A || type == TYPE_AAAA) {
			if (block->head.kind != BLOCK_RRSET || type <= type_before ||
			    !fast_append_rrset(q, node, block, owner_at, at, records))
				return false;
			type_before = type;
		}
		next += sizeof *block + block->head.len;
	}
	return next == end;
}

#endif
