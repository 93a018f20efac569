/* Reading what workers read. */
#include "loader/steered/steered_view.h"

#include <limits.h>
#include <string.h>

#include "loader/store/overlay.h"
#include "loader/store/state_paths.h"
#include "shm/dname.h"
#include "shm/errcode.h"

static int
open_generation(struct steered_view *view, uint64_t id, const char *dir)
{
	int rc;

	if (view->id == id)
		return ERR_OK;
	if (view->id != 0)
		generation_close(&view->gen);
	view->id = 0;
	rc = generation_open(dir, GENERATION_LAZY, &view->gen);
	if (rc == ERR_OK)
		view->id = id;
	return rc;
}

int
steered_view_begin(struct steered_view *view, uint64_t id)
{
	char dir[PATH_MAX], overlay[PATH_MAX];
	int rc;

	view->overlay = NULL;
	if (id == 0)
		return ERR_NOTFOUND;
	if (!state_path_generation(view->state_dir, id, dir) ||
	    !state_path_print(overlay, "%s/%s", dir, OVERLAY_DIR))
		return ERR_RANGE;
	rc = open_generation(view, id, dir);
	if (rc != ERR_OK)
		return rc;
	rc = overlay_open_snapshot(overlay, &view->overlay);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

void
steered_view_end(struct steered_view *view)
{
	overlay_close(view->overlay);
	view->overlay = NULL;
}

int
steered_view_find(const struct steered_view *view, uint32_t zone_id, const uint8_t *owner,
		  size_t owner_len, struct node *out)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	int rc = ERR_NOTFOUND;

	memcpy(name, owner, owner_len);
	if (view->overlay)
		rc = overlay_find(view->overlay, zone_id, name, out);
	if (rc == ERR_OK && (out->head.flags & NODE_DELETED))
		return ERR_NOTFOUND;
	return rc == ERR_NOTFOUND
		       ? generation_find(&view->gen, zone_id, name, owner_len, out)
		       : rc;
}
