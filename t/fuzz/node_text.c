/* Nodes as `zones`, `errors` and `diff` read them: the input is a node as it stands in a
 * generation.  Whatever it holds, it is printed or refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/zone_state.h"
#include "loader/zone/record_text.h"
#include "shm/dname.h"
#include "t/fuzz/target.h"

static volatile size_t sum; /* so that all is read */

static void
read_state(const struct node *node)
{
	struct zone_state zone;
	struct zone_error error;

	if (!zone_state_read(node, &zone))
		return;
	sum += strlen(zone_state_path(&zone)) + strlen(zone_state_name(&zone));
	if (!zone.error)
		return;
	zone_state_parse_error(&zone, &error);
	for (size_t i = 0; i < error.reason_len; i++)
		sum += (uint8_t)error.reason[i];
	if (error.path_len + error.reason_len > zone.error_len)
		abort();
}

static void
print_records(const struct node *node)
{
	struct record_texts texts = { 0 };

	(void)!record_texts_add_node(&texts, node);
	record_texts_sort(&texts);
	for (size_t i = 0; i < texts.count; i++)
		if (record_texts_get(&texts, i)[0] != ';' &&
		    !strstr(record_texts_get(&texts, i), " IN "))
			abort();
	record_texts_free(&texts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	uint8_t *exact = malloc(len + 1);
	struct node node;

	if (!exact)
		abort();
	memcpy(exact, input, len);
	exact = realloc(exact, len ? len : 1);
	if (exact && node_open(exact, len, &node) &&
	    dname_len(node_owner(&node), node.head.owner_len) == node.head.owner_len) {
		read_state(&node);
		print_records(&node);
	}
	free(exact);
	return 0;
}
