/* Keys as the `keys` command lists them, for a clerk and for sync. */
#ifndef LOADER_KEY_LIST_H
#define LOADER_KEY_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_session.h"
#include "shm/dname.h"
#include "shm/json_out.h"

struct key_list {
	struct json_out *json;
	struct sign_session *session;
	struct sign_keys keys;		/* of the zone at hand: */
	char zone[DNAME_TEXT_MAX];
	const uint8_t *name;
	size_t name_len;
	char *notices; /* one text behind the other, each with its NUL; owned */
	size_t notices_len;
	unsigned followed_count;	/* zones whose keys other servers roll, the first one: */
	char followed[DNAME_TEXT_MAX], rolled_by[SIGN_NODE_MAX];
};

/* Begin the object.  What else is in `list` is set by the caller. */
__attribute__((nonnull))
void key_list_begin(struct key_list *list);

/* Add a zone's keys.  returns 0 or sign_session_start's error code. */
__attribute__((nonnull, warn_unused_result))
int key_list_add(struct key_list *list, const uint8_t *name, size_t len);

/* One more notice; the text is copied. */
__attribute__((nonnull))
void key_list_note(struct key_list *list, const char *text);

/* End the object, with the notices, and with what went wrong.  returns the exit code. */
__attribute__((nonnull))
unsigned key_list_end(struct key_list *list, int error);

#endif
