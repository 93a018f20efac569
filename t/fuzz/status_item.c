/* A status key's value, as whoever writes into that Redis may have made it. */
#include "loader/health/status_item.h"

#include <stdlib.h>
#include <string.h>

#include "t/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct status_item item;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	(void)!status_item_read(copy, size, &item);
	free(copy);
	return 0;
}
