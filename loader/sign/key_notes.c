/* Notes as lines of text: "ROLE STATE NAME" or "ROLE STATE added NAME", and "problem TEXT". */
#include "loader/sign/key_notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"

enum { NOTES_TEXT_MAX = 16384 };

static const char suffix[] = "source"; /* of the prefix, "Kexample.com.+source" */
static const char *const roles[KEY_NOTE_ROLES] = { "ksk", "zsk" };
static const char *const states[KEY_NOTE_STATES] = { "given", "lost", "replaced" };
static const char *const added[] = { "added" };
static const char problem[] = "problem ";

const struct key_note *
key_notes_find(const struct key_notes *notes, const char *name)
{
	for (size_t i = 0; i < notes->count; i++)
		if (strcmp(notes->items[i].name, name) == 0)
			return &notes->items[i];
	return NULL;
}

void
key_notes_complain(struct key_notes *notes, const char *format, ...)
{
	va_list arguments;

	if (notes->problem_count == SIGN_PROBLEMS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(notes->problems[notes->problem_count++], SIGN_PROBLEM_LEN, format,
		  arguments);
	va_end(arguments);
}

/* ---- reading ---- */

/* The word of a list that stands at *at, which moves behind it; `count` for none. */
static size_t
take_word(const char **at, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(*at, words[i], len) != 0 || (*at)[len] != ' ')
			continue;
		*at += len + 1;
		return i;
	}
	return count;
}

/* Lines that we do not know mean nothing. */
static void
read_line(const char *line, struct key_notes *out)
{
	struct key_note *note = &out->items[out->count];
	size_t role, state;
	bool is_added;

	if (strncmp(line, problem, sizeof problem - 1) == 0) {
		key_notes_complain(out, "%s", line + sizeof problem - 1);
		return;
	}
	role = take_word(&line, roles, KEY_NOTE_ROLES);
	state = take_word(&line, states, KEY_NOTE_STATES);
	is_added = take_word(&line, added, 1) == 0;
	if (role == KEY_NOTE_ROLES || state == KEY_NOTE_STATES ||
	    strlen(line) > NAME_MAX || out->count == SIGN_KEYS_MAX)
		return;
	strcpy(note->name, line);
	note->role = (enum key_note_role)role;
	note->state = (enum key_note_state)state;
	note->is_added = is_added;
	out->count++;
}

int
key_notes_read(const struct key_dir *dir, const char *prefix, struct key_notes *out)
{
	char *text = malloc(NOTES_TEXT_MAX), *line, *rest;
	bool is_open;
	long len;

	memset(out, 0, sizeof *out);
	if (!text)
		return ERR_NOMEM;
	len = key_dir_read(dir, prefix, suffix, text, NOTES_TEXT_MAX, &is_open);
	out->is_there = len >= 0;
	rest = text;
	while (len >= 0 && (line = strsep(&rest, "\n")) != NULL)
		read_line(line, out);
	free(text);
	return len < 0 && len != ERR_NOTFOUND ? (int)len : ERR_OK;
}

/* ---- writing ---- */

static bool
is_written(const struct key_dir *dir, const char *prefix, const char *text, size_t len)
{
	char *there = malloc(NOTES_TEXT_MAX);
	bool is_open, is_same;

	is_same = there &&
		  key_dir_read(dir, prefix, suffix, there, NOTES_TEXT_MAX, &is_open) ==
			  (long)len &&
		  memcmp(there, text, len) == 0;
	free(there);
	return is_same;
}

int
key_notes_write(struct key_dir *dir, const char *prefix, const struct key_notes *notes)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool is_whole;
	int rc;

	if (!out)
		return ERR_NOMEM;
	for (size_t i = 0; i < notes->count; i++)
		fprintf(out, "%s %s %s%s\n", roles[notes->items[i].role],
			states[notes->items[i].state],
			notes->items[i].is_added ? "added " : "", notes->items[i].name);
	for (size_t i = 0; i < notes->problem_count; i++)
		fprintf(out, "%s%s\n", problem, notes->problems[i]);
	is_whole = !ferror(out);
	is_whole = fclose(out) == 0 && is_whole;
	rc = is_whole ? ERR_OK : ERR_NOMEM;
	if (rc == ERR_OK && !is_written(dir, prefix, text, len))
		rc = key_dir_write(dir, prefix, suffix, text, len);
	free(text);
	return rc;
}
