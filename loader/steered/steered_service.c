/* A turn: the board, then the rings; then sleep until the bell. */
#include "loader/steered/steered_service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "loader/sign/steered_sets.h"
#include "loader/steered/steered_budget.h"
#include "loader/steered/steered_make.h"
#include "loader/steered/steered_view.h"
#include "loader/store/watch.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/steered_health.h"
#include "shm/steered_request.h"

enum {
	TURN_REQUESTS = 256, /* of one ring in one turn */
	SLEEP_MS = 1000,
	SLEEP_PROBED_MS = 5, /* where something is probed: until a change is seen */
};

struct service {
	const struct heritage *heritage;
	struct region_signer *region;
	struct steered_view view;
	struct steered_maker maker;
	struct steered_budget budget;
	struct ring *rings; /* of each worker */
	struct watch_reader *reader;
	uint32_t reader_epoch;
	uint32_t seen_changes; /* of the board */
	bool is_late; /* the budget did not suffice for all that applies */
};

static void
count(struct service *s, enum signer_figure which)
{
	region_signer_add(s->region, which, 1);
}

/* ---- one set ---- */

/* Are they records of the RRset? */
static bool
is_set_of(const struct steered *steered, const struct steered_records *set)
{
	unsigned any = 0;

	for (unsigned i = 0; i < STEERED_MAX; i++)
		if (set->bits[i / 64] >> i % 64 & 1) {
			if (i >= steered->rrset.head.rr_count)
				return false;
			any++;
		}
	return any > 0;
}

/* Sign it unless it is.
 * kept     of the budget, for others
 * returns  whether it is signed now. */
static bool
sign(struct service *s, const struct node *node, const struct steered *steered,
     const struct steered_records *set, const struct steered_records *group,
     unsigned kept)
{
	if (steered_make_has(&s->maker, node, steered, set))
		return true;
	if (!steered_budget_take(&s->budget, clock_now_ns(), kept)) {
		count(s, SIGNER_FIGURE_steered_late);
		return false;
	}
	if (steered_make(&s->maker, node, steered, set, group) != ERR_OK) {
		count(s, SIGNER_FIGURE_steered_failed);
		return false;
	}
	count(s, SIGNER_FIGURE_steered_sets);
	return true;
}

/* ---- what workers ask for ---- */

/* The RRset that a request is of, as it is served. */
static bool
find_requested(struct service *s, const struct steered_request *request,
	       struct node *node, struct steered *steered)
{
	struct block block;

	return request->owner_len > 0 &&
	       dname_len(request->owner, request->owner_len) == request->owner_len &&
	       steered_view_find(&s->view, request->zone_id, request->owner,
				 request->owner_len, node) == ERR_OK &&
	       node_find_block(node, BLOCK_STEERED, request->type, &block) &&
	       steered_open(&block, steered) && steered->sets &&
	       steered->mark == request->mark && is_set_of(steered, &request->set);
}

static void
serve_request(struct service *s, const struct steered_request *request)
{
	struct steered steered;
	struct node node;

	if (!find_requested(s, request, &node, &steered)) {
		count(s, SIGNER_FIGURE_steered_refused);
		return;
	}
	/* half of it is for what a change of health makes apply */
	(void)sign(s, &node, &steered, &request->set, &request->group,
		   steered_budget_most(&s->budget) / 2);
}

static unsigned
serve_ring(struct service *s, struct ring *ring)
{
	const struct steered_request *shared;
	struct steered_request request;
	bool is_damaged = false;
	unsigned served = 0;

	while (served < TURN_REQUESTS &&
	       (shared = ring_next(ring, sizeof request, &is_damaged))) {
		/* its worker may write on: what is checked is what is used */
		memcpy(&request, shared, sizeof request);
		serve_request(s, &request);
		served++;
	}
	if (is_damaged)
		count(s, SIGNER_FIGURE_steered_refused);
	ring_release(ring);
	return served;
}

static bool
has_requests(const struct service *s)
{
	for (unsigned i = 0; i < s->heritage->region->worker_count; i++)
		if (ring_waiting(s->rings[i].ends) > 0)
			return true;
	return false;
}

static bool
begin_view(struct service *s)
{
	uint64_t id = atomic_load_explicit(&s->heritage->region->swap.published_id,
					   memory_order_acquire);

	return steered_view_begin(&s->view, id) == ERR_OK;
}

static bool
serve_requests(struct service *s)
{
	unsigned served = 0;

	if (!has_requests(s) || !begin_view(s))
		return false;
	for (unsigned i = 0; i < s->heritage->region->worker_count; i++)
		served += serve_ring(s, &s->rings[i]);
	steered_view_end(&s->view);
	return served > 0;
}

