/* Writing an entry anew, word by word. */
#include "loader/zone/zone_mend.h"

#include <stdio.h>

#include "loader/zone/zone_entry.h"
#include "shm/rrtype.h"

/* Which words of the rdata are names. */
struct name_words {
	uint16_t type;
	uint8_t first, last;
};

static const struct name_words name_words[] = {
	{ RRTYPE_NS, 0, 0 },    { RRTYPE_CNAME, 0, 0 }, { RRTYPE_DNAME, 0, 0 },
	{ RRTYPE_PTR, 0, 0 },   { RRTYPE_NSEC, 0, 0 },  { RRTYPE_SOA, 0, 1 },
	{ RRTYPE_RP, 0, 1 },    { RRTYPE_MINFO, 0, 1 }, { RRTYPE_MX, 1, 1 },
	{ RRTYPE_AFSDB, 1, 1 }, { RRTYPE_RT, 1, 1 },    { RRTYPE_KX, 1, 1 },
	{ RRTYPE_LP, 1, 1 },    { RRTYPE_SVCB, 1, 1 },  { RRTYPE_HTTPS, 1, 1 },
	{ RRTYPE_SRV, 3, 3 },   { RRTYPE_NAPTR, 5, 5 }, { RRTYPE_RRSIG, 7, 7 },
};

/* Types that the scanner does not know, and how they are written. */
struct stand_in {
	uint16_t type;
	const char *like;
};

static const struct stand_in stand_ins[] = {
	{ RRTYPE_X25, "TXT" },     { RRTYPE_ISDN, "TXT" },   { RRTYPE_GPOS, "TXT" },
	{ RRTYPE_NINFO, "TXT" },   { RRTYPE_AVC, "TXT" },    { RRTYPE_CLA, "TXT" },
	{ RRTYPE_RESINFO, "TXT" }, { RRTYPE_WALLET, "TXT" }, { RRTYPE_MB, "PTR" },
	{ RRTYPE_MG, "PTR" },      { RRTYPE_MR, "PTR" },     { RRTYPE_NSAP_PTR, "PTR" },
	{ RRTYPE_TALINK, "RP" },   { RRTYPE_TA, "DS" },      { RRTYPE_DLV, "DS" },
	{ RRTYPE_RKEY, "DNSKEY" },
};

struct mending {
	struct made_text *out;
	struct name_words names; /* of the type; 0: that is still to come */
	uint16_t stands_for;
	unsigned rdata_words; /* written */
	bool changed, is_broken;
};

/* ---- octets ---- */

static bool
is_plain_in_name(unsigned char octet)
{
	return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
	       (octet >= 'a' && octet <= 'z') || (octet && strchr("-_/*.", octet));
}

static bool
is_plain_in_text(unsigned char octet)
{
	return octet == '\t' || (octet >= ' ' && octet < 0x7f);
}

/* Write a word with \DDD for every octet that is not plain; escapes stay as they are. */
static void
put_escaped(struct mending *m, const struct zone_word *word, bool plain(unsigned char))
{
	for (size_t i = 0; i < word->len; i++) {
		bool is_escape = word->at[i] == '\\' && i + 1 < word->len;
		unsigned char octet = (unsigned char)word->at[i + is_escape];
		char ddd[8];

		i += is_escape;
		if (octet == '\0') /* no text, but the trace of a crash */
			m->is_broken = true;
		if (is_escape ? is_plain_in_text(octet) : plain(octet)) {
			made_text_put(m->out, word->at + i - is_escape, 1u + is_escape);
			continue;
		}
		snprintf(ddd, sizeof ddd, "\\%03u", octet);
		made_text_puts(m->out, ddd);
		m->changed = true;
	}
}

static void
put_name(struct mending *m, const struct zone_word *word)
{
	for (size_t i = 0; i < word->len; i++) {
		m->is_broken = m->is_broken || word->at[i] == '"';
		i += word->at[i] == '\\';
	}
	if (word->len == 1 && *word->at == '@')
		made_text_put_char(m->out, '@');
	else
		put_escaped(m, word, is_plain_in_name);
}

static void
put_owner(struct mending *m, struct zone_word word)
{
	if (word.is_quoted && word.len > 2) {
		word.at++;
		word.len -= 2;
		m->changed = true;
	}
	put_name(m, &word);
}

/* ---- words ---- */

