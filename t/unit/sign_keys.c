/* Keys: their texts, what becomes of them by time, whether halves belong together. */
#include <stdlib.h>
#include <string.h>

#include "loader/sign/base64.h"
#include "loader/sign/key_dir.h"
#include "loader/sign/key_text.h"
#include "loader/sign/sign_crypto.h"
#include "loader/sign/sign_key.h"
#include "loader/sign/type_bitmap.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/wire.h"
#include "t/tap.h"

/* The key of RFC 6605, section 6.1. */
#define RFC_KEY                                                                  \
	"GojIhhXUN/"                                                             \
	"u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQ" \
	"Lc8NAA=="
#define RFC_PUBLIC "example.net. 3600 IN DNSKEY 257 3 13 " RFC_KEY
#define RFC_PRIVATE                                                   \
	"Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\n" \
	"PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\n"

static bool
read_public(const char *text, struct key_public *out, const char **reason)
{
	return key_text_read_public(text, strlen(text), out, reason);
}

static bool
read_private(const char *text, struct key_private *out, const char **reason)
{
	return key_text_read_private(text, strlen(text), out, reason);
}

static void
test_base64(void)
{
	static const struct {
		const char *octets, *text;
	} cases[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	static const char *const bad[] = { "Z",        "Zg",   "Zg=", "Zm9v!",
					   "Zg==Zg==", "Zh==", "====" };
	char text[16];
	uint8_t octets[16];
	size_t len;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t want = strlen(cases[i].octets);

		base64_encode((const uint8_t *)cases[i].octets, want, text);
		is(text, cases[i].text, "encode \"%s\"", cases[i].octets);
		ok(base64_decode(text, strlen(text), octets, sizeof octets, &len) &&
			   len == want && memcmp(octets, cases[i].octets, len) == 0,
		   "and back");
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!base64_decode(bad[i], strlen(bad[i]), octets, sizeof octets, &len),
		   "\"%s\" is refused", bad[i]);
	ok(!base64_decode("Zm9vYmFy", 8, octets, 5, &len), "so is what does not fit");
}

static void
test_public(void)
{
	static const struct {
		const char *text;
		bool is_good;
	} cases[] = {
		{ "; a comment\n" RFC_PUBLIC "\n", true },
		{ "example.net. IN DNSKEY 257 3 13 " RFC_KEY, true },
		{ "example.net. IN 60 DNSKEY 257 3 13 " RFC_KEY, true },
		{ "Example.NET. DNSKEY 257 3 13 (\n " RFC_KEY " ) ; x", true },
		{ "; written so in Redis\\n" RFC_PUBLIC "\\n", true },
		{ "", false },
		{ "example.net. IN A 192.0.2.1", false },
		{ "example.net. IN DNSKEY 257 3 13", false },
		{ "example.net. IN DNSKEY 257 3 13 !!!!", false },
		{ "example.net. IN DNSKEY 1 3 13 " RFC_KEY, false },
		{ "example.net. IN DNSKEY 257 2 13 " RFC_KEY, false },
		{ "example.net. IN DNSKEY 65536 3 13 " RFC_KEY, false },
		{ "example.net. 99999999999 IN DNSKEY 257 3 13 " RFC_KEY, false },
	};
	struct key_public key;
	const char *reason;
	char text[1024];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool is_good = read_public(cases[i].text, &key, &reason);

		ok(is_good == cases[i].is_good, "public half %zu", i);
		if (!is_good)
			continue;
		is_int(key_tag(key.rdata, key.rdata_len), 55648, " its tag");
		is_int(key.owner_len, 13, " its zone");
	}
	ok(read_public(RFC_PUBLIC, &key, &reason) &&
		   key_text_write_public(&key, text, sizeof text) > 0,
	   "written");
	is(text, RFC_PUBLIC "\n", "as it was read");
	ok(key_text_write_public(&key, text, 20) == 0, "but not where there is no room");
}

static void
test_private(void)
{
	static const char *const bad[] = {
		"",
		"Algorithm: 13\n",
		"PrivateKey: AAAA\n",
		"Algorithm: 0 (X)\nPrivateKey: AAAA\n",
		"Algorithm: 13\nPrivateKey: !\n",
		"Algorithm: 13\nPrivateKey: AAAA\nCreated: soon\n",
		"Algorithm: 99999\nPrivateKey: AAAA\n",
	};
	struct key_private key;
	const char *reason;
	char text[1024];

	ok(read_private(RFC_PRIVATE, &key, &reason), "a private half");
	is_int(key.algorithm, 13, "its algorithm");
	is_int(key.part_len[KEY_PRIVATE], 32, "its number");
	ok(read_private(
		   "Private-key-format: v1.3\\nAlgorithm: 13 (X)\\nPrivateKey: AAAA\\n"
		   "Created: 20240101000000\\nActivate: 20240102000000 (text)\\n",
		   &key, &reason),
	   "one with line ends as in Redis, and times");
	is_int(key.times[KEY_CREATED], 1704067200, "created");
	is_int(key.times[KEY_ACTIVATE], 1704153600, "activated");
	ok(key_text_write_private(&key, text, sizeof text) > 0, "written");
	is(text,
	   "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: AAAA\n"
	   "Created: 20240101000000\nActivate: 20240102000000\n",
	   "in BIND's form");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!read_private(bad[i], &key, &reason), "bad private half %zu: %s", i,
		   reason);
}

