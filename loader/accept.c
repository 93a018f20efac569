/* Admitting what is held. */
#include "loader/accept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "loader/redis/follow.h"
#include "shm/log.h"

unsigned
accept_command(struct sync *sync, int arg_count, char **args)
{
	struct json_out *json = &sync->reply.json;
	char reason[FOLLOW_REASON_MAX], *end;
	uint64_t id;

	if (arg_count != 2)
		return sync_refuse(sync, "usage: accept ID");
	errno = 0;
	id = strtoull(args[1], &end, 10);
	if (errno != 0 || *end != '\0' || id == 0)
		return sync_refuse(sync, "'%.40s' is no id: `martletctl held` lists them",
				   args[1]);
	if (!sync->follow)
		return sync_refuse(sync, "nothing is held: no Redis is followed");
	if (follow_accept(sync->follow, id, reason) != 0)
		return sync_refuse(sync, "%s", reason);
	log_info("accepted: what was held under id %" PRIu64 " is served", id);
	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", id);
	json_out_end_object(json);
	return 0;
}
