/* Which Host headers are ours. */
#include "loader/report/host_check.h"

#include <arpa/inet.h>
#include <string.h>

#include "t/tap.h"

static struct sockaddr_storage
local(const char *text)
{
	struct sockaddr_storage any = { .ss_family = AF_UNSPEC };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		memcpy(&any, &v4, sizeof v4);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		memcpy(&any, &v6, sizeof v6);
	return any;
}

/* clang-format off */
static const struct {
	const char *local, *host;
	bool want;
} cases[] = {
	{ "127.0.0.1", NULL, true },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.1:9353", true },
	{ "127.0.0.1", "127.0.0.1:", true },
	{ "127.0.0.1", "localhost:8080", true },
	{ "127.0.0.1", "localhost ", true },
	{ "127.0.0.1", "localhost:8080\t ", true },
	{ "127.0.0.1", "localhost: ", true },
	{ "127.0.0.1", "local host", false },
	{ "127.0.0.1", "localhost :80", false },
	{ "127.0.0.1", "localhost:8 0", false },
	{ "127.0.0.1", " ", false },
	{ "127.0.0.1", "LocalHost", true },
	{ "127.0.0.1", "localhost.", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "127.0.0.1", "127.0.0.1/8", false },
	{ "127.0.0.1", "127.1", false },
	{ "127.0.0.1", "127.0.0.1:80x", false },
	{ "127.0.0.1", "127.0.0.1:999999", false },
	{ "127.0.0.1", "127.0.0.1.evil.test", false },
	{ "127.0.0.1", "localhost.evil.test", false },
	{ "127.0.0.1", "evil.test", false },
	{ "127.0.0.1", "evil.test:9353", false },
	{ "127.0.0.1", "", false },
	{ "127.0.0.1", ":9353", false },
	{ "127.0.0.1", ".", false },
	{ "127.0.0.1", "a@127.0.0.1", false },
	{ "127.0.0.1", "127.0.0.1, evil.test", false },
	{ "127.0.0.1", "dns1.example.net", true },
	{ "127.0.0.1", "DNS1.example.net.:80", true },
	{ "127.0.0.1", "dns1.example.net.evil.test", false },
	{ "127.0.0.1", "dns1.example.ne", false },
	{ "::1", "[::1]:9353", true },
	{ "::1", "[0:0::1]", true },
	{ "::1", "[::1] ", true },
	{ "::1", "localhost", true },
	{ "::1", "::1", false },
	{ "::1", "[::1", false },
	{ "::1", "[::1]x", false },
	{ "::1", "[::2]", false },
	{ "192.0.2.1", "192.0.2.1:80", true },
	{ "192.0.2.1", "localhost", false },
	{ "192.0.2.1", "127.0.0.1", false },
	{ "2001:db8::1", "[2001:DB8::1]", true },
};
/* clang-format on */

int
main(void)
{
	char *names[] = { (char[]){ "other.test" }, (char[]){ "dns1.example.net" } };
	const struct setting_texts hosts = { .count = 2, .items = names };
	char longest[600];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sockaddr_storage at = local(cases[i].local);

		ok(host_check(cases[i].host, &at, &hosts) == cases[i].want, "%s at %s",
		   cases[i].host ? cases[i].host : "none", cases[i].local);
	}
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	struct sockaddr_storage at = local("127.0.0.1");
	ok(!host_check(longest, &at, &hosts), "one that is too long");
	at.ss_family = AF_UNSPEC;
	ok(!host_check("127.0.0.1", &at, &hosts), "an address that is not known");
	return done_testing();
}