/* ---- what a change of health makes apply ---- */

static void
sign_applying(struct service *s, const struct node *node, const struct steered *steered)
{
	unsigned interval_s = s->heritage->settings->health.interval_s;
	struct steered_records up;
	struct steered_sets sets;

	(void)steered_leave_healthy(steered, s->heritage->board, interval_s, &up);
	steered_sets_find(steered, &up, &sets);
	for (unsigned i = 0; i < sets.count; i++)
		s->is_late |= !sign(s, node, steered, &sets.sets[i], NULL, 0);
}

static bool
find_watched(const struct service *s, uint32_t zone_id, const uint8_t *owner, size_t len,
	     struct node *out)
{
	struct zone_facts facts;

	if (steered_view_find(&s->view, zone_id, owner, len, out) == ERR_OK)
		return true;
	return steered_view_find(&s->view, CATALOGUE_ID, owner, len, out) == ERR_OK &&
	       node_zone_facts(out, &facts) && facts.zone_id == zone_id;
}

static int
look_at(void *context, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct service *s = context;
	struct steered steered;
	struct block block;
	struct node node;
	uint32_t at = 0;

	if (!find_watched(s, zone_id, owner, len, &node) ||
	    !(node.head.flags & NODE_HAS_STEERED))
		return 0;
	while (node_next_block(&node, &at, &block))
		if (block.head.kind == BLOCK_STEERED && steered_open(&block, &steered) &&
		    steered.sets && steered.targets)
			sign_applying(s, &node, &steered);
	return 0;
}

/* Sync may have started anew, and made another list. */
static bool
have_reader(struct service *s)
{
	const struct region_watch *watch = &s->heritage->region->watch;
	uint32_t epoch = atomic_load(&watch->epoch);

	if (epoch == 0 || atomic_load(&watch->filled_epoch) != epoch)
		return false;
	if (s->reader && s->reader_epoch == epoch)
		return true;
	watch_reader_close(s->reader);
	s->reader = NULL;
	s->reader_epoch = epoch;
	return watch_reader_open(s->heritage->settings->state_dir, &s->reader) == ERR_OK;
}

static void
follow_health(struct service *s)
{
	uint32_t changes =
		atomic_load_explicit(&s->heritage->board->changes, memory_order_acquire);

	if ((changes == s->seen_changes && !s->is_late) || !have_reader(s) ||
	    watch_read_begin(s->reader) != ERR_OK)
		return;
	if (begin_view(s)) {
		s->is_late = false;
		s->seen_changes = changes;
		(void)!watch_read_places(s->reader, look_at, s);
		steered_view_end(&s->view);
	}
	watch_read_end(s->reader);
}

/* ---- the thread ---- */

static unsigned
sleep_ms(const struct service *s)
{
	return atomic_load(&s->heritage->board->changes) > 0 ? SLEEP_PROBED_MS : SLEEP_MS;
}

static void *
run(void *argument)
{
	struct service *s = argument;

	prctl(PR_SET_NAME, "steered");
	for (;;) {
		uint32_t heard = atomic_load(&s->region->bell);

		follow_health(s);
		if (!serve_requests(s))
			region_signer_sleep(s->region, heard, sleep_ms(s));
	}
	return NULL;
}

static struct service *
service_new(const struct heritage *heritage)
{
	unsigned workers = heritage->region->worker_count;
	struct service *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->heritage = heritage;
	s->region = &heritage->region->signer;
	s->view.state_dir = heritage->settings->state_dir;
	s->maker.cache = heritage->steered_cache;
	steered_budget_init(&s->budget, heritage->settings->dnssec.steered_rate);
	s->rings = calloc(workers, sizeof *s->rings);
	if (!s->rings || steered_keys_new(heritage->settings, &s->maker.keys) != ERR_OK) {
		free(s->rings);
		free(s);
		return NULL;
	}
	for (unsigned i = 0; i < workers; i++)
		ring_open_reader(&s->rings[i], &heritage->region->slots[i].steered_ring,
				 heritage->steered_rings + (size_t)i * STEERED_RING_LEN,
				 STEERED_RING_LEN);
	return s;
}

void
steered_service_start(const struct heritage *heritage)
{
	struct service *s = service_new(heritage);
	pthread_t thread;

	if (s && pthread_create(&thread, NULL, run, s) == 0) {
		pthread_detach(thread);
		return;
	}
	log_errorx("sets of steered records are not signed when they are chosen: %s",
		   errcode_text(ERR_NOMEM));
}
