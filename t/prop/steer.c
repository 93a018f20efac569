/* Which records are answered, how often and in which order, against a model of it; for
 * random steered RRsets, asked for by their own name, through a wildcard, through a CNAME,
 * and as addresses of a mail server.
 *
 * Frequencies are judged by chi-squared: a right generator fails once in some 10^9 runs. */
#include "worker/steer.h"
#include "shm/dns.h"
#include "t/draw.h"
#include "t/query_file.h"
#include "t/scratch_dir.h"
#include "t/steered_maker.h"
#include "t/zone_seal.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { SETS = 24, RECORDS = 12, ASKED = 4000, ROOM = 4096 };

/* A set as it was put into the zone, and how often each candidate came first. */
static struct set {
	uint16_t type;
	enum steered_count how_many;
	enum steered_order order;
	uint16_t most; /* 0: all */
	unsigned count;
	uint8_t lasts[RECORDS];
	uint32_t weights[RECORDS];
	unsigned first[256]; /* by last octet */
	unsigned asked;
} sets[SETS];

static struct steerer steerer;
static struct stats_block stats;

static void
draw_set(struct set *set)
{
	set->type = draw(2) ? RRTYPE_A : RRTYPE_AAAA;
	set->how_many = (enum steered_count)draw(2);
	set->order = (enum steered_order)draw(3);
	set->count = 1 + draw(RECORDS);
	set->most = (uint16_t)(draw(3) ? 0 : 1 + draw(RECORDS));
	for (unsigned i = 0; i < set->count; i++) {
		set->lasts[i] = (uint8_t)(1 + draw(draw(4) ? 250 : 4));
		set->weights[i] = draw(4) ? draw(100) : draw(2) * STEERED_WEIGHT_MAX;
	}
	if (draw(6) == 0)
		memset(set->weights, 0, sizeof set->weights);
}

static void
make_store(const char *dir, struct zone_store *store)
{
	struct zone_records *zone = zone_make("steer.test");
	char owner[64], other[64];

	for (unsigned i = 0; i < SETS; i++) {
		const struct set *set = &sets[i];

		sprintf(owner, "%sn%u.steer.test", i % 2 ? "*." : "", i);
		zone_put_steered(zone, owner, 300, set->type, set->how_many, set->order,
				 STEERED_ANYWHERE, set->most, set->count, set->lasts,
				 set->weights);
		sprintf(other, "c%u.steer.test", i);
		sprintf(owner, "%sn%u.steer.test", i % 2 ? "x." : "", i);
		zone_put(zone, other, 300, RRTYPE_CNAME, "n", owner);
		if (i % 2)
			continue;
		sprintf(other, "m%u.steer.test", i);
		zone_put(zone, other, 300, RRTYPE_MX, "2n", 1, owner);
	}
	zone_done(zone);
	zone_seal(dir, &zone, 1);
	if (zone_store_init(dir, store) != 0)
		bail_out("no store");
}

/* ---- the model ---- */

/* The lasts in the order of the answer that starts with candidate `first`; returns how
 * many. */
static unsigned
model_answer(const struct set *set, unsigned first, uint8_t out[RECORDS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < set->count; i++) {
		uint8_t last = set->lasts[(first + i) % set->count];

		if (!memchr(out, last, count))
			out[count++] = last;
		if (set->how_many == STEERED_SINGLE ||
		    (set->most > 0 && count == set->most))
			break;
	}
	return count;
}

/* Is nothing chosen? */
static bool
is_plain(const struct set *set)
{
	return set->count == 1 ||
	       (set->how_many == STEERED_MULTI && set->order == STEERED_AS_STORED &&
		(set->most == 0 || set->most >= set->count));
}

/* How likely a candidate is to come first. */
static double
model_share(const struct set *set, unsigned candidate)
{
	double sum = 0;

	for (unsigned i = 0; i < set->count; i++)
		sum += set->weights[i];
	if (is_plain(set))
		return 1; /* it has no order */
	if (set->order == STEERED_AS_STORED)
		return candidate == 0;
	if (set->order == STEERED_RR || sum == 0)
		return 1.0 / set->count;
	return set->weights[candidate] / sum;
}

