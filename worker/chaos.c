/* Answers of class CH. */
#include "worker/chaos.h"

#include <string.h>

#include "shm/wire.h"

enum { TXT_HEAD_LEN = 13 }; /* pointer, type, class, TTL, RDLENGTH, length octet */

static bool
name_is(const struct query *q, const char *wire, size_t len)
{
	return q->name_len == len && memcmp(q->name, wire, len) == 0;
}

#define NAME_IS(q, literal) name_is(q, literal, sizeof(literal))

static void
add_text(struct answering *a, const char *text, unsigned len)
{
	struct response *r = &a->response;
	uint8_t *at = r->packet + r->at;

	if (TXT_HEAD_LEN + len > r->limit - r->at) {
		a->truncated = true;
		return;
	}
	wire_put_u16(at, QNAME_POINTER);
	wire_put_u16(at + 2, TYPE_TXT);
	wire_put_u16(at + 4, CLASS_CH);
	wire_put_u32(at + 6, 0);
	wire_put_u16(at + 10, (uint16_t)(len + 1));
	at[12] = (uint8_t)len;
	memcpy(at + TXT_HEAD_LEN, text, len);
	r->at += TXT_HEAD_LEN + len;
	r->count[SECTION_ANSWER]++;
}

void
chaos_answer(struct answering *a)
{
	const struct query *q = a->q;
	const struct answer_options *options = a->options;
	const char *text = options->version;
	unsigned len = 0;

	if (NAME_IS(q, "\7version\4bind") || NAME_IS(q, "\7version\6server")) {
		len = options->version_len;
	} else if (NAME_IS(q, "\2id\6server") || NAME_IS(q, "\10hostname\4bind")) {
		len = options->identity_len;
		text = options->identity;
	} else if (NAME_IS(q, "\7changes\6server")) {
		len = options->changes_len;
		text = options->changes;
	}
	if (len == 0) {
		a->rcode = RCODE_REFUSED;
		return;
	}
	a->authoritative = true;
	if (q->type == TYPE_TXT || q->type == TYPE_ANY)
		add_text(a, text, len);
}
