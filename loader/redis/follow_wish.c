/* What is to be asked of Redis for each zone of a set. */
#include "loader/redis/follow_wish.h"

#include <string.h>

#include "shm/errcode.h"
#include "shm/steered.h"

/* z42: the labels of a zone that is to be read whole are needed first; whether they are
 * still the same is seen in the MULTI. */
static int
prefetch_labels(struct follow *f, struct redis_wish *wish)
{
	const struct redis_reply *reply;
	struct redis_text *labels;
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zone(&f->keys, wish->zone, key);
	int rc;

	reply = redis_link_ask(f->links[LINK_COMMAND], f->arena, "SMEMBERS %b", key, len);
	if (!reply)
		return ERR_CLOSED;
	rc = redis_reply_texts(reply, f->arena, &labels, &wish->label_count);
	wish->labels = labels;
	return rc;
}

bool
follow_wish_has_labels(const struct redis_wish *wish, const struct redis_reply *list)
{
	const struct redis_reply *at = redis_reply_first(list);

	if (redis_reply_count(list) != wish->label_count)
		return false;
	for (size_t i = 0; i < wish->label_count && at; i++, at = redis_reply_next(at)) {
		struct redis_text text = redis_reply_text(at);

		if (text.len != wish->labels[i].len ||
		    memcmp(text.bytes, wish->labels[i].bytes, text.len) != 0)
			return false;
	}
	return true;
}

/* A zone that is served is looked for under the name that was listed then: "example.com"
 * is none of the set's members where "example.com." is. */
static int
name_as_served(struct follow *f, const struct change_zone *zone, struct redis_wish *wish)
{
	struct source_facts source;
	struct block block;
	struct node apex;
	const char *name;
	size_t room, len;

	if (zone->is_as_written || !f->live ||
	    live_zone(f->live, zone->origin, zone->origin_len, &apex) != ERR_OK ||
	    !node_find_block(&apex, BLOCK_SOURCE, 0, &block) ||
	    block.head.len <= sizeof source)
		return ERR_OK;
	memcpy(&source, block.payload, sizeof source);
	name = (const char *)block.payload + sizeof source;
	room = block.head.len - sizeof source;
	len = strnlen(name, room);
	if (source.kind != SOURCE_REDIS || len == 0 || len == room ||
	    len > REDIS_NAME_MAX)
		return ERR_OK;
	wish->zone.bytes = arena_copy(f->arena, name, len + 1);
	wish->zone.len = len;
	return wish->zone.bytes ? ERR_OK : ERR_NOMEM;
}

/* Types that nobody asks for unless he has met them are met in what is served. */
static int
learn_types(void *context, const struct node *node)
{
	struct redis_keys *keys = context;
	struct block block;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block))
		if (block_holds_rrset(&block) ||
		    (block.head.kind == BLOCK_BAD_RRSET && !bad_rrset_is_of_all(&block)))
			(void)redis_keys_learn_number(keys, block.head.type);
	return 0;
}

static int
learn_zone_types(struct follow *f, const struct change_zone *zone)
{
	struct zone_facts facts;
	struct node apex;

	if (!f->live ||
	    live_zone(f->live, zone->origin, zone->origin_len, &apex) != ERR_OK ||
	    !node_zone_facts(&apex, &facts))
		return ERR_OK;
	(void)learn_types(&f->keys, &apex);
	return live_walk_zone(f->live, facts.zone_id, learn_types, &f->keys);
}

static int
keep_text(struct arena *arena, struct redis_text *text)
{
	text->bytes = arena_copy(arena, text->bytes, text->len + 1);
	return text->bytes ? ERR_OK : ERR_NOMEM;
}

/* What is read is known by these names when the set has already been added to: by entries
 * that come while it is read. */
static int
keep_names(struct arena *arena, struct redis_wish *wish, struct redis_text *labels)
{
	int rc = keep_text(arena, &wish->zone);

	for (size_t i = 0; rc == ERR_OK && i < wish->label_count; i++)
		rc = keep_text(arena, &labels[i]);
	return rc;
}

int
follow_wish_all(struct follow *f, struct redis_wish **out)
{
	struct redis_wish *wishes =
		arena_take_items(f->arena, f->set.count + 1, sizeof *wishes);
	int rc = wishes ? ERR_OK : ERR_NOMEM;

	for (uint32_t i = 0; rc == ERR_OK && i < f->set.count; i++) {
		uint32_t labels = f->set.zones[i].label_count;
		struct redis_text *room =
			arena_take_items(f->arena, labels + 1, sizeof *room);

		if (!room)
			return ERR_NOMEM;
		wishes[i] = change_set_wish(&f->set, i, room);
		rc = keep_names(f->arena, &wishes[i], room);
		if (rc == ERR_OK)
			rc = name_as_served(f, &f->set.zones[i], &wishes[i]);
		wishes[i].wants_config =
			true; /* a SOA is made of it, with a new serial */
		if (rc != ERR_OK || !wishes[i].is_whole ||
		    f->keys.schema != REDIS_SCHEMA_Z42)
			continue;
		rc = learn_zone_types(f, &f->set.zones[i]);
		if (rc == ERR_OK)
			rc = prefetch_labels(f, &wishes[i]);
	}
	*out = wishes;
	return rc;
}