static int
make_key(const char *public_text, const char *private_text)
{
	struct crypto_key *key = NULL;
	struct key_private secret;
	struct key_public public;
	const char *reason;
	int rc;

	if (!read_public(public_text, &public, &reason) ||
	    !read_private(private_text, &secret, &reason))
		bail_out("the test's key cannot be read");
	rc = crypto_key_new(&secret, public.rdata, public.rdata_len, &key);
	crypto_key_free(key);
	return rc;
}

static void
test_halves(void)
{
	static const char other[] =
		"Algorithm: 13\n"
		"PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mU=\n";

	is_int(make_key(RFC_PUBLIC, RFC_PRIVATE), ERR_OK, "two halves");
	is_int(make_key(RFC_PUBLIC, other), ERR_DAMAGED, "that do not belong together");
	is_int(make_key(RFC_PUBLIC, "Algorithm: 14\nPrivateKey: AAAA\n"), ERR_DAMAGED,
	       "of two algorithms");
	is_int(make_key("a. IN DNSKEY 257 3 13 AAAA", RFC_PRIVATE), ERR_SYNTAX,
	       "a public half that is too short");
	is_int(make_key("a. IN DNSKEY 257 3 8 AQAB",
			"Algorithm: 8\nPrivateExponent: AAAA\n"),
	       ERR_SYNTAX, "RSA that lacks its parts");
	is_int(make_key("a. IN DNSKEY 257 3 5 AQAB",
			"Algorithm: 5\nPrivateExponent: AAAA\n"),
	       ERR_RANGE, "an algorithm that is not signed with");
}

static void
test_generate(void)
{
	static const uint8_t algorithms[] = { 8, 10, 13, 14, 15, 16 };

	for (size_t i = 0; i < sizeof algorithms; i++) {
		uint8_t rdata[DNSKEY_RDATA_MAX] = { 1, 1, 3, algorithms[i] },
			signature[SIGNATURE_MAX];
		struct key_private secret, again;
		struct crypto_key *key = NULL;
		char text[KEY_TEXT_MAX];
		const char *reason;
		size_t len = 0;

		is_int(crypto_generate(algorithms[i], &secret, rdata + DNSKEY_KEY_AT,
				       sizeof rdata - DNSKEY_KEY_AT, &len),
		       ERR_OK, "a new key of algorithm %u", algorithms[i]);
		ok(key_text_write_private(&secret, text, sizeof text) > 0 &&
			   read_private(text, &again, &reason),
		   " written and read");
		is_int(crypto_key_new(&again, rdata, len + DNSKEY_KEY_AT, &key), ERR_OK,
		       " whose halves belong together");
		ok(key && crypto_key_sign(key, rdata, 3, signature) == ERR_OK, " signs");
		crypto_key_free(key);
	}
	is_int(crypto_generate(5, &(struct key_private){ 0 }, (uint8_t[8]){ 0 }, 8,
			       &(size_t){ 0 }),
	       ERR_RANGE, "no new key of algorithm 5");
}

static void
test_states(void)
{
	static const struct {
		int64_t times[KEY_TIMES];
		enum sign_key_state state;
		int64_t next_s;
	} cases[] = {
		{ { 0 }, SIGN_KEY_ACTIVE, 0 },
		{ { 50 }, SIGN_KEY_ACTIVE, 0 },
		{ { 50, 101 }, SIGN_KEY_FUTURE, 101 },
		{ { 50, 100, 200 }, SIGN_KEY_PUBLISHED, 200 },
		{ { 50, 60, 100, 200 }, SIGN_KEY_ACTIVE, 200 },
		{ { 50, 60, 70, 100, 300 }, SIGN_KEY_RETIRED, 300 },
		{ { 50, 60, 70, 80, 90 }, SIGN_KEY_REMOVED, 0 },
	};
	int64_t next_s;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		is_int(sign_key_state_at(cases[i].times, 100, &next_s), cases[i].state,
		       "state %zu: %s", i, sign_key_state_name(cases[i].state));
		is_int(next_s, cases[i].next_s, " and the next");
	}
}

