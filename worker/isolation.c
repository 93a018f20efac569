/* Who is shed, and what is told of it. */
#include "worker/isolation.h"

#include <string.h>
#include <time.h>

#include "worker/descend.h"

enum {
	ANSWER_FIRST_NS = 1000, /* until it is measured */
	MEASURE_SHARE = 8 * ANSWER_BATCH,
	SAMPLE_QUERIES = 16, /* of those that may be shed: one's encloser is looked for */
};

/* The most credit: a zone's share of so much time, or so many answers when these take long. */
#define CREDIT_NS UINT64_C(8000000)
#define CREDIT_ANSWERS 16
#define TELL_NS UINT64_C(1000000000)

void
isolation_init(struct isolation *isolation, struct flood_list *told)
{
	memset(isolation, 0, sizeof *isolation);
	isolation->told = told;
	heavy_list_init(&isolation->list);
}

/* Not the time in which another process had the CPU. */
static uint64_t
cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- what a query is for ---- */

static inline uint32_t
zone_id_of(const struct query *q, const struct stage *stage)
{
	if (q->verdict != QUERY_LOOKUP || stage->status < STAGE_AT_APEX)
		return HEAVY_NO_ZONE;
	return stage->facts->zone_id;
}

/* Is there no node of the name? */
static bool
is_absent(const struct query *q, const struct stage *stage,
	  const struct zone_store *store)
{
	struct node node;

	if (q->verdict != QUERY_LOOKUP || stage->status < STAGE_AT_APEX)
		return true;
	if (stage->status == STAGE_AT_APEX)
		return false;
	return lookup_fetched(store, stage->hash, stage->off, stage->facts->zone_id,
			      q->name, q->name_len, &node) == LOOKUP_MISSING;
}

/* May a cut or DNAME stand between the apex and the name? */
static bool
may_be_below_cut(const struct query *q, const struct stage *stage)
{
	const struct zone_facts *facts = stage->facts;
	uint64_t depths = facts->cut_depths[0] | facts->dname_depths[0];

	if (q->label_count > 63)
		return true;
	return depths &
	       ((UINT64_C(1) << q->label_count) - (UINT64_C(1) << stage->zone_labels));
}

/* Find what is met on the way down to a name without a node, and count its closest
 * encloser.  returns whether it really does not exist. */
static bool
trace_absent(struct flood_zone *told, struct query *q, const struct stage *stage,
	     const struct zone_store *store)
{
	struct answering a;
	struct zone zone;
	struct descent d;

	zone.apex.bytes = stage->apex;
	memcpy(&zone.apex.head, stage->apex, sizeof zone.apex.head);
	if (!zone_open(&zone, stage->zone_labels))
		return true;
	a.q = q;
	a.store = store;
	/* cppcheck-suppress autoVariables ; `a` ends with this function */
	a.zone = &zone;
	a.owner = NULL;
	if (descend(&a, &d) != MET_NOTHING)
		return false;
	flood_encloser_count(told->enclosers, query_suffix(q, d.labels),
			     query_suffix_len(q, d.labels));
	return true;
}

/* ---- a zone's credit ---- */

static int64_t
most_credit(const struct isolation *isolation)
{
	int64_t by_time = (int64_t)(CREDIT_NS * queue_watch_share(&isolation->watch) >>
				    QUEUE_SHARE_BITS);
	int64_t by_count = CREDIT_ANSWERS * isolation->answer_ns;

	return by_time > by_count ? by_time : by_count;
}

static void
note_new(const struct isolation *isolation, struct heavy_zone *zone,
	 struct flood_zone *told, const struct query *q, const struct stage *stage)
{
	zone->filled_ns = isolation->now_ns;
	zone->credit_ns = most_credit(isolation);
	if (zone->zone_id == HEAVY_NO_ZONE)
		return;
	told->name_len = (uint8_t)(q->name_len - stage->zone_start);
	memcpy(told->name, q->name + stage->zone_start, told->name_len);
}

