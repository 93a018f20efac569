/* The resolved store as an edit or a round sees it, and a ring of names. */
#include "loader/leading.h"

#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/wake.h"

struct leading {
	const struct heritage *heritage;
	struct lead_source source;
	bool is_open;
	uint32_t told; /* wishes, that the resolver was woken for */
	struct leading_place awaited[LEADING_AWAITED_MAX];
	size_t count, next; /* the place of the next one */
	uint32_t seen; /* of the resolver's commits, when they were taken last */
	bool is_due; /* some were not looked at as yet */
};

struct leading *
leading_new(const struct heritage *heritage)
{
	struct leading *leading = calloc(1, sizeof *leading);

	if (leading)
		leading->heritage = heritage;
	return leading;
}

void
leading_free(struct leading *leading)
{
	if (leading)
		resolved_store_close(leading->source.resolved);
	free(leading);
}

const struct lead_source *
leading_source(struct leading *leading)
{
	struct region_resolver *region = &leading->heritage->region->resolver;
	const char *state_dir = leading->heritage->settings->state_dir;
	struct lead_source *source = &leading->source;

	if (leading->is_open)
		return source;
	leading->is_open = true;
	source->wishes = &region->wishes;
	if (atomic_load(&region->store_seq) == 0 ||
	    resolved_store_open_snapshot(state_dir, &source->resolved) != ERR_OK)
		source->resolved = NULL;
	return source;
}

void
leading_rest(struct leading *leading)
{
	uint32_t wished;

	if (!leading->is_open)
		return;
	leading->is_open = false;
	resolved_store_close(leading->source.resolved);
	leading->source.resolved = NULL;
	wished = atomic_load(&leading->source.wishes->put);
	if (wished == leading->told)
		return;
	leading->told = wished;
	wake_call(leading->heritage->wish_fd);
}

int
leading_find(void *context, const struct live_edit *edit, const struct node *node,
	     struct live_leader *out)
{
	struct leading *leading = context;
	bool is_awaited = false;
	int rc = ERR_OK;

	for (unsigned i = 0; i < LIVE_ADDRESS_TYPES && rc != ERR_NOMEM; i++) {
		struct live_addresses *to = &out->types[i];

		rc = lead_follow(edit->live, leading_source(leading), edit->origin,
				 edit->origin_len, node, (enum live_address_type)i, to);
		/* what is damaged elsewhere is no matter of this edit */
		if (rc != ERR_OK)
			to->state = LIVE_ADDRESSES_KEEP;
		is_awaited |= to->is_awaited;
	}
	if (is_awaited)
		leading_await(leading, edit->facts.zone_id, out->owner, out->owner_len);
	return rc == ERR_NOMEM ? rc : ERR_OK;
}

/* ---- those that are awaited ---- */

static bool
is_awaited(const struct leading *leading, uint32_t zone_id, const uint8_t *owner,
	   size_t len)
{
	for (size_t i = 0; i < leading->count; i++) {
		const struct leading_place *place = &leading->awaited[i];

		if (place->zone_id == zone_id && place->len == len &&
		    memcmp(place->owner, owner, len) == 0)
			return true;
	}
	return false;
}

void
leading_await(struct leading *leading, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct leading_place *place = &leading->awaited[leading->next];

	if (is_awaited(leading, zone_id, owner, len))
		return;
	place->zone_id = zone_id;
	place->len = len;
	memcpy(place->owner, owner, len);
	leading->next = (leading->next + 1) % LEADING_AWAITED_MAX;
	if (leading->count < LEADING_AWAITED_MAX)
		leading->count++;
}

void
leading_note(void *context, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	struct leading *leading = context;

	leading_await(leading, zone_id, owner, len);
	leading->is_due = true;
}

bool
leading_has_news(const struct leading *leading)
{
	const struct region_resolver *region = &leading->heritage->region->resolver;

	return leading->count > 0 &&
	       (leading->is_due || leading->seen != atomic_load(&region->commit_seq));
}

size_t
leading_take_awaited(struct leading *leading,
		     struct leading_place out[LEADING_AWAITED_MAX])
{
	size_t count = leading->count;

	leading->seen = atomic_load(&leading->heritage->region->resolver.commit_seq);
	memcpy(out, leading->awaited, count * sizeof *out);
	leading->count = leading->next = 0;
	leading->is_due = false;
	return count;
}
