/* What `martletd -t` says of the keys of zones that are to be signed. */
#ifndef LOADER_CHECK_KEYS_H
#define LOADER_CHECK_KEYS_H

#include "loader/sign/key_store.h"
#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"
#include "shm/settings.h"

/* Warn when a zone is to be signed and no key here can, with what is to be done.  It is no
 * error: a server that runs is what makes the first key.
 * store  that writes nothing; any number of threads may share it */
__attribute__((nonnull))
void check_keys(struct key_store *store, const struct settings *settings,
		const struct zone_records *zone, struct zone_messages *messages);

/* Warn when dnssec.key_dir is set and cannot be read. */
__attribute__((nonnull))
void check_key_dir(const struct settings *settings, struct zone_messages *messages);

#endif
