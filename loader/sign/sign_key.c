/* States and roles of keys. */
#include "loader/sign/sign_key.h"

#include <stdio.h>

#include "shm/rrtype.h"

static bool
is_past(int64_t time_s, int64_t now_s, int64_t *next_s)
{
	if (time_s == 0)
		return false;
	if (time_s > now_s && (*next_s == 0 || time_s < *next_s))
		*next_s = time_s;
	return time_s <= now_s;
}

enum sign_key_state
sign_key_state_at(const int64_t times[KEY_TIMES], int64_t now_s, int64_t *next_s)
{
	bool has_times = times[KEY_PUBLISH] || times[KEY_ACTIVATE] ||
			 times[KEY_INACTIVE] || times[KEY_DELETE];
	bool is_published, is_active, is_inactive;

	*next_s = 0;
	if (!has_times)
		return SIGN_KEY_ACTIVE;
	is_published = is_past(times[KEY_PUBLISH], now_s, next_s);
	is_active = is_past(times[KEY_ACTIVATE], now_s, next_s);
	is_inactive = is_past(times[KEY_INACTIVE], now_s, next_s);
	if (is_past(times[KEY_DELETE], now_s, next_s))
		return SIGN_KEY_REMOVED;
	if (is_inactive)
		return SIGN_KEY_RETIRED;
	if (is_active)
		return SIGN_KEY_ACTIVE;
	return is_published ? SIGN_KEY_PUBLISHED : SIGN_KEY_FUTURE;
}

const char *
sign_key_state_name(enum sign_key_state state)
{
	static const char *const names[SIGN_KEY_STATES] = {
		"future", "published", "active", "retired", "removed",
	};

	return state < SIGN_KEY_STATES ? names[state] : "unknown";
}

/* Is there an active key of the algorithm that has, or lacks, the SEP bit?  One that is
 * revoked signs keys alone (RFC 5011, section 2.1). */
static bool
has_active(const struct sign_keys *keys, uint8_t algorithm, bool is_sep)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct sign_key *key = &keys->items[i];
		uint16_t flags = sign_key_flags(key);

		if (key->state == SIGN_KEY_ACTIVE &&
		    sign_key_algorithm(key) == algorithm && !(flags & DNSKEY_REVOKED) &&
		    !(flags & DNSKEY_SEP) == !is_sep)
			return true;
	}
	return false;
}

static unsigned
roles_of_published(const struct sign_keys *keys, size_t at)
{
	const struct sign_key *key = &keys->items[at];
	bool is_sep = sign_key_flags(key) & DNSKEY_SEP;

	if (key->state != SIGN_KEY_ACTIVE)
		return 0;
	if (sign_key_flags(key) & DNSKEY_REVOKED)
		return SIGN_ROLE_KEYS;
	if (has_active(keys, sign_key_algorithm(key), !is_sep))
		return is_sep ? SIGN_ROLE_KEYS : SIGN_ROLE_DATA;
	return SIGN_ROLE_KEYS | SIGN_ROLE_DATA;
}

enum sign_key_role
sign_role_for(uint16_t type)
{
	return type == RRTYPE_DNSKEY || type == RRTYPE_CDS || type == RRTYPE_CDNSKEY
		       ? SIGN_ROLE_KEYS
		       : SIGN_ROLE_DATA;
}

unsigned
sign_key_roles(const struct sign_keys *keys, size_t at)
{
	unsigned roles = roles_of_published(keys, at);

	return keys->items[at].is_hidden ? roles & SIGN_ROLE_DATA : roles;
}

bool
sign_keys_can_sign(const struct sign_keys *keys)
{
	unsigned all = 0;

	for (size_t i = 0; i < keys->count; i++)
		all |= sign_key_roles(keys, i);
	return (all & SIGN_ROLE_DATA) && (all & SIGN_ROLE_KEYS);
}

void
sign_keys_explain(const struct sign_keys *keys, const char *zone, char *out, size_t room)
{
	if (keys->count > 0)
		snprintf(out, room,
			 "the zone cannot be signed: none of its keys is active now, see "
			 "`martletctl keys %s`",
			 zone);
	else if (keys->problem_count > 0)
		snprintf(out, room, "the zone cannot be signed, no key can be used: %s",
			 keys->problems[0]);
	else
		snprintf(out, room,
			 "the zone cannot be signed, it has no key: `martletctl keys "
			 "generate %s` makes one, or put one into dnssec.key_dir",
			 zone);
}
