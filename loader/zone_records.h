/* A zone between its source and its nodes: all its records, checked, in order. */
#ifndef LOADER_ZONE_RECORDS_H
#define LOADER_ZONE_RECORDS_H

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

/* Sorted by owner (canonical order), type, rdata (as octets, RFC 4034 section 6.3, but
 * names not lower-cased); without duplicates; all TTLs of an RRset equal; exactly one
 * SOA, at the apex; NS at the apex; CNAME beside nothing but its signatures and NSEC;
 * every owner at or below the apex. */
struct zone_records {
	uint8_t origin[DNAME_MAX];	/* lower-cased */
	size_t origin_len;
	struct zone_record *records;	/* owned, like all that they point at */
	size_t count;
	char **paths;			/* the zone file, then what it includes; owned */
	size_t path_count;
	uint64_t stamp;			/* of all files, see zone_stamp */
	int64_t loaded_at_s;
	struct arena *arena;		/* holds owners and rdata */
};

#endif
