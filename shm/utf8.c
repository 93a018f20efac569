/* Which octets are characters. */
#include "shm/utf8.h"

size_t
utf8_len(const unsigned char *text, size_t len)
{
	unsigned char lead = text[0], low = 0x80, high = 0xbf;
	size_t want = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (want == 1)
		return 1;
	if (lead < 0xc2 || lead > 0xf4 || len < want)
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return want;
}
