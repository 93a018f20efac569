/* resolved_store: what is kept goes on after a commit that failed half-way. */
#include "loader/resolve/resolved_store.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/dns.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { META_END = 2 * 4096 };

static const uint8_t name[] = "\003www\004test";
static bool disk_is_bad;

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at);

/* In the place of libc's, for LMDB: its pages are written, what names them is not. */
ssize_t
pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	if (disk_is_bad && at < META_END) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite64(fd, bytes, len, at);
}

static int
put(struct resolved_store *store, uint16_t type)
{
	static const uint8_t address[16] = { 192, 0, 2, 1 };
	const struct resolved entry = {
		.head = { .ttl = 60, .state = RESOLVED_ADDRESSES, .address_count = 1 },
		.address_len = type == TYPE_A ? 4 : 16,
		.addresses = address,
	};
	int rc = resolved_store_put(store, type, name, sizeof name, &entry);

	return rc == ERR_OK ? resolved_store_commit(store) : rc;
}

static bool
has(struct resolved_store *store, uint16_t type)
{
	struct resolved entry;

	return resolved_store_find(store, type, name, sizeof name, &entry) == ERR_OK;
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	struct resolved_store *store = NULL;
	bool was_lost;

	if (resolved_store_open(scratch, &store, &was_lost) != ERR_OK)
		bail_out("no store");
	is_int(put(store, TYPE_A), ERR_OK, "an entry");
	disk_is_bad = true;
	ok(put(store, TYPE_AAAA) != ERR_OK, "a commit that fails");
	ok(put(store, TYPE_AAAA) != ERR_OK, "and again");
	disk_is_bad = false;
	is_int(put(store, TYPE_AAAA), ERR_OK, "goes on when the disk is well");
	ok(has(store, TYPE_AAAA) && has(store, TYPE_A), "with all that there was");
	resolved_store_close(store);
	is_int(resolved_store_open(scratch, &store, &was_lost), ERR_OK, "opened again");
	ok(!was_lost && has(store, TYPE_AAAA) && has(store, TYPE_A), "all is there");
	resolved_store_close(store);
	scratch_dir_free(scratch);
	return done_testing();
}
