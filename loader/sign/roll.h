/* Rollover: where a zone's keys stand, and what comes next (RFC 7583; for algorithms RFC 6781,
 * section 4.1.4).
 *
 * Nothing here asks or writes: states, what was seen, and a time go in, new states and the
 * time of the next step come out.  Intervals are counted from when a state was first served,
 * not from when it was wished for, so that a zone that cannot be signed, or a server that
 * stands still, delays its roll and never breaks it.
 *
 *   ZSK, pre-publication       published --Ipub--> active ... retired --Iret--> removed
 *   KSK, double signature      published --IpubC--> ready --DS--> active ... retired --Iret-->
 *   one key for all            as KSK; its signatures over data are double, too
 *   algorithm, all its keys    signing --Iret--> published --Ipub--> ready --DS--> active ...
 *                              retired --Iret--> withdrawn --TTLkey--> removed
 */
#ifndef LOADER_SIGN_ROLL_H
#define LOADER_SIGN_ROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_key.h"

enum roll_role {
	ROLL_ZSK, ROLL_KSK,
	ROLL_CSK,			/* signs keys and data */
	ROLL_ROLES
};

enum roll_stage {
	ROLL_WANTED,			/* to be drawn; it has no tag yet */
	ROLL_SIGNING,			/* signs data, its DNSKEY is not in the zone */
	ROLL_PUBLISHED,			/* some caches may not have its DNSKEY yet */
	ROLL_READY,			/* all have; the parent may replace the DS */
	ROLL_ACTIVE,
	ROLL_RETIRED,			/* its successor is active; caches need it, or its DS */
	ROLL_WITHDRAWN,			/* its DNSKEY is gone; what it has signed stays */
	ROLL_REMOVED,
	ROLL_STAGES
};

struct roll_key {
	uint16_t tag, flags;
	uint8_t algorithm;
	uint8_t role;			/* enum roll_role */
	uint8_t stage;			/* enum roll_stage */
	uint8_t is_managed;		/* has rolled, or does; else its own times hold */
	uint8_t by_algorithm;		/* it comes or goes with its algorithm */
	uint8_t is_ds_told;		/* somebody says that its DS is all that the parent has */
	int64_t since_s;		/* when this stage was first served; 0: not yet */
	int64_t times[KEY_TIMES];	/* what has become of it; KEY_ACTIVATE begins its life */
};

/* What is to become of the zone's signatures as a whole. */
enum roll_goal {
	ROLL_KEEP,
	ROLL_LEAVE,			/* CDS delete is in the zone until the DS is gone */
	ROLL_UNSIGNED,			/* it is served without signatures */
	ROLL_GOALS
};

/* Rolls that were asked for and have not begun. */
enum roll_wish {
	ROLL_WISH_ZSK = 1 << 0,
	ROLL_WISH_KSK = 1 << 1,		/* or the key for all */
};

/* What this server has to do with the list of the zone's keys that a fleet shares
 * (loader/sign/fleet_list.h). */
enum roll_part {
	ROLL_ALONE,			/* nothing: there was no list */
	ROLL_FOLLOWS,			/* the keys are as the list says */
	ROLL_WRITES,			/* the list is ours */
	ROLL_YIELDS,			/* it was, until another server wrote one: as ROLL_FOLLOWS,
					 * also while this one is to roll */
	ROLL_PARTS
};

enum { ROLL_NODE_MAX = SIGN_NODE_MAX };

struct roll_fleet {
	uint8_t part;			/* enum roll_part */
	uint8_t has_left;		/* the zone is unsigned because its config says so */
	uint8_t is_lost;		/* what was written was not there when the zone was read */
	uint64_t number;		/* of the last list that was written or taken */
	int64_t written_s;		/* when it was, Unix time of the server that wrote it */
	uint64_t mark;			/* of what it says, fleet_list_mark */
	char node[ROLL_NODE_MAX];	/* who wrote it */
};

struct roll_zone {
	uint32_t count;
	struct roll_key keys[SIGN_KEYS_MAX];
	uint8_t goal;			/* enum roll_goal */
	uint8_t is_by_command;		/* the goal: not by the zone's own configuration */
	uint8_t wishes;			/* enum roll_wish */
	uint8_t algorithm;		/* the one to change to; 0: none */
	uint32_t ttl_ds_s;		/* the longest that was seen in this roll; 0: none was */
	int64_t goal_since_s;		/* when it was first served */
	int64_t ds_gone_s;		/* since when the parent has no DS; 0: it may have */
	struct roll_fleet fleet;
};

/* What the parent's servers say. */
struct roll_ds {
	bool is_known;			/* none is silent */
	uint32_t ttl_s;			/* the longest of the DS RRset; 0: there is none */
	unsigned count;			/* records, of the one that has most */
	uint32_t everywhere;		/* bit i: all have one of keys[i] */
	uint32_t anywhere;		/* ... some has */
};

/* What is so at a time.  Intervals are seconds. */
struct roll_view {
	int64_t now_s;
	bool is_served;			/* the zone is served as its keys' states say */
	uint32_t ttl_key_s;		/* TTLkey */
	uint32_t ttl_sig_s;		/* TTLsig: the longest TTL of what is signed */
	uint32_t propagation_s;		/* Dprp, DprpC and DprpP */
	int64_t zsk_life_s, ksk_life_s;	/* Lzsk, Lksk; 0: for ever */
	struct roll_ds ds;
};

struct roll_outcome {
	bool is_changed;		/* to be kept */
	bool wants_ds;			/* the next step waits for the parent */
	bool waits_served;		/* ... for what it has said to be served */
	int64_t next_s;			/* look again then; 0: when something else happens */
};

/* TTLds where nobody has seen it. */
enum { ROLL_TTL_DS_S = 86400 };

/* Take all steps that are due.  Keys in stage ROLL_WANTED are to be drawn by the caller. */
__attribute__((nonnull))
struct roll_outcome roll_step(struct roll_zone *zone, const struct roll_view *view);

/* Is a roll of the role under way, or one of any with ROLL_ROLES? */
__attribute__((nonnull, pure))
bool roll_is_under_way(const struct roll_zone *zone, enum roll_role role);

/* Ask for a roll of what has one of the roles in `wishes`, or to another algorithm.
 * returns NULL, or why not. */
__attribute__((nonnull, warn_unused_result))
const char *roll_ask(struct roll_zone *zone, unsigned wishes, uint8_t algorithm);

/* Somebody says that the DS of this key, and no other, is at the parent.
 * returns NULL, or why that cannot be used. */
__attribute__((nonnull, warn_unused_result))
const char *roll_tell_ds(struct roll_zone *zone, uint16_t tag);

/* What a key signs and where it stands in the zone because of its stage. */
__attribute__((nonnull))
void roll_apply(const struct roll_zone *zone, const struct roll_key *from,
		struct sign_key *key);

/* A key that was wanted is there: it begins its way. */
__attribute__((nonnull))
void roll_start(struct roll_key *key, uint16_t tag, int64_t now_s);

/* Is there anything that has to be remembered? */
__attribute__((nonnull, pure))
bool roll_is_empty(const struct roll_zone *zone);

/* "published"; "zsk" */
__attribute__((const, returns_nonnull))
const char *roll_stage_name(enum roll_stage stage);
__attribute__((const, returns_nonnull))
const char *roll_role_name(enum roll_role role);

#endif
