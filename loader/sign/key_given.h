/* Keys that another source than a directory gives: the texts of redins and z42, which sync
 * reads only to hand them over.  What is good is kept like any other key. */
#ifndef LOADER_SIGN_KEY_GIVEN_H
#define LOADER_SIGN_KEY_GIVEN_H

#include <stddef.h>
#include <stdint.h>

#include "loader/sign/key_dir.h"

enum key_given_text {
	GIVEN_KSK_PUBLIC,
	GIVEN_KSK_PRIVATE,
	GIVEN_ZSK_PUBLIC,
	GIVEN_ZSK_PRIVATE,
	GIVEN_LIST,			/* of a fleet's keys, loader/sign/fleet_list.h */
	KEY_GIVEN_TEXTS
};

enum key_given_state {
	GIVEN_MISSING,
	GIVEN_GOOD,
	GIVEN_BAD,			/* it cannot be read: the text says why */
};

/* One of the texts, borrowed. */
struct key_given {
	enum key_given_state state;
	const char *name;		/* what it is called there; name_len octets */
	size_t name_len;
	const char *text;
	size_t text_len;
};

/* Take what there is of a zone's keys.  The flags are forced to 257 and 256, and the ZSK's
 * TTL to that of the KSK, as redins serves them.
 *
 * The first ZSK is taken when the KSK is good, or not there at all: alone it would sign all,
 * and match no DS.  A key that is there no more, or broken, stays as it was kept; so does one
 * that another has taken the place of, until that can follow (key_adopt.h).  What is wrong is
 * noted (key_notes.h), with the name of the text.  The list is none of this call's business,
 * but for what is said of it (GIVEN_BAD).
 * kept     is written
 * returns  0, also when nothing is good; or why it cannot be kept. */
__attribute__((nonnull, warn_unused_result))
int key_given_take(struct key_dir *kept, const uint8_t *zone,
	       const struct key_given given[KEY_GIVEN_TEXTS]);

#endif
