/* Lines "ADDRESS-ADDRESS PERMS OFF DEV INODE   PATH", each followed by lines "Name:  N kB". */
#include "master/profile/smaps.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_LEN = PATH_MAX + 128 };

static const struct {
	const char *name;
	size_t at; /* in struct smaps_sizes */
} fields[] = {
	{ "Size", offsetof(struct smaps_sizes, mapped) },
	{ "Rss", offsetof(struct smaps_sizes, resident) },
	{ "Pss", offsetof(struct smaps_sizes, proportional) },
	{ "Shared_Clean", offsetof(struct smaps_sizes, shared) },
	{ "Shared_Dirty", offsetof(struct smaps_sizes, shared) },
	{ "Private_Clean", offsetof(struct smaps_sizes, private) },
	{ "Private_Dirty", offsetof(struct smaps_sizes, private) },
	{ "Anonymous", offsetof(struct smaps_sizes, anonymous) },
	{ "Swap", offsetof(struct smaps_sizes, swap) },
};

struct reading {
	void (*each)(void *arg, const struct smaps_region *region);
	void *arg;
	bool has_region;
	char path[PATH_MAX];
	struct smaps_region region;
};

static void
finish_region(struct reading *r)
{
	if (r->has_region)
		r->each(r->arg, &r->region);
	r->has_region = false;
}

static void
begin_region(struct reading *r, const char *path)
{
	finish_region(r);
	snprintf(r->path, sizeof r->path, "%s", path);
	r->region = (struct smaps_region){ .path = r->path };
	r->has_region = true;
}

static void
take_size(struct reading *r, const char *name, uint64_t kb)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strcmp(fields[i].name, name) == 0) {
			uint64_t *to = (uint64_t *)(void *)((char *)&r->region.sizes +
							    fields[i].at);
			*to += kb * 1024;
		}
}

static void
take_line(struct reading *r, const char *line)
{
	uint64_t start, end, kb;
	char name[64];
	int path_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &start, &end,
		   &path_at) == 2 &&
	    path_at > 0)
		begin_region(r, line + path_at);
	else if (sscanf(line, "%63[^:]: %" SCNu64 " kB", name, &kb) == 2)
		take_size(r, name, kb);
}

void
smaps_each(const char *text, size_t len,
	   void (*each)(void *arg, const struct smaps_region *region), void *arg)
{
	struct reading r = { .each = each, .arg = arg };
	char line[LINE_MAX_LEN];

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end ? (size_t)(end - text) : len;
		size_t kept = line_len < sizeof line ? line_len : sizeof line - 1;

		memcpy(line, text, kept);
		line[kept] = '\0';
		take_line(&r, line);
		if (!end)
			break;
		text = end + 1;
		len -= line_len + 1;
	}
	finish_region(&r);
}

void
smaps_add(struct smaps_sizes *to, const struct smaps_sizes *more)
{
	to->mapped += more->mapped;
	to->resident += more->resident;
	to->proportional += more->proportional;
	to->shared += more->shared;
	to->private += more->private;
	to->anonymous += more->anonymous;
	to->swap += more->swap;
}
