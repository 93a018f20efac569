/* Reading answers with a cursor that never leaves the message. */
#include "loader/resolve/resolve_answer.h"

#include <stdbool.h>
#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"

enum {
	HEADER_LEN = 12,
	RR_FIXED_LEN = 10, /* type, class, TTL, rdata length */
	RECORDS_MAX = 4096, /* of the answer section */
	AUTHORITY_MAX = 64, /* records that are looked at */
	JUMPS_MAX = 64,
	SOA_MINIMUM_FROM_END = 4,
	NODATA_TTL = 60, /* of one without a SOA */
};

struct message {
	const uint8_t *bytes;
	size_t len, at;
	bool bad; /* sticks */
};

/* A record; `rdata_at` is an offset, rdata_len octets lie there. */
struct record {
	uint8_t owner[DNAME_MAX];
	size_t owner_len;
	uint16_t type, class;
	uint32_t ttl;
	size_t rdata_at, rdata_len;
};

size_t
resolve_answer_ask(uint16_t id, const uint8_t *name, size_t name_len, uint16_t type,
		   uint8_t out[RESOLVE_QUESTION_MAX])
{
	memset(out, 0, HEADER_LEN);
	wire_put_u16(out, id);
	out[2] = FLAG_RD;
	wire_put_u16(out + 4, 1);
	memcpy(out + HEADER_LEN, name, name_len);
	wire_put_u16(out + HEADER_LEN + name_len, type);
	wire_put_u16(out + HEADER_LEN + name_len + 2, CLASS_IN);
	return HEADER_LEN + name_len + 4;
}

/* Copy the name at the cursor, without pointers and in lower case; these lead backwards.
 * returns its length, 0 when it is none. */
static size_t
take_name(struct message *m, uint8_t out[DNAME_MAX])
{
	size_t at = m->at, len = 0, end = 0, lowest = m->at;

	for (unsigned jumps = 0; at < m->len;) {
		uint8_t label = m->bytes[at];

		if (label >= 0xc0) {
			if (m->len - at < 2 || ++jumps > JUMPS_MAX)
				break;
			if (end == 0)
				end = at + 2;
			at = wire_get_u16(m->bytes + at) & 0x3fffu;
			if (at >= lowest)
				break;
			lowest = at;
			continue;
		}
		if (label > DNAME_LABEL_MAX || m->len - at < label + 1u ||
		    len + label + 1u > DNAME_MAX)
			break;
		memcpy(out + len, m->bytes + at, label + 1u);
		len += label + 1u;
		at += label + 1u;
		if (label > 0)
			continue;
		m->at = end ? end : at;
		dname_lower(out, len);
		return len;
	}
	m->bad = true;
	return 0;
}

