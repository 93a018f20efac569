/* From shared memory to the options of the answering core. */
#include "worker/answer_options.h"

#include <string.h>

#include "worker/steer.h"

void
answer_options_follow(struct answer_options *options, const struct region_live *live)
{
	options->udp_size = live->udp_size;
	options->any_policy = live->any_policy;
	options->identity_len = live->identity_len;
	options->version_len = live->version_len;
	memcpy(options->identity, live->identity, sizeof options->identity);
	memcpy(options->version, live->version, sizeof options->version);
	options->ecs = live->ecs;
	options->steerer->no_match = (enum steer_no_match)live->steer_no_match;
	options->steerer->interval_s = live->health_interval_s;
	options->changes_len = 0;
}
