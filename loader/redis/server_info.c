/* Reading INFO. */
#include "loader/redis/server_info.h"

#include <stdio.h>
#include <string.h>

/* Copy the value of "name:value\r\n"; "" when there is none. */
static void
field(struct redis_text info, const char *name, char *out, size_t room)
{
	size_t name_len = strlen(name);
	const char *end = info.bytes + info.len;

	out[0] = '\0';
	for (const char *line = info.bytes; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);

		if (len > name_len && line[name_len] == ':' &&
		    memcmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1;
			size_t value_len = len - name_len - 1;

			if (value_len > 0 && value[value_len - 1] == '\r')
				value_len--;
			snprintf(out, room, "%.*s", (int)value_len, value);
			return;
		}
		line += len + 1;
	}
}

void
server_info_read(struct redis_text info, struct server_info *out)
{
	char host[64], port[8], value[16];

	*out = (struct server_info){ .is_loading = false };
	field(info, "run_id", out->run_id, sizeof out->run_id);
	field(info, "master_replid", out->replid, sizeof out->replid);
	field(info, "redis_version", out->version, sizeof out->version);
	field(info, "master_host", host, sizeof host);
	field(info, "master_port", port, sizeof port);
	if (host[0] != '\0')
		snprintf(out->master, sizeof out->master, "%s:%s", host, port);
	field(info, "master_link_status", value, sizeof value);
	out->is_link_down = strcmp(value, "down") == 0;
	field(info, "loading", value, sizeof value);
	out->is_loading = strcmp(value, "1") == 0;
	field(info, "master_sync_in_progress", value, sizeof value);
	out->is_loading = out->is_loading || strcmp(value, "1") == 0;
}

static bool
has(struct redis_text flags, char flag)
{
	return memchr(flags.bytes, flag, flags.len) != NULL;
}

bool
server_notifies(struct redis_text flags)
{
	if (!has(flags, 'K'))
		return false;
	if (has(flags, 'A'))
		return true;
	for (const char *need = "g$hsxe"; *need; need++)
		if (!has(flags, *need))
			return false;
	return true;
}

void
server_notify_flags(struct redis_text flags, char out[32])
{
	size_t len = flags.len < 20 ? flags.len : 20;

	memcpy(out, flags.bytes, len);
	if (!has(flags, 'K'))
		out[len++] = 'K';
	if (!has(flags, 'A'))
		out[len++] = 'A';
	out[len] = '\0';
}
