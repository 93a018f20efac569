/* Steered RRsets of a zone that is signed as a whole: their marks get another payload, with
 * what is signed ahead (steered_sign.h). */
#include <string.h>

#include "loader/sign/signing.h"
#include "loader/sign/steered_sign.h"
#include "loader/sign/zone_denial.h"
#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"

/* A mark whose signatures are still to come. */
struct signing_steered {
	struct steered_made made;
	size_t first_sig, sig_count; /* the zone's records over all records of it */
};

/* ---- the name's types ---- */

static const struct zone_record *
find_link(const struct signing *s, const uint8_t *owner)
{
	const struct zone_record *chain = s->zone->records + s->chain_first;
	size_t low = 0, high = s->chain_end - s->chain_first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = dname_compare(chain[middle].owner, owner);

		if (order == 0)
			return &chain[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The record of the chain that tells of a name; NULL when none does. */
static const struct zone_record *
find_link_of(const struct signing *s, const struct sign_rrset *rrset)
{
	uint8_t hash[NSEC3_HASH_LEN], owner[NSEC3_LABEL_LEN + 1 + DNAME_MAX];

	if (s->chain_first == s->chain_end)
		return NULL;
	if (s->zone->records[s->chain_first].type == RRTYPE_NSEC)
		return find_link(s, rrset->owner);
	nsec3_hash(rrset->owner, (unsigned)rrset->owner_len, zone_denial_param, 0, 0,
		   hash);
	nsec3_hash_to_label(hash, owner);
	memcpy(owner + NSEC3_LABEL_LEN + 1, s->zone->origin, s->zone->origin_len);
	return find_link(s, owner);
}

static void
take_types(const struct zone_record *link, const struct sign_rrset *rrset,
	   struct steered_source *out)
{
	enum { HASH_LEN_AT = 5 };
	size_t at;

	at = link->type == RRTYPE_NSEC ? dname_len(link->rdata, link->rdata_len)
				       : HASH_LEN_AT + 1u + link->rdata[HASH_LEN_AT];
	out->denial_type = link->type;
	out->denial_ttl = link->ttl;
	out->bitmap = link->rdata + at;
	out->bitmap_len = link->rdata_len - at;
	if (dname_is_wildcard(rrset->owner)) {
		out->link = link->rdata;
		out->link_len = at;
	}
}

/* What denies a wildcard's RRset is made anew when its NSEC3 is: that says whose it is. */
static int
note_hashed_name(struct signing *s, const struct zone_record *link,
		 const struct sign_rrset *rrset)
{
	if (link->type != RRTYPE_NSEC3 || !dname_is_wildcard(rrset->owner) ||
	    s->hashed_name == rrset->owner)
		return ERR_OK;
	s->hashed_name = rrset->owner;
	s->given_count++;
	return zone_records_add_mark(s->zone, link->owner, link->owner_len,
				     ZONE_MARK_HASHED_NAME, 0, rrset->owner,
				     rrset->owner_len - s->zone->origin_len);
}

/* ---- marks ---- */

static bool
block_of(const struct zone_record *mark, struct block *out)
{
	enum zone_mark kind;
	size_t len;

	out->head.kind = BLOCK_STEERED;
	if (!zone_record_mark(mark, &kind, &out->head.type, &out->payload, &len))
		return false;
	out->head.len = (uint32_t)len;
	return true;
}

static struct signing_steered *
add_job(struct signing *s, size_t first_sig)
{
	struct signing_steered *jobs = grow_items(s->steered, &s->steered_room,
						  s->steered_count + 1, sizeof *jobs);

	if (!jobs)
		return NULL;
	s->steered = jobs;
	jobs += s->steered_count++;
	*jobs = (struct signing_steered){
		.first_sig = first_sig,
		.sig_count = s->zone->count - first_sig,
	};
	return jobs;
}

bool
signing_find_steered(const struct node *node, const struct zone_record *mark,
		     struct steered *out)
{
	struct block block;

	return block_of(mark, &block) && steered_sign_find(node, &block, out);
}

int
signing_sign_steered(struct signing *s, struct zone_record *mark,
		     const struct sign_rrset *rrset, size_t first_sig, bool is_taken_over)
{
	struct steered_signer signer = {
		.session = s->session,
		.keys = s->keys,
		.roles = s->roles,
		.is_known = s->was_there,
		.clock = &s->clock,
		.arena = s->zone->arena,
		.buffer = &s->buffer,
		.apex = s->zone->origin,
		.apex_len = s->zone->origin_len,
		.first_end_s = s->first_end_s,
	};
	struct steered_source source = {
		.owner = rrset->owner,
		.owner_len = rrset->owner_len,
		.reserved_len = ZONE_MARK_HEAD,
		.is_taken_over = is_taken_over,
	};
	const struct zone_record *link = find_link_of(s, rrset);
	struct signing_steered *job = add_job(s, first_sig);
	struct steered served;
	uint8_t *octets;
	int rc;

	if (!job)
		return ERR_NOMEM;
	if (!block_of(mark, &source.block))
		return ERR_FORMAT;
	if (s->has_node && signing_find_steered(&s->served, mark, &served))
		source.served = &served;
	for (size_t i = 0; i < job->sig_count; i++)
		source.heads[i] = s->zone->records[first_sig + i].rdata;
	if (link)
		take_types(link, rrset, &source);
	rc = steered_sign_add(&signer, &source, &job->made);
	if (rc != ERR_OK)
		return rc;
	if (signer.first_end_s < s->first_end_s)
		s->first_end_s = signer.first_end_s;
	octets = job->made.payload - ZONE_MARK_HEAD;
	memcpy(octets, mark->rdata, ZONE_MARK_HEAD);
	mark->rdata = octets;
	mark->rdata_len = (uint16_t)(ZONE_MARK_HEAD + job->made.len);
	return link ? note_hashed_name(s, link, rrset) : ERR_OK;
}

void
signing_finish_steered(struct signing *s)
{
	for (size_t i = 0; i < s->steered_count; i++) {
		const struct signing_steered *job = &s->steered[i];
		uint8_t *at = job->made.payload + job->made.sigs_at;

		for (size_t j = 0; j < job->sig_count; j++) {
			const struct zone_record *sig =
				&s->zone->records[job->first_sig + j];

			at = steered_sign_put_head(at, RRTYPE_RRSIG, sig->ttl,
						   sig->rdata_len);
			memcpy(at, sig->rdata, sig->rdata_len);
			at += sig->rdata_len;
		}
		steered_sign_finish(&job->made);
	}
}
