/* `errors` of ANAMEs and flattened CNAMEs: those whose addresses no resolver tells. */
#include <stdio.h>
#include <string.h>

#include "loader/clerk.h"
#include "loader/resolve/resolved_store.h"
#include "loader/store/watch.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	NAMES_PER_TURN = 4096,
	LISTED_MAX = 1000,
	REASON_MAX = 2 * DNAME_TEXT_MAX + RESOLVED_REASON_MAX,
};

struct listing {
	struct clerk *clerk;
	struct store_walk *walk;
	struct resolved_store *store; /* NULL: nothing was ever resolved */
	uint64_t seen, listed;
};

/* The one that leads out of our zones. */
struct leader {
	const char *owner; /* as text */
	struct node apex;
	bool has_zone; /* and `apex` is that of its zone */
	bool is_cname; /* which is answered itself while nothing better is known */
	bool has_a, has_aaaa; /* signed, of what it led to before, perhaps */
};

static void
find_leader(struct listing *listing, const char *owner, struct leader *out)
{
	struct zone_facts facts;
	uint8_t name[DNAME_MAX];
	struct node node;
	size_t len = dname_from_text(owner, name);

	*out = (struct leader){ .owner = owner };
	out->has_zone = len > 0 &&
			store_walk_find_zone(listing->walk, name, &out->apex) == ERR_OK;
	if (!out->has_zone || !node_zone_facts(&out->apex, &facts))
		return;
	if (out->apex.head.owner_len == len)
		node = out->apex;
	else if (store_walk_find(listing->walk, facts.zone_id, name, &node) != ERR_OK)
		return;
	out->is_cname = node.head.flags & NODE_FLATTENED;
	out->has_a = node_is_resolved(&node, TYPE_A);
	out->has_aaaa = node_is_resolved(&node, TYPE_AAAA);
}

static void
write_row(struct listing *listing, const struct leader *leader, const char *type,
	  const char *reason, const char *state)
{
	struct json_out *json = listing->clerk->json;
	char zone[DNAME_TEXT_MAX];

	if (listing->listed++ >= LISTED_MAX) {
		listing->clerk->unlisted++;
		return;
	}
	json_out_begin_object(json, NULL);
	if (leader->has_zone) {
		dname_to_text(node_owner(&leader->apex), zone);
		json_out_text(json, "zone", zone);
	} else {
		json_out_null(json, "zone");
	}
	json_out_text(json, "owner", leader->owner);
	json_out_text(json, "type", type);
	json_out_text(json, "source", "resolver.servers");
	json_out_null(json, "line");
	json_out_text(json, "reason", reason);
	json_out_text(json, "state", state);
	json_out_end_object(json);
}

/* One type of a name that a resolver is asked for. */
static void
write_type(struct listing *listing, const struct leader *leader, uint16_t type,
	   const uint8_t *name, size_t len)
{
	char target[DNAME_TEXT_MAX], reason[REASON_MAX];
	bool has_some = type == TYPE_A ? leader->has_a : leader->has_aaaa;
	struct resolved entry;
	bool is_known;

	if (!listing->store ||
	    resolved_store_find(listing->store, type, name, len, &entry) != ERR_OK ||
	    entry.head.failures == 0)
		return;
	is_known = entry.head.state != RESOLVED_NEVER;
	dname_to_text(name, target);
	snprintf(reason, sizeof reason, "leads to %s, %s: resolver %.*s", target,
		 is_known   ? "whose last known addresses are served"
		 : has_some ? "of which no address is known; what it led to before is "
			      "served"
			    : "of which no address is known",
		 (int)entry.head.reason_len, entry.reason);
	write_row(listing, leader, type == TYPE_A ? "A" : "AAAA", reason,
		  is_known || has_some ? "stale"
		  : leader->is_cname   ? "warning"
				       : "error");
}

static void
write_name(struct listing *listing, const char *owner, const uint8_t *name, size_t len)
{
	char target[DNAME_TEXT_MAX], reason[REASON_MAX];
	struct leader leader;
	struct node apex;

	if (store_walk_find_zone(listing->walk, name, &apex) == ERR_OK)
		return; /* one of ours */
	find_leader(listing, owner, &leader);
	if (listing->clerk->heritage->settings->resolver.server_count > 0) {
		write_type(listing, &leader, TYPE_A, name, len);
		write_type(listing, &leader, TYPE_AAAA, name, len);
		return;
	}
	dname_to_text(name, target);
	snprintf(reason, sizeof reason,
		 "leads to %s, in no zone of ours, and there is nobody to ask for its "
		 "addresses: list resolvers in resolver.servers",
		 target);
	write_row(listing, &leader, leader.is_cname ? "CNAME" : "ANAME", reason,
		  leader.is_cname ? "warning" : "error");
}

static int
visit_node(void *context, const char *owner, const uint8_t *wants, size_t len)
{
	struct listing *listing = context;
	enum watch_want kind;
	const uint8_t *want;
	size_t at = 0, want_len;

	if (listing->seen++ % NAMES_PER_TURN == 0)
		clerk_go_on(listing->clerk);
	while (watch_next_want(wants, len, &at, &kind, &want, &want_len))
		if (kind == WATCH_NAME && dname_is_whole(want, want_len))
			write_name(listing, owner, want, want_len);
	return 0;
}

void
clerk_unresolved(struct clerk *clerk, struct store_walk *walk)
{
	const char *state_dir = clerk->heritage->settings->state_dir;
	struct listing listing = { .clerk = clerk, .walk = walk };
	struct watch_reader *reader;
	int rc;

	if (watch_reader_open(state_dir, &reader) != ERR_OK)
		return;
	if (resolved_store_open_snapshot(state_dir, &listing.store) != ERR_OK)
		listing.store = NULL;
	if (watch_read_begin(reader) == ERR_OK) {
		rc = watch_read_nodes(reader, visit_node, &listing);
		watch_read_end(reader);
		if (rc != ERR_OK)
			log_debug("the watch list %s", errcode_text(rc));
	}
	watch_reader_close(reader);
	resolved_store_close(listing.store);
}
