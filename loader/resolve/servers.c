/* Failover and recovery. */
#include "loader/resolve/servers.h"

int
servers_choose(struct servers *servers, uint32_t tried, uint64_t now_ms)
{
	int chosen = -1;

	for (unsigned i = 0; i < servers->count && chosen < 0; i++)
		if (!(tried & UINT32_C(1) << i) &&
		    (!servers_is_down(servers, i) ||
		     servers->states[i].retry_ms <= now_ms))
			chosen = (int)i;
	/* all are down: the one that waits for its turn longest */
	for (unsigned i = 0; i < servers->count && chosen < 0 && tried == 0; i++) {
		chosen = (int)i;
		for (unsigned other = i + 1; other < servers->count; other++)
			if (servers->states[other].retry_ms <
			    servers->states[chosen].retry_ms)
				chosen = (int)other;
	}
	if (chosen >= 0 && servers_is_down(servers, (unsigned)chosen))
		servers->states[chosen].retry_ms = now_ms + SERVERS_RETRY_MS;
	return chosen;
}

bool
servers_note_answer(struct servers *servers, unsigned server, uint64_t now_ms)
{
	bool was_down = servers_is_down(servers, server);

	servers->states[server].answered_ms = now_ms;
	servers->states[server].failures = 0;
	return was_down;
}

bool
servers_note_silence(struct servers *servers, unsigned server, uint64_t asked_ms,
		     uint64_t now_ms)
{
	if (servers->states[server].answered_ms >= asked_ms)
		return false;
	servers->states[server].retry_ms = now_ms + SERVERS_RETRY_MS;
	if (servers->states[server].failures < UINT32_MAX)
		servers->states[server].failures++;
	return servers->states[server].failures == SERVERS_FAILURES;
}

unsigned
servers_down(const struct servers *servers)
{
	unsigned count = 0;

	for (unsigned i = 0; i < servers->count; i++)
		count += servers_is_down(servers, i);
	return count;
}
