/* Writing the comment. */
#include "loader/zone/steering_text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "shm/dname.h"
#include "shm/errcode.h"
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

static const char *
order_word(uint8_t order)
{
	switch (order) {
	case STEERED_RR:
		return "rr";
	case STEERED_WEIGHTED:
		return "weighted";
	}
	return "none";
}

static const char *
geo_word(uint8_t geo)
{
	switch (geo) {
	case STEERED_BY_COUNTRY:
		return "country";
	case STEERED_BY_ASN:
		return "asn";
	case STEERED_BY_ASN_COUNTRY:
		return "asn+country";
	case STEERED_BY_LOCATION:
		return "location";
	}
	return "none";
}

/* " country DE|default", " asn 64496". */
static void
put_places(struct text *text, const struct steered *steered, unsigned candidate)
{
	const char *before = " country ";

	for (unsigned i = 0; i < steered->country_count; i++) {
		struct steered_country place = steered_country(steered, i);

		if (place.candidate != candidate)
			continue;
		put(text, "%s%.*s", before, place.code[0] ? 2 : 7,
		    place.code[0] ? place.code : "default");
		before = "|";
	}
	before = " asn ";
	for (unsigned i = 0; i < steered->asn_count; i++) {
		struct steered_asn place = steered_asn(steered, i);

		if (place.candidate != candidate)
			continue;
		if (place.asn)
			put(text, "%s%u", before, (unsigned)place.asn);
		else
			put(text, "%sdefault", before);
		before = "|";
	}
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
	    steered.head.count == STEERED_SINGLE ? "single" : "multi",
	    order_word(steered.head.order));
	if (steered.head.first > 0)
		put(&text, ", first %u", (unsigned)steered.head.first);
	if (steered.head.geo != STEERED_ANYWHERE)
		put(&text, ", geo_filter %s", geo_word(steered.head.geo));
	for (unsigned at = 0; at < steered.candidate_count; at++)
		if (!put_candidate(&text, &steered, at))
			return ERR_DAMAGED;
	return text.len < room ? (int)text.len : ERR_RANGE;
}
