/* Any text as martlet.conf: it is refused with reasons, or makes settings. */
#include <stdlib.h>
#include <string.h>

#include "master/settings/settings_fields.h"
#include "master/settings/settings_load.h"
#include "shm/errcode.h"
#include "t/fuzz/target.h"
#include "t/scratch_dir.h"

const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets a string that has no end. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig_yy\nleak:strbuf_append\n";
}

static char *scratch;

static void
remove_scratch(void)
{
	scratch_dir_free(scratch);
}

/* Each message is one line of printable text. */
static void
take(void *errors, bool is_error, const char *text)
{
	if (text[0] == '\0' || strchr(text, '\n'))
		abort();
	*(unsigned *)errors += is_error;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned errors = 0;
	const struct settings_sink sink = { take, &errors };
	struct settings *settings = NULL;
	const char *path;
	FILE *out;
	int rc;

	if (!scratch) {
		scratch = scratch_dir_make();
		atexit(remove_scratch);
	}
	path = scratch_path(scratch, "martlet.conf");
	out = fopen(path, "wb");
	if (!out || fwrite(data, 1, len, out) != len || fclose(out) != 0)
		abort();
	rc = settings_load(path, &settings, &sink);
	if ((rc == ERR_OK) != (errors == 0) || (rc == ERR_OK) != (settings != NULL))
		abort();
	if (rc == ERR_OK)
		settings_free(settings);
	return 0;
}
