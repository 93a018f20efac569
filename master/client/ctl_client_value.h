/* JSON values as text for people: harmless on a terminal, figures with their unit.
 *
 * The unit is told by the member's name: _s, _ms, _us and _ns are durations, _bytes (or
 * "bytes") octets.  What is returned is owned by the caller (free). */
#ifndef MASTER_CLIENT_CTL_CLIENT_VALUE_H
#define MASTER_CLIENT_CTL_CLIENT_VALUE_H

#include <stdbool.h>

#include "master/client/ctl_client_json.h"

/* The value of a member `name`; null, lists and objects are "-". */
__attribute__((nonnull(1), returns_nonnull, warn_unused_result)) char *
ctl_value_print(const char *name, const struct ctl_json *value);

/* The same of a member that may be missing ("-"). */
__attribute__((nonnull(2), returns_nonnull, warn_unused_result)) char *
ctl_value_member(const struct ctl_json *object, const char *name);

/* How long ago the time "2024-11-21T04:20:00Z" in a member was, which may have a
 * fraction of a second; other text as it is. */
__attribute__((nonnull(2), returns_nonnull, warn_unused_result)) char *
ctl_value_age(const struct ctl_json *object, const char *name);

/* Is there a text that is not empty? */
__attribute__((nonnull(2))) bool ctl_value_has_text(const struct ctl_json *object,
						    const char *name);

#endif
