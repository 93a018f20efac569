/* A main() for fuzz targets without a fuzzer: runs the target over every file that is
 * named, or stands in a directory that is named.  TAP on stdout.
 *
 * Each input is copied into a heap block of exactly its size, so that a sanitizer or
 * valgrind sees the first octet that is read behind it. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "t/fuzz/target.h"
#include "t/tap.h"

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static uint8_t *
read_exactly(const char *path, size_t len)
{
	uint8_t *data = malloc(len);
	FILE *file = fopen(path, "rb");

	if ((!data && len > 0) || !file || fread(data, 1, len, file) != len)
		bail_out("%s: cannot be read", path);
	fclose(file);
	return data;
}

static void
replay_file(const char *path, size_t len)
{
	uint8_t *data = read_exactly(path, len);

	/* the name comes first, so that a crash can be told from its output */
	diag("%s", path);
	ok(LLVMFuzzerTestOneInput(data, len) == 0, "%s", path);
	free(data);
}

static void replay(const char *path);

static void
replay_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0)
		bail_out("%s: cannot be read", path);
	for (int i = 0; i < count; i++) {
		char inner[4096];

		snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			replay(inner);
		free(entries[i]);
	}
	free(entries);
}

static void
replay(const char *path)
{
	struct stat stat_of_path;

	if (stat(path, &stat_of_path) != 0)
		bail_out("%s: cannot be read", path);
	if (S_ISDIR(stat_of_path.st_mode))
		replay_directory(path);
	else
		replay_file(path, (size_t)stat_of_path.st_size);
}

int
main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize && LLVMFuzzerInitialize(&argc, &argv) != 0)
		bail_out("the target cannot be prepared");
	if (argc < 2)
		bail_out("usage: %s FILE|DIRECTORY...", argv[0]);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return done_testing();
}