static bool
is_allowed(const struct set *set, const uint8_t *lasts, unsigned count)
{
	uint8_t want[RECORDS];

	for (unsigned first = 0; first < set->count; first++) {
		unsigned want_count = model_answer(set, first, want);

		if (model_share(set, first) == 0 || want_count != count)
			continue;
		if (memcmp(want, lasts, count) == 0)
			return true;
		if (is_plain(set)) {
			for (unsigned i = 0; i < count; i++)
				if (!memchr(lasts, want[i], count))
					return false;
			return true;
		}
	}
	return false;
}

/* ---- asking ---- */

/* The last octets of the records of a type in a response. */
static unsigned
read_lasts(const uint8_t *packet, unsigned len, uint16_t type, uint8_t out[RECORDS])
{
	unsigned at = 12, records, count = 0;

	while (packet[at] != 0)
		at += packet[at] + 1u;
	at += 5;
	records = (unsigned)wire_get_u16(packet + 6) + wire_get_u16(packet + 10);
	for (; records > 0 && at < len; records--) {
		while (packet[at] != 0 && packet[at] < 0xc0)
			at += packet[at] + 1u;
		at += packet[at] == 0 ? 1 : 2;
		if (wire_get_u16(packet + at) == type && count < RECORDS) {
			unsigned rdata_len = wire_get_u16(packet + at + 8);

			out[count++] = packet[at + 10 + rdata_len - 1];
		}
		at += 10u + wire_get_u16(packet + at + 8);
	}
	return at == len ? count : 0;
}

static bool
ask_set(struct zone_store *store, unsigned index)
{
	static uint8_t packet[ROOM];
	const struct answer_options options = { .udp_size = 1232, .steerer = &steerer };
	struct set *set = &sets[index];
	struct query q = { .packet = packet, .room = ROOM };
	unsigned way = draw(3), count;
	uint16_t type = set->type;
	uint8_t lasts[RECORDS] = { 0 };
	char name[64];

	if (way == 2 && index % 2 == 0)
		type = RRTYPE_MX;
	sprintf(name, "%s%u.steer.test",
		way == 1            ? "c"
		: type == RRTYPE_MX ? "m"
		: index % 2         ? "x.n"
				    : "n",
		index);
	memset(packet, 0, ROOM);
	q.received_len = query_file_encode(packet, name, type);
	answer_batch(&q, 1, store, &options, &stats);
	count = read_lasts(packet, q.response_len, set->type, lasts);
	if (count == 0 || !is_allowed(set, lasts, count)) {
		diag("set %u: %s: %u records, first %u", index, name, count, lasts[0]);
		return false;
	}
	set->first[lasts[0]]++;
	set->asked++;
	return true;
}

/* ---- frequencies ---- */

/* Is it more than chi-squared of so many degrees gives once in 10^9 times?  (Laurent and
 * Massart: above freedom + 2 sqrt(freedom * x) + 2x it is with a chance of e^-x at most.) */
static bool
is_too_much(double chi, double freedom)
{
	const double x = 21;
	double above = chi - freedom - 2 * x;

	return above > 0 && above * above > 4 * freedom * x;
}

static bool
converges(const struct set *set)
{
	double chi = 0;
	unsigned cells = 0;

	if (model_share(set, 0) == 1)
		return true;
	for (unsigned last = 0; last < 256; last++) {
		double want = 0;

		for (unsigned i = 0; i < set->count; i++)
			want += set->lasts[i] == last ? model_share(set, i) : 0;
		want *= set->asked;
		if (want == 0 && set->first[last] > 0)
			return false;
		if (want < 1)
			continue; /* too rare to be judged */
		chi += (set->first[last] - want) * (set->first[last] - want) / want;
		cells++;
	}
	return cells < 2 || !is_too_much(chi, cells - 1);
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	struct zone_store store;
	bool allowed = true;

	plan(0);
	draw_seed();
	is_int(steerer_init(&steerer, NULL), 0, "seeded");
	for (unsigned i = 0; i < SETS; i++)
		draw_set(&sets[i]);
	make_store(scratch_path(scratch, "generation"), &store);
	for (unsigned i = 0; i < SETS * ASKED && allowed; i++)
		allowed = ask_set(&store, i % SETS);
	ok(allowed, "every answer is one that may be");
	for (unsigned i = 0; i < SETS; i++)
		ok(converges(&sets[i]), "set %u: count %d, order %d, %u records", i,
		   (int)sets[i].how_many, (int)sets[i].order, sets[i].count);
	zone_store_fini(&store);
	scratch_dir_free(scratch);
	return done_testing();
}
