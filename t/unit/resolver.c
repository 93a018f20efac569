/* When the resolver asks again for what it was not told. */
#include "loader/resolve/resolver.h"

#include "t/tap.h"

int
main(void)
{
	uint64_t spent_ms = 0;
	unsigned count = 0;

	plan(0);
	is_int(resolver_backoff_ms(true, 1), 5000, "what is known is served meanwhile");
	is_int(resolver_backoff_ms(true, 3), 20000, "and asked for less and less often");
	is_int(resolver_backoff_ms(true, 9), 60000, "but once a minute");
	is_int(resolver_backoff_ms(true, UINT32_MAX), 60000, "for ever");
	while (resolver_backoff_ms(false, count + 1) < 60000)
		spent_ms += resolver_backoff_ms(false, ++count);
	ok(resolver_backoff_ms(false, 1) == 500 && count == 7 && spent_ms < 64000,
	   "a name of which nothing is known fails until then");
	return done_testing();
}
