/* Taking apex nodes apart. */
#include "loader/store/zone_state.h"

#include <string.h>

#include "shm/dname.h"

/* Do `count` NUL-terminated strings fill the `len` octets at `text`? */
static bool
are_strings(const char *text, size_t len, uint32_t count)
{
	const char *end = text + len;

	while (count > 0 && text < end) {
		const char *nul = memchr(text, '\0', (size_t)(end - text));

		if (!nul)
			return false;
		text = nul + 1;
		count--;
	}
	return count == 0;
}

bool
zone_state_read(const struct node *apex, struct zone_state *out)
{
	struct block block;

	memset(out, 0, sizeof *out);
	out->apex = *apex;
	if (!node_zone_facts(apex, &out->facts) ||
	    dname_len(node_owner(apex), apex->head.owner_len) != apex->head.owner_len)
		return false;
	if (node_find_block(apex, BLOCK_SOURCE, 0, &block)) {
		if (block.head.len < sizeof out->source)
			return false;
		memcpy(&out->source, block.payload, sizeof out->source);
		out->paths = (const char *)block.payload + sizeof out->source;
		out->paths_len = block.head.len - sizeof out->source;
		if (!are_strings(out->paths, out->paths_len, out->source.path_count))
			return false;
	}
	if (node_find_block(apex, BLOCK_ERROR, 0, &block)) {
		out->error = (const char *)block.payload;
		out->error_len = block.head.len;
	}
	if (node_find_block(apex, BLOCK_REDIS, 0, &block)) {
		if (block.head.len < sizeof out->redis)
			return false;
		memcpy(&out->redis, block.payload, sizeof out->redis);
		out->is_redis = true;
	}
	if (node_find_block(apex, BLOCK_FAULTS, 0, &block))
		out->faults = block;
	return true;
}

const char *
zone_state_name(const struct zone_state *zone)
{
	if (zone->facts.flags & ZONE_BROKEN)
		return "error";
	if (zone->error)
		return "stale";
	return zone->facts.fault_count ? "partial" : "ok";
}

const char *
zone_state_fault_name(uint8_t kind)
{
	if (kind == FAULT_WARNING)
		return "warning";
	return kind == FAULT_UNSIGNED || kind == FAULT_PARTIAL ? "partial" : "error";
}

const char *
zone_state_path(const struct zone_state *zone)
{
	return zone->source.path_count > 0 ? zone->paths : "";
}

/* The length of the path that leads the error text, 0 for none. */
static size_t
leading_path(const struct zone_state *zone)
{
	const char *path = zone->paths;

	for (uint32_t i = 0; i < zone->source.path_count; i++) {
		size_t len = strlen(path);

		if (len > 0 && len < zone->error_len &&
		    memcmp(path, zone->error, len) == 0 && zone->error[len] == ':')
			return len;
		path += len + 1;
	}
	return 0;
}

void
zone_state_parse_error(const struct zone_state *zone, struct zone_error *out)
{
	const char *text = zone->error, *end = text + zone->error_len, *at;
	uint64_t line = 0;

	*out = (struct zone_error){ .reason = text, .reason_len = zone->error_len };
	out->path_len = leading_path(zone);
	if (out->path_len == 0)
		return;
	out->path = text;
	at = text + out->path_len + 1;
	while (at < end && *at >= '0' && *at <= '9' && line <= UINT32_MAX)
		line = line * 10 + (uint64_t)(*at++ - '0');
	if (line > 0 && line <= UINT32_MAX && at < end && *at == ':') {
		out->line = (uint32_t)line;
		at++;
	} else {
		at = text + out->path_len + 1;
	}
	while (at < end && *at == ' ')
		at++;
	out->reason = at;
	out->reason_len = (size_t)(end - at);
}
