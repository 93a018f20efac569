/* Stored generations: the input is a list of changes to a small one, each six octets:
 *
 *	which file and how (1)   where (3)   what (2)
 *
 * Opened, read and verified, it may be refused, but never be read outside its files:
 * those are copied to heap blocks of their exact sizes.  Checksums always fit.  And it is
 * served without having been verified, as at a restart: whatever it holds, each query is
 * answered, or dropped, without reading further than GENERATION_SLACK behind the data. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shm/wire.h"
#include "t/fuzz/target.h"
#include "t/sample_generation.h"
#include "t/scratch_dir.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { CHANGE_LEN = 6, HEAD_LEN = 256 };

enum change_how {
	CHANGE_DATA = 1 << 0, /* data.mdb, else the index */
	CHANGE_HEAD = 1 << 1, /* in the first octets of the file */
	CHANGE_ONE = 1 << 2, /* one octet, else two */
	CHANGE_MANIFEST = 1 << 3, /* the manifest; with CHANGE_DATA the size it states */
};

static struct {
	const char *dir;
	struct generation whole; /* as it was made */
} sample;

static void
remove_sample(void)
{
	char *scratch = strdup(sample.dir);

	*strrchr(scratch, '/') = '\0';
	generation_close(&sample.whole);
	scratch_dir_free(scratch);
}

static void
make_sample(void)
{
	char *scratch = scratch_dir_make();

	sample.dir = strdup(scratch_path(scratch, "sample"));
	sample_generation_make(sample.dir);
	/* the maps stay what they are: files are replaced, not changed */
	if (generation_open(sample.dir, GENERATION_POPULATE, &sample.whole) != 0)
		abort();
	free(scratch);
	atexit(remove_sample);
}

static void
replace_file(const char *name, const void *bytes, size_t len)
{
	FILE *out;

	(void)remove(scratch_path(sample.dir, name));
	out = fopen(scratch_path(sample.dir, name), "wb");
	if (!out || fwrite(bytes, 1, len, out) != len || fclose(out) != 0)
		abort();
}

static void
change(uint8_t *bytes, size_t len, const uint8_t *input)
{
	size_t at = ((size_t)input[1] << 16 | (size_t)input[2] << 8 | input[3]) % len;

	if (input[0] & CHANGE_HEAD)
		at %= HEAD_LEN < len ? HEAD_LEN : len;
	bytes[at] = input[4];
	if (!(input[0] & CHANGE_ONE) && at + 1 < len)
		bytes[at + 1] = input[5];
}

static const struct {
	const char *name;
	uint16_t type;
} questions[] = {
	{ "nsec.test", RRTYPE_MX },          { "nsec.test", RRTYPE_ANY },
	{ "nsec.test", RRTYPE_SOA },         { "h07.nsec.test", RRTYPE_AAAA },
	{ "h39.nsec.test", RRTYPE_A },       { "h07a.nsec.test", RRTYPE_AAAA },
	{ "y.z.nsec.test", RRTYPE_A },       { "x.y.z.nsec.test", RRTYPE_A },
	{ "a.w.nsec.test", RRTYPE_SRV },     { "a.b.w.nsec.test", RRTYPE_A },
	{ "nsec3.test", RRTYPE_NSEC3PARAM }, { "none.nsec3.test", RRTYPE_A },
	{ "big.nsec3.test", RRTYPE_A },      { "big.nsec3.test", 65280 },
	{ "cut.nsec3.test", RRTYPE_NS },     { "x.cut.nsec3.test", RRTYPE_A },
	{ "cut.nsec3.test", RRTYPE_DS },     { "h07.d.nsec3.test", RRTYPE_AAAA },
	{ "d.nsec3.test", RRTYPE_DNAME },    { "x.y.z.d.nsec3.test", RRTYPE_A },
	{ "broken.test", RRTYPE_A },         { "else.test", RRTYPE_A },
	{ "steered.nsec3.test", RRTYPE_A },  { "steered.nsec3.test", RRTYPE_AAAA },
	{ "steered.nsec3.test", RRTYPE_MX }, { "steered.nsec3.test", RRTYPE_ANY },
};
enum { QUESTIONS = sizeof questions / sizeof questions[0] };
_Static_assert((int)QUESTIONS <= (int)ANSWER_BATCH, "one batch");

