/* Is an answer secure?  A small validator (RFC 4035, section 5; RFC 5155, section 8) that
 * shares no code with the server's: signatures of one ECDSA P-256 key, proofs by NSEC and
 * NSEC3. */
#ifndef T_ANSWER_CHECK_H
#define T_ANSWER_CHECK_H

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/nsec3_hash.h"
#include "shm/wire.h"
#include "t/rrset_reader.h"
#include "t/tap.h"

enum {
	CHECK_RRS_MAX = 400,
	CHECK_RDATA_MAX = 2000,
	CHECK_P256_ALGORITHM = 13,
	CHECK_SIGNATURE_LEN = 64,
};

struct check_rr {
	unsigned section; /* 1 answer, 2 authority, 3 additional */
	uint8_t owner[DNAME_MAX];
	unsigned owner_len;
	uint16_t type;
	uint32_t ttl;
	uint8_t rdata[CHECK_RDATA_MAX]; /* canonical */
	unsigned rdata_len;
	bool is_secure;
	unsigned labels; /* of the signature */
};

struct check {
	uint8_t origin[DNAME_MAX];
	unsigned origin_len;
	EVP_PKEY *key;
	bool is_optout; /* insecure denials are as good */
	const char *wrong; /* what the last answer lacks; NULL: nothing */
	struct check_rr rrs[CHECK_RRS_MAX];
	unsigned count;
};

/* ---- keys ---- */

/* The key of a DNSKEY's rdata. */
static inline EVP_PKEY *
check_key(const uint8_t *rdata, unsigned len)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 64] = { 4 };
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	if (len != 4 + 64 || rdata[3] != CHECK_P256_ALGORITHM)
		bail_out("no P-256 key");
	memcpy(point + 1, rdata + 4, 64);
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					 sizeof point);
	params = OSSL_PARAM_BLD_to_param(build);
	context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		bail_out("no key");
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* ---- reading ---- */

static inline bool
check_rdata(const uint8_t *packet, unsigned at, unsigned end, struct check_rr *rr)
{
	if (end - at > CHECK_RDATA_MAX - 2 * DNAME_MAX)
		return false;
	rr->rdata_len = rrset_read_rdata(packet, at, end, rr->type, rr->rdata);
	return rr->rdata_len > 0 || at == end;
}

static inline bool
check_read(struct check *c, const uint8_t *packet, unsigned len)
{
	unsigned at = 12, section = 1, left[4] = { 0 };
	uint8_t name[DNAME_MAX];

	c->count = 0;
	for (unsigned i = 1; i < 4; i++)
		left[i] = wire_get_u16(packet + 4 + 2 * i);
	if (rrset_read_name(packet, len, &at, name) == 0)
		return false;
	at += 4;
	for (;;) {
		struct check_rr *rr = &c->rrs[c->count];
		unsigned rdata_len;

		while (section < 4 && left[section] == 0)
			section++;
		if (section == 4)
			return at == len;
		left[section]--;
		if (c->count == CHECK_RRS_MAX)
			return false;
		memset(rr, 0, sizeof *rr);
		rr->section = section;
		rr->owner_len = rrset_read_name(packet, len, &at, rr->owner);
		if (rr->owner_len == 0 || len - at < 10)
			return false;
		rr->type = wire_get_u16(packet + at);
		rr->ttl = wire_get_u32(packet + at + 4);
		rdata_len = wire_get_u16(packet + at + 8);
		at += 10;
		if (rdata_len > len - at ||
		    !check_rdata(packet, at, at + rdata_len, rr))
			return false;
		at += rdata_len;
		c->count++;
	}
}

static inline bool
check_same_name(const uint8_t *a, const uint8_t *b)
{
	return dname_compare(a, b) == 0;
}

/* ---- signatures ---- */

static inline int
check_compare_rrs(const void *a, const void *b)
{
	const struct check_rr *left = *(struct check_rr *const *)a;
	const struct check_rr *right = *(struct check_rr *const *)b;
	unsigned len =
		left->rdata_len < right->rdata_len ? left->rdata_len : right->rdata_len;
	int order = memcmp(left->rdata, right->rdata, len);

	return order ? order : (int)left->rdata_len - (int)right->rdata_len;
}

static inline bool
check_verify(const struct check *c, const uint8_t *octets, size_t len,
	     const uint8_t *signature)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int der_len;
	bool good;

	ECDSA_SIG_set0(pair, BN_bin2bn(signature, 32, NULL),
		       BN_bin2bn(signature + 32, 32, NULL));
	der_len = i2d_ECDSA_SIG(pair, &der);
	good = der_len > 0 &&
	       EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, c->key) == 1 &&
	       EVP_DigestVerify(context, der, (size_t)der_len, octets, len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	EVP_MD_CTX_free(context);
	return good;
}

