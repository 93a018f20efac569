/* A walk over rdata by the shape of its type: one interpreter finds the names and
 * judges the whole. */
#include "shm/rdata.h"

#include <string.h>

#include "shm/dname.h"
#include "shm/rrtype.h"

/* A cursor whose failure sticks: once `bad`, nothing moves it. */
struct rdata_walk {
	const uint8_t *rdata;
	size_t len, at;
	bool bad;
	struct rdata_name *names; /* RDATA_NAMES_MAX of them; NULL: not wanted */
	unsigned name_count;
};

static size_t
left(const struct rdata_walk *walk)
{
	return walk->len - walk->at;
}

static void
skip(struct rdata_walk *walk, size_t count)
{
	if (count > left(walk))
		walk->bad = true;
	else
		walk->at += count;
}

static uint8_t
take_u8(struct rdata_walk *walk)
{
	if (walk->bad || left(walk) == 0) {
		walk->bad = true;
		return 0;
	}
	return walk->rdata[walk->at++];
}

static unsigned
take_u16(struct rdata_walk *walk)
{
	unsigned high = take_u8(walk);

	return high << 8 | take_u8(walk);
}

/* returns its length, 0 when there is none (the walk turned bad). */
static size_t
skip_name(struct rdata_walk *walk)
{
	size_t len = walk->bad ? 0 : dname_len(walk->rdata + walk->at, left(walk));

	if (len == 0)
		walk->bad = true;
	walk->at += len;
	return len;
}

static void
take_name(struct rdata_walk *walk, bool may_compress, bool is_target)
{
	size_t at = walk->at, len = skip_name(walk);

	if (len == 0 || !walk->names || walk->name_count == RDATA_NAMES_MAX)
		return;
	walk->names[walk->name_count++] = (struct rdata_name){
		.at = (uint16_t)at,
		.len = (uint8_t)len,
		.may_compress = may_compress,
		.is_target = is_target && len > 1,
	};
}

static void
skip_string(struct rdata_walk *walk, unsigned min_len)
{
	unsigned len = take_u8(walk);

	if (len < min_len)
		walk->bad = true;
	skip(walk, len);
}

static void
skip_strings(struct rdata_walk *walk)
{
	do
		skip_string(walk, 0);
	while (!walk->bad && left(walk) > 0);
}

static void
skip_rest(struct rdata_walk *walk, size_t min_len)
{
	if (left(walk) < min_len)
		walk->bad = true;
	walk->at = walk->len;
}

/* RFC 4034, section 4.1.2: windows rise, each holds 1..32 octets. */
static void
skip_bitmap(struct rdata_walk *walk)
{
	int last = -1;

	while (!walk->bad && left(walk) > 0) {
		int window = take_u8(walk);
		unsigned len = take_u8(walk);

		if (window <= last || len < 1 || len > 32)
			walk->bad = true;
		last = window;
		skip(walk, len);
	}
}

static void
skip_prefixes(struct rdata_walk *walk)
{
	while (!walk->bad && left(walk) > 0) {
		skip(walk, 3);
		skip(walk, take_u8(walk) & 0x7fu);
	}
}

/* The digest type is the octet before.  A longer digest is let pass: CDS may be. */
static void
skip_digest(struct rdata_walk *walk)
{
	static const uint8_t digest_lens[] = { 1, 20, 32, 32, 48 };
	uint8_t type;

	if (walk->bad)
		return;
	type = walk->rdata[walk->at - 1];
	skip_rest(walk, type < sizeof digest_lens ? digest_lens[type] : 1);
}

/* `unit`-octet items, one at least. */
static bool
is_list_of(size_t unit, size_t len)
{
	return len > 0 && len % unit == 0;
}

static bool
is_mandatory(const uint8_t *value, size_t len)
{
	int last = 0;

	for (size_t at = 0; at + 1 < len; at += 2) {
		int key = value[at] << 8 | value[at + 1];

		if (key <= last)
			return false;
		last = key;
	}
	return is_list_of(2, len);
}

static bool
is_alpn(const uint8_t *value, size_t len)
{
	size_t at = 0;

	while (at < len && value[at] != 0)
		at += value[at] + 1u;
	return len > 0 && at == len;
}

/* The keys of RFC 9460, section 14.3.2, and dohpath; others may hold anything. */
static bool
svc_param_is_valid(unsigned key, const uint8_t *value, size_t len)
{
	switch (key) {
	case 0:
		return is_mandatory(value, len);
	case 1:
		return is_alpn(value, len);
	case 2:
		return len == 0;
	case 3:
		return len == 2;
	case 4:
		return is_list_of(4, len);
	case 6:
		return is_list_of(16, len);
	case 65535:
		return false;
	}
	return true;
}

