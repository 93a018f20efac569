/* What stands in a ring of the query log, whatever has written it: what is no record is
 * passed over, and of the others comes one line of printable text. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "loader/query_log/dnstap_message.h"
#include "loader/query_log/query_line.h"
#include "loader/query_log/query_places.h"
#include "shm/ring.h"
#include "t/fuzz/target.h"

enum { RING_LEN = 4096, LINE_MAX_LEN = 8192 };

static void
print(const struct query_record *record)
{
	static const struct query_facts facts = { .has_client = true, .sample = 2 };
	static struct query_line line;
	uint8_t message[DNSTAP_MESSAGE_MAX];
	char *text = malloc(LINE_MAX_LEN);
	size_t len;

	assert(text);
	query_line_make(record, &facts, &line);
	len = query_line_print(&line, text, LINE_MAX_LEN);
	assert(len > 2 && text[len - 1] == '\n');
	for (size_t i = 0; i + 1 < len; i++)
		assert(text[i] >= ' ' && text[i] <= '~');
	assert(dnstap_message_print(record, "", true, message) <= sizeof message);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct settings settings = { .query_log = {
							  .client = LOG_CLIENT_PREFIX,
							  .v4_prefix = 24,
							  .v6_prefix = 56 } };
	struct ring_ends ends = { 0 };
	uint8_t *memory = calloc(1, RING_LEN);
	const struct query_record *stored;
	bool is_damaged = false;
	struct ring ring;

	assert(memory);
	memcpy(memory, data, size < RING_LEN ? size : RING_LEN);
	atomic_store(&ends.head, size < RING_LEN ? (size + 7) & ~(size_t)7 : RING_LEN);
	ring_open_reader(&ring, &ends, memory, RING_LEN);
	while ((stored = ring_next(&ring, sizeof *stored, &is_damaged))) {
		struct query_record *copy = malloc(stored->record_len);

		assert(copy);
		memcpy(copy, stored, stored->record_len);
		if (query_record_is_sound(copy)) {
			query_places_hide(&settings, copy);
			print(copy);
		}
		free(copy);
	}
	free(memory);
	return 0;
}