/* Put an RR in canonical form. */
static inline unsigned
check_put_rr(const struct check_rr *rr, unsigned labels, uint32_t ttl, uint8_t *out)
{
	unsigned own = dname_label_count(rr->owner), len = 0;
	const uint8_t *suffix = rr->owner;

	if (dname_is_wildcard(rr->owner))
		own--;
	if (labels < own) {
		suffix = dname_skip(rr->owner, dname_label_count(rr->owner) - labels);
		memcpy(out, "\1*", 2);
		len = 2;
	}
	memcpy(out + len, suffix, rr->owner_len - (unsigned)(suffix - rr->owner));
	len += rr->owner_len - (unsigned)(suffix - rr->owner);
	wire_put_u16(out + len, rr->type);
	wire_put_u16(out + len + 2, 1);
	wire_put_u32(out + len + 4, ttl);
	wire_put_u16(out + len + 8, (uint16_t)rr->rdata_len);
	memcpy(out + len + 10, rr->rdata, rr->rdata_len);
	return len + 10 + rr->rdata_len;
}

/* Does `sig` hold over the RRset that `first` is of? */
static inline bool
check_signature(struct check *c, const struct check_rr *first, const struct check_rr *sig)
{
	static uint8_t octets[CHECK_RRS_MAX * (CHECK_RDATA_MAX + DNAME_MAX)];
	const struct check_rr *set[CHECK_RRS_MAX];
	unsigned head = 18 + c->origin_len, count = 0, len;
	uint32_t now = (uint32_t)time(NULL), ttl = wire_get_u32(sig->rdata + 4);

	if (sig->rdata_len != head + CHECK_SIGNATURE_LEN ||
	    wire_get_u16(sig->rdata) != first->type || first->ttl > ttl ||
	    memcmp(sig->rdata + 18, c->origin, c->origin_len) != 0 ||
	    (int32_t)(wire_get_u32(sig->rdata + 8) - now) < 0 ||
	    (int32_t)(now - wire_get_u32(sig->rdata + 12)) < 0)
		return false;
	for (unsigned i = 0; i < c->count; i++)
		if (c->rrs[i].section == first->section &&
		    c->rrs[i].type == first->type &&
		    check_same_name(c->rrs[i].owner, first->owner))
			set[count++] = &c->rrs[i];
	qsort(set, count, sizeof set[0], check_compare_rrs);
	memcpy(octets, sig->rdata, head);
	len = head;
	for (unsigned i = 0; i < count; i++)
		len += check_put_rr(set[i], sig->rdata[3], ttl, octets + len);
	return check_verify(c, octets, len, sig->rdata + head);
}

/* Is it a CNAME that a DNAME in the answer stands for? */
static inline bool
check_is_made(const struct check *c, const struct check_rr *rr)
{
	for (unsigned i = 0; i < c->count; i++)
		if (rr->type == RRTYPE_CNAME && c->rrs[i].type == RRTYPE_DNAME &&
		    c->rrs[i].section == 1 && rr->owner_len > c->rrs[i].owner_len &&
		    dname_is_subdomain(rr->owner, rr->owner_len, c->rrs[i].owner,
				       c->rrs[i].owner_len))
			return true;
	return false;
}

static inline bool
check_is_delegation(const struct check *c, const struct check_rr *rr)
{
	return rr->section == 2 && rr->type == RRTYPE_NS && rr->owner_len > c->origin_len;
}

static inline void
check_signatures(struct check *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct check_rr *rr = &c->rrs[i];

		if (rr->section == 3 || rr->type == RRTYPE_RRSIG)
			continue;
		for (unsigned k = 0; k < c->count && !rr->is_secure; k++) {
			const struct check_rr *sig = &c->rrs[k];

			if (sig->type == RRTYPE_RRSIG && sig->section == rr->section &&
			    check_same_name(sig->owner, rr->owner) &&
			    check_signature(c, rr, sig)) {
				rr->is_secure = true;
				rr->labels = sig->rdata[3];
			}
		}
		if (!rr->is_secure && !check_is_made(c, rr) &&
		    !check_is_delegation(c, rr))
			c->wrong = "an RRset has no good signature";
	}
}

/* ---- proofs ---- */

