/* Signatures like those over all records, over some. */
#include "loader/steered/steered_make.h"

#include <string.h>

#include "loader/sign/steered_sets.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum {
	RR_HEAD = 12, /* owner pointer, type, class, TTL, rdata length */
	TTL_AT = 4, /* in an RRSIG's rdata: original TTL, */
	TAG_AT = 16,
};

/* An RRSIG among those over all records. */
struct model {
	const uint8_t *rdata;
	size_t len, signer_len;
};

/* The record at *at, which moves behind it.  returns false on damage. */
static bool
next_model(const uint8_t **at, const uint8_t *end, struct model *out)
{
	if (end - *at < RR_HEAD)
		return false;
	out->len = wire_get_u16(*at + RR_HEAD - 2);
	out->rdata = *at + RR_HEAD;
	if (out->len > (size_t)(end - out->rdata) || out->len < RRSIG_FIXED)
		return false;
	*at = out->rdata + out->len;
	out->signer_len =
		dname_len(out->rdata + RRSIG_FIXED, out->len - (size_t)RRSIG_FIXED);
	return out->signer_len > 0;
}

/* Put the signature in the place of the model's, which stands in `to`, too. */
static int
sign_like(struct steered_maker *maker, const struct sign_rrset *rrset,
	  const struct model *model, uint8_t *to)
{
	size_t head_len = RRSIG_FIXED + model->signer_len;
	struct crypto_key *key = steered_keys_find(
		maker->keys, model->rdata + RRSIG_FIXED, model->signer_len,
		wire_get_u16(model->rdata + TAG_AT), model->rdata[2]);
	int rc;

	if (!key)
		return ERR_NOTFOUND;
	if (crypto_key_signature_len(key) != model->len - head_len)
		return ERR_DAMAGED;
	rc = rrset_sign_data(rrset, model->rdata, head_len, &maker->buffer);
	return rc == ERR_OK ? crypto_key_sign(key, maker->buffer.octets,
					      maker->buffer.len, to + head_len)
			    : rc;
}

static int
sign_set(struct steered_maker *maker, const struct node *node,
	 const struct steered *steered, const struct steered_records *set, uint8_t *out)
{
	const uint8_t *first = steered->rrset.wire + steered->rrset.head.wire_len;
	const uint8_t *at = first, *end = at + steered->rrset.head.sig_len;
	struct zone_record records[STEERED_MAX];
	struct sign_rrset rrset = {
		.owner = node_owner(node),
		.owner_len = node->head.owner_len,
		.type = steered->rrset.type,
		.records = records,
		.count = steered_sets_records(steered, set, records),
	};
	struct model model;
	int rc = ERR_OK;

	if (rrset.count == 0)
		return ERR_DAMAGED;
	memcpy(out, first, steered->rrset.head.sig_len);
	while (rc == ERR_OK && at < end) {
		if (!next_model(&at, end, &model))
			return ERR_DAMAGED;
		rrset.ttl = wire_get_u32(model.rdata + TTL_AT);
		rc = sign_like(maker, &rrset, &model, out + (model.rdata - first));
	}
	return rc;
}

static struct steered_key
key_of(const struct node *node, const struct steered *steered,
       const struct steered_records *of, enum steered_entry entry)
{
	return (struct steered_key){
		.mark = steered->mark,
		.of = *of,
		.type = steered->rrset.type,
		.entry = (uint8_t)entry,
		.owner_len = node->head.owner_len,
		.owner = node_owner(node),
	};
}

bool
steered_make_has(const struct steered_maker *maker, const struct node *node,
		 const struct steered *steered, const struct steered_records *set)
{
	struct steered_key key = key_of(node, steered, set, STEERED_ENTRY_SET);
	unsigned sig_len = steered->rrset.head.sig_len;
	uint8_t signatures[STEERED_SLOT_ROOM];
	struct steered_records over;

	return steered_signatures(steered, set) != NULL ||
	       (steered_cache_holds(maker->cache, key.owner_len, sig_len) &&
		steered_cache_get(maker->cache, &key, sig_len, &over, signatures));
}

int
steered_make(struct steered_maker *maker, const struct node *node,
	     const struct steered *steered, const struct steered_records *set,
	     const struct steered_records *group)
{
	struct steered_key key = key_of(node, steered, set, STEERED_ENTRY_SET);
	unsigned sig_len = steered->rrset.head.sig_len;
	uint8_t signatures[STEERED_SLOT_ROOM];
	int rc;

	if (!steered_cache_holds(maker->cache, key.owner_len, sig_len))
		return ERR_RANGE;
	rc = sign_set(maker, node, steered, set, signatures);
	if (rc != ERR_OK)
		return rc;
	steered_cache_put(maker->cache, &key, set, signatures, sig_len);
	if (group) {
		key = key_of(node, steered, group, STEERED_ENTRY_GROUP);
		steered_cache_put(maker->cache, &key, set, signatures, sig_len);
	}
	return ERR_OK;
}