static struct sign_key
a_key(uint16_t flags, uint8_t algorithm, enum sign_key_state state)
{
	return (struct sign_key){
		.state = (uint8_t)state,
		.rdata = { (uint8_t)(flags >> 8), (uint8_t)flags, 3, algorithm },
	};
}

static void
test_roles(void)
{
	enum { KEYS = SIGN_ROLE_KEYS, DATA = SIGN_ROLE_DATA };
	static struct sign_keys keys;

	keys.count = 1;
	keys.items[0] = a_key(257, 13, SIGN_KEY_ACTIVE);
	is_int(sign_key_roles(&keys, 0), KEYS | DATA, "one key for all");
	keys.count = 2;
	keys.items[1] = a_key(256, 13, SIGN_KEY_PUBLISHED);
	is_int(sign_key_roles(&keys, 0), KEYS | DATA,
	       "also beside one that is not active yet");
	is_int(sign_key_roles(&keys, 1), 0, "which signs nothing");
	keys.items[1] = a_key(256, 13, SIGN_KEY_ACTIVE);
	is_int(sign_key_roles(&keys, 0), KEYS, "a key for keys");
	is_int(sign_key_roles(&keys, 1), DATA, "and one for data");
	keys.items[1] = a_key(256, 15, SIGN_KEY_ACTIVE);
	is_int(sign_key_roles(&keys, 0), KEYS | DATA, "each algorithm signs all");
	is_int(sign_key_roles(&keys, 1), KEYS | DATA, "by what keys it has");
	keys.items[0] = a_key(257 | DNSKEY_REVOKED, 13, SIGN_KEY_ACTIVE);
	is_int(sign_key_roles(&keys, 0), KEYS, "a revoked one signs keys alone");
}

static void
test_names(void)
{
	static const struct {
		const char *zone, *prefix;
	} cases[] = {
		{ "example.com.", "Kexample.com.+" },
		{ ".", "K.+" },
		{ "0/25.2.0.192.in-addr.arpa.", "K0%2F25.2.0.192.in-addr.arpa.+" },
		{ "a\\.b_c-d.test.", "Ka%2Eb_c-d.test.+" },
	};
	uint8_t zone[DNAME_MAX], back[DNAME_MAX];
	char prefix[NAME_MAX + 1], text[DNAME_TEXT_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = dname_from_text(cases[i].zone, zone);

		ok(key_dir_prefix(zone, prefix), "files of %s", cases[i].zone);
		is(prefix, cases[i].prefix, " are called so");
		is_int(key_dir_zone(prefix, back), (long)len, " and lead back");
		dname_to_text(back, text);
		is(text, cases[i].zone, " to their zone");
	}
	is_int(key_dir_zone("Kexample.com+", back), 0, "no final dot, no zone");
	is_int(key_dir_zone("Ka..b.+", back), 0, "an empty label, no zone");
	memset(prefix, 0, sizeof prefix);
	for (unsigned i = 0; i < 3; i++) {
		zone[i * 64] = 63;
		memset(zone + i * 64 + 1, '/', 63);
	}
	zone[192] = 0;
	ok(!key_dir_prefix(zone, prefix),
	   "a name that is too long for a file is refused");
}

static void
test_chain_parts(void)
{
	static struct type_bitmap bitmap;
	uint8_t out[TYPE_BITMAP_MAX], hash[NSEC3_HASH_LEN], back[NSEC3_HASH_LEN],
		label[NSEC3_LABEL_LEN + 1];
	/* RFC 4034, section 4.3: A MX RRSIG NSEC TYPE1234 */
	static const uint8_t want[] = { 0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27, 0,   0, 0,
					0, 0, 0,    0, 0, 0, 0, 0, 0, 0,  0,   0, 0,
					0, 0, 0,    0, 0, 0, 0, 0, 0, 0,  0x20 };
	size_t len;

	type_bitmap_add(&bitmap, 1234);
	type_bitmap_add(&bitmap, 47);
	type_bitmap_add(&bitmap, 1);
	type_bitmap_add(&bitmap, 46);
	type_bitmap_add(&bitmap, 15);
	len = type_bitmap_take(&bitmap, out);
	ok(len == sizeof want && memcmp(out, want, len) == 0,
	   "a type bitmap as in RFC 4034");
	is_int((long)type_bitmap_take(&bitmap, out), 0, "and it is empty then");
	for (unsigned i = 0; i < sizeof hash; i++)
		hash[i] = (uint8_t)(i * 37 + 11);
	nsec3_hash_to_label(hash, label);
	ok(nsec3_hash_from_label(label, back) && memcmp(hash, back, sizeof hash) == 0,
	   "a hash as a label, and back");
}

int
main(void)
{
	test_base64();
	test_public();
	test_private();
	test_halves();
	test_generate();
	test_states();
	test_roles();
	test_names();
	test_chain_parts();
	done_testing();
}