static inline bool
check_has_type(const uint8_t *bitmap, unsigned len, uint16_t type)
{
	while (len >= 2 && len >= 2u + bitmap[1]) {
		if (bitmap[0] == type >> 8 && bitmap[1] > (type & 255) / 8)
			return bitmap[2 + (type & 255) / 8] >> (7 - type % 8) & 1;
		len -= 2u + bitmap[1];
		bitmap += 2 + bitmap[1];
	}
	return false;
}

/* A secure record of a chain: what it stands at, what comes next, its types. */
struct check_link {
	const struct check_rr *rr;
	const uint8_t *types;
	unsigned types_len;
	bool is_optout;
};

/* The number of a record's link.  returns false when it is none. */
static inline bool
check_link(const struct check *c, unsigned at, uint16_t type, struct check_link *out)
{
	const struct check_rr *rr = &c->rrs[at];
	unsigned head;

	if (rr->type != type || !rr->is_secure || rr->section != 2)
		return false;
	head = type == RRTYPE_NSEC ? (unsigned)dname_len(rr->rdata, rr->rdata_len)
				   : 6 + (unsigned)NSEC3_HASH_LEN;
	*out = (struct check_link){ rr, rr->rdata + head, rr->rdata_len - head,
				    type == RRTYPE_NSEC3 && (rr->rdata[1] & 1) };
	return true;
}

static inline bool
check_link_has(const struct check_link *link, uint16_t type)
{
	return check_has_type(link->types, link->types_len, type);
}

/* Is it of a cut or DNAME? */
static inline bool
check_hides(const struct check_link *link)
{
	return check_link_has(link, RRTYPE_DNAME) ||
	       (check_link_has(link, RRTYPE_NS) && !check_link_has(link, RRTYPE_SOA));
}

/* Does the record tell of what is below one, of which it knows nothing? */
static inline bool
check_is_above(const struct check_link *link, const uint8_t *name, unsigned len)
{
	return len > link->rr->owner_len &&
	       dname_is_subdomain(name, len, link->rr->owner, link->rr->owner_len) &&
	       check_hides(link);
}

static inline bool
check_nsec_covers(const struct check *c, const uint8_t *name, unsigned len,
		  struct check_link *out)
{
	for (unsigned i = 0; i < c->count; i++)
		if (check_link(c, i, RRTYPE_NSEC, out) &&
		    dname_compare(out->rr->owner, name) < 0 &&
		    (dname_compare(name, out->rr->rdata) < 0 ||
		     check_same_name(out->rr->rdata, c->origin)) &&
		    !check_is_above(out, name, len))
			return true;
	return false;
}

static inline bool
check_nsec_matches(const struct check *c, const uint8_t *name, struct check_link *out)
{
	for (unsigned i = 0; i < c->count; i++)
		if (check_link(c, i, RRTYPE_NSEC, out) &&
		    check_same_name(out->rr->owner, name))
			return true;
	return false;
}

static inline bool
check_nsec3_find(const struct check *c, const uint8_t *name, unsigned len, bool is_match,
		 struct check_link *out)
{
	uint8_t hash[NSEC3_HASH_LEN], own[NSEC3_HASH_LEN];

	nsec3_hash(name, len, (const uint8_t *)"", 0, 0, hash);
	for (unsigned i = 0; i < c->count; i++) {
		const uint8_t *next;
		int above, below;

		if (!check_link(c, i, RRTYPE_NSEC3, out) ||
		    !nsec3_hash_from_label(out->rr->owner, own))
			continue;
		next = out->rr->rdata + 6;
		above = memcmp(hash, own, sizeof own);
		below = memcmp(hash, next, sizeof own);
		if (is_match ? above == 0
			     : (memcmp(own, next, sizeof own) < 0
					? above > 0 && below < 0
					: above != 0 && below != 0 &&
						  (above > 0 || below < 0)))
			return true;
	}
	return false;
}

/* "*." and a suffix; returns its length. */
static inline unsigned
check_wildcard(const uint8_t *suffix, unsigned len, uint8_t out[DNAME_MAX + 2])
{
	memcpy(out, "\1*", 2);
	memcpy(out + 2, suffix, len);
	return len + 2;
}

/* The closest encloser that NSEC3 prove, and the link that covers the next closer name. */
static inline const uint8_t *
check_encloser(const struct check *c, const uint8_t *name, unsigned len,
	       unsigned *out_len, struct check_link *cover)
{
	const uint8_t *at = name, *next = name;
	unsigned next_len = len;
	struct check_link link;

	while (len > c->origin_len) {
		next = at;
		next_len = len;
		len -= at[0] + 1u;
		at += at[0] + 1u;
		if (!check_nsec3_find(c, at, len, true, &link))
			continue;
		*out_len = len;
		if (check_hides(&link))
			return NULL;
		return check_nsec3_find(c, next, next_len, false, cover) ? at : NULL;
	}
	return NULL;
}