static void
put_instead(struct mending *m, const char *text)
{
	made_text_puts(m->out, text);
	m->changed = true;
}

/* A parameter of SVCB whose name the scanner does not know; returns false for others. */
static bool
put_service_parameter(struct mending *m, struct zone_word word)
{
	static const char *const keys[][2] = { { "dohpath", "key7" },
					       { "ohttp", "key8" } };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		size_t len = strlen(keys[i][0]);

		if (word.len < len || memcmp(word.at, keys[i][0], len) != 0 ||
		    (word.len > len && word.at[len] != '='))
			continue;
		put_instead(m, keys[i][1]);
		word.at += len;
		word.len -= len;
		put_escaped(m, &word, is_plain_in_text);
		return true;
	}
	return false;
}

static void
put_rdata_word(struct mending *m, const struct zone_word *word)
{
	unsigned at = m->rdata_words++;
	bool is_service = m->names.type == RRTYPE_SVCB || m->names.type == RRTYPE_HTTPS;

	if (!word->has_gap)
		m->changed = true;
	if (at >= m->names.first && at <= m->names.last && !word->is_quoted)
		put_name(m, word);
	else if (!is_service || !put_service_parameter(m, *word))
		put_escaped(m, word, is_plain_in_text);
}

/* Note what the type's rdata is like. */
static void
take_type(struct mending *m, uint16_t type)
{
	m->names = (struct name_words){ type, 255, 0 };
	for (size_t i = 0; i < sizeof name_words / sizeof name_words[0]; i++)
		if (name_words[i].type == type)
			m->names = name_words[i];
}

/* A TTL, a class or the type.  returns false for a type that is not known. */
static bool
put_head_word(struct mending *m, const struct zone_word *word)
{
	char text[RRTYPE_TEXT_MAX];
	uint16_t type;

	if (zone_word_is(word, "CLASS1")) {
		put_instead(m, "IN");
		return true;
	}
	if ((*word->at >= '0' && *word->at <= '9') || zone_word_is(word, "IN")) {
		made_text_put(m->out, word->at, word->len);
		return true;
	}
	if (word->len >= sizeof text)
		return false;
	memcpy(text, word->at, word->len);
	text[word->len] = '\0';
	if (!rrtype_from_text(text, &type) || type == 0)
		return false;
	take_type(m, type);
	for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++) {
		if (stand_ins[i].type == type && strncasecmp(text, "TYPE", 4) != 0) {
			m->stands_for = type;
			put_instead(m, stand_ins[i].like);
			return true;
		}
	}
	made_text_puts(m->out, text);
	return true;
}

bool
zone_mend(const char *entry, const char *end, struct made_text *out, uint16_t *type)
{
	struct mending m = { .out = out };
	struct zone_words words;
	struct zone_word word;

	if (entry == end || *entry == '$')
		return false;
	zone_words_start(&words, entry, end);
	if (*entry != ' ' && *entry != '\t' && zone_words_next(&words, &word))
		put_owner(&m, word);
	while (zone_words_next(&words, &word)) {
		made_text_put_char(out, ' ');
		if (m.names.type != 0)
			put_rdata_word(&m, &word);
		else if (!put_head_word(&m, &word))
			return false;
	}
	made_text_put_char(out, '\n');
	*type = m.stands_for;
	return (m.changed || words.is_odd) && !m.is_broken && !words.is_broken &&
	       !out->failed;
}

bool
zone_mend_include(const char *entry, const char *end, const struct zone_origin *origin,
		  struct made_text *out)
{
	struct zone_words words;
	struct zone_word directive, file, name, more;
	char text[DNAME_TEXT_MAX];

	zone_words_start(&words, entry, end);
	if (!zone_words_next(&words, &directive) || !zone_words_next(&words, &file) ||
	    !zone_words_next(&words, &name) || zone_words_next(&words, &more) ||
	    words.is_broken || !zone_word_is(&directive, "$INCLUDE") ||
	    name.at[name.len - 1] == '.')
		return false;
	made_text_puts(out, "$INCLUDE ");
	made_text_put(out, file.at, file.len);
	made_text_put_char(out, ' ');
	made_text_put(out, name.at, name.len);
	made_text_put_char(out, '.');
	if (origin->len > 1) {
		dname_to_text(origin->name, text);
		made_text_puts(out, text);
	}
	made_text_put_char(out, '\n');
	return !out->failed;
}