/* Let it have what has come in since the last time.  returns the most it may have. */
static int64_t
fill(const struct isolation *isolation, struct heavy_zone *zone)
{
	uint64_t share = queue_watch_share(&isolation->watch),
		 elapsed_ns = isolation->now_ns - zone->filled_ns;
	int64_t most = most_credit(isolation);

	if (elapsed_ns > 2 * CREDIT_NS)
		elapsed_ns = 2 * CREDIT_NS;
	zone->filled_ns = isolation->now_ns;
	zone->credit_ns += (int64_t)(elapsed_ns * share >> QUEUE_SHARE_BITS);
	if (zone->credit_ns > most)
		zone->credit_ns = most;
	return most;
}

static void
charge(struct heavy_zone *zone, int64_t cost_ns)
{
	zone->credit_ns -= cost_ns;
	if (zone->credit_ns < -(int64_t)CREDIT_NS)
		zone->credit_ns = -(int64_t)CREDIT_NS;
}

/* Must this query of a zone be shed, which has less than half its credit? */
static bool
must_shed(struct isolation *isolation, const struct heavy_zone *zone,
	  struct flood_zone *told, struct query *q, const struct stage *stage,
	  const struct zone_store *store, bool *absent)
{
	if (*absent && zone->zone_id != HEAVY_NO_ZONE &&
	    (isolation->sample++ % SAMPLE_QUERIES == 0 || may_be_below_cut(q, stage)))
		*absent = trace_absent(told, q, stage, store);
	if (q->flags & QUERY_COOKIE_VALID)
		return false;
	return (*absent || zone->credit_ns <= 0) &&
	       heavy_list_is_unfair(&isolation->list, zone);
}

static void
note_shed(const struct isolation *isolation, struct flood_zone *told, bool absent,
	  struct stats_block *stats)
{
	stats_add(stats,
		  absent ? STAT_isolation_shed_absent : STAT_isolation_shed_existing, 1);
	if (absent)
		told->shed_absent++;
	else
		told->shed_existing++;
	if (told->shed++ == 0 ||
	    isolation->now_ns - told->last_ns > (uint64_t)FLOOD_TOLD_S * TELL_NS)
		told->since_ns = isolation->now_ns;
	told->last_ns = isolation->now_ns;
}

/* returns whether it is shed. */
static bool
shed_one(struct isolation *isolation, struct heavy_zone *zone, struct query *q,
	 const struct stage *stage, const struct zone_store *store,
	 struct stats_block *stats)
{
	struct flood_zone *told = &isolation->list.told[zone - isolation->list.zones];
	bool absent = is_absent(q, stage, store), is_shed = false;

	if (zone->filled_ns == 0)
		note_new(isolation, zone, told, q, stage);
	if (zone->credit_ns < fill(isolation, zone) / 2)
		is_shed = must_shed(isolation, zone, told, q, stage, store, &absent);
	told->asked++;
	told->asked_absent += absent;
	if (is_shed)
		note_shed(isolation, told, absent, stats);
	else
		charge(zone, isolation->answer_ns);
	return is_shed;
}

uint64_t
isolation_shed(struct isolation *isolation, struct query *queries,
	       const struct stage *stages, unsigned count, const struct zone_store *store,
	       struct stats_block *stats)
{
	uint64_t shed = 0;

	isolation->answered = 0;
	for (unsigned i = 0; i < count; i++) {
		struct query *q = &queries[i];
		struct heavy_zone *zone;

		isolation->place[i] = HEAVY_NONE;
		if (q->verdict == QUERY_DROP)
			continue;
		zone = heavy_list_count(&isolation->list, zone_id_of(q, &stages[i]));
		if (zone)
			isolation->place[i] = (uint8_t)(zone - isolation->list.zones);
		if (!zone || !shed_one(isolation, zone, q, &stages[i], store, stats)) {
			isolation->answered++;
			continue;
		}
		q->common = QUERY_UNCOMMON;
		q->response_len = 0;
		q->verdict = QUERY_DROP;
		shed |= UINT64_C(1) << i;
	}
	isolation->began_ns = cpu_now_ns();
	return shed;
}

