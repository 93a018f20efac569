/* The types whose names are lowered. */
#include "loader/zone/canonical_names.h"

#include "shm/rrtype.h"

static bool
has_lower_names(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_SOA:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_MINFO:
	case RRTYPE_MX:
	case RRTYPE_RP:
	case RRTYPE_AFSDB:
	case RRTYPE_RT:
	case RRTYPE_SIG:
	case RRTYPE_PX:
	case RRTYPE_NXT:
	case RRTYPE_NAPTR:
	case RRTYPE_KX:
	case RRTYPE_SRV:
	case RRTYPE_DNAME:
		return true;
	default:
		return false;
	}
}

unsigned
canonical_names(uint16_t type, const uint8_t *rdata, size_t len,
		struct rdata_name out[RDATA_NAMES_MAX])
{
	return has_lower_names(type) ? rdata_names(type, rdata, len, out) : 0;
}
