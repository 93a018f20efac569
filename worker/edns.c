/* Writing the OPT record. */
#include "worker/edns.h"

#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"
#include "worker/cookie.h"

enum {
	EXTENDED_ERROR_LEN = 6, /* without text */
	DO_BIT = 0x8000,
};

unsigned
edns_subnet_len(const struct query *q, const struct answer_options *options)
{
	if (!options->ecs || !(q->flags & QUERY_ECS))
		return 0;
	return OPTION_HEAD_LEN + SUBNET_HEAD_LEN + (q->subnet.source_len + 7u) / 8;
}

static unsigned
nsid_len(const struct query *q, const struct answer_options *options)
{
	unsigned len = OPTION_HEAD_LEN + (unsigned)options->identity_len;

	if (!(q->flags & QUERY_NSID) || options->identity_len == 0 ||
	    q->question_end + EDNS_PLAIN_LEN + edns_subnet_len(q, options) + len >
		    q->limit)
		return 0;
	return len;
}

unsigned
edns_len(const struct query *q, const struct answer_options *options)
{
	if (!(q->flags & QUERY_EDNS))
		return 0;
	return EDNS_PLAIN_LEN + edns_subnet_len(q, options) + nsid_len(q, options);
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

static uint8_t *
put_head(uint8_t *at, unsigned code, unsigned len)
{
	wire_put_u16(at, (uint16_t)code);
	wire_put_u16(at + 2, (uint16_t)len);
	return at + OPTION_HEAD_LEN;
}

uint8_t *
edns_put_subnet(uint8_t *at, const struct query_subnet *subnet, unsigned scope_len)
{
	unsigned octets = (subnet->source_len + 7u) / 8;

	at = put_head(at, OPTION_ECS, SUBNET_HEAD_LEN + octets);
	wire_put_u16(at, subnet->family);
	at[2] = subnet->source_len;
	at[3] = (uint8_t)scope_len;
	memcpy(at + SUBNET_HEAD_LEN, subnet->address, octets);
	return at + SUBNET_HEAD_LEN + octets;
}

void
edns_add(struct response *response, const struct query *q,
	 const struct answer_options *options, unsigned len, unsigned rcode,
	 unsigned extended_error, unsigned scope_len)
{
	uint8_t *at = response->packet + response->at, *option = at + EDNS_PLAIN_LEN;

	edns_put_plain(at, options->udp_size, q->flags & QUERY_DO, rcode);
	if (nsid_len(q, options) > 0) { /* RFC 5001 */
		option = put_head(option, OPTION_NSID, options->identity_len);
		memcpy(option, options->identity, options->identity_len);
		option += options->identity_len;
	}
	if (edns_subnet_len(q, options) > 0)
		option = edns_put_subnet(option, &q->subnet, scope_len);
	if (q->flags & QUERY_COOKIE_REPLY)
		option = cookie_put(option, q); /* its room was taken off q->limit */
	if (extended_error && response->at + len + EXTENDED_ERROR_LEN <= q->limit) {
		option = put_head(option, OPTION_EXTENDED_ERROR,
				  EXTENDED_ERROR_LEN - OPTION_HEAD_LEN);
		wire_put_u16(option, (uint16_t)extended_error);
		option += EXTENDED_ERROR_LEN - OPTION_HEAD_LEN;
	}
	wire_put_u16(at + 9, (uint16_t)(option - at - EDNS_PLAIN_LEN));
	response->at += (uint32_t)(option - at);
	response->count[SECTION_ADDITIONAL]++;
}
