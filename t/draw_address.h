/* Random addresses for tests of places. */
#ifndef T_DRAW_ADDRESS_H
#define T_DRAW_ADDRESS_H

#include <stdint.h>
#include <string.h>

#include "shm/geo_db.h"
#include "t/draw.h"

/* One of few, so that they meet: of IPv6 with 1 / `v6_of`, else of IPv4. */
static inline struct geo_address
draw_address(unsigned v6_of)
{
	struct geo_address address = { { [10] = 0xff, [11] = 0xff } };
	static const uint8_t v6[4] = { 0x20, 1, 0xd, 0xb8 };

	if (draw(v6_of)) {
		address.octets[12] = 198;
		address.octets[13] = (uint8_t)(51 + draw(2));
		address.octets[14] = (uint8_t)draw(draw(3) ? 3 : 256);
		address.octets[15] = (uint8_t)draw(256);
		return address;
	}
	memset(&address, 0, sizeof address);
	memcpy(address.octets, v6, sizeof v6);
	for (unsigned at = 4; at < 16; at++)
		if (draw(3) == 0)
			address.octets[at] = (uint8_t)draw(3);
	return address;
}

#endif