static void
skip_svc_params(struct rdata_walk *walk)
{
	int last = -1;

	while (!walk->bad && left(walk) > 0) {
		unsigned key = take_u16(walk), len = take_u16(walk);
		const uint8_t *value = walk->rdata + walk->at;

		skip(walk, len);
		if (walk->bad)
			return;
		if ((int)key <= last || !svc_param_is_valid(key, value, len))
			walk->bad = true;
		last = (int)key;
	}
}

/* The gateway of IPSECKEY (RFC 4025) and the relay of AMTRELAY (RFC 8777). */
static void
skip_gateway(struct rdata_walk *walk, unsigned type)
{
	switch (type) {
	case 0:
		break;
	case 1:
		skip(walk, 4);
		break;
	case 2:
		skip(walk, 16);
		break;
	case 3:
		(void)skip_name(walk);
		break;
	default:
		walk->bad = true;
	}
}

static void
skip_ipseckey(struct rdata_walk *walk)
{
	unsigned type;

	(void)take_u8(walk);
	type = take_u8(walk);
	(void)take_u8(walk);
	skip_gateway(walk, type);
	skip_rest(walk, 0);
}

static void
skip_amtrelay(struct rdata_walk *walk)
{
	(void)take_u8(walk);
	skip_gateway(walk, take_u8(walk) & 0x7fu);
}

/* RFC 8005, section 5: HIT and key by their lengths, then rendezvous servers. */
static void
skip_hip(struct rdata_walk *walk)
{
	unsigned hit_len = take_u8(walk), key_len;

	(void)take_u8(walk);
	key_len = take_u16(walk);
	if (hit_len == 0 || key_len == 0)
		walk->bad = true;
	skip(walk, hit_len + key_len);
	while (!walk->bad && left(walk) > 0)
		(void)skip_name(walk);
}

static void
take_item(struct rdata_walk *walk, char item, bool is_target)
{
	switch (item) {
	case 'd':
	case 'D':
		take_name(walk, item == 'D', is_target);
		break;
	case 's':
	case 'H':
		skip_string(walk, item == 'H');
		break;
	case 'S':
		skip_strings(walk);
		break;
	case 'r':
	case 'R':
		skip_rest(walk, item == 'R');
		break;
	case 'b':
		skip_bitmap(walk);
		break;
	case 'm':
		skip_digest(walk);
		break;
	case 'p':
		skip_svc_params(walk);
		break;
	case 'l':
		skip_prefixes(walk);
		break;
	case 'g':
		skip_ipseckey(walk);
		break;
	case 'a':
		skip_amtrelay(walk);
		break;
	case 'h':
		skip_hip(walk);
		break;
	}
}

/* NAPTR leads to addresses only by the flag "A" (RFC 3403, section 4.1), which is
 * the first string, behind order and preference. */
static bool
naptr_flag_is_a(const struct rdata_walk *walk)
{
	return walk->rdata[4] == 1 && (walk->rdata[5] | 0x20) == 'a';
}

/* returns the shape behind a number, and the number. */
static const char *
read_number(const char *shape, size_t *out)
{
	for (*out = 0; *shape >= '0' && *shape <= '9'; shape++)
		*out = *out * 10 + (size_t)(*shape - '0');
	return shape;
}

static void
walk_shape(struct rdata_walk *walk, uint16_t type, const char *shape)
{
	while (*shape != '\0' && !walk->bad) {
		bool is_target = *shape == '>';
		size_t count;

		shape = read_number(shape + is_target, &count);
		skip(walk, count);
		if (*shape == '\0' || *shape == '>' || walk->bad)
			continue;
		if (is_target && type == RRTYPE_NAPTR)
			is_target = naptr_flag_is_a(walk);
		take_item(walk, *shape++, is_target);
	}
}

unsigned
rdata_names(uint16_t type, const uint8_t *rdata, size_t len,
	    struct rdata_name out[RDATA_NAMES_MAX])
{
	const char *shape = rrtype_shape(type);
	struct rdata_walk walk = { .rdata = rdata, .len = len, .names = out };

	if (strpbrk(shape, "dD"))
		walk_shape(&walk, type, shape);
	return walk.name_count;
}

bool
rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct rdata_walk walk = { .rdata = rdata, .len = len };

	walk_shape(&walk, type, rrtype_shape(type));
	return !walk.bad && walk.at == len && len <= UINT16_MAX;
}
