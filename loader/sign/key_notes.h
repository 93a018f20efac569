/* What was last heard of a zone's keys from a source that gives them as texts (key_given.h):
 * kept beside them, so that it is known without that source, too. */
#ifndef LOADER_SIGN_KEY_NOTES_H
#define LOADER_SIGN_KEY_NOTES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/sign_key.h"

enum key_note_role { KEY_NOTE_KSK, KEY_NOTE_ZSK, KEY_NOTE_ROLES };

enum key_note_state {
	KEY_NOTE_GIVEN,			/* the source has it */
	KEY_NOTE_LOST,			/* it has not, or nothing of use: the copy is used */
	KEY_NOTE_REPLACED,		/* it has another one in its place */
	KEY_NOTE_STATES
};

struct key_note {
	char name[NAME_MAX + 1];	/* of the key's files */
	enum key_note_role role;
	enum key_note_state state;
	bool is_added;			/* the zone had other keys when it came */
};

/* All zero: nothing was heard of the zone. */
struct key_notes {
	bool is_there;
	size_t count;
	struct key_note items[SIGN_KEYS_MAX];
	size_t problem_count;
	char problems[SIGN_PROBLEMS_MAX][SIGN_PROBLEM_LEN];
};

/* prefix   of the names of the zone's files, key_dir_prefix
 * returns  0, also when there are none; or an error code. */
__attribute__((nonnull, warn_unused_result))
int key_notes_read(const struct key_dir *dir, const char *prefix, struct key_notes *out);

/* Nothing is written when they stand there just so. */
__attribute__((nonnull, warn_unused_result))
int key_notes_write(struct key_dir *dir, const char *prefix,
		const struct key_notes *notes);

/* The note of a key; NULL: there is none. */
__attribute__((nonnull, pure))
const struct key_note *key_notes_find(const struct key_notes *notes, const char *name);

/* Say what is wrong; beyond SIGN_PROBLEMS_MAX nothing. */
__attribute__((nonnull, format(printf, 2, 3)))
void key_notes_complain(struct key_notes *notes, const char *format, ...);

#endif
