/* Networks on two lists: the longest that holds an address decides.  Cases, and random lists
 * against looking at each. */
#include "worker/prefix_table.h"

#include <string.h>

#include "t/draw.h"
#include "t/tap.h"

static struct limit_prefix prefixes[LIMIT_PREFIXES_MAX];
static unsigned count;
static struct prefix_table table;

static void
put(const char *text, bool is_black)
{
	if (!network_parse(text, &prefixes[count].network))
		bail_out("%s is no network", text);
	prefixes[count++].is_black = is_black;
}

static enum prefix_list
find(const char *address)
{
	struct network one;

	if (!network_parse(address, &one))
		bail_out("%s is no address", address);
	return prefix_table_find(&table, prefix_number_of(one.octets));
}

static void
test_cases(void)
{
	static const struct {
		const char *address;
		enum prefix_list list;
	} cases[] = {
		{ "192.0.2.1", PREFIX_BLACK },
		{ "192.0.2.128", PREFIX_WHITE },
		{ "192.0.2.255", PREFIX_WHITE },
		{ "192.0.2.130", PREFIX_BLACK },
		{ "192.0.3.0", PREFIX_NONE },
		{ "192.0.1.255", PREFIX_NONE },
		{ "::ffff:192.0.2.1", PREFIX_BLACK },
		{ "2001:db8::1", PREFIX_BLACK },
		{ "2001:db8:1::1", PREFIX_WHITE },
		{ "2001:db9::", PREFIX_NONE },
		{ "198.51.100.7", PREFIX_BLACK },
		{ "::1", PREFIX_NONE },
		{ "ffff::", PREFIX_WHITE },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", PREFIX_WHITE },
	};

	prefix_table_make(&table, prefixes, 0);
	is_int(find("192.0.2.1"), PREFIX_NONE, "on no list");
	put("192.0.2.0/24", true);
	put("192.0.2.128/25", false);
	put("192.0.2.130", true);
	put("2001:db8::/32", true);
	put("2001:db8:1::/48", false);
	put("198.51.100.7", false);
	put("198.51.100.7/32", true); /* the same on both */
	put("ffff::/16", false);
	prefix_table_make(&table, prefixes, count);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(find(cases[i].address), cases[i].list, "%s", cases[i].address);
	count = 0;
	put("0.0.0.0/0", true);
	prefix_table_make(&table, prefixes, count);
	is_int(find("203.0.113.9"), PREFIX_BLACK, "all of IPv4");
	is_int(find("2001:db8::1"), PREFIX_NONE, "is nothing of IPv6");
	put("::/0", true);
	prefix_table_make(&table, prefixes, count);
	is_int(find("2001:db8::1"), PREFIX_BLACK, "everything");
}

static enum prefix_list
find_plainly(const uint8_t address[16])
{
	enum prefix_list list = PREFIX_NONE;
	int longest = -1;

	for (unsigned i = 0; i < count; i++) {
		const struct limit_prefix *one = &prefixes[i];

		if (!network_holds(&one->network, address) || one->network.len < longest)
			continue;
		if (one->network.len > longest || one->is_black)
			list = one->is_black ? PREFIX_BLACK : PREFIX_WHITE;
		longest = one->network.len;
	}
	return list;
}

/* Octets of few values, so that networks lie in each other and addresses on their ends. */
static void
draw_address(uint8_t out[16])
{
	static const uint8_t values[] = { 0, 1, 0x80, 0xff };

	for (unsigned i = 0; i < 16; i++)
		out[i] = i < 3 || i > 13 ? values[draw(4)] : i % 2 ? 0xff : 0;
}

static void
test_random(void)
{
	unsigned wrong = 0;

	for (unsigned round = 0; round < 200; round++) {
		count = draw(round % 10 ? 30 : LIMIT_PREFIXES_MAX / 8);
		for (unsigned i = 0; i < count; i++) {
			struct network *network = &prefixes[i].network;

			draw_address(network->octets);
			network->len = (uint8_t)draw(129);
			for (unsigned bit = network->len; bit < 128; bit++)
				network->octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
			prefixes[i].is_black = (uint8_t)draw(2);
		}
		prefix_table_make(&table, prefixes, count);
		for (unsigned i = 0; i < 500; i++) {
			uint8_t address[16];

			draw_address(address);
			wrong += prefix_table_find(&table, prefix_number_of(address)) !=
				 find_plainly(address);
		}
	}
	is_int(wrong, 0,
	       "100,000 addresses are where looking at each network finds them");
}

int
main(void)
{
	draw_seed();
	test_cases();
	test_random();
	return done_testing();
}