/* The longest ancestor that the name has in common with either end of the link. */
static inline const uint8_t *
check_common(const struct check_link *link, const uint8_t *name, unsigned *len)
{
	unsigned next_len = (unsigned)dname_len(link->rr->rdata, DNAME_MAX);

	while (!dname_is_subdomain(link->rr->owner, link->rr->owner_len, name, *len) &&
	       !dname_is_subdomain(link->rr->rdata, next_len, name, *len)) {
		*len -= name[0] + 1u;
		name += name[0] + 1u;
	}
	return name;
}

static inline void
check_nxdomain(struct check *c, bool is_nsec3, const uint8_t *name, unsigned len)
{
	uint8_t wildcard[DNAME_MAX + 2];
	struct check_link link;
	const uint8_t *encloser;
	unsigned above = len;

	if (is_nsec3) {
		encloser = check_encloser(c, name, len, &above, &link);
		if (!encloser) {
			c->wrong = "no closest encloser";
			return;
		}
		if (link.is_optout && c->is_optout)
			return;
		len = check_wildcard(encloser, above, wildcard);
		if (!check_nsec3_find(c, wildcard, len, false, &link))
			c->wrong = "the wildcard is not denied";
		return;
	}
	if (!check_nsec_covers(c, name, len, &link)) {
		c->wrong = "the name is not denied";
		return;
	}
	encloser = check_common(&link, name, &above);
	len = check_wildcard(encloser, above, wildcard);
	if (!check_nsec_covers(c, wildcard, len, &link))
		c->wrong = "the wildcard is not denied";
}

/* Does the link say that its own name lacks the type? */
static inline bool
check_lacks(const struct check_link *link, uint16_t type)
{
	if (check_link_has(link, type) || check_link_has(link, RRTYPE_CNAME))
		return false;
	if (type == RRTYPE_DS)
		return !check_link_has(link, RRTYPE_SOA);
	return !check_link_has(link, RRTYPE_NS) || check_link_has(link, RRTYPE_SOA);
}

static inline void
check_nodata_nsec3(struct check *c, const uint8_t *name, unsigned len, uint16_t type)
{
	uint8_t wildcard[DNAME_MAX + 2];
	struct check_link link;
	const uint8_t *encloser;
	unsigned above = 0;

	if (check_nsec3_find(c, name, len, true, &link)) {
		if (!check_lacks(&link, type) &&
		    !(type == RRTYPE_DS && len == c->origin_len))
			c->wrong = "the type is not denied";
		return;
	}
	encloser = check_encloser(c, name, len, &above, &link);
	if (!encloser) {
		c->wrong = "no closest encloser";
		return;
	}
	if (link.is_optout && c->is_optout)
		return;
	len = check_wildcard(encloser, above, wildcard);
	if (!check_nsec3_find(c, wildcard, len, true, &link) || !check_lacks(&link, type))
		c->wrong = "the wildcard's type is not denied";
}

static inline void
check_nodata_nsec(struct check *c, const uint8_t *name, unsigned len, uint16_t type)
{
	uint8_t wildcard[DNAME_MAX + 2];
	struct check_link link;
	const uint8_t *encloser;
	unsigned above = len;

	if (check_nsec_matches(c, name, &link)) {
		if (!check_lacks(&link, type) &&
		    !(type == RRTYPE_DS && len == c->origin_len))
			c->wrong = "the type is not denied";
		return;
	}
	if (!check_nsec_covers(c, name, len, &link)) {
		c->wrong = "nothing is denied";
		return;
	}
	if (dname_is_subdomain(link.rr->rdata, dname_len(link.rr->rdata, DNAME_MAX), name,
			       len))
		return; /* an empty non-terminal */
	encloser = check_common(&link, name, &above);
	len = check_wildcard(encloser, above, wildcard);
	if (check_nsec_covers(c, wildcard, len, &link) &&
	    dname_is_subdomain(link.rr->rdata, dname_len(link.rr->rdata, DNAME_MAX),
			       wildcard, len))
		return; /* an empty one */
	if (!check_nsec_matches(c, wildcard, &link) || !check_lacks(&link, type))
		c->wrong = "the wildcard's type is not denied";
}

