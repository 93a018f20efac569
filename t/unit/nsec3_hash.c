/* The vectors of RFC 5155, appendix A, and lengths around SHA-1's block size. */
#include "shm/nsec3_hash.h"

#include <string.h>

#include "shm/dname.h"
#include "t/tap.h"

static const struct {
	const char *name, *label;
} vectors[] = {
	{ "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
	{ "a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
	{ "ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi" },
	{ "ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr" },
	{ "*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" },
	{ "x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s" },
	{ "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.",
	  "kohar7mbb8dc2ce8a9qvl8hon4k53uhi" },
};

static void
test_vectors(void)
{
	static const uint8_t salt[] = { 0xaa, 0xbb, 0xcc, 0xdd };

	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		uint8_t name[DNAME_MAX], label[NSEC3_LABEL_LEN + 1] = { NSEC3_LABEL_LEN };
		uint8_t got[NSEC3_HASH_LEN], want[NSEC3_HASH_LEN];
		size_t len = dname_from_text(vectors[i].name, name);

		memcpy(label + 1, vectors[i].label, NSEC3_LABEL_LEN);
		ok(nsec3_hash_from_label(label, want), "label of %s decodes",
		   vectors[i].name);
		nsec3_hash(name, (unsigned)len, salt, sizeof salt, 12, got);
		cmp_mem(got, want, NSEC3_HASH_LEN, "hash of %s", vectors[i].name);
	}
}

/* SHA-1("") and SHA-1 of 64 x 'a', as sha1sum prints them: padding at its edges. */
static void
test_padding(void)
{
	static const uint8_t of_nothing[] = { 0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b,
					      0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60,
					      0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09 };
	static const uint8_t of_64[] = { 0x00, 0x98, 0xba, 0x82, 0x4b, 0x5c, 0x16,
					 0x42, 0x7b, 0xd7, 0xa1, 0x12, 0x2a, 0x5a,
					 0x44, 0x2a, 0x25, 0xec, 0x64, 0x4d };
	uint8_t input[64], got[NSEC3_HASH_LEN];

	memset(input, 'a', sizeof input);
	nsec3_hash(input, 0, input, 0, 0, got);
	cmp_mem(got, of_nothing, sizeof got, "no octets");
	nsec3_hash(input, 64, input, 0, 0, got);
	cmp_mem(got, of_64, sizeof got, "64 octets");
	nsec3_hash(input, 32, input, 32, 0, got);
	cmp_mem(got, of_64, sizeof got, "32 octets and as many of salt");
}

static void
test_bad_labels(void)
{
	uint8_t label[NSEC3_LABEL_LEN + 1], out[NSEC3_HASH_LEN];

	memset(label, 'a', sizeof label);
	label[0] = 31;
	ok(!nsec3_hash_from_label(label, out), "31 characters");
	label[0] = 32;
	ok(nsec3_hash_from_label(label, out), "32 characters");
	label[32] = 'w';
	ok(!nsec3_hash_from_label(label, out), "'w' is not in the alphabet");
}

int
main(void)
{
	plan(0);
	test_vectors();
	test_padding();
	test_bad_labels();
	return done_testing();
}
