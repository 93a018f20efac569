/* From raw values of Redis to records.
 *
 * A value that cannot be used costs its own RRset: a ZONE_MARK_BAD (zone_records.h)
 * stands for it, with the reason, and the last good data may be served on.  A label whose
 * value is bad as a whole has a mark for all types.  Every label that could be read as a
 * name has a ZONE_MARK_PROVENANCE, also when it has no records: the name exists.
 *
 * Beside what record_json.h says: a label that is no name below its zone, and one that
 * means the same name as another ("WWW" beside "www": the lower-case one counts), is an
 * error of the zone's, and no name.  A DNAME cannot stand beside NS below the apex; what a
 * signer makes (RRSIG, NSEC, NSEC3, NSEC3PARAM) cannot be set. */
#ifndef LOADER_REDIS_REDIS_ZONE_H
#define LOADER_REDIS_REDIS_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_read.h"
#include "loader/zone/zone_config_json.h"
#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"
#include "shm/name_hash.h"
#include "shm/settings.h"

/* A parser with its buffers: one a thread. */
struct redis_zone_reader;

/* What brought a reading: a stream id, or the time at which it was seen and 0. */
struct redis_change {
	uint64_t ms, seq;
};

/* `settings` are borrowed for its life.  returns NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result))
struct redis_zone_reader *redis_zone_reader_new(const struct settings *settings);

/* NULL is allowed. */
void redis_zone_reader_free(struct redis_zone_reader *reader);

/* The zone that a listed name means.
 * origin   lower-cased, with NAME_PAD octets of room behind DNAME_MAX.
 * reason   on failure, the rest of a sentence that begins with the name; static.
 * returns  the length in wire form, 0 when it is no domain name. */
__attribute__((nonnull, warn_unused_result))
size_t redis_zone_origin(struct redis_text name, uint8_t origin[DNAME_MAX + NAME_PAD],
			 const char **reason);

/* Is the label written as we would write it: lower case, no needless escapes?  Only then
 * is it the one label that can mean its name.
 * owner    lower-cased wire form, with NAME_PAD octets of room; *owner_len 0: no name. */
__attribute__((nonnull))
bool redis_zone_label(struct redis_text label, const uint8_t *origin, size_t origin_len,
		      uint8_t owner[DNAME_MAX + NAME_PAD], size_t *owner_len,
		      const char **reason);

/* ---- the config ---- */

enum redis_zone_flag {
	REDIS_ZONE_ODD = 1,		/* redis_facts.flags: some label is no name, or is not
					 * written as redis_zone_label wants it.  Its hash is
					 * part of config_hash.  Whatever changes in the zone,
					 * it must be read whole */
};

struct redis_zone_config {
	struct zone_config config;	/* complete, also when bad */
	uint64_t hash;
	char fault[ZONE_REASON_MAX];	/* "": good; names the key.  Else a last good config is better */
};

/* returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_zone_read_config(const struct redis_zone_reader *reader, struct redis_text zone,
			   const struct redis_value *value, const uint8_t *origin,
			   size_t origin_len, struct redis_zone_config *out);

/* What is said of signing cannot be read, or is not there: go on as is served (NULL: that is
 * not signed). */
__attribute__((nonnull(1)))
void redis_zone_sign_as_served(struct redis_zone_config *config,
			       const struct signing_facts *served);

/* The zone is to be signed, and cannot be: it is served without, which it says. */
__attribute__((nonnull))
void redis_zone_leave_unsigned(struct redis_zone_config *config, const char *zone,
			       const char *why);

/* The same where redis.unsigned_ok is not set: why it is not served. */
__attribute__((nonnull))
void redis_zone_explain_unsigned(const char *why, char out[ZONE_REASON_MAX]);

/* The serial to serve.  One that is written is served; without one it is the second of
 * the change, but above the one that is served, and that one when nothing has changed.
 * old       NULL: the zone is not served yet; else its serial
 * is_same   the zone is as it was when it got `old` */
__attribute__((nonnull(1, 2), pure))
uint32_t redis_zone_serial(const struct zone_config *config, const struct redis_change *change,
			   const uint32_t *old, bool is_same);

/* ---- labels and zones ---- */

/* The values of one label; what it means; what has brought them. */
struct redis_label {
	struct redis_text zone;		/* as listed */
	const struct redis_value *values;
	size_t count;
	const uint8_t *owner;		/* what redis_zone_label gave */
	size_t owner_len;
	struct redis_change change;
};

/* Append the records and marks of a label to `zone`, sorted among themselves, duplicates
 * merged; nothing when the label is missing.  Reasons name key, position and remedy.
 * returns  0 whatever the values hold; ERR_NOMEM, ERR_FULL. */
__attribute__((nonnull, warn_unused_result))
int redis_zone_read_label(struct redis_zone_reader *reader, const struct redis_label *label,
			  struct zone_records *zone);

/* A whole zone: its records and marks with the SOA, sorted, zone->redis and what it wants of
 * a signer.
 * old_serial  NULL: not served yet
 * old_digest  the raw digest that is served with it
 * config      may be the last good one instead of what raw->config gave
 * messages    gets what is wrong with it: ZONE_DROPPED for all that is left out, a warning
 *             without NS at the apex
 * returns     0 with *out, the caller's; ERR_NOMEM, ERR_FULL. */
struct redis_zone_job {
	const struct redis_raw *raw;	/* whole */
	const uint8_t *origin;
	size_t origin_len;
	const struct redis_zone_config *config;
	struct redis_change change;
	const uint32_t *old_serial;
	uint64_t old_digest;
};
__attribute__((nonnull, warn_unused_result))
int redis_zone_read(struct redis_zone_reader *reader, const struct redis_zone_job *job,
		    struct zone_records **out, struct zone_messages *messages);

/* The SOA record that a config gives, appended to `zone`.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_zone_add_soa(struct zone_records *zone, const struct zone_config *config,
		       uint32_t serial);

#endif
