/* Raw values from Redis, as one consistent reading: which commands give a zone or some
 * labels of it, and what their replies mean.
 *
 * Queueing and understanding are apart, so that a caller can put several wishes, and
 * commands of its own, into one MULTI:
 *
 *	redis_read_put(...)         queues the commands of a wish
 *	redis_read_get(&next, ...)  understands their replies, which stand from `next` on
 *	                            (the items of an EXEC's list), and moves `next` on
 *
 * redis_read_zone and redis_read_labels do the whole in one MULTI. */
#ifndef LOADER_REDIS_REDIS_READ_H
#define LOADER_REDIS_REDIS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_link.h"

enum {
	/* z42: of a label the first types are asked for one by one, because MGET does not
	 * tell a key of a wrong type from none; then come the others, by one MGET */
	REDIS_STRICT_TYPES = 12,
};

enum redis_value_state {
	REDIS_VALUE_GOOD,		/* `text` is what the key or field holds */
	REDIS_VALUE_MISSING,		/* there is none */
	REDIS_VALUE_BAD,		/* there is something that cannot be read: see `text`,
					 * a sentence for people (say, WRONGTYPE, too long) */
};

/* One value of a label. */
struct redis_value {
	struct redis_text label;	/* as written: "www", "@" */
	const char *type;		/* z42: of the key; NULL: the label itself (redins: its
					 * JSON; z42: that it is a member of the set of labels) */
	struct redis_text text;
	uint64_t hash;			/* XXH3 of text, seeded with that of the name, and that
					 * with keys->rules; 0 when missing */
	enum redis_value_state state;
};

/* What was read of one zone; all of it lives in the arena of the reading. */
struct redis_raw {
	struct redis_text zone;		/* as listed */
	bool is_whole;			/* all labels, else those that were asked for */
	bool has_config;		/* `config` was read */
	bool is_missing;		/* whole: hash or set of labels does not exist (but the
					 * zone may be listed: then this is a loss) */
	struct redis_value config;	/* label and type "" */
	struct redis_value zone_value;	/* BAD when the zone's own key cannot be read */
	struct redis_value *values;	/* those of one label stand together; of redins one a
					 * label; of z42 the label's own and, when it is a
					 * member, those of its types that are there */
	size_t count;
};

/* A wish: some labels, or with `is_whole` all of them; and the config. */
struct redis_wish {
	struct redis_text zone;
	const struct redis_text *labels;
	size_t label_count;
	bool wants_config, is_whole;
};

/* The zones that are listed, one text each.
 * reason   on failure; the link may be open still (say, a wrong type at the key)
 * returns  0, with a list that may be empty (*exists: is there a key at all?) */
struct redis_zones {
	struct redis_text *names;	/* in the arena, as listed, in no order */
	size_t count;
	bool exists;
};
__attribute__((nonnull, warn_unused_result))
int redis_read_zones(struct redis_link *link, const struct redis_keys *keys,
		     struct arena *arena, struct redis_zones *out,
		     char reason[REDIS_REASON_MAX]);

/* Some of them, about `count`.  Whoever is listed all the while comes once at least.
 * cursor   "0" for the first ones; afterwards from where to go on, "0" when that was all
 * returns  as above; *exists is not told. */
enum { REDIS_CURSOR_MAX = 24 };
__attribute__((nonnull, warn_unused_result))
int redis_read_some_zones(struct redis_link *link, const struct redis_keys *keys,
			  struct arena *arena, char cursor[REDIS_CURSOR_MAX], unsigned count,
			  struct redis_zones *out, char reason[REDIS_REASON_MAX]);

/* Queue the commands of a wish, for a MULTI of the caller's.  In z42 a whole zone needs
 * its labels first: redis_read_zone does that, `is_whole` is none of this call's there.
 * returns their number, so many replies come; or an error code. */
__attribute__((nonnull, warn_unused_result))
int redis_read_put(struct redis_link *link, const struct redis_keys *keys,
		   const struct redis_wish *wish);

/* Understand the replies to a wish.
 * next     the first of them; the one behind the last afterwards (NULL: none).
 * returns  0; ERR_NOMEM; ERR_FORMAT when they are not what was asked for, with `reason`. */
__attribute__((nonnull, warn_unused_result))
int redis_read_get(const struct redis_reply **next, const struct redis_keys *keys,
		   const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
		   char reason[REDIS_REASON_MAX]);

/* Read a wish in one MULTI; of z42 a whole zone too (beyond 2000 labels in several).
 * returns 0; an error code with `reason`, and maybe the link dropped. */
__attribute__((nonnull, warn_unused_result))
int redis_read_zone(struct redis_link *link, const struct redis_keys *keys,
		    const struct redis_wish *wish, struct arena *arena, struct redis_raw *out,
		    char reason[REDIS_REASON_MAX]);

/* z42: a key that is known to be there, as from a scan of all. */
struct redis_known_key {
	struct redis_text label;
	const char *type;
};

/* Read a whole zone of z42 with its config by keys that are known, as redis_read_put and
 * redis_read_get: cheaper than asking for all types that there are.
 * known  of this zone, each once, sorted by label (redis_text_compare) */
__attribute__((nonnull(1, 2), warn_unused_result))
int redis_read_put_known(struct redis_link *link, const struct redis_keys *keys,
			 struct redis_text zone, const struct redis_known_key *known,
			 size_t count);
__attribute__((nonnull(1, 2, 6, 7, 8), warn_unused_result))
int redis_read_get_known(const struct redis_reply **next, const struct redis_keys *keys,
			 struct redis_text zone, const struct redis_known_key *known,
			 size_t count, struct arena *arena, struct redis_raw *out,
			 char reason[REDIS_REASON_MAX]);

/* The order of octets, a shorter text before its longer ones. */
__attribute__((pure))
int redis_text_compare(struct redis_text a, struct redis_text b);

/* The digest of what was read whole: the sum of all hashes, of the config's too. */
__attribute__((nonnull, pure))
uint64_t redis_raw_digest(const struct redis_raw *raw);

/* The sum of the hashes of one label's values, `count` from `first` on: the value_hash of
 * its provenance. */
__attribute__((nonnull, pure))
uint64_t redis_values_hash(const struct redis_value *first, size_t count);

/* How many values from `first` on belong to the same label. */
__attribute__((nonnull, pure))
size_t redis_values_of_label(const struct redis_value *first, const struct redis_value *end);

#endif