/* One question: plain, with EDNS, or with EDNS and DO. */
static uint32_t
put_question(unsigned which, unsigned edns, uint8_t *packet)
{
	static const uint8_t opt[] = { 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0 };
	uint32_t len = 12;

	memset(packet, 0, len);
	packet[5] = 1;
	len += (uint32_t)dname_from_text(questions[which].name, packet + len);
	wire_put_u16(packet + len, questions[which].type);
	wire_put_u16(packet + len + 2, 1);
	len += 4;
	if (edns == 0)
		return len;
	packet[11] = 1;
	memcpy(packet + len, opt, sizeof opt);
	packet[len + 7] = edns == 2 ? 0x80 : 0;
	return len + (uint32_t)sizeof opt;
}

/* Ask all questions of what may be damaged in any way. */
static void
answer_exactly(const struct generation *gen)
{
	static uint8_t packets[QUESTIONS][QUERY_MESSAGE_MAX];
	static struct query queries[QUESTIONS];
	static struct stats_block stats;
	const struct answer_options options = { .udp_size = 1232 };
	struct zone_store store = { .gen = *gen };

	memset(store.deepest_apex, -1, sizeof store.deepest_apex);
	zone_store_set_depths(&store);
	for (unsigned edns = 0; edns < 3; edns++) {
		memset(queries, 0, sizeof queries);
		for (unsigned i = 0; i < QUESTIONS; i++) {
			queries[i].packet = packets[i];
			queries[i].room = edns == 1 ? QUERY_MESSAGE_MAX : 1232;
			queries[i].flags = edns == 1 ? QUERY_TCP : 0;
			queries[i].received_len = put_question(i, edns, packets[i]);
		}
		answer_batch(queries, QUESTIONS, &store, &options, &stats);
		for (unsigned i = 0; i < QUESTIONS; i++)
			if (queries[i].response_len > queries[i].room)
				abort();
	}
}

/* The generation with its maps in blocks of their exact sizes; 64-octet aligned. */
static void
read_exactly(const struct generation *gen)
{
	struct generation exact = *gen;
	uint8_t *data = malloc(gen->data_len), *index = NULL;
	char reason[256];

	if (!data || posix_memalign((void **)&index, 64, gen->index_len) != 0)
		abort();
	memcpy(data, gen->data, gen->data_len);
	memcpy(index, gen->index, gen->index_len);
	exact.data = data;
	exact.index = index;
	exact.buckets = (const void *)(index + gen->head.buckets_off);
	exact.zones = (const void *)(index + gen->head.zones_off);
	exact.order = (const void *)(index + gen->head.order_off);
	exact.nsec3 = (const void *)(index + gen->head.nsec3_off);
	if (gen->fences) {
		exact.fences = (const void *)(index + gen->head.fences_off);
		exact.heads = (const void *)(index + gen->head.heads_off);
	}
	(void)sample_generation_read(&exact);
	if (generation_verify(&exact, reason) == 0)
		(void)sample_generation_read(&exact);
	data = realloc(data, gen->data_len + GENERATION_SLACK);
	if (!data)
		abort();
	memset(data + gen->data_len, 0xa5, GENERATION_SLACK);
	exact.data = data;
	answer_exactly(&exact);
	free(data);
	free(index);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct generation_manifest manifest;
	struct generation gen;
	uint8_t *data, *index;

	if (!sample.dir)
		make_sample();
	manifest = sample.whole.manifest;
	data = malloc(sample.whole.data_len);
	index = malloc(sample.whole.index_len);
	if (!data || !index)
		abort();
	memcpy(data, sample.whole.data, sample.whole.data_len);
	memcpy(index, sample.whole.index, sample.whole.index_len);
	for (; len >= CHANGE_LEN; input += CHANGE_LEN, len -= CHANGE_LEN)
		if (!(input[0] & CHANGE_MANIFEST))
			change(input[0] & CHANGE_DATA ? data : index,
			       input[0] & CHANGE_DATA ? sample.whole.data_len
						      : sample.whole.index_len,
			       input);
		else if (input[0] & CHANGE_DATA)
			manifest.index_len = manifest.index_len + input[4] - 128;
		else
			change((uint8_t *)&manifest, sizeof manifest, input);
	manifest.data_xxh3 = XXH3_64bits(data, sample.whole.data_len);
	manifest.index_xxh3 = XXH3_64bits(index, sample.whole.index_len);
	manifest.manifest_xxh3 = XXH3_64bits(
		&manifest, offsetof(struct generation_manifest, manifest_xxh3));
	replace_file("manifest", &manifest, sizeof manifest);
	replace_file("data.mdb", data, sample.whole.data_len);
	replace_file("index", index, sample.whole.index_len);
	free(data);
	free(index);
	if (generation_open(sample.dir, GENERATION_LAZY, &gen) == 0) {
		read_exactly(&gen);
		generation_close(&gen);
	}
	return 0;
}
