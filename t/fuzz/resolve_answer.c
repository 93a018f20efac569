/* Any message in the place of a resolver's answer: no crash, and what comes out is what a
 * store can hold.  The first octet of the input is the type asked for, odd for A. */
#include "loader/resolve/resolve_answer.h"

#include <stdlib.h>
#include <string.h>

#include "shm/dns.h"
#include "t/fuzz/target.h"

static const uint8_t name[] = "\001a\007outside\004test";

static void
check_bounds(const struct resolve_answer *answer, size_t address_len)
{
	demand(answer->address_count <= RESOLVED_ADDRESSES_MAX);
	demand(answer->name_count <= RESOLVED_NAMES_MAX);
	demand(answer->names_len <= sizeof answer->names);
	demand((answer->verdict == RESOLVE_ADDRESSES) == (answer->address_count > 0));
	if (answer->verdict == RESOLVE_FAILED || answer->verdict == RESOLVE_NXDOMAIN)
		demand(answer->reason[0] != '\0' && answer->name_count == 0);
	for (unsigned i = 0; i < answer->address_count; i++)
		for (unsigned other = 0; other < i; other++)
			demand(memcmp(answer->addresses + i * address_len,
				      answer->addresses + other * address_len,
				      address_len) != 0);
}

/* What is written of it is read as it was. */
static void
check_stored(const struct resolve_answer *answer, uint16_t type)
{
	const struct resolved entry = {
		.head = { .ttl = 5,
			  .address_count = (uint8_t)answer->address_count,
			  .name_count = (uint8_t)answer->name_count,
			  .names_len = (uint16_t)answer->names_len },
		.address_len = type == TYPE_A ? 4 : 16,
		.addresses = answer->addresses,
		.names = answer->names,
		.reason = "",
	};
	uint8_t value[RESOLVED_VALUE_MAX];
	struct resolved back;
	size_t len = resolved_write(&entry, value);

	demand(resolved_open(value, len, type, &back));
	demand(back.head.names_len == answer->names_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct resolve_answer answer;
	struct resolved stored;
	uint16_t type;

	if (size == 0)
		return 0;
	type = data[0] & 1 ? TYPE_A : TYPE_AAAA;
	resolve_answer_read(data + 1, size - 1, name, sizeof name, type, &answer);
	check_bounds(&answer, type == TYPE_A ? 4 : 16);
	check_stored(&answer, type);
	/* and as a stored entry, which may be damaged */
	if (resolved_open(data, size, type, &stored))
		demand(stored.head.address_count <= RESOLVED_ADDRESSES_MAX);
	return 0;
}
