/* Successors of names. */
#include "loader/sign/name_after.h"

#include <string.h>

/* The least name below it. */
static size_t
put_child(const uint8_t *name, size_t len, uint8_t *out)
{
	static const uint8_t least_label[2] = { 1, 0 };

	memcpy(out, least_label, sizeof least_label);
	memcpy(out + sizeof least_label, name, len);
	return sizeof least_label + len;
}

/* Its first label with the least octet behind it. */
static size_t
put_longer(const uint8_t *name, size_t len, uint8_t *out)
{
	size_t label = name[0] + (size_t)1;

	memcpy(out, name, label);
	out[0]++;
	out[label] = 0;
	memcpy(out + label + 1, name + label, len - label);
	return len + 1;
}

/* Octets of a label up to the last one that is not the greatest. */
static size_t
octets_kept(const uint8_t *label)
{
	size_t kept = label[0];

	while (kept > 0 && label[kept] == UINT8_MAX)
		kept--;
	return kept;
}

/* Nothing fits below it: the next label that does not begin like its own. */
static size_t
put_greater(const uint8_t *name, size_t len, size_t apex_len, uint8_t *out)
{
	size_t kept = 0, label;

	while (len > apex_len && (kept = octets_kept(name)) == 0) {
		len -= name[0] + (size_t)1;
		name += name[0] + 1u;
	}
	if (len <= apex_len) {
		memcpy(out, name, len);
		return len;
	}
	label = name[0] + (size_t)1;
	out[0] = (uint8_t)kept;
	memcpy(out + 1, name + 1, kept);
	out[kept] = out[kept] == 'A' - 1 ? 'Z' + 1 : (uint8_t)(out[kept] + 1);
	memcpy(out + 1 + kept, name + label, len - label);
	return len - label + 1 + kept;
}

size_t
name_after(const uint8_t *name, size_t len, size_t apex_len, uint8_t out[DNAME_MAX])
{
	if (len + 2 <= DNAME_MAX && dname_label_count(name) < DNAME_LABELS_MAX)
		return put_child(name, len, out);
	if (len + 1 <= DNAME_MAX && name[0] < DNAME_LABEL_MAX)
		return put_longer(name, len, out);
	return put_greater(name, len, apex_len, out);
}
