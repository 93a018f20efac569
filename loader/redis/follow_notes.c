/* What stands or falls with the data, as notes of the overlay. */
#include "loader/redis/follow_notes.h"

#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_hold.h"
#include "loader/redis/follow_lose.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* ---- into the store ---- */

static int
put_held(struct follow *f)
{
	void *bytes;
	size_t len;
	int rc = held_pack(&f->held, &bytes, &len);

	if (rc == ERR_OK) {
		rc = live_note(f->live, HELD_NOTE, bytes, len);
		free(bytes);
	}
	return rc;
}

int
follow_notes_put(struct follow *f)
{
	const struct follow_cursor_note note = { .ms = f->place.cursor.ms,
						 .seq = f->place.cursor.seq,
						 .added = f->place.added,
						 .was_seen = f->place.was_seen,
						 .is_in_gap = f->round.is_strict ||
							      f->round.wants_strict ||
							      f->waiting.count > 0 };
	int rc = live_note(f->live, FOLLOW_CURSOR_NOTE, &note, sizeof note);

	return rc == ERR_OK && f->held_changed ? put_held(f) : rc;
}

int
follow_notes_end(struct follow *f, int rc)
{
	if (rc == ERR_OK)
		rc = live_commit(f->live);
	else
		live_abort(f->live);
	if (rc != ERR_OK) {
		follow_lose_store(f, rc);
		return rc;
	}
	if (f->held_changed) {
		f->held_changed = f->held_is_behind = false;
		f->held_noted_ms = clock_now_ms();
	}
	return ERR_OK;
}

int
follow_notes_save(struct follow *f)
{
	int rc = live_begin(f->live);

	if (rc == ERR_OK)
		rc = follow_notes_put(f);
	if (rc == ERR_OK)
		rc = live_note(f->live, FOLLOW_SERVER_NOTE, &f->known, sizeof f->known);
	return follow_notes_end(f, rc);
}

void
follow_notes_catch_up(struct follow *f)
{
	if (!f->held_is_behind || !f->live || !f->has_place || f->store_retry_ms != 0)
		return;
	f->held_changed = true;
	if (follow_notes_save(f) != ERR_OK)
		return; /* it has been said, and is tried again */
}

/* ---- out of it ---- */

static void
read_held(struct follow *f)
{
	char none;
	int len = live_read_note(f->live, HELD_NOTE, &none, 0);
	void *bytes = len > 0 ? malloc((size_t)len) : NULL;

	held_fini(&f->held);
	if (bytes && (live_read_note(f->live, HELD_NOTE, bytes, (size_t)len) != len ||
		      held_unpack(&f->held, bytes, (size_t)len) != ERR_OK))
		log_errorx(
			"the list of what is held cannot be read; it will be made anew");
	free(bytes);
	f->held_changed = f->held_is_behind = false;
	follow_hold_show(f);
}

void
follow_notes_read(struct follow *f)
{
	struct follow_cursor_note note;
	char text[CHANGE_ID_TEXT_MAX];
	bool is_waiting;

	f->has_place = live_read_note(f->live, FOLLOW_CURSOR_NOTE, &note, sizeof note) ==
		       (int)sizeof note;
	if (live_read_note(f->live, FOLLOW_SERVER_NOTE, &f->known, sizeof f->known) !=
	    (int)sizeof f->known)
		memset(&f->known, 0, sizeof f->known);
	read_held(f);
	if (!f->has_place)
		return;
	/* the gap is what we know of ourselves: it is read again soon */
	is_waiting = f->waiting.count > 0 && f->place.cursor.ms == note.ms &&
		     f->place.cursor.seq == note.seq;
	f->place = (struct stream_place){ .cursor = { note.ms, note.seq },
					  .was_seen = note.was_seen,
					  .added = note.added };
	region_clock_note_past(f->region, (int64_t)(note.ms / 1000));
	if (note.is_in_gap && !is_waiting)
		follow_gap_compare(f, true);
	change_id_print(f->place.cursor, text);
	region_source_set_text(f->board, SOURCE_TEXT_CURSOR, "%s",
			       note.was_seen ? text : "");
}
