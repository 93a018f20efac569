/* Compares names and addresses. */
#include "loader/report/host_check.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "shm/network.h"

enum { HOST_MAX = 255 };

/* Does nothing follow the name but a port, and white space, which is not part of the value
 * (RFC 9112, section 5)? */
static bool
is_end(const char *text)
{
	if (*text == ':') {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits > 5)
			return false;
		text += 1 + digits;
	}
	return text[strspn(text, " \t")] == '\0';
}

/* "name:80" and "[::1]:80" without brackets and port.  returns false when it is neither. */
static bool
cut_port(const char *host, char out[HOST_MAX + 1])
{
	const char *start = host, *end, *rest;
	size_t len;

	if (host[0] == '[') {
		start = host + 1;
		end = strchr(start, ']');
		if (!end)
			return false;
		rest = end + 1;
	} else {
		end = start + strcspn(start, ": \t");
		rest = end;
	}
	len = (size_t)(end - start);
	if (len == 0 || len > HOST_MAX || !is_end(rest))
		return false;
	memcpy(out, start, len);
	/* the root's dot */
	if (host[0] != '[' && len > 1 && out[len - 1] == '.')
		len--;
	out[len] = '\0';
	return true;
}

static bool
is_loopback(const uint8_t address[16])
{
	static const uint8_t v6[16] = { [15] = 1 };
	static const uint8_t v4[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	return memcmp(address, v6, sizeof v6) == 0 || memcmp(address, v4, sizeof v4) == 0;
}

static bool
is_address(const char *host, const uint8_t address[16])
{
	struct network network;

	return !strchr(host, '/') && network_parse(host, &network) &&
	       memcmp(network.octets, address, sizeof network.octets) == 0;
}

bool
host_check(const char *host, const struct sockaddr_storage *local,
	   const struct setting_texts *hosts)
{
	char name[HOST_MAX + 1];
	uint8_t address[16];

	if (!host)
		return true;
	if (!cut_port(host, name))
		return false;
	network_octets((const struct sockaddr *)local, address);
	if (is_address(name, address) ||
	    (is_loopback(address) && strcasecmp(name, "localhost") == 0))
		return true;
	for (size_t i = 0; i < hosts->count; i++)
		if (strcasecmp(name, hosts->items[i]) == 0)
			return true;
	return false;
}
