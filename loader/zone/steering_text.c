/* Writing the comment. */
#include "loader/zone/steering_text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/health_target.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

/* A text that grows; once it is full it stays so. */
struct text {
	char *out;
	size_t len, room;
};

__attribute__((format(printf, 2, 3))) static void
put(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	if (text->len >= text->room)
		return;
	va_start(args, format);
	len = vsnprintf(text->out + text->len, text->room - text->len, format, args);
	va_end(args);
	text->len += len > 0 ? (size_t)len : 0;
}

/* A list after its word: " country DE|default". */
struct list {
	struct text *text;
	const char *before;
};

__attribute__((format(printf, 2, 3))) static void
put_item(struct list *list, const char *format, ...)
{
	char item[64];
	va_list args;

	va_start(args, format);
	vsnprintf(item, sizeof item, format, args);
	va_end(args);
	put(list->text, "%s%s", list->before, item);
	list->before = "|";
}

/* A code of `room` octets at most; "default" when it is empty. */
static void
put_code(struct list *list, const char *code, int room)
{
	put_item(list, "%.*s", code[0] ? room : 7, code[0] ? code : "default");
}

/* Countries or continents: `count` struct steered_country. */
static void
put_place_codes(struct text *text, const char *before, const uint8_t *places,
		unsigned count, unsigned candidate)
{
	struct list list = { text, before };

	for (unsigned i = 0; i < count; i++) {
		struct steered_country place = steered_country_at(places, i);

		if (place.candidate == candidate)
			put_code(&list, place.code, sizeof place.code);
	}
}

static void
put_asns(struct text *text, const struct steered *steered, unsigned candidate)
{
	struct list list = { text, " asn " };

	for (unsigned i = 0; i < steered->asn_count; i++) {
		struct steered_asn place = steered_asn(steered, i);

		if (place.candidate == candidate && place.asn)
			put_item(&list, "%u", (unsigned)place.asn);
		else if (place.candidate == candidate)
			put_item(&list, "default");
	}
}

static void
put_subnets(struct text *text, const struct steered *steered, unsigned candidate)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct list list = { text, " subnet " };
	char address[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < steered->subnet_count; i++) {
		struct steered_subnet subnet = steered_subnet(steered, i);
		bool is_v4 = subnet.len >= 96 &&
			     memcmp(subnet.network, mapped, sizeof mapped) == 0;

		if (subnet.candidate != candidate)
			continue;
		inet_ntop(is_v4 ? AF_INET : AF_INET6, subnet.network + (is_v4 ? 12 : 0),
			  address, sizeof address);
		put_item(&list, "%s/%u", address, subnet.len - (is_v4 ? 96u : 0u));
	}
}

static void
put_regions(struct text *text, const struct steered *steered, unsigned candidate)
{
	struct list list = { text, " region " };

	for (unsigned i = 0; i < steered->region_count; i++) {
		struct steered_region region = steered_region(steered, i);

		if (region.candidate == candidate)
			put_code(&list, region.code, sizeof region.code);
	}
}

static void
put_places(struct text *text, const struct steered *steered, unsigned candidate)
{
	put_place_codes(text, " country ", steered->countries, steered->country_count,
			candidate);
	put_asns(text, steered, candidate);
	put_subnets(text, steered, candidate);
	put_regions(text, steered, candidate);
	put_place_codes(text, " continent ", steered->continents,
			steered->continent_count, candidate);
	if (steered_is_fallback(steered, candidate))
		put(text, " fallback");
}

/* What stands in quotes: an octet that is not visible, a quote and a backslash as in zone
 * files. */
static void
put_quoted(struct text *text, const char *word, const char *value)
{
	put(text, " %s \"", word);
	for (; *value; value++) {
		unsigned char octet = (unsigned char)*value;

		if (octet == '"' || octet == '\\')
			put(text, "\\%c", octet);
		else if (octet < ' ' || octet > '~')
			put(text, "\\%03u", octet);
		else
			put(text, "%c", octet);
	}
	put(text, "\"");
}

static void
put_codes(struct text *text, const struct health_check *check)
{
	struct list list = { text, " codes " };

	for (unsigned i = 0; i < check->code_count; i++)
		if (check->codes[i].low == check->codes[i].high)
			put_item(&list, "%u", (unsigned)check->codes[i].low);
		else
			put_item(&list, "%u-%u", (unsigned)check->codes[i].low,
				 (unsigned)check->codes[i].high);
}

/* returns false on damage. */
static bool
put_health(struct text *text, const struct steered *steered)
{
	static const char *const policies[] = { "open", "closed", "last" };
	unsigned policy = steered->health.policy;
	struct health_check check;

	if (!steered->probe)
		return true;
	if (!health_check_read(steered->probe, steered->probe_len, &check))
		return false;
	put(text, ", health_check %s", health_protocol_name(check.protocol));
	if (check.port)
		put(text, " port %u", (unsigned)check.port);
	if (check.host[0])
		put_quoted(text, "host", check.host);
	if (check.uri[0])
		put_quoted(text, "uri", check.uri);
	if (check.body[0])
		put_quoted(text, "body", check.body);
	put_codes(text, &check);
	put(text, "%s timeout %u up_count %d down_count %d",
	    check.verify ? " verify" : "", (unsigned)check.timeout_ms, check.up_count,
	    check.down_count);
	if (check.interval_s)
		put(text, " interval %u", (unsigned)check.interval_s);
	put(text, " policy %s", policies[policy <= STEERED_LAST ? policy : STEERED_OPEN]);
	return true;
}

/* returns false on damage. */
static bool
put_candidate(struct text *text, const struct steered *steered, unsigned at)
{
	int family = steered->rrset.type == TYPE_A ? AF_INET : AF_INET6;
	unsigned record = steered_record(steered, at);
	char address[INET6_ADDRSTRLEN];

	if (record >= steered->rrset.head.rr_count)
		return false;
	inet_ntop(family, steered_address(steered, record), address, sizeof address);
	put(text, "%s %s", at == 0 ? ":" : ",", address);
	if (steered->head.order == STEERED_WEIGHTED)
		put(text, " weight %u", (unsigned)steered_weight(steered, at));
	put_places(text, steered, at);
	return true;
}

int
steering_text_print(const uint8_t *owner, const struct block *block, char *out,
		    size_t room)
{
	struct text text = { .out = out, .room = room };
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	struct steered steered;

	if (!steered_open(block, &steered))
		return ERR_DAMAGED;
	dname_to_text(owner, name);
	rrtype_to_text(block->head.type, type);
	put(&text, "; %s IN %s is steered: count %s, order %s", name, type,
	    steered_count_word(&steered.head), steered_order_word(&steered.head));
	if (steered.head.first > 0)
		put(&text, ", first %u", (unsigned)steered.head.first);
	if (steered.head.geo != STEERED_ANYWHERE)
		put(&text, ", geo_filter %s", steered_geo_word(&steered.head));
	if (steered.head.flags & STEERED_STICKY)
		put(&text, ", sticky");
	if (!put_health(&text, &steered))
		return ERR_DAMAGED;
	for (unsigned at = 0; at < steered.candidate_count; at++)
		if (!put_candidate(&text, &steered, at))
			return ERR_DAMAGED;
	return text.len < room ? (int)text.len : ERR_RANGE;
}
