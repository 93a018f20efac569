/* libconfig says "syntax error" and a line, often one far behind the mistake.  This looks at
 * the same tokens for the mistakes that people make, and finds where they begin. */
#ifndef MASTER_SETTINGS_SETTINGS_SYNTAX_H
#define MASTER_SETTINGS_SETTINGS_SYNTAX_H

#include <stddef.h>

enum { SETTINGS_OPEN_MAX = 32, SETTINGS_WORD_MAX = 40 };

struct settings_place {
	const char *path; /* borrowed until settings_syntax_end of its file */
	unsigned line;
};

struct settings_syntax {
	enum { WANTS_NAME, WANTS_ASSIGNMENT, WANTS_VALUE, HAS_VALUE } state;
	char name[SETTINGS_WORD_MAX + 1]; /* the last one in front of a '=' */
	struct {
		char bracket;
		struct settings_place place;
	} open[SETTINGS_OPEN_MAX];
	size_t depth; /* of brackets; more than SETTINGS_OPEN_MAX are not looked at */
	char last; /* the last mark, 0 behind a word or a text */
	char hint[200]; /* the first mistake; "" when there is none */
	char *hint_path; /* where it is, owned; NULL when there is none */
	unsigned hint_line;
};

/* The tokens in their order, over all included files.  A value is never kept: it may be a
 * password. */
__attribute__((nonnull)) void settings_syntax_word(struct settings_syntax *syntax,
						   struct settings_place place,
						   const char *word, size_t len);
/* `last_line` is that of the closing quote. */
__attribute__((nonnull)) void settings_syntax_text(struct settings_syntax *syntax,
						   struct settings_place place,
						   unsigned last_line);
__attribute__((nonnull)) void settings_syntax_mark(struct settings_syntax *syntax,
						   struct settings_place place, char mark);

/* The end of a file before which `depth` brackets were open: all others must be closed. */
__attribute__((nonnull)) void settings_syntax_end(struct settings_syntax *syntax,
						  size_t depth);

__attribute__((nonnull)) void settings_syntax_fini(struct settings_syntax *syntax);

#endif
