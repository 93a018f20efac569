/* Health checks: defaults, what is sound, stored form, keys. */
#include "shm/health_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/board.h"
#include "shm/sha256.h"
#include "t/tap.h"

static void
is_digest(const char *text, const char *want)
{
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	for (size_t cut = 0; cut <= strlen(text); cut += 1 + cut / 3) {
		sha256(text, cut, text + cut, strlen(text) - cut, digest);
		for (unsigned i = 0; i < SHA256_LEN; i++)
			sprintf(hex + 2 * i, "%02x", digest[i]);
		if (strcmp(hex, want) != 0)
			break;
	}
	is(hex, want, "SHA-256 of %zu octets", strlen(text));
}

static void
test_digest(void)
{
	is_digest("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	is_digest("abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	is_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	is_digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void
test_defaults(void)
{
	struct health_check check = { .protocol = HEALTH_HTTP };

	health_check_settle(&check);
	ok(check.port == 80 && check.up_count == 3 && check.down_count == -3 &&
		   check.timeout_ms == 1000 && check.interval_s == 0 &&
		   strcmp(check.uri, "/") == 0 && check.code_count == 2 &&
		   check.codes[1].low == 301 && check.codes[1].high == 302,
	   "redins's defaults");
	check = (struct health_check){ .protocol = HEALTH_HTTPS,
				       .down_count = 5,
				       .up_count = 1000,
				       .timeout_ms = 10000000 };
	health_check_settle(&check);
	ok(check.port == 443 && check.down_count == -5 &&
		   check.up_count == HEALTH_COUNT_MAX &&
		   check.timeout_ms == HEALTH_TIMEOUT_MAX_MS,
	   "https, a positive down_count, bounds");
	check = (struct health_check){
		.protocol = HEALTH_ICMP, .port = 7, .host = "a", .uri = "/b", .body = "c"
	};
	health_check_settle(&check);
	ok(check.port == 0 && !check.host[0] && !check.uri[0] && !check.body[0],
	   "icmp knows no port, no texts");
}

static void
test_words(void)
{
	enum health_protocol got;

	ok(health_protocol_find("", &got) && got == HEALTH_HTTP, "no word: http");
	ok(health_protocol_find("HTTPS", &got) && got == HEALTH_HTTPS, "https");
	ok(health_protocol_find("tcp", &got) && got == HEALTH_TCP, "tcp");
	ok(health_protocol_find("ping", &got) && got == HEALTH_ICMP, "ping is icmp");
	ok(!health_protocol_find("gopher", &got), "gopher is none");
}

static void
test_sound(void)
{
	static const struct {
		const char *host, *uri;
		bool want;
	} cases[] = {
		{ "www.example.com", "/", true },
		{ "www.example.com", "/a?b=c%20d", true },
		{ "www.example.com", "a", false },
		{ "www.example.com", "/a b", false },
		{ "www.example.com", "/a\r\nX: y", false },
		{ "www.example.com", "/\x7f", false },
		{ "www.example.com", "/\xc3\xa4", false },
		{ "www.example.com\r\nX: y", "/", false },
		{ "www example", "/", false },
		{ "user@example.com", "/", false },
		{ "", "/", false },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct health_check check = { .protocol = HEALTH_HTTP };

		strcpy(check.host, cases[i].host);
		strcpy(check.uri, cases[i].uri);
		is_int(health_check_is_sound(&check), cases[i].want, "case %u", i);
	}
}

static void
test_stored(void)
{
	struct health_check check = {
		.protocol = HEALTH_HTTPS,
		.verify = true,
		.port = 8443,
		.up_count = 2,
		.down_count = -4,
		.timeout_ms = 250,
		.interval_s = 3,
		.code_count = 2,
		.codes = { { 200, 204 }, { 418, 418 } },
		.host = "www.example.com",
		.uri = "/health",
		.body = "well",
	};
	static const uint8_t address[HEALTH_ADDRESS_LEN] = { [10] = 255, [11] = 255, 192,
							     0,          2,          1 };
	uint8_t bytes[HEALTH_CHECK_LEN_MAX], again[HEALTH_CHECK_LEN_MAX];
	struct health_check back = { 0 };
	size_t len, wrong = 0;
	uint64_t key;

	health_check_settle(&check);
	len = health_check_write(&check, bytes);
	ok(health_check_read(bytes, len, &back), "read back");
	is_int(health_check_write(&back, again), len, "the same length");
	cmp_mem(again, bytes, len, "the same octets");
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *part = malloc(cut + 1);

		memcpy(part, bytes, cut);
		wrong += health_check_read(part, cut, &back);
		free(part);
	}
	is_int(wrong, 0, "none that is cut is read");
	key = health_target_key(address, bytes, len);
	ok(key >= BOARD_KEY_MIN, "a key");
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1;
		wrong += health_target_key(address, bytes, len) == key;
		bytes[i] ^= 1;
	}
	is_int(wrong, 0, "every octet counts");
}

int
main(void)
{
	test_digest();
	test_defaults();
	test_words();
	test_sound();
	test_stored();
	return done_testing();
}
