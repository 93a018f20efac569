/* Walking what is authoritative. */
#include "loader/sign/sign_owners.h"

#include "shm/rrtype.h"

void
sign_owners_start(struct sign_owners *owners, const struct zone_records *zone,
		  size_t count)
{
	*owners = (struct sign_owners){ .zone = zone, .count = count };
}

/* What is there, or is known to be bad. */
static uint16_t
type_of(const struct zone_record *record)
{
	const uint8_t *bytes;
	enum zone_mark mark;
	uint16_t type;
	size_t len;

	return zone_record_mark(record, &mark, &type, &bytes, &len) &&
			       mark == ZONE_MARK_BAD
		       ? type
		       : record->type;
}

/* The records of one name; is what is below it someone else's, or nobody's? */
static bool
read_owner(struct sign_owners *owners, struct sign_owner *out)
{
	const struct zone_record *records = owners->zone->records;
	bool is_apex, hides = false;

	*out = (struct sign_owner){
		.name = records[owners->at].owner,
		.len = records[owners->at].owner_len,
		.first = owners->at,
	};
	is_apex = out->len == owners->zone->origin_len;
	for (; owners->at < owners->count && records[owners->at].owner == out->name;
	     owners->at++) {
		uint16_t type = type_of(&records[owners->at]);

		out->is_cut |= type == RRTYPE_NS && !is_apex;
		out->has_ds |= type == RRTYPE_DS;
		hides |= type == RRTYPE_DNAME || (type == RRTYPE_NS && !is_apex);
	}
	out->end = owners->at;
	return hides;
}

bool
sign_owners_next(struct sign_owners *owners, struct sign_owner *out)
{
	while (owners->at < owners->count) {
		bool hides = read_owner(owners, out);

		if (owners->above && dname_is_subdomain(out->name, out->len,
							owners->above, owners->above_len))
			continue;
		if (hides) {
			owners->above = out->name;
			owners->above_len = out->len;
		}
		return true;
	}
	return false;
}
