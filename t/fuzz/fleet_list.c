/* Lists of keys as another server may have written them into Redis: as they stand, and with
 * a title and a digest that are right.  What can be read stands so when it is written. */
#include "loader/sign/fleet_list.h"

#include <stdlib.h>
#include <string.h>

#include "shm/dname.h"
#include "t/fuzz/target.h"

static void
write_again(const struct fleet_list *list, const uint8_t *zone, struct fleet_text *out)
{
	struct fleet_list *again = malloc(sizeof *again);

	demand(again != NULL);
	fleet_list_begin(out, zone, &list->head, &list->roll);
	for (size_t i = 0; i < list->count; i++)
		fleet_list_add(out, &list->keys[i]);
	demand(fleet_list_end(out));
	demand(!fleet_list_read(out->text, out->len, zone, again));
	demand(again->count == list->count && again->head.number == list->head.number);
	demand(fleet_list_mark(&again->roll) == fleet_list_mark(&list->roll));
	free(again);
}

static void
read_list(const char *text, size_t len, struct fleet_text *out)
{
	struct fleet_list *list = malloc(sizeof *list);
	char *copy = malloc(len ? len : 1);
	uint8_t zone[DNAME_MAX];

	demand(list && copy && dname_from_text("example.test.", zone) > 0);
	memcpy(copy, text, len);
	if (!fleet_list_read(copy, len, zone, list))
		write_again(list, zone, out);
	free(copy);
	free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char title[] = "martlet-keys 1\n";
	struct fleet_text out = { .text = malloc(FLEET_LIST_MAX) };

	demand(out.text != NULL);
	if (len > FLEET_LIST_MAX / 2)
		len = FLEET_LIST_MAX / 2;
	read_list((const char *)data, len, &out);
	memcpy(out.text, title, sizeof title - 1);
	memcpy(out.text + sizeof title - 1, data, len);
	out.len = sizeof title - 1 + len;
	out.text[out.len++] = '\n';
	out.is_full = false;
	demand(fleet_list_end(&out));
	read_list(out.text, out.len, &out);
	free(out.text);
	return 0;
}
