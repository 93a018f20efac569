/* Control requests, as a hostile peer may send them: head and arguments, and what explain and
 * simulate make of these. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/ctl_request.h"
#include "master/explain/explain_args.h"
#include "master/explain/explain_message.h"
#include "master/explain/simulate_args.h"
#include "t/fuzz/target.h"

/* Every argument ends inside what was sent. */
static void
check_args(const struct ctl_request *request, const uint8_t *octets, size_t len)
{
	if (request->arg_count < 1 || request->arg_count > CTL_ARGS_MAX)
		abort();
	for (int i = 0; i < request->arg_count; i++) {
		const char *end = request->args[i] + strlen(request->args[i]);

		if (end >= (const char *)octets + len)
			abort();
	}
}

/* Whatever is taken makes a query that fits. */
static void
explain(const struct ctl_request *request)
{
	static uint8_t packet[512];
	static struct simulate_question simulated;
	char complaint[EXPLAIN_COMPLAINT_MAX], line[256];
	struct explain_question question;
	struct explain_client client;
	double count;

	if (explain_args_parse(request->arg_count, request->args, &question, complaint) &&
	    explain_message_put(&question, packet) > sizeof packet)
		abort();
	if (simulate_args_parse(request->arg_count, request->args, &simulated,
				complaint) &&
	    simulated.change_count > SIMULATE_CHANGES_MAX)
		abort();
	for (int i = 0; i < request->arg_count; i++) {
		snprintf(line, sizeof line, "%s", request->args[i]);
		if (simulate_args_client(line, &client, &count) > 0 &&
		    client.has_subnet && client.subnet.source_len > 128)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	const size_t head_len = sizeof(struct ctl_head);
	struct ctl_request request;
	size_t rest = 0;
	uint8_t *octets;

	if (len < head_len)
		return 0;
	if (ctl_request_check_head(input, &rest) == NULL &&
	    (rest == 0 || rest > CTL_REQUEST_MAX))
		abort();
	/* an exact-size copy: one octet over is caught */
	octets = malloc(len - head_len + !(len - head_len));
	if (!octets)
		abort();
	memcpy(octets, input + head_len, len - head_len);
	if (ctl_request_split(octets, len - head_len, &request) == NULL) {
		check_args(&request, octets, len - head_len);
		explain(&request);
	}
	free(octets);
	return 0;
}
