/* Stored nodes as zone-file text, for people: "name ttl IN TYPE rdata". */
#ifndef LOADER_ZONE_RECORD_TEXT_H
#define LOADER_ZONE_RECORD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/data_view.h"
#include "shm/node.h"

/* Texts of records, kept until they are cleared.  Begin with all zero. */
struct record_texts {
	char *octets;			/* NUL-terminated texts, one behind the other */
	size_t octets_len, octets_room;
	size_t *starts;			/* offsets into `octets` */
	size_t count, room;
};

/* Add each record of a node, signatures included; names expanded, case as stored.  Of a
 * steered RRset all records, and a comment (steering_text.h) that says how it is steered.
 * returns 0, ERR_NOMEM, or ERR_DAMAGED for what is no record (what was added before
 * it stays). */
__attribute__((nonnull, warn_unused_result))
int record_texts_add_node(struct record_texts *texts, const struct node *node);

/* The same of what is in view. */
__attribute__((nonnull, warn_unused_result))
int record_texts_add_data(struct record_texts *texts, const struct node *node,
			  enum data_view view);

/* Add `count` records of a whole message from octet *at on, which is moved behind them;
 * those that are no data (OPT) are passed over.
 * returns as above. */
__attribute__((nonnull, warn_unused_result))
int record_texts_add_message(struct record_texts *texts, const uint8_t *message, size_t len,
			     size_t *at, unsigned count);

/* What stands behind the type in a zone file: one record's data, names absolute.
 * rdata   well-formed by rdata_is_valid, of a type that is data.
 * returns the length without the NUL; ERR_NOMEM; ERR_RANGE when it does not fit, or there
 *         is no such text. */
__attribute__((nonnull, warn_unused_result))
int record_text_data(uint16_t type, const uint8_t *rdata, size_t len, char *out, size_t room);

/* Sort by octets. */
__attribute__((nonnull))
void record_texts_sort(struct record_texts *texts);

static inline const char *
record_texts_get(const struct record_texts *texts, size_t at)
{
	return texts->octets + texts->starts[at];
}

/* Forget the texts, keep the memory for the next ones. */
__attribute__((nonnull))
void record_texts_clear(struct record_texts *texts);

__attribute__((nonnull))
void record_texts_free(struct record_texts *texts);

#endif
