/* The configuration string of a zone in redins and z42. */
#ifndef LOADER_ZONE_ZONE_CONFIG_JSON_H
#define LOADER_ZONE_ZONE_CONFIG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/json_reader.h"
#include "shm/dname.h"

enum {
	ZONE_CONFIG_DOMAIN_ID_MAX = 100,	/* octets as written */
	ZONE_CONFIG_ID_TEXT_MAX = 4 * ZONE_CONFIG_DOMAIN_ID_MAX + 5, /* printed, and a NUL */
	ZONE_CONFIG_SOA_MAX = 2 * DNAME_MAX + 20,
};

struct zone_config {
	uint8_t mname[DNAME_MAX], rname[DNAME_MAX]; /* wire form, case as written */
	uint8_t mname_len, rname_len;
	uint32_t ttl;			/* of the SOA; max_ttl does not bound it */
	uint32_t refresh, retry, expire, minimum;
	uint32_t serial;		/* 0 unless has_serial */
	bool has_serial;		/* false: the caller gives one */
	bool dnssec;
	bool dnssec_is_known;		/* false: a fault hides what was meant */
	bool has_denial;
	uint16_t denial;		/* enum denial, shm/settings.h */
	bool cname_flattening;
	char domain_id[ZONE_CONFIG_ID_TEXT_MAX]; /* for logs: "\DDD" for what
					 * is not printable ASCII */
};

/* Read a configuration.  What is missing or null has its default: mname "ns1." and rname
 * "hostmaster." below the zone, refresh 86400, retry 7200, expire 3600, minimum 300, no
 * serial, no dnssec, the settings' denial, no flattening, no domain_id.
 *
 * bytes       "" with `len` 0 for a zone without one, which is no fault.
 * origin      lower-cased wire form.
 * default_ttl of the SOA: 300 in redins, 3600 in z42.
 * out         always complete.  A fault in "soa" puts the whole SOA to its defaults (no
 *             serial), one in another member that member; text that is no JSON, all.
 * fault       the first one, in which case the last good configuration is better than
 *             `out`; all zero at first.
 * returns     0 also then; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int zone_config_json_read(const char *bytes, size_t len, const uint8_t *origin,
			  size_t origin_len, uint32_t default_ttl, struct zone_config *out,
			  struct json_fault *fault);

/* The member "denial" of a config; a fault when it is none.  returns false without it. */
__attribute__((nonnull))
bool zone_config_json_denial(struct json_fault *fault, const struct json_node *config,
			     uint16_t *denial);

/* The SOA's rdata with this serial.  returns its length. */
__attribute__((nonnull))
size_t zone_config_soa(const struct zone_config *config, uint32_t serial,
		       uint8_t out[ZONE_CONFIG_SOA_MAX]);

#endif
