/* Builds a generation here, as the user who asks. */
#include "master/client/ctl_client_build.h"

#include <stdio.h>

#include "loader/loader.h"
#include "master/client/ctl_client_config.h"
#include "master/settings/settings_fields.h"
#include "shm/errcode.h"
#include "shm/generation.h"
#include "shm/json_out.h"

static int
take_data(void *arg, const void *data, size_t len)
{
	return ctl_output_data(arg, data, len);
}

static int
print_built(struct ctl_output *output, const char *dir,
	    const struct generation_manifest *manifest)
{
	char buffer[512];
	struct json_out json;
	int code;

	json_out_init(&json, buffer, sizeof buffer, take_data, output);
	json_out_begin_object(&json, NULL);
	json_out_text(&json, "dir", dir);
	json_out_uint(&json, "zones", manifest->zone_count);
	json_out_uint(&json, "zones_in_error", manifest->broken_count);
	json_out_uint(&json, "records", manifest->record_count);
	json_out_uint(&json, "bytes", manifest->data_len + manifest->index_len);
	json_out_end_object(&json);
	code = json_out_finish(&json);
	return code ? code : ctl_output_end(output);
}

int
ctl_build_run(const char *config, const char *dir, struct ctl_output *output)
{
	struct settings *settings = ctl_config_load(config);
	struct generation_manifest manifest;
	char text[512];
	bool is_told;
	int code;

	if (!settings) {
		ctl_output_fail_told(output, "the configuration has errors");
		return 1;
	}
	code = loader_build(settings, dir);
	settings_free(settings);
	is_told = code != 0;
	if (!code)
		code = generation_read_manifest(dir, &manifest);
	if (!code)
		code = print_built(output, dir, &manifest);
	if (!code)
		return 0;
	snprintf(text, sizeof text, "no generation was built in %s: %s", dir,
		 errcode_text(code));
	if (is_told)
		ctl_output_fail_told(output, text);
	else
		ctl_output_fail(output, text);
	return 1;
}
