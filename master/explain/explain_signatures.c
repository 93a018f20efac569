/* Told from the response, as its reader sees it. */
#include "master/explain/explain_signatures.h"

#include <stdio.h>
#include <string.h>

#include "loader/zone/record_text.h"
#include "shm/dns.h"
#include "shm/wire.h"

enum { TIME_LEN = 14, SECTIONS = 2 };

/* "20261205175325" */
static void
print_time(const char compact[TIME_LEN + 1], char out[32])
{
	if (strlen(compact) != TIME_LEN)
		out[0] = '\0';
	else
		snprintf(out, 32, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", compact, compact + 4,
			 compact + 6, compact + 8, compact + 10, compact + 12);
}

static void
tell_signature(struct explain_steps *steps, const char *record)
{
	char type[RRTYPE_TEXT_MAX], ends[TIME_LEN + 1], begins[TIME_LEN + 1];
	const char *data = strstr(record, " IN RRSIG ");
	int owner_len = (int)strcspn(record, " ");
	unsigned algorithm, tag;
	char until[32], since[32];

	if (!data || sscanf(data, " IN RRSIG %15s %u %*u %*u %14s %14s %u", type,
			    &algorithm, ends, begins, &tag) != 5)
		return;
	print_time(ends, until);
	print_time(begins, since);
	explain_steps_begin(steps, "signature",
			    "%s of %.*s is signed by key %u, algorithm %u, until %s",
			    type, owner_len, record, tag, algorithm, until);
	json_out_text_len(steps->json, "owner", record, (size_t)owner_len);
	json_out_text(steps->json, "type", type);
	json_out_uint(steps->json, "tag", tag);
	json_out_uint(steps->json, "algorithm", algorithm);
	json_out_text(steps->json, "inception", since);
	json_out_text(steps->json, "expiration", until);
	json_out_end_object(steps->json);
}

void
explain_signatures(struct explain_steps *steps, const struct explain_answer *answer)
{
	const uint8_t *packet = answer->packet;
	struct record_texts texts = { 0 };
	size_t at = answer->q.question_end;
	int result = 0;

	for (unsigned i = 0; i < SECTIONS && result == 0; i++)
		result = record_texts_add_message(
			&texts, packet, answer->q.response_len, &at,
			wire_get_u16(packet + 6 + (size_t)2 * i));
	for (size_t i = 0; i < texts.count; i++)
		tell_signature(steps, record_texts_get(&texts, i));
	record_texts_free(&texts);
}
