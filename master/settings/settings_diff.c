/* Two configurations side by side, by the rows of the schema. */
#include "master/settings/settings_diff.h"

#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"

static bool
is_same_texts(const struct setting_texts *a, const struct setting_texts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool
is_same_listen(const struct listen_address *a, size_t a_count,
	       const struct listen_address *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		const struct listen_address *one = &a[i], *other = &b[i];

		if (one->address_len != other->address_len ||
		    memcmp(&one->address, &other->address, one->address_len) != 0 ||
		    one->freebind != other->freebind)
			return false;
	}
	return true;
}

static bool
is_same_zone_files(const struct settings *a, const struct settings *b)
{
	if (a->zones.file_count != b->zones.file_count)
		return false;
	for (size_t i = 0; i < a->zones.file_count; i++) {
		const struct zone_file_setting *one = &a->zones.files[i];
		const struct zone_file_setting *other = &b->zones.files[i];

		if (one->origin_len != other->origin_len ||
		    memcmp(one->origin, other->origin, one->origin_len) != 0 ||
		    strcmp(one->path, other->path) != 0 || one->sign != other->sign)
			return false;
	}
	return true;
}

static bool
is_same_list(const struct setting_row *row, const struct settings *a,
	     const struct settings *b)
{
	if (strcmp(row->name, "listen") == 0)
		return is_same_listen(a->listen, a->listen_count, b->listen,
				      b->listen_count);
	if (strcmp(row->name, "resolver.servers") == 0)
		return is_same_listen(a->resolver.servers, a->resolver.server_count,
				      b->resolver.servers, b->resolver.server_count);
	return is_same_zone_files(a, b);
}

static bool
is_same(const struct setting_row *row, const struct settings *a, const struct settings *b)
{
	const void *left = setting_const_field(row, a),
		   *right = setting_const_field(row, b);

	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
	case SETTING_ADDRESS:
		return strcmp(*(const char *const *)left, *(const char *const *)right) ==
		       0;
	case SETTING_ADDRESSES:
	case SETTING_NETWORKS:
	case SETTING_HOSTS:
		return is_same_texts(left, right);
	case SETTING_SHARE:
		return memcmp(left, right, sizeof(double)) == 0;
	case SETTING_UINT:
	case SETTING_CHOICE:
		return *(const unsigned *)left == *(const unsigned *)right;
	case SETTING_BOOL:
		return *(const bool *)left == *(const bool *)right;
	case SETTING_CPUS:
		return a->workers.cpu_count == b->workers.cpu_count &&
		       (a->workers.cpu_count == 0 ||
			memcmp(a->workers.cpus, b->workers.cpus,
			       a->workers.cpu_count * sizeof *a->workers.cpus) == 0);
	case SETTING_LIST:
		return is_same_list(row, a, b);
	}
	return true;
}

unsigned
settings_diff_names(const struct settings *a, const struct settings *b,
		    enum setting_scope scope, const char *names[])
{
	unsigned count = 0;

	for (size_t i = 0; i < settings_row_count; i++) {
		const struct setting_row *row = &settings_rows[i];

		if (!row->list && row->scope == scope && !is_same(row, a, b))
			names[count++] = row->name;
	}
	return count;
}

static void
keep_text(char **at, const char *text)
{
	free(*at);
	*at = alloc_text(text);
}

static void
keep_cpus(const struct settings *from, struct settings *to)
{
	free(to->workers.cpus);
	to->workers.cpus = NULL;
	to->workers.cpu_count = from->workers.cpu_count;
	if (to->workers.cpu_count == 0)
		return;
	to->workers.cpus =
		alloc_again(NULL, to->workers.cpu_count, sizeof *to->workers.cpus);
	memcpy(to->workers.cpus, from->workers.cpus,
	       to->workers.cpu_count * sizeof *to->workers.cpus);
}

static void
keep_listen(const struct settings *from, struct settings *to)
{
	free(to->listen);
	to->listen_count = from->listen_count;
	to->listen = alloc_again(NULL, to->listen_count, sizeof *to->listen);
	memcpy(to->listen, from->listen, to->listen_count * sizeof *to->listen);
}

static void
keep(const struct setting_row *row, const struct settings *from, struct settings *to)
{
	const void *value = setting_const_field(row, from);

	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
	case SETTING_ADDRESS:
		keep_text(setting_field(row, to), *(const char *const *)value);
		break;
	case SETTING_SHARE:
		*(double *)setting_field(row, to) = *(const double *)value;
		break;
	case SETTING_ADDRESSES:
	case SETTING_NETWORKS:
	case SETTING_HOSTS:
		break; /* takes effect at a reload */
	case SETTING_UINT:
	case SETTING_CHOICE:
		*(unsigned *)setting_field(row, to) = *(const unsigned *)value;
		break;
	case SETTING_BOOL:
		*(bool *)setting_field(row, to) = *(const bool *)value;
		break;
	case SETTING_CPUS:
		keep_cpus(from, to);
		break;
	case SETTING_LIST:
		keep_listen(from, to); /* the others take effect at a reload */
		break;
	}
}

void
settings_diff_keep_restart(const struct settings *from, struct settings *to)
{
	for (size_t i = 0; i < settings_row_count; i++)
		if (!settings_rows[i].list && settings_rows[i].scope == SETTING_RESTART)
			keep(&settings_rows[i], from, to);
}
