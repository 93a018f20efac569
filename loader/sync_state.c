/* What every part of sync needs: to say what is wrong, and what there is. */
#include "loader/sync_state.h"

#include <stdarg.h>
#include <stdio.h>

#include "loader/store/generations.h"
#include "loader/store/state_files.h"
#include "shm/errcode.h"
#include "shm/log.h"

void
sync_note_error(struct sync *sync, const char *format, ...)
{
	char text[SYNC_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_errorx("%s", text);
	region_set_error(sync->region, text);
}

static void
write_error(struct sync *sync, const char *text)
{
	struct json_out *json = &sync->reply.json;

	json_out_begin_object(json, NULL);
	json_out_text(json, "error", text);
	json_out_end_object(json);
}

unsigned
sync_refuse(struct sync *sync, const char *format, ...)
{
	char text[SYNC_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_info("refused: %s", text);
	write_error(sync, text);
	return 1;
}

unsigned
sync_fail(struct sync *sync, const char *format, ...)
{
	char text[SYNC_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	sync_note_error(sync, "%s", text);
	write_error(sync, text);
	return 1;
}

const char *
sync_remedy(int error)
{
	switch (error) {
	case ERR_NOSPACE:
		return "; make room in state_dir, or lower generations.keep";
	case ERR_RIGHTS:
		return "; state_dir and all in it must belong to the server's user";
	}
	return "";
}

bool
sync_is_serving(const struct sync *sync)
{
	return atomic_load(&sync->region->swap.published_id) != 0;
}

bool
sync_has_files(const struct sync *sync)
{
	return !sync->follow || sync->settings->zones.dir[0] ||
	       sync->settings->zones.file_count > 0;
}

uint64_t
sync_next_id(const struct sync *sync)
{
	struct generation_list list;
	uint64_t newest = 0, id;

	if (generations_list(sync->state_dir, &list) == 0) {
		if (list.count > 0)
			newest = list.entries[list.count - 1].manifest.id;
		generations_list_free(&list);
	}
	if (state_read_current(sync->state_dir, &id) == 0 && id > newest)
		newest = id;
	if (state_read_chosen(sync->state_dir, &id) == 0 && id > newest)
		newest = id;
	return publish_next_id(sync->region, newest);
}
