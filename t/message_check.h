/* Is this a response that any client could take?  A second parser of messages, for
 * tests only: it shares no code with the server's. */
#ifndef T_MESSAGE_CHECK_H
#define T_MESSAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct message_reader {
	const uint8_t *octets;
	size_t len, at;
	const char *wrong; /* the first thing that is, else NULL */
};

static inline unsigned
message_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Walk a name; every pointer must lead further back than all before it, so that a
 * reader cannot be sent in circles. */
static inline void
message_skip_name(struct message_reader *m)
{
	size_t at = m->at, limit = m->at, name_len = 0, end = 0;

	while (!m->wrong) {
		unsigned len;

		if (at >= m->len) {
			m->wrong = "a name runs over the end";
			return;
		}
		len = m->octets[at];
		if (len >= 0xc0) {
			if (at + 2 > m->len) {
				m->wrong = "a pointer runs over the end";
				return;
			}
			if (end == 0)
				end = at + 2;
			at = message_u16(m->octets + at) & 0x3fff;
			if (at >= limit || at < 12)
				m->wrong = "a pointer does not lead back";
			limit = at;
			continue;
		}
		name_len += len + 1;
		at += len + 1;
		if (len > 63 || name_len > 255)
			m->wrong = "a label or name is too long";
		if (len == 0)
			break;
	}
	m->at = end ? end : at;
	if (m->at > m->len)
		m->wrong = "a name runs over the end";
}

/* Names within rdata of the types whose names may be compressed. */
static inline void
message_check_rdata(struct message_reader *m, unsigned type, size_t rdata_len)
{
	size_t end = m->at + rdata_len;
	unsigned names = 0;

	switch (type) {
	case 2:
	case 5:
	case 12:
	case 39: /* NS, CNAME, PTR, DNAME */
		names = 1;
		break;
	case 6:
	case 14:
	case 17: /* SOA, MINFO, RP */
		names = 2;
		break;
	case 15:
	case 18:
	case 21:
	case 36: /* MX, AFSDB, RT, KX */
		names = 1;
		m->at += 2;
		break;
	case 33: /* SRV */
		names = 1;
		m->at += 6;
		break;
	}
	while (names-- > 0 && !m->wrong)
		message_skip_name(m);
	if (!m->wrong && m->at > end)
		m->wrong = "a name runs over its rdata";
	m->at = end;
}

static inline void
message_check_record(struct message_reader *m, bool may_be_opt, unsigned *opts)
{
	size_t owner = m->at, rdata_len;
	unsigned type;

	message_skip_name(m);
	if (m->wrong)
		return;
	if (m->len - m->at < 10) {
		m->wrong = "a record runs over the end";
		return;
	}
	type = message_u16(m->octets + m->at);
	rdata_len = message_u16(m->octets + m->at + 8);
	m->at += 10;
	if (m->len - m->at < rdata_len) {
		m->wrong = "rdata runs over the end";
	} else if (type == 41) {
		if (!may_be_opt || m->octets[owner] != 0 || ++*opts > 1)
			m->wrong = "a misplaced OPT";
		m->at += rdata_len;
	} else {
		message_check_rdata(m, type, rdata_len);
	}
}

/* returns NULL when `response` is a well-formed response to `query` (its first
 * `query_len` octets; at least a header), else what is wrong. */
static inline const char *
message_check(const uint8_t *response, size_t len, const uint8_t *query, size_t query_len)
{
	struct message_reader m = { response, len, 12, NULL };
	unsigned counts[3], questions, opts = 0;

	if (len < 12)
		return "shorter than a header";
	if (memcmp(response, query, 2) != 0)
		return "another ID";
	if (!(response[2] & 0x80))
		return "no QR";
	if ((response[2] ^ query[2]) & 0x79)
		return "another opcode or RD";
	if (response[3] & 0xe0)
		return "RA, Z or AD is set";
	questions = message_u16(response + 4);
	if (questions > 1)
		return "more than one question";
	if (questions == 1) {
		message_skip_name(&m);
		m.at += 4;
		if (m.wrong || m.at > len)
			return m.wrong ? m.wrong : "the question runs over the end";
		if (m.at > query_len || memcmp(response + 12, query + 12, m.at - 12) != 0)
			return "another question";
	}
	for (unsigned section = 0; section < 3; section++) {
		counts[section] = message_u16(response + 6 + 2 * section);
		for (unsigned i = 0; i < counts[section] && !m.wrong; i++)
			message_check_record(&m, section == 2, &opts);
	}
	if (m.wrong)
		return m.wrong;
	if (m.at != len)
		return "octets behind the last record";
	if ((response[2] & 2) && counts[0] + counts[1] + counts[2] != opts)
		return "records in a truncated response";
	return NULL;
}

#endif
