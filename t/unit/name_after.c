/* Successors of names: by hand, and that nothing stands between. */
#include "loader/sign/name_after.h"

#include <string.h>

#include "t/draw.h"

static uint8_t apex[DNAME_MAX];
static size_t apex_len;

/* Labels of these lengths, all of one octet, above the apex.  returns its length. */
static size_t
make(uint8_t out[DNAME_MAX], uint8_t octet, const uint8_t *lens, unsigned count)
{
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		out[len++] = lens[i];
		memset(out + len, octet, lens[i]);
		len += lens[i];
	}
	memcpy(out + len, apex, apex_len);
	return len + apex_len;
}

static void
is_after(const uint8_t *name, size_t len, const uint8_t *want, size_t want_len,
	 const char *what)
{
	uint8_t got[DNAME_MAX];
	size_t got_len = name_after(name, len, apex_len, got);

	ok(got_len == want_len && memcmp(got, want, want_len) == 0, "%s", what);
}

static void
test_by_hand(void)
{
	static const uint8_t full[] = { 63, 63, 63, 57 }, filled[] = { 57, 63, 63, 63 },
			     nearly[] = { 56, 63, 63, 63 }, widest[] = { 63, 63, 63, 56 };
	uint8_t name[DNAME_MAX], want[DNAME_MAX];
	size_t len = make(name, 'a', nearly, 2);

	memcpy(want, "\1\0", 2);
	memcpy(want + 2, name, len);
	is_after(name, len, want, len + 2, "with room: the least name below it");
	len = make(name, 'a', nearly, 4);
	is_int((long)len, 254, "a name of 254 octets");
	memcpy(want, name, 57);
	want[0]++;
	want[57] = 0;
	memcpy(want + 58, name + 57, len - 57);
	is_after(name, len, want, len + 1, "room for an octet: the label grows by it");
	len = make(name, 'a', widest, 4);
	memcpy(want, name, len);
	want[63] = 'b';
	is_after(name, len, want, len, "but not beyond 63: its last octet is the next");
	len = make(name, 'a', full, 4);
	is_int((long)len, 255, "a name of 255 octets");
	memcpy(want, name, len);
	want[63] = 'b';
	is_after(name, len, want, len, "no room: its last octet is the next");
	name[63] = '@';
	want[63] = '[';
	is_after(name, len, want, len, "capitals are no octets of their own");
	name[63] = name[62] = 255;
	want[0] = 61;
	want[61] = 'b';
	memcpy(want + 62, name + 64, len - 64);
	is_after(name, len, want, len - 2, "what cannot be greater is left out");
	len = make(name, 255, filled, 4);
	memset(name + 58 + 1, 'c', 63);
	memcpy(want, name + 58, len - 58);
	want[63] = 'd';
	is_after(name, len, want, len - 58, "so is a label");
	(void)make(name, 255, filled, 4);
	is_after(name, len, apex, apex_len, "behind the last name: the apex");
}

/* A long name of few different octets, or one much like it. */
static size_t
draw_name(const uint8_t *like, uint8_t out[DNAME_MAX])
{
	static const uint8_t octets[] = { 0, '@', '[', 'a', 254, 255 };
	size_t left = 253 - apex_len + draw(3), at = 0;

	while (left > 1) {
		size_t label = left > 64 ? 63 - draw(2) : left - 1;

		if (left - label - 1 == 1)
			label--;
		out[at++] = (uint8_t)label;
		for (size_t i = 0; i < label; i++, at++)
			out[at] = like && draw(60) ? like[at] : octets[draw(6)];
		left -= label + 1;
	}
	memcpy(out + at, apex, apex_len);
	return at + apex_len;
}

static void
test_nothing_between(void)
{
	enum { NAMES = 3000, OTHERS = 60 };
	uint8_t name[DNAME_MAX], after[DNAME_MAX], other[DNAME_MAX];
	unsigned bad = 0, between = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		size_t len = draw_name(NULL, name);
		size_t after_len = name_after(name, len, apex_len, after);

		bad += dname_len(after, after_len) != after_len ||
		       dname_compare(name, after) >= 0;
		for (unsigned k = 0; k < OTHERS; k++) {
			(void)draw_name(k % 2 ? name : after, other);
			between += dname_compare(name, other) < 0 &&
				   dname_compare(other, after) < 0;
		}
	}
	is_int(bad, 0, "names that stand behind");
	is_int(between, 0, "nothing stands between");
}

int
main(void)
{
	plan(0);
	draw_seed();
	apex_len = dname_from_text("a.b", apex);
	test_by_hand();
	test_nothing_between();
	return done_testing();
}
