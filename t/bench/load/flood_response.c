/* What a response says. */
#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"
#include "t/bench/load/flood_response.h"

enum { OPTION_COOKIE = 10, RECORD_LEN = 10 };

/* returns where the name at `at` ends; more than `len` when it does not. */
static unsigned
skip_name(const uint8_t *message, unsigned len, unsigned at)
{
	while (at < len && message[at] != 0) {
		if (message[at] >= 0xc0)
			return at + 2;
		at += 1u + message[at];
	}
	return at + 1;
}

static void
read_options(const uint8_t *rdata, unsigned len, struct flood_response *out)
{
	for (unsigned at = 0; at + OPTION_HEAD_LEN <= len;) {
		unsigned option_len = wire_get_u16(rdata + at + 2);
		bool is_cookie = wire_get_u16(rdata + at) == OPTION_COOKIE;

		at += OPTION_HEAD_LEN;
		if (option_len > len - at)
			return;
		if (is_cookie && option_len <= FLOOD_COOKIE_MAX) {
			memcpy(out->cookie, rdata + at, option_len);
			out->cookie_len = option_len;
		}
		at += option_len;
	}
}

void
flood_response_read(const uint8_t *message, unsigned len, struct flood_response *out)
{
	unsigned at = 12, rdata_len;
	unsigned records = 0u + wire_get_u16(message + 6) + wire_get_u16(message + 8) +
			   wire_get_u16(message + 10);

	*out = (struct flood_response){ .rcode = message[3] & 15u };
	for (unsigned i = wire_get_u16(message + 4); i > 0 && at < len; i--)
		at = skip_name(message, len, at) + 4;
	for (; records > 0; records--, at += rdata_len) {
		at = skip_name(message, len, at);
		if (at + RECORD_LEN > len)
			return;
		rdata_len = wire_get_u16(message + at + 8);
		at += RECORD_LEN;
		if (rdata_len > len - at)
			return;
		if (wire_get_u16(message + at - RECORD_LEN) != TYPE_OPT)
			continue;
		out->rcode |= (unsigned)message[at - RECORD_LEN + 4] << 4;
		read_options(message + at, rdata_len, out);
	}
}

void
flood_response_count(struct flood_figures *figures, const uint8_t *message, unsigned len,
		     unsigned rcode)
{
	flood_add(&figures->answered, 1);
	flood_add(&figures->octets, len);
	flood_add(&figures->rcodes[rcode < FLOOD_RCODES ? rcode : FLOOD_RCODES - 1], 1);
	if (wire_get_u16(message + 6) > 0)
		flood_add(&figures->with_answer, 1);
	if (message[2] & FLAG_TC)
		flood_add(&figures->truncated, 1);
}
