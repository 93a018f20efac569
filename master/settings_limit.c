/* Limits: what fits together, and the copy for the workers. */
#include "master/settings_limit.h"

#include <stdio.h>
#include <string.h>

#include "shm/limit_table.h"
#include "shm/network.h"

static char reason[256];

const char *
settings_limit_contradiction(const struct settings *settings)
{
	unsigned rate = settings->limit.client.rate;
	unsigned most = rate * (LIMIT_DEBT_MAX_S / 60) - 1;

	if (rate == 0 || settings->limit.client.burst <= most)
		return NULL;
	snprintf(reason, sizeof reason,
		 "limit.client.burst: %u would take over an hour to be had again at "
		 "limit.client.rate = %u a minute: at most %u",
		 settings->limit.client.burst, rate, most);
	return reason;
}

/* The networks of a list, which have been checked. */
static void
add_prefixes(struct limit_config *config, const struct setting_texts *texts,
	     bool is_black)
{
	for (size_t i = 0; i < texts->count; i++) {
		struct network network;

		if (config->prefix_count == LIMIT_PREFIXES_MAX ||
		    !network_parse(texts->items[i], &network))
			continue;
		config->prefixes[config->prefix_count++] =
			(struct limit_prefix){ network, is_black };
	}
}

bool
settings_limit_has_rates(const struct settings *settings)
{
	return settings->limit.client.rate != 0;
}

void
settings_limit_publish(const struct settings *settings, struct region_limits *limits)
{
	static struct limit_config config; /* large */

	memset(&config, 0, sizeof config);
	config.log_only = settings->limit.log_only;
	config.client_drops = settings->limit.client.action == LIMIT_ACTION_DROP;
	config.client_rate = settings->limit.client.rate;
	config.client_burst = settings->limit.client.burst;
	add_prefixes(&config, &settings->limit.client.whitelist, false);
	add_prefixes(&config, &settings->limit.client.blacklist, true);
	limit_config_set(limits, &config);
}