/* What was made from a wildcard of `labels` labels: nothing stands closer. */
static inline void
check_expansion(struct check *c, bool is_nsec3, const uint8_t *name, unsigned len,
		unsigned labels)
{
	unsigned own = dname_label_count(name);
	struct check_link link;
	const uint8_t *next;

	if (dname_is_wildcard(name))
		own--;
	if (labels >= own)
		return;
	next = dname_skip(name, dname_label_count(name) - labels - 1);
	if (is_nsec3 ? !check_nsec3_find(c, next, len - (unsigned)(next - name), false,
					 &link)
		     : !check_nsec_covers(c, name, len, &link))
		c->wrong = "a closer name is not denied";
}

/* ---- the whole ---- */

static inline const struct check_rr *
check_find(const struct check *c, unsigned section, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->rrs[i].section == section && c->rrs[i].type == type &&
		    (!owner || check_same_name(c->rrs[i].owner, owner)))
			return &c->rrs[i];
	return NULL;
}

static inline void
check_referral(struct check *c, bool is_nsec3, const struct check_rr *ns)
{
	if (check_find(c, 2, ns->owner, RRTYPE_DS))
		return;
	if (is_nsec3)
		check_nodata_nsec3(c, ns->owner, ns->owner_len, RRTYPE_DS);
	else
		check_nodata_nsec(c, ns->owner, ns->owner_len, RRTYPE_DS);
}

/* What the answer ends in, behind its CNAMEs. */
static inline void
check_end(struct check *c, bool is_nsec3, unsigned rcode, const uint8_t *name,
	  uint16_t type)
{
	unsigned len = (unsigned)dname_len(name, DNAME_MAX);
	const struct check_rr *found = check_find(c, 1, name, type);

	if (found) {
		if (found->is_secure)
			check_expansion(c, is_nsec3, name, len, found->labels);
		return;
	}
	if (!dname_is_subdomain(name, len, c->origin, c->origin_len))
		return;
	found = check_find(c, 2, NULL, RRTYPE_NS);
	if (found && found->owner_len > c->origin_len)
		check_referral(c, is_nsec3, found);
	else if (!check_find(c, 2, c->origin, RRTYPE_SOA))
		c->wrong = "a denial without a SOA";
	else if (rcode == RCODE_NXDOMAIN)
		check_nxdomain(c, is_nsec3, name, len);
	else if (is_nsec3)
		check_nodata_nsec3(c, name, len, type);
	else
		check_nodata_nsec(c, name, len, type);
}

/* Show the last answer. */
static inline void
check_show(const struct check *c)
{
	char owner[DNAME_TEXT_MAX], other[DNAME_TEXT_MAX] = "", type[RRTYPE_TEXT_MAX];

	for (unsigned i = 0; i < c->count; i++) {
		const struct check_rr *rr = &c->rrs[i];

		dname_to_text(rr->owner, owner);
		rrtype_to_text(rr->type, type);
		if (rr->type == RRTYPE_NSEC || rr->type == RRTYPE_CNAME ||
		    rr->type == RRTYPE_DNAME)
			dname_to_text(rr->rdata, other);
		else if (rr->type == RRTYPE_RRSIG)
			rrtype_to_text(wire_get_u16(rr->rdata), other);
		else
			other[0] = 0;
		diag("%u %s %s %s%s", rr->section, owner, type, other,
		     rr->is_secure ? " secure" : "");
	}
}

/* Judge an answer.  returns NULL when it is secure, else what is wrong. */
static inline const char *
check_answer(struct check *c, bool is_nsec3, const uint8_t *packet, unsigned len,
	     const uint8_t *qname, uint16_t qtype)
{
	unsigned rcode = len >= 12 ? packet[3] & 15 : RCODE_SERVFAIL;
	uint8_t name[DNAME_MAX];

	c->wrong = NULL;
	if (len < 12 || (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN))
		return "no answer";
	if (packet[2] & 2)
		return "truncated";
	if (!check_read(c, packet, len))
		return "not to be read";
	check_signatures(c);
	memcpy(name, qname, dname_len(qname, DNAME_MAX));
	for (unsigned hops = 0; hops < 20 && !c->wrong; hops++) {
		const struct check_rr *cname = check_find(c, 1, name, RRTYPE_CNAME);

		if (!cname || qtype == RRTYPE_CNAME) {
			check_end(c, is_nsec3, rcode, name, qtype);
			break;
		}
		if (cname->is_secure)
			check_expansion(c, is_nsec3, name, cname->owner_len,
					cname->labels);
		memcpy(name, cname->rdata, cname->rdata_len);
	}
	return c->wrong;
}

#endif
