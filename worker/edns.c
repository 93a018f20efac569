/* Writing the OPT record. */
#include "worker/edns.h"

#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"

enum {
	OPTION_HEAD_LEN = 4,
	OPTION_NSID = 3,
	OPTION_EXTENDED_ERROR = 15,
	EXTENDED_ERROR_LEN = 6, /* without text */
	DO_BIT = 0x8000,
};

static bool
sends_nsid(const struct query *q, const struct answer_options *options)
{
	return (q->flags & QUERY_NSID) && options->identity_len > 0 &&
	       q->question_end + EDNS_PLAIN_LEN + OPTION_HEAD_LEN +
			       options->identity_len <=
		       q->limit;
}

unsigned
edns_len(const struct query *q, const struct answer_options *options)
{
	if (!(q->flags & QUERY_EDNS))
		return 0;
	if (!sends_nsid(q, options))
		return EDNS_PLAIN_LEN;
	return EDNS_PLAIN_LEN + OPTION_HEAD_LEN + (unsigned)options->identity_len;
}

void
edns_put_plain(uint8_t *at, uint16_t udp_size, bool dnssec, unsigned rcode)
{
	at[0] = 0;
	wire_put_u16(at + 1, TYPE_OPT);
	wire_put_u16(at + 3, udp_size);
	at[5] = (uint8_t)(rcode >> 4);
	at[6] = 0;
	wire_put_u16(at + 7, (uint16_t)(dnssec ? DO_BIT : 0));
	wire_put_u16(at + 9, 0);
}

void
edns_add(struct response *response, const struct query *q,
	 const struct answer_options *options, unsigned len, unsigned rcode,
	 unsigned extended_error)
{
	uint8_t *at = response->packet + response->at, *option = at + EDNS_PLAIN_LEN;

	edns_put_plain(at, options->udp_size, q->flags & QUERY_DO, rcode);
	if (len > EDNS_PLAIN_LEN) { /* NSID, RFC 5001 */
		wire_put_u16(option, OPTION_NSID);
		wire_put_u16(option + 2, options->identity_len);
		memcpy(option + OPTION_HEAD_LEN, options->identity,
		       options->identity_len);
		option = at + len;
	}
	if (extended_error && response->at + len + EXTENDED_ERROR_LEN <= q->limit) {
		wire_put_u16(option, OPTION_EXTENDED_ERROR);
		wire_put_u16(option + 2, EXTENDED_ERROR_LEN - OPTION_HEAD_LEN);
		wire_put_u16(option + OPTION_HEAD_LEN, (uint16_t)extended_error);
		option += EXTENDED_ERROR_LEN;
	}
	wire_put_u16(at + 9, (uint16_t)(option - at - EDNS_PLAIN_LEN));
	response->at += (uint32_t)(option - at);
	response->count[SECTION_ADDITIONAL]++;
}
