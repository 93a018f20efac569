/* The step that leaves the records nearest to the client. */
#include <string.h>

#include "worker/steer_run.h"

/* The location of a candidate's own address; NULL when it is not known. */
static const double *
point_of(const struct steer_run *run, unsigned candidate)
{
	const struct steered *steered = run->steered;
	struct geo_address address = { { [10] = 0xff, [11] = 0xff } };
	unsigned record = steered_record(steered, candidate);
	unsigned len = steered->rr_len - STEERED_RR_HEAD_LEN;

	if (record >= steered->rrset.head.rr_count)
		return NULL;
	memcpy(address.octets + sizeof address.octets - len,
	       steered_address(steered, record), len);
	return geo_record_point(run->steerer->geo, &address);
}

void
steer_by_distance(struct steer_run *run, const struct geo_address *client)
{
	const double *centre =
		client ? geo_client_point(run->steerer->geo, client) : NULL;
	struct steer_set nearest = { { 0 } };
	double best = -2; /* of cosines */

	if (!centre) {
		steer_run_trace(run, TRACE_NEAREST, TRACE_SKIPPED);
		return;
	}
	for (unsigned word = 0; word < run->words; word++)
		for (uint64_t bits = run->left.bits[word]; bits; bits &= bits - 1) {
			unsigned at = steer_set_at(word, bits);
			const double *point = point_of(run, at);
			double cosine;

			if (!point)
				continue;
			cosine = centre[0] * point[0] + centre[1] * point[1] +
				 centre[2] * point[2];
			if (cosine > best) {
				steer_set_clear(&nearest, run->words);
				best = cosine;
			}
			if (cosine >= best)
				steer_set_add(&nearest, at);
		}
	steer_run_trace(run, TRACE_NEAREST,
			steer_set_keep(&run->left, &nearest, run->words) ? TRACE_MATCHED
									 : TRACE_SKIPPED);
}
