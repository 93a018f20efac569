/* RR types: names to numbers and back, shapes by number. */
#include "shm/rrtype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FIRST_META_TYPE = 128, LAST_META_TYPE = 255 };

static const struct {
	uint16_t type;
	const char *name;
} type_names[] = {
#define X(id, number, name, shape) { number, name },
	RRTYPE_TABLE(X)
#undef X
};

/* NULL when the type has no name.  A switch, which compilers turn into one load. */
static const char *
type_name(uint16_t type)
{
	switch (type) {
#define X(id, number, name, shape) \
	case number:               \
		return name;
		RRTYPE_TABLE(X)
#undef X
	}
	return NULL;
}

void
rrtype_to_text(uint16_t type, char out[RRTYPE_TEXT_MAX])
{
	const char *name = type_name(type);

	if (name)
		snprintf(out, RRTYPE_TEXT_MAX, "%s", name);
	else
		snprintf(out, RRTYPE_TEXT_MAX, "TYPE%u", (unsigned)type);
}

/* Decimal digits only, and at least one. */
static bool
number_from_text(const char *text, uint16_t *out)
{
	unsigned value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > UINT16_MAX)
			return false;
	}
	*out = (uint16_t)value;
	return true;
}

bool
rrtype_from_text(const char *text, uint16_t *out)
{
	for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
		if (strcasecmp(text, type_names[i].name) == 0) {
			*out = type_names[i].type;
			return true;
		}
	}
	return strncasecmp(text, "TYPE", 4) == 0 && number_from_text(text + 4, out);
}

bool
rrtype_is_meta(uint16_t type)
{
	return type == 0 || type == RRTYPE_OPT ||
	       (type >= FIRST_META_TYPE && type <= LAST_META_TYPE);
}

/* NULL for the types without a row or without a shape. */
static const char *
known_shape(uint16_t type)
{
	switch (type) {
#define X(id, number, name, shape) \
	case number:               \
		return shape;
		RRTYPE_TABLE(X)
#undef X
	}
	return NULL;
}

const char *
rrtype_shape(uint16_t type)
{
	const char *shape = known_shape(type);

	return shape ? shape : "r";
}
