/* Zones whose keys were given (key_given.h), and could not be kept. */
#ifndef LOADER_SIGN_KEY_UNKEPT_H
#define LOADER_SIGN_KEY_UNKEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

enum {
	KEY_UNKEPT_MAX = 256,		/* further ones are not remembered: who gives them, does so
					 * again now and then */
	KEY_UNKEPT_ASKS = 3,		/* so often asked for and not given again: nobody gives it */
};

/* All zero: there is none. */
struct key_unkept {
	size_t count;
	uint32_t tries;			/* failures since there was none */
	struct key_unkept_zone {
		uint8_t zone[DNAME_MAX];
		int why;		/* error code */
		unsigned asks;
	} zones[KEY_UNKEPT_MAX];
};

/* The zone's keys were given.  why  0: they are kept; else why not. */
__attribute__((nonnull))
void key_unkept_note(struct key_unkept *unkept, const uint8_t *zone, int why);

/* returns 0, or why the zone's keys are not kept. */
__attribute__((nonnull, pure))
int key_unkept_why(const struct key_unkept *unkept, const uint8_t *zone);

/* Each of them, to be given again.  `visit` returns false to end. */
__attribute__((nonnull(1, 2)))
void key_unkept_each(struct key_unkept *unkept,
		     bool (*visit)(void *context, const uint8_t *zone, size_t len),
		     void *context);

#endif
