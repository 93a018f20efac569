/* Counting TCP connections per client over several workers. */
#include "shm/client_count.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/region.h"
#include "t/tap.h"

static const struct client_seed seed = { 0x243f6a8885a308d3, 0x13198a2e03707344 };

static struct client_cells
cells(const char *text)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&address, &in, sizeof in);
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(&address, &in6, sizeof in6);
	else
		bail_out("%s is no address", text);
	return client_cells_of(&seed, &address);
}

static bool
is_same(const char *a, const char *b)
{
	struct client_cells x = cells(a), y = cells(b);

	return memcmp(&x, &y, sizeof x) == 0;
}

static void
test_who_is_one_client(void)
{
	ok(!is_same("192.0.2.1", "192.0.2.2"), "two IPv4 addresses are two clients");
	ok(is_same("192.0.2.1", "::ffff:192.0.2.1"),
	   "a mapped address is the IPv4 client");
	ok(is_same("2001:db8::1", "2001:db8::ffff:2"), "a /64 is one client");
	ok(!is_same("2001:db8::1", "2001:db8:0:1::1"), "two /64 are two");
	ok(!is_same("32.1.13.184", "2001:db8:ffff::1"), "IPv4 and IPv6 share no client");
}

static struct region *
new_region(unsigned workers)
{
	size_t size = sizeof(struct region) + workers * sizeof(struct worker_slot);
	struct region *region = aligned_alloc(128, (size + 127) / 128 * 128);

	if (!region)
		bail_out("no memory");
	memset(region, 0, size);
	region->worker_count = workers;
	return region;
}

static void
test_count(void)
{
	struct region *region = new_region(3);
	struct client_cells one = cells("192.0.2.1"), two = cells("192.0.2.2");

	for (unsigned i = 0; i < 3; i++)
		client_count_add(&region->slots[i].clients, one, 1);
	client_count_add(&region->slots[1].clients, two, 1);
	is_int(region_client_count(region, one), 3, "three workers, a connection each");
	is_int(region_client_count(region, two), 1, "and one of another client");
	client_count_add(&region->slots[1].clients, one, -1);
	is_int(region_client_count(region, one), 2, "one less");
	client_count_clear(&region->slots[0].clients);
	is_int(region_client_count(region, one), 1, "a restarted worker begins at none");
	is_int(region_client_count(region, cells("2001:db8::1")), 0,
	       "a stranger has none");
	free(region);
}

/* 2,000 clients of 5 connections: nobody is counted below 5, hardly anybody above. */
static void
test_crowd(void)
{
	struct region *region = new_region(2);
	unsigned low = 0, high = 0;
	char text[32];

	for (unsigned i = 0; i < 10000; i++) {
		snprintf(text, sizeof text, "10.0.%u.%u", i % 2000 / 250, i % 250);
		client_count_add(&region->slots[i / 2000 % 2].clients, cells(text), 1);
	}
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof text, "10.0.%u.%u", i / 250, i % 250);
		low += region_client_count(region, cells(text)) < 5;
		high += region_client_count(region, cells(text)) > 5;
	}
	is_int(low, 0, "nobody is counted too low in a crowd");
	ok(high < 60, "%u of 2000 clients are counted too high", high);
	free(region);
}

int
main(void)
{
	plan(12);
	test_who_is_one_client();
	test_count();
	test_crowd();
	return done_testing();
}
