/* A short list, looked through. */
#include "loader/sign/key_unkept.h"

#include <string.h>

static size_t
place_of(const struct key_unkept *unkept, const uint8_t *zone)
{
	size_t at = 0;

	while (at < unkept->count && dname_compare(unkept->zones[at].zone, zone) != 0)
		at++;
	return at;
}

static void
drop(struct key_unkept *unkept, size_t at)
{
	unkept->zones[at] = unkept->zones[--unkept->count];
	if (unkept->count == 0)
		unkept->tries = 0;
}

void
key_unkept_note(struct key_unkept *unkept, const uint8_t *zone, int why)
{
	size_t at = place_of(unkept, zone);

	if (why == 0) {
		if (at < unkept->count)
			drop(unkept, at);
		return;
	}
	unkept->tries++;
	if (at == KEY_UNKEPT_MAX)
		return;
	if (at == unkept->count)
		unkept->count++;
	memcpy(unkept->zones[at].zone, zone, dname_len(zone, DNAME_MAX));
	unkept->zones[at].why = why;
	unkept->zones[at].asks = 0;
}

int
key_unkept_why(const struct key_unkept *unkept, const uint8_t *zone)
{
	size_t at = place_of(unkept, zone);

	return at < unkept->count ? unkept->zones[at].why : 0;
}

void
key_unkept_each(struct key_unkept *unkept,
		bool (*visit)(void *context, const uint8_t *zone, size_t len),
		void *context)
{
	for (size_t at = unkept->count; at-- > 0;) {
		struct key_unkept_zone *zone = &unkept->zones[at];

		if (++zone->asks > KEY_UNKEPT_ASKS)
			drop(unkept, at);
		else if (!visit(context, zone->zone, dname_len(zone->zone, DNAME_MAX)))
			return;
	}
}