static bool
is_name(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool
take_question(struct message *m, const uint8_t *name, size_t name_len, uint16_t type)
{
	uint8_t asked[DNAME_MAX];
	size_t len;

	if (wire_get_u16(m->bytes + 4) != 1)
		return false;
	m->at = HEADER_LEN;
	len = take_name(m, asked);
	if (len == 0 || m->len - m->at < 4 || !is_name(asked, len, name, name_len) ||
	    wire_get_u16(m->bytes + m->at) != type ||
	    wire_get_u16(m->bytes + m->at + 2) != CLASS_IN)
		return false;
	m->at += 4;
	return true;
}

static bool
take_record(struct message *m, struct record *out)
{
	const uint8_t *fixed;

	out->owner_len = take_name(m, out->owner);
	if (m->bad || m->len - m->at < RR_FIXED_LEN) {
		m->bad = true;
		return false;
	}
	fixed = m->bytes + m->at;
	out->type = wire_get_u16(fixed);
	out->class = wire_get_u16(fixed + 2);
	out->ttl = wire_get_u32(fixed + 4);
	if (out->ttl > INT32_MAX) /* RFC 2181, section 8 */
		out->ttl = 0;
	out->rdata_len = wire_get_u16(fixed + 8);
	out->rdata_at = m->at + RR_FIXED_LEN;
	if (out->rdata_len > m->len - out->rdata_at) {
		m->bad = true;
		return false;
	}
	m->at = out->rdata_at + out->rdata_len;
	return true;
}

/* What is wrong with the header; NULL: nothing. */
static const char *
check_header(const struct message *m)
{
	if (m->len < HEADER_LEN)
		return "answers with no DNS message";
	if (!(m->bytes[2] & FLAG_QR) || (m->bytes[2] & FLAG_OPCODE))
		return "answers with no answer";
	if (m->bytes[2] & FLAG_TC)
		return "cuts its answer short, over TCP too";
	return NULL;
}

static void
fail(struct resolve_answer *out, enum resolve_verdict verdict, const char *reason)
{
	out->verdict = verdict;
	out->reason = reason;
	out->address_count = out->name_count = 0;
	out->names_len = 0;
}

static void
lower_ttl(struct resolve_answer *out, uint32_t ttl)
{
	if (ttl < out->ttl)
		out->ttl = ttl;
}

/* ---- following CNAMEs ---- */

/* Look through the answer section, which begins at `from`, for a CNAME of `name`: then that
 * becomes its target. */
static bool
follow(struct message *m, size_t from, unsigned count, uint8_t name[DNAME_MAX],
       size_t *name_len, struct resolve_answer *out)
{
	struct record record;

	m->at = from;
	for (unsigned i = 0; i < count && take_record(m, &record); i++) {
		struct message rdata = { m->bytes, record.rdata_at + record.rdata_len,
					 record.rdata_at, false };

		if (record.type != TYPE_CNAME || record.class != CLASS_IN ||
		    !is_name(record.owner, record.owner_len, name, *name_len))
			continue;
		*name_len = take_name(&rdata, name);
		if (*name_len == 0 || rdata.at != rdata.len) {
			m->bad = true;
			return false;
		}
		lower_ttl(out, record.ttl);
		return true;
	}
	return false;
}

static bool
has_address(const struct resolve_answer *out, const uint8_t *address, size_t len)
{
	for (unsigned i = 0; i < out->address_count; i++)
		if (memcmp(out->addresses + i * len, address, len) == 0)
			return true;
	return false;
}

/* Take the addresses of `name`.  returns how many records of the type others have. */
static unsigned
take_addresses(struct message *m, size_t from, unsigned count, const uint8_t *name,
	       size_t name_len, uint16_t type, struct resolve_answer *out)
{
	size_t len = type == TYPE_A ? 4 : 16;
	unsigned strays = 0;
	struct record record;

	m->at = from;
	for (unsigned i = 0; i < count && take_record(m, &record); i++) {
		const uint8_t *address = m->bytes + record.rdata_at;

		if (record.type != type || record.class != CLASS_IN)
			continue;
		if (!is_name(record.owner, record.owner_len, name, name_len)) {
			strays++;
			continue;
		}
		if (record.rdata_len != len) {
			m->bad = true;
			break;
		}
		lower_ttl(out, record.ttl);
		if (out->address_count == RESOLVED_ADDRESSES_MAX ||
		    has_address(out, address, len))
			continue;
		memcpy(out->addresses + out->address_count++ * len, address, len);
	}
	return strays;
}

/* ---- answers without addresses ---- */

/* The cursor stands before the authority section. */
static void
read_nodata(struct message *m, struct resolve_answer *out)
{
	unsigned count = wire_get_u16(m->bytes + 8);
	bool has_ns = false;
	struct record record;

	for (unsigned i = 0; i < count && i < AUTHORITY_MAX && take_record(m, &record);
	     i++) {
		const uint8_t *end = m->bytes + record.rdata_at + record.rdata_len;

		has_ns |= record.type == TYPE_NS;
		if (record.type != TYPE_SOA || record.rdata_len < 22)
			continue;
		lower_ttl(out, record.ttl);
		lower_ttl(out, wire_get_u32(end - SOA_MINIMUM_FROM_END));
		return;
	}
	if (m->bad)
		fail(out, RESOLVE_FAILED, "answers with a damaged message");
	else if (has_ns)
		fail(out, RESOLVE_FAILED, "answers with a referral: it is no resolver");
	else
		lower_ttl(out, NODATA_TTL);
}

static void
read_sections(struct message *m, const uint8_t *name, size_t name_len, uint16_t type,
	      struct resolve_answer *out)
{
	unsigned count = wire_get_u16(m->bytes + 6), strays;
	size_t from = m->at, len = name_len;
	uint8_t now[DNAME_MAX];

	if (count > RECORDS_MAX) {
		fail(out, RESOLVE_FAILED, "answers with thousands of records");
		return;
	}
	memcpy(now, name, name_len);
	while (follow(m, from, count, now, &len, out)) {
		if (out->name_count == RESOLVED_NAMES_MAX) {
			fail(out, RESOLVE_FAILED, "answers with a chain without end");
			return;
		}
		memcpy(out->names + out->names_len, now, len);
		out->names_len += len;
		out->name_count++;
	}
	strays = take_addresses(m, from, count, now, len, type, out);
	if (m->bad) {
		fail(out, RESOLVE_FAILED, "answers with a damaged message");
	} else if (out->address_count > 0) {
		out->verdict = RESOLVE_ADDRESSES;
	} else if (strays > 0) {
		fail(out, RESOLVE_FAILED, "answers with addresses of other names");
	} else {
		out->verdict = RESOLVE_NODATA;
		read_nodata(m, out);
	}
}

static const char *
rcode_reason(unsigned rcode)
{
	switch (rcode) {
	case RCODE_SERVFAIL:
		return "answers SERVFAIL";
	case RCODE_REFUSED:
		return "answers REFUSED";
	case RCODE_FORMERR:
		return "answers FORMERR";
	case RCODE_NOTIMP:
		return "answers NOTIMP";
	}
	return "answers with an error";
}

void
resolve_answer_read(const uint8_t *message, size_t len, const uint8_t *name,
		    size_t name_len, uint16_t type, struct resolve_answer *out)
{
	struct message m = { .bytes = message, .len = len };
	const char *wrong = check_header(&m);
	unsigned rcode;

	out->ttl = UINT32_MAX;
	out->reason = "";
	out->address_count = out->name_count = 0;
	out->names_len = 0;
	if (!wrong && !take_question(&m, name, name_len, type))
		wrong = "answers another question";
	if (wrong) {
		fail(out, RESOLVE_FAILED, wrong);
		return;
	}
	rcode = message[3] & 15u;
	if (rcode == RCODE_NXDOMAIN)
		fail(out, RESOLVE_NXDOMAIN, "says that there is no such name");
	else if (rcode != RCODE_NOERROR)
		fail(out, RESOLVE_FAILED, rcode_reason(rcode));
	else
		read_sections(&m, name, name_len, type, out);
}

/* ---- other RRsets ---- */

static bool
visit_record(const struct message *m, const struct record *record,
	     void (*visit)(void *context, uint32_t ttl, const uint8_t *rdata, size_t len),
	     void *context)
{
	struct message rdata = { m->bytes, record->rdata_at + record->rdata_len,
				 record->rdata_at, false };
	uint8_t target[DNAME_MAX];
	size_t len;

	if (record->type != TYPE_NS) {
		visit(context, record->ttl, m->bytes + record->rdata_at,
		      record->rdata_len);
		return true;
	}
	len = take_name(&rdata, target);
	if (len == 0)
		return false;
	visit(context, record->ttl, target, len);
	return true;
}

static void
refuse(struct resolve_rrset *out, enum resolve_verdict verdict, const char *reason)
{
	out->verdict = verdict;
	out->reason = reason;
}

void
resolve_answer_rrset(const uint8_t *message, size_t len, const uint8_t *name,
		     size_t name_len, uint16_t type,
		     void (*visit)(void *context, uint32_t ttl, const uint8_t *rdata,
				   size_t rdata_len),
		     void *context, struct resolve_rrset *out)
{
	struct message m = { .bytes = message, .len = len };
	const char *wrong = check_header(&m);
	struct record record;
	unsigned count, rcode;

	*out = (struct resolve_rrset){ .verdict = RESOLVE_NODATA, .reason = "" };
	if (!wrong && !take_question(&m, name, name_len, type))
		wrong = "answers another question";
	if (wrong) {
		refuse(out, RESOLVE_FAILED, wrong);
		return;
	}
	out->is_authoritative = message[2] & FLAG_AA;
	rcode = message[3] & 15u;
	if (rcode == RCODE_NXDOMAIN)
		refuse(out, RESOLVE_NXDOMAIN, "says that there is no such name");
	else if (rcode != RCODE_NOERROR)
		refuse(out, RESOLVE_FAILED, rcode_reason(rcode));
	if (rcode != RCODE_NOERROR)
		return;
	count = wire_get_u16(message + 6);
	for (unsigned i = 0; i < count && i < RECORDS_MAX && take_record(&m, &record);
	     i++) {
		if (record.type != type || record.class != CLASS_IN ||
		    !is_name(record.owner, record.owner_len, name, name_len))
			continue;
		m.bad |= !visit_record(&m, &record, visit, context);
		out->verdict = RESOLVE_ADDRESSES;
	}
	if (m.bad || count > RECORDS_MAX)
		refuse(out, RESOLVE_FAILED, "answers with a damaged message");
}
