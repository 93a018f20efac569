/* The names that zones lead to: from the watch list, those aside that are in zones of our
 * own, which are never asked of anybody. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "loader/resolve/resolver.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_walk.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	READ_AGAIN_MS = 60000, /* zones come and go without a change of the list */
	REST_SHARE = 10, /* of the time that a reading takes, until the next */
	RETRY_MS = 1000,
};

struct reading {
	struct resolver *resolver;
	struct store_walk *walk; /* NULL: it is not known what is served */
};

/* Is the name in a zone that is served here? */
static bool
is_ours(const struct reading *reading, const uint8_t *name)
{
	struct node apex;

	return reading->walk &&
	       store_walk_find_zone(reading->walk, name, &apex) == ERR_OK;
}

static int
take_name(void *context, const uint8_t *name, size_t len)
{
	const struct reading *reading = context;
	struct resolver *resolver = reading->resolver;
	struct wanted *wanted;

	resolver_tell_turn(resolver); /* there may be millions */
	if (len > DNAME_MAX || is_ours(reading, name))
		return 0;
	wanted = wanted_add(&resolver->wanted, name, len, clock_now_ms());
	if (!wanted)
		return ERR_NOMEM;
	wanted->is_watched = true;
	wanted->watched_in = resolver->watch.number;
	wanted->wished_until_ms = 0;
	return 0;
}

/* Those that the list no longer has. */
static void
drop_others(struct resolver *resolver)
{
	uint64_t now_ms = clock_now_ms();

	for (size_t i = 0; i < resolver->wanted.bucket_count; i++) {
		struct wanted *at = resolver->wanted.buckets[i];

		while (at) {
			struct wanted *next = at->next;

			if (at->is_watched && at->watched_in != resolver->watch.number) {
				at->is_watched = false;
				if (at->wished_until_ms <= now_ms)
					resolver_drop(resolver, at);
			}
			at = next;
		}
	}
}

static int
read_list(struct resolver *resolver)
{
	struct reading reading = { .resolver = resolver };
	char dir[PATH_MAX];
	int rc;

	if (!resolver->watch.reader) {
		rc = watch_reader_open(resolver->settings->state_dir,
				       &resolver->watch.reader);
		if (rc != ERR_OK)
			return rc;
	}
	if (!state_path_generation(resolver->settings->state_dir,
				   resolver->watch.generation, dir) ||
	    store_walk_open_live(dir, &reading.walk) != ERR_OK)
		reading.walk = NULL;
	resolver->watch.number++;
	rc = watch_read_begin(resolver->watch.reader);
	if (rc == ERR_OK) {
		rc = watch_read_names(resolver->watch.reader, take_name, &reading);
		watch_read_end(resolver->watch.reader);
	}
	store_walk_close(reading.walk);
	if (rc == ERR_OK)
		drop_others(resolver);
	return rc;
}

/* Is there anything to be read?  A sync that was started anew makes the list anew: it is
 * read once it is whole, which the number tells. */
static bool
is_new(struct resolver *resolver, bool is_due)
{
	const struct region *region = resolver->region;
	uint32_t epoch = atomic_load(&region->watch.epoch);
	uint32_t seq = atomic_load_explicit(&region->watch.seq, memory_order_acquire);
	uint64_t generation = atomic_load(&region->swap.published_id);

	if (epoch != resolver->watch.epoch) {
		watch_reader_close(resolver->watch.reader);
		resolver->watch.reader = NULL;
		resolver->watch.epoch = epoch;
		resolver->watch.is_whole = false;
	}
	if (generation == 0 || (seq == resolver->watch.seq &&
				(!resolver->watch.is_whole ||
				 (generation == resolver->watch.generation && !is_due))))
		return false;
	resolver->watch.seq = seq;
	resolver->watch.generation = generation;
	resolver->watch.is_whole = true;
	return true;
}

void
resolver_watch(struct resolver *resolver)
{
	uint64_t begun_ms = clock_now_ms(), took_ms;
	bool is_due = begun_ms >= resolver->watch.next_ms + READ_AGAIN_MS;
	int rc;

	if (begun_ms < resolver->watch.next_ms || !is_new(resolver, is_due))
		return;
	rc = read_list(resolver);
	took_ms = clock_now_ms() - begun_ms;
	resolver->watch.next_ms = begun_ms + took_ms + REST_SHARE * took_ms;
	if (rc == ERR_OK)
		return;
	/* once more: as if it had not been read */
	resolver->watch.seq--;
	resolver->watch.next_ms += RETRY_MS;
	if (rc != ERR_NOTFOUND)
		log_debug("the watch list %s", errcode_text(rc));
}
