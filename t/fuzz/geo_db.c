/* Databases of places: the input is a file.  Whatever it holds, it is refused, or can be
 * looked up in, in bounded time; a look-up reads only inside the file. */
#include "shm/geo_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/fuzz/target.h"

/* The library loses memory when metadata are damaged; files are opened in a job, which ends. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static void
look_up(const struct geo_db *db, const uint8_t *input, size_t len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct geo_address address = { { 0 } };
	struct geo_place place;

	for (unsigned i = 0; i < 64; i++) {
		for (unsigned at = 0; at < sizeof address.octets; at++)
			address.octets[at] = (uint8_t)(input[(i * 31 + at) % len] + i);
		if (i % 2)
			memcpy(address.octets, mapped, sizeof mapped);
		geo_db_find(db, &address, i % 4, &place);
		if (place.prefix_len > 128 ||
		    (place.has_location && !(place.latitude <= 90)))
			abort();
	}
}

static void
check_kind(const char *path, enum geo_db_kind kind, const uint8_t *input, size_t len)
{
	char reason[GEO_DB_REASON_MAX] = "";
	struct geo_db *db;

	if (geo_db_open(path, kind, &db, reason) == 0) {
		/* what is damaged is never looked up in; here it is, for the worse */
		if (geo_db_check(db, reason) != 0 && reason[0] == '\0')
			abort();
		look_up(db, input, len);
		geo_db_close(db);
	} else if (reason[0] == '\0') {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	int fd = memfd_create("geo", 0);
	char path[64];

	if (fd < 0 || write(fd, input, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		check_kind(path, (enum geo_db_kind)kind, input, len);
	close(fd);
	return 0;
}
