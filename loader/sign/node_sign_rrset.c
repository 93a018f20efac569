/* The signatures of an RRset: taken over, or made. */
#include <string.h>

#include "loader/sign/node_sign_private.h"
#include "loader/sign/stored_rrset.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum { SIGNED_LEN_MAX = 65000 }; /* of an RRset with its signatures */

static int
read_records(struct node_sign *sign, struct node_sign_rrset *s)
{
	uint32_t ttl = s->rrset.ttl;
	int rc;

	if (s->rrset.records)
		return ERR_OK;
	rc = stored_rrset_read(&s->job->wish_node, s->stored, sign->origin,
			       sign->origin_len, sign->arena, &s->rrset);
	s->rrset.ttl = ttl;
	return rc;
}

/* Room for one signature more, behind its head.  returns where its rdata belongs. */
static uint8_t *
add_record(struct node_sign_sigs *sigs, uint32_t ttl, size_t rdata_len)
{
	uint8_t *at = sigs->octets + sigs->len;

	wire_put_u16(at, QNAME_POINTER);
	wire_put_u16(at + 2, RRTYPE_RRSIG);
	wire_put_u16(at + 4, CLASS_IN);
	wire_put_u32(at + 6, ttl);
	wire_put_u16(at + 10, (uint16_t)rdata_len);
	sigs->len += SIG_HEAD + rdata_len;
	sigs->count++;
	return at + SIG_HEAD;
}

static void
note_end(struct node_sign *sign, int64_t ends_s)
{
	if (sign->first_end_s == 0 || ends_s < sign->first_end_s)
		sign->first_end_s = ends_s;
}

static bool
take_over(struct node_sign *sign, struct node_sign_rrset *s, const struct sign_key *key)
{
	size_t len = RRSIG_FIXED + sign->origin_len + key->signature_len;
	const uint8_t *rdata;
	int64_t ends_s;

	rdata = rrset_sign_find(&s->old, key, sign->origin, sign->origin_len,
				sign->clock.latest_s, sign->clock.renew_before_s,
				&ends_s);
	if (!rdata)
		return false;
	memcpy(add_record(s->sigs, s->rrset.ttl, len), rdata, len);
	note_end(sign, ends_s);
	return true;
}

static int
sign_anew(struct node_sign *sign, struct node_sign_rrset *s, unsigned number)
{
	const struct sign_key *key = &sign->keys.items[number];
	size_t head_len = RRSIG_FIXED + sign->origin_len;
	struct sign_times times;
	uint8_t *rdata;
	int rc = read_records(sign, s);

	if (rc != ERR_OK)
		return rc;
	s->job->is_same = false;
	rdata = add_record(s->sigs, s->rrset.ttl, head_len + key->signature_len);
	note_end(sign, sign_clock_draw(&sign->clock, &times));
	rrset_sign_head(&s->rrset, key, &times, sign->origin, sign->origin_len, rdata);
	rc = rrset_sign_data(&s->rrset, rdata, head_len, &sign->buffer);
	sign->made++;
	return rc == ERR_OK ? sign_session_add(sign->session, number, sign->buffer.octets,
					       sign->buffer.len, rdata + head_len)
			    : rc;
}

/* Is the RRset what `old` has signatures over? */
static int
compare_old(struct node_sign *sign, struct node_sign_rrset *s)
{
	const struct node *old = &s->job->old;
	int rc;

	if (!old->bytes || !node_find_rrset(old, s->rrset.type, &s->old))
		return ERR_OK;
	s->old.head.ttl = node_signed_ttl(old, s->rrset.type, s->old.head.ttl);
	if (s->stored && old->bytes == s->job->wish_node.bytes) {
		s->is_same = true;
		return ERR_OK;
	}
	rc = read_records(sign, s);
	if (rc == ERR_OK)
		s->is_same = rrset_sign_is_same(&s->rrset, old, &s->old);
	return rc;
}

/* Octets of all signatures that the RRset gets. */
static size_t
signatures_len(const struct node_sign *sign, uint16_t type)
{
	size_t len = 0;

	for (size_t i = 0; i < sign->keys.count; i++)
		if (sign->roles[i] & sign_role_for(type))
			len += SIG_HEAD + RRSIG_FIXED + sign->origin_len +
			       sign->keys.items[i].signature_len;
	return len;
}

int
node_sign_add_rrset(struct node_sign *sign, struct node_sign_rrset *s, size_t wire_len)
{
	size_t len = signatures_len(sign, s->rrset.type);
	struct node_sign_sigs *sigs = arena_take_items(sign->arena, 1, sizeof *sigs);
	int rc;

	if (wire_len + len > SIGNED_LEN_MAX)
		return ERR_RANGE;
	if (!sigs)
		return ERR_NOMEM;
	*sigs = (struct node_sign_sigs){ .type = s->rrset.type,
					 .octets = arena_take(sign->arena, len) };
	if (!sigs->octets)
		return ERR_NOMEM;
	s->sigs = sigs;
	*s->job->tail = sigs;
	s->job->tail = &sigs->next;
	rc = compare_old(sign, s);
	for (unsigned i = 0; i < sign->keys.count && rc == ERR_OK; i++)
		if ((sign->roles[i] & sign_role_for(sigs->type)) &&
		    !(s->is_same && sign->is_known[i] &&
		      take_over(sign, s, &sign->keys.items[i])))
			rc = sign_anew(sign, s, i);
	if (!s->is_same || s->old.head.sig_count != sigs->count)
		s->job->is_same = false;
	return rc;
}
