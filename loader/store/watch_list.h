/* Who must be looked after, as a sealed generation knows it: the file `watch` beside
 * data.mdb, written along with the nodes, so that nobody has to walk all of them for the
 * few.
 *
 *	+---------+-----------+-------+
 *	| zone id | owner_len | owner |	an entry each, in the order of the nodes
 *	+ 4 ------+ 1 --------+-------+
 *
 * It holds nothing but places: what is wanted there is asked of the nodes.  Without the file
 * nobody is looked after, as in generations of before. */
#ifndef LOADER_STORE_WATCH_LIST_H
#define LOADER_STORE_WATCH_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/name_hash.h"
#include "shm/node.h"

#define WATCH_LIST_FILE "watch"

struct watch_list_entry {
	uint32_t zone_id;
	uint8_t owner_len;
	uint8_t owner[DNAME_MAX + NAME_PAD];
};

/* ---- writing ---- */

struct watch_list;

/* The new file `path`.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int watch_list_create(const char *path, struct watch_list **out);

/* Enter the node if it wants anything; zone_id of its zone, also for the apex. */
__attribute__((nonnull))
void watch_list_add(struct watch_list *list, const struct node *node, uint32_t zone_id);

/* Write out, mode 0440, on the device if `durable`; `list` is freed in any case.
 * returns 0 or an error code, that of an earlier call too. */
__attribute__((nonnull, warn_unused_result))
int watch_list_finish(struct watch_list *list, bool durable);

/* NULL is allowed. */
void watch_list_abort(struct watch_list *list);

/* ---- reading ---- */

struct watch_list_reader;

/* The list of the generation in `dir`, which may have none.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int watch_list_open(const char *dir, struct watch_list_reader **out);

/* NULL is allowed. */
void watch_list_close(struct watch_list_reader *reader);

/* The next entry.  returns false behind the last, and where the file is damaged. */
__attribute__((nonnull, warn_unused_result))
bool watch_list_next(struct watch_list_reader *reader, struct watch_list_entry *out);

typedef int watch_list_fn(void *context, const struct watch_list_entry *entry);

/* All of them; `visit` returns 0 to go on.  returns 0, what it returned, or an error code. */
__attribute__((nonnull(1, 2), warn_unused_result))
int watch_list_read(const char *dir, watch_list_fn *visit, void *context);

#endif
