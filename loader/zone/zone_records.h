/* A zone between its source and its nodes: all its records, checked, in order. */
#ifndef LOADER_ZONE_ZONE_RECORDS_H
#define LOADER_ZONE_ZONE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

struct zone_record {
	const uint8_t *owner;		/* lower-cased wire form; equal owners of one zone share
					 * one pointer once the zone is sorted */
	const uint8_t *rdata;		/* wire form, names uncompressed, case as in the source */
	uint32_t ttl;
	uint32_t line;			/* of file `file`; 0 when unknown */
	uint16_t type;
	uint16_t rdata_len;
	uint16_t file;			/* index into `paths` */
	uint8_t owner_len;
	uint8_t reserved;
};

/* An RRset that is not served as the source has it. */
struct zone_fault {
	const uint8_t *owner;		/* lower-cased; of the zone's records or arena, as path */
	const char *path;		/* "": no file */
	const char *reason;		/* static text */
	uint32_t line;			/* 0: unknown */
	uint16_t type;
	uint8_t owner_len;
	uint8_t kind;			/* enum fault_kind, shm/node.h */
};

enum { ZONE_FAULTS_LISTED = 100 };

/* Marks tell of an owner what its records do not.  They stand among its records, with type
 * 0 (which no record has) and so before them; rdata is a zone_mark (1 octet), a type (2,
 * network order), then what the mark has to say.  Whoever walks records skips them. */
enum zone_mark {
	ZONE_MARK_PROVENANCE = 1,	/* type 0; struct provenance: Redis says that this name
					 * exists, with records or without */
	ZONE_MARK_BAD = 2,		/* text: why the RRset of this type is unusable; type 0:
					 * why all types are.  Older data may be served on */
	ZONE_MARK_STEERED = 3,		/* payload of a BLOCK_STEERED: the RRset of this type, A or
					 * AAAA, whose records stand here too, as it is stored */
	ZONE_MARK_ANAME = 4,		/* payload of a BLOCK_ANAME, its type ANAME_TYPE */
	ZONE_MARK_NOTE = 5,		/* payload of a BLOCK_NOTE about the RRset of this type */
	ZONE_MARK_RESOLVED = 6,		/* payload of a BLOCK_RESOLVED: of the RRset of this type,
					 * whose records stand here too */
	ZONE_MARK_HASHED_NAME = 7,	/* payload of a BLOCK_HASHED_NAME: of the NSEC3 here */
};
enum {
	ZONE_MARK_TYPE = 0,
	ZONE_MARK_HEAD = 3,
	ZONE_MARK_LEN_MAX = 1000,	/* of a text */
	ZONE_MARK_STEERED_MAX = 60000,
};

struct redis_facts;
struct signing_facts;

/* What its source says of signing a zone. */
struct zone_signing_wish {
	bool is_wanted;			/* else it is signed only as long as a DS may be there */
	bool has_denial;
	uint16_t denial;		/* enum denial */
	bool is_by_sidecar;
};

/* As zone_load gives it: sorted by owner (canonical order), type, rdata (as octets, RFC
 * 4034 section 6.3, names in it compared in lower case); without duplicates; all TTLs of
 * an RRset equal; exactly one SOA, at the apex; NS at the apex; CNAME beside nothing but
 * its signatures and NSEC; every owner at or below the apex; every rdata well-formed
 * (rdata_is_valid); `faults` names the RRsets that are too large for a message. */
struct zone_records {
	uint8_t origin[DNAME_MAX];	/* lower-cased */
	size_t origin_len;
	struct zone_record *records;	/* owned, like all that they point at */
	size_t count, room;
	char **paths;			/* the zone file, then what it includes; in the arena.
					 * From Redis: the zone's name as listed there */
	size_t path_count, path_room;
	uint64_t stamp;			/* of all files, see zone_stamp */
	int64_t loaded_at_s;
	struct zone_fault *faults;	/* the first ZONE_FAULTS_LISTED of fault_count; owned */
	size_t fault_count;
	const struct redis_facts *redis; /* of a zone from Redis, in the arena; else NULL */
	const char *domain_id;		/* what its owner calls it, borrowed; NULL or "": nothing */
	bool is_flattened;		/* ZONE_FLATTENED */
	struct zone_signing_wish signing_wish;
	const struct signing_facts *signing; /* we have signed it; in the arena; else NULL */
	bool is_unsigned;		/* it is to be signed before it is served: BLOCK_UNSIGNED */
	const char *error;		/* why it is not all that its source says (BLOCK_ERROR),
					 * in the arena; NULL: it is */
	struct arena *arena;		/* holds owners and rdata, each with ARENA_PAD */
};

enum { ZONE_PATHS_MAX = UINT16_MAX };

/* An empty zone.  `origin` is lower-cased wire form.
 * returns NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result))
struct zone_records *zone_records_new(const uint8_t *origin, size_t origin_len);

/* Give back all of it; NULL is allowed. */
void zone_records_free(struct zone_records *zone);

/* Append a record.  Owner and rdata are copied; an owner that equals the last record's
 * shares its pointer.
 * record   all members set but `reserved`, the owner lower-cased.
 * returns  0, ERR_NOMEM, or ERR_FULL beyond 2^32 - 1 records. */
__attribute__((nonnull, warn_unused_result))
int zone_records_add(struct zone_records *zone, const struct zone_record *record);

/* Note a fault (copied; what it points at is not).  Beyond ZONE_FAULTS_LISTED it is only
 * counted.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int zone_records_add_fault(struct zone_records *zone, const struct zone_fault *fault);

/* How many faults `faults` holds. */
static inline size_t
zone_records_faults_listed(const struct zone_records *zone)
{
	return zone->fault_count < ZONE_FAULTS_LISTED ? zone->fault_count
						      : ZONE_FAULTS_LISTED;
}

/* Append a mark.  returns as above; ERR_RANGE when `len` is more than fits. */
__attribute__((nonnull(1, 2), warn_unused_result))
int zone_records_add_mark(struct zone_records *zone, const uint8_t *owner, size_t owner_len,
			  enum zone_mark mark, uint16_t type, const void *bytes, size_t len);

/* What a mark says.  returns false when `record` is none. */
__attribute__((nonnull))
bool zone_record_mark(const struct zone_record *record, enum zone_mark *mark, uint16_t *type,
		      const uint8_t **bytes, size_t *len);

/* Make `path` one of the zone's files (once: a known one is found again).
 * returns its index, ERR_NOMEM, or ERR_FULL beyond ZONE_PATHS_MAX. */
__attribute__((nonnull, warn_unused_result))
int zone_records_add_path(struct zone_records *zone, const char *path);

/* The path of a record's file, "" for a record without one; lives as long as the zone. */
__attribute__((nonnull, pure))
const char *zone_records_path(const struct zone_records *zone, const struct zone_record *record);

#endif