/* ---- what an answer costs ---- */

/* `count` of them took `all_ns` more: what one takes, slowly. */
static void
measure(int64_t *one_ns, uint64_t all_ns, unsigned count)
{
	*one_ns += ((int64_t)all_ns - (int64_t)count * *one_ns) / MEASURE_SHARE;
	if (*one_ns < 1)
		*one_ns = 1;
}

void
isolation_begin_general(struct isolation *isolation)
{
	isolation->general_began_ns = cpu_now_ns();
}

void
isolation_end_general(struct isolation *isolation, uint64_t which)
{
	uint64_t taken_ns = cpu_now_ns() - isolation->general_began_ns;

	measure(&isolation->general_ns, taken_ns, (unsigned)__builtin_popcountll(which));
	isolation->began_ns += taken_ns;
	for (; which; which &= which - 1) {
		unsigned place = isolation->place[__builtin_ctzll(which)];

		if (place != HEAVY_NONE)
			charge(&isolation->list.zones[place], isolation->general_ns);
	}
}

/* ---- telling ---- */

/* The zone of which most was shed in this period, but those in `taken`. */
static unsigned
find_most(const struct heavy_list *list, uint64_t since_ns, uint64_t taken)
{
	unsigned most = HEAVY_NONE;

	for (unsigned i = 0; i < list->count; i++) {
		const struct flood_zone *told = &list->told[i];

		if (told->last_ns < since_ns || told->shed == 0 || taken >> i & 1)
			continue;
		if (most == HEAVY_NONE ||
		    told->shed_absent + told->shed_existing >
			    list->told[most].shed_absent + list->told[most].shed_existing)
			most = i;
	}
	return most;
}

static void
begin_period(struct flood_zone *told)
{
	told->asked = told->asked_absent = told->shed_absent = told->shed_existing = 0;
	for (unsigned i = 0; i < FLOOD_ENCLOSERS; i++)
		told->enclosers[i].count /= 2;
}

static void
tell(struct isolation *isolation)
{
	const struct flood_zone *zones[FLOOD_ZONES];
	struct heavy_list *list = &isolation->list;
	unsigned count = 0, at;
	uint64_t taken = 0;

	while (count < FLOOD_ZONES &&
	       (at = find_most(list, isolation->told_ns, taken)) != HEAVY_NONE) {
		list->told[at].period_ns = isolation->now_ns - isolation->told_ns;
		zones[count++] = &list->told[at];
		taken |= UINT64_C(1) << at;
	}
	if (count > 0)
		flood_list_put(isolation->told, zones, count);
	for (unsigned i = 0; i < list->count; i++)
		begin_period(&list->told[i]);
	isolation->told_ns = isolation->now_ns;
}

/* ---- after a batch ---- */

static void
become_short(struct isolation *isolation, struct stats_block *stats)
{
	stats_add(stats, STAT_isolation_short, 1);
	heavy_list_restart(&isolation->list, isolation->now_ns);
	isolation->told_ns = isolation->now_ns;
	if (isolation->answer_ns == 0)
		isolation->answer_ns = isolation->general_ns = ANSWER_FIRST_NS;
}

void
isolation_end_batch(struct isolation *isolation, struct queue_facts *queue, int fd,
		    bool is_full, struct stats_block *stats)
{
	bool was_short = isolation->watch.is_short;

	if (isolation->began_ns != 0) {
		measure(&isolation->answer_ns, cpu_now_ns() - isolation->began_ns,
			isolation->answered);
		isolation->began_ns = 0;
	}
	queue_watch_batch(&isolation->watch, queue, fd, is_full, isolation->now_ns);
	if (queue_watch_step(&isolation->watch, isolation->now_ns))
		become_short(isolation, stats);
	if (!was_short)
		return;
	heavy_list_turn(&isolation->list, isolation->now_ns);
	if (!isolation->watch.is_short ||
	    isolation->now_ns - isolation->told_ns >= TELL_NS)
		tell(isolation);
}
