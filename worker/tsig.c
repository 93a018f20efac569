/* Reading a TSIG as far as an error about it needs. */
#include "worker/tsig.h"

#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"

enum {
	TIME_AND_FUDGE_LEN = 8,
	TSIG_BADKEY = 17,
	POINTER_LEN = 2,
};

bool
tsig_is_well_formed(const uint8_t *at, unsigned rdata_len)
{
	const uint8_t *rdata = at + TSIG_FIXED_LEN;
	unsigned len = (unsigned)dname_len(rdata, rdata_len), mac_len;

	if (wire_get_u16(at + 2) != CLASS_ANY || len == 0 ||
	    rdata_len < len + TSIG_RDATA_REST)
		return false;
	mac_len = wire_get_u16(rdata + len + TIME_AND_FUDGE_LEN);
	if (rdata_len - len - TSIG_RDATA_REST < mac_len)
		return false;
	return rdata_len - len - TSIG_RDATA_REST - mac_len ==
	       wire_get_u16(rdata + len + TSIG_RDATA_REST - 2 + mac_len);
}

/* Does a name of `len` octets end well with a pointer to `goal`, in the question? */
static bool
is_pointer_good(const struct query *q, unsigned len, unsigned goal)
{
	if (q->question_end == QUERY_HEADER_LEN)
		return false;
	for (unsigned i = 0; i <= q->label_count; i++)
		if (goal == QUERY_HEADER_LEN + (unsigned)q->label_start[i])
			return len + q->name_len - q->label_start[i] <= DNAME_MAX;
	return false;
}

/* The length of an owner, as it is written, that means the same in the response: it
 * stands whole, or points into the question.  0 for others. */
static unsigned
owner_len(const struct query *q, const uint8_t *owner)
{
	unsigned len = 0;

	while (owner[len] != 0 && owner[len] <= DNAME_LABEL_MAX)
		len += owner[len] + 1u;
	if (owner[len] == 0)
		return len + 1;
	return is_pointer_good(q, len, wire_get_u16(owner + len) & POINTER_MAX)
		       ? len + POINTER_LEN
		       : 0;
}

void
tsig_make_error(const struct query *q, struct tsig_error *out)
{
	const uint8_t *owner = q->packet + q->tsig_at, *rdata;
	unsigned key_len = owner_len(q, owner), algorithm_len;
	uint8_t *at = out->octets;

	out->len = 0;
	if (key_len == 0)
		return;
	rdata = owner + key_len + TSIG_FIXED_LEN;
	algorithm_len = (unsigned)dname_len(rdata, DNAME_MAX);
	memcpy(at, owner, key_len);
	at += key_len;
	memcpy(at, rdata - TSIG_FIXED_LEN, TSIG_FIXED_LEN - 2);
	at += TSIG_FIXED_LEN - 2;
	wire_put_u16(at, (uint16_t)(algorithm_len + TSIG_RDATA_REST));
	memcpy(at + 2, rdata, algorithm_len + TIME_AND_FUDGE_LEN);
	at += 2 + algorithm_len + TIME_AND_FUDGE_LEN;
	wire_put_u16(at, 0); /* no MAC */
	memcpy(at + 2, q->packet, 2); /* original ID */
	wire_put_u16(at + 4, TSIG_BADKEY);
	wire_put_u16(at + 6, 0); /* no other data */
	out->len = (unsigned)(at + 8 - out->octets);
}

void
tsig_add_error(struct response *response, const struct tsig_error *error)
{
	if (error->len == 0 || error->len > response->limit - response->at)
		return;
	memcpy(response->packet + response->at, error->octets, error->len);
	response->at += error->len;
	response->count[SECTION_ADDITIONAL]++;
}
