/* Which queries are counted, and for what. */
#include "worker/noter.h"

#include "shm/dns.h"
#include "worker/client_key.h"
#include "worker/sealed.h"

enum {
	RCODE_LOW_BITS = 15,
	RCODE_YXRRSET = 7, /* not sent: the low bits of BADCOOKIE */
};

static const uint64_t second_ns = UINT64_C(1000000000);

void
noter_init(struct noter *noter, struct top_board *board, struct hash_seed seed)
{
	memset(board, 0, sizeof *board);
	*noter = (struct noter){ .board = board, .seed = seed, .random = { seed.b } };
}

/* ---- keys ---- */

/* Never 0.  NAME_PAD octets behind the name are readable, as behind all in a node. */
static uint64_t
hash_name(const struct hash_seed *seed, const uint8_t *name, unsigned len)
{
	uint64_t state = seed->a + len, piece;

	for (; len > 8; name += 8, len -= 8) {
		memcpy(&piece, name, 8);
		state = name_hash_fold(state ^ piece, seed->b);
	}
	memcpy(&piece, name, 8);
	state = name_hash_fold(state ^ (piece & name_hash_mask(len)), seed->b);
	return state ? state : 1;
}

static uint64_t
hash_source(const struct hash_seed *seed, uint64_t source)
{
	uint64_t hash = name_hash_fold(source ^ seed->a, seed->b);

	return hash ? hash : 1;
}

/* ---- one query ---- */

static void
grow(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(value,
			      atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static unsigned
rcode_of(const struct query *q)
{
	unsigned rcode = q->packet[3] & RCODE_LOW_BITS;

	if (q->response_len == 0)
		return TOP_NOT_ANSWERED;
	if (q->verdict == QUERY_ERROR && q->rcode > RCODE_LOW_BITS &&
	    q->rcode < TOP_RCODES)
		return q->rcode;
	return rcode == RCODE_YXRRSET ? RCODE_BADCOOKIE : rcode;
}

/* Count the owner of `node`; its key is `hash`. */
static void
note_name(struct top_window *window, enum top_list list, struct top_name *names,
	  const struct sealed_node *node, unsigned apex_len, uint64_t hash,
	  uint32_t weight, bool is_nxdomain)
{
	bool is_new;
	unsigned entry =
		sketch_add(&window->lists[list], hash, weight, is_nxdomain, &is_new);

	if (!is_new)
		return;
	names[entry].len = node->head.owner_len;
	names[entry].apex_len = (uint8_t)apex_len;
	memcpy(names[entry].name, sealed_owner(node), node->head.owner_len);
	sketch_set_key(&window->lists[list], entry, hash);
}

static void
note_source(struct noter *noter, uint64_t source, uint32_t weight, bool is_nxdomain)
{
	struct top_window *window = noter->window;
	uint64_t hash = hash_source(&noter->seed, source);
	bool is_new;
	unsigned entry = sketch_add(&window->lists[TOP_SOURCES], hash, weight,
				    is_nxdomain, &is_new);

	if (!is_new)
		return;
	window->sources[entry] = source;
	sketch_set_key(&window->lists[TOP_SOURCES], entry, hash);
}

static void
note_query(struct noter *noter, const struct query *q, uint32_t weight)
{
	const struct sealed_node *apex = (const struct sealed_node *)q->apex;
	const struct sealed_node *closest = (const struct sealed_node *)q->closest;
	struct top_window *window = noter->window;
	unsigned rcode = rcode_of(q);
	bool is_nxdomain = rcode == RCODE_NXDOMAIN;
	uint64_t source = q->client ? client_key(q->client) : 0, hash;

	grow(&window->rcodes[rcode], weight);
	if (source)
		note_source(noter, source, weight, is_nxdomain);
	if (!apex)
		return;
	hash = hash_name(&noter->seed, sealed_owner(apex), apex->head.owner_len);
	note_name(window, TOP_ZONES, window->zones, apex, apex->head.owner_len, hash,
		  weight, is_nxdomain);
	if (!closest)
		return;
	if (closest != apex)
		hash = hash_name(&noter->seed, sealed_owner(closest),
				 closest->head.owner_len);
	note_name(window, TOP_NAMES, window->names, closest, apex->head.owner_len, hash,
		  weight, is_nxdomain);
}

/* ---- a batch ---- */

static void
begin_period(struct noter *noter, uint64_t now_ns)
{
	uint64_t period = top_board_period(now_ns);

	noter->window = top_board_begin(noter->board, period);
	noter->period_end_ns = (period + 1) * TOP_PERIOD_S * second_ns;
}

/* One query in TOP_SAMPLING, as bits: each bit is set in all of four random words. */
static uint64_t
draw(struct noter *noter, unsigned count)
{
	uint64_t drawn;

	_Static_assert(TOP_SAMPLING == 16, "four words");
	if (noter->drawn_left < count) {
		noter->drawn = random_next(&noter->random) & random_next(&noter->random) &
			       random_next(&noter->random) & random_next(&noter->random);
		noter->drawn_left = 64;
	}
	drawn = noter->drawn & ~UINT64_C(0) >> (64 - count);
	noter->drawn_left -= count;
	noter->drawn = count < 64 ? noter->drawn >> count : 0;
	return drawn;
}

void
noter_take(struct noter *noter, const struct query *queries, unsigned count,
	   uint64_t now_ns)
{
	if (now_ns >= noter->period_end_ns)
		begin_period(noter, now_ns);
	if (now_ns >= noter->second_end_ns) {
		noter->second_end_ns = now_ns + second_ns;
		noter->exact_left = TOP_EXACT;
	}
	grow(&noter->window->queries, count);
	if (noter->exact_left >= count) {
		noter->exact_left -= count;
		for (unsigned i = 0; i < count; i++)
			note_query(noter, &queries[i], 1);
		return;
	}
	grow(&noter->window->thinned, count);
	for (uint64_t drawn = draw(noter, count); drawn; drawn &= drawn - 1)
		note_query(noter, &queries[__builtin_ctzll(drawn)], TOP_SAMPLING);
}
