/* From arguments to a question. */
#include "master/explain/explain_args.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/rrtype.h"

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, V4_ADVISED = 24, V6_ADVISED = 56 };

bool
explain_complain(char complaint[EXPLAIN_COMPLAINT_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint, EXPLAIN_COMPLAINT_MAX, format, args);
	va_end(args);
	return false;
}

bool
explain_args_address(const char *text, struct explain_client *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	out->has_address = true;
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memset(&out->address, 0, sizeof out->address);
		memcpy(&out->address, &in, sizeof in);
		return true;
	}
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
		out->address = in6;
		return true;
	}
	out->has_address = false;
	return false;
}

/* "0".."128" */
static bool
parse_len(const char *text, unsigned most, uint8_t *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long len = strtoul(text, NULL, 10);

	if (digits == 0 || digits > 3 || text[digits] != '\0' || len > most)
		return false;
	*out = (uint8_t)len;
	return true;
}

static void
clear_behind(struct query_subnet *subnet)
{
	unsigned whole = subnet->source_len / 8, rest = subnet->source_len % 8;

	if (rest) {
		subnet->address[whole] &= (uint8_t)(0xff00u >> rest);
		whole++;
	}
	memset(subnet->address + whole, 0, sizeof subnet->address - whole);
}

bool
explain_args_subnet(const char *text, struct query_subnet *out)
{
	char address[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	bool is_v4;

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	memset(out, 0, sizeof *out);
	is_v4 = inet_pton(AF_INET, address, out->address) == 1;
	if (!is_v4 && inet_pton(AF_INET6, address, out->address) != 1)
		return false;
	out->family = is_v4 ? FAMILY_IPV4 : FAMILY_IPV6;
	out->source_len = is_v4 ? V4_ADVISED : V6_ADVISED;
	if (slash && !parse_len(slash + 1, is_v4 ? 32 : 128, &out->source_len))
		return false;
	clear_behind(out);
	return true;
}

bool
explain_args_question(const char *name, const char *type, struct explain_question *out,
		      char complaint[EXPLAIN_COMPLAINT_MAX])
{
	out->name_len = (unsigned)dname_from_text(name, out->name);
	if (out->name_len == 0)
		return explain_complain(complaint, "'%.200s' is no domain name", name);
	if (!rrtype_from_text(type, &out->type) || out->type == RRTYPE_OPT)
		return explain_complain(
			complaint, "'%.60s' is no type of records: A, MX, TYPE65", type);
	return true;
}

/* An option that has a value.  returns false with a complaint. */
static bool
take_value(const char *option, const char *value, struct explain_question *out,
	   char complaint[EXPLAIN_COMPLAINT_MAX])
{
	if (!value)
		return explain_complain(complaint, "%s needs a value", option);
	if (strcmp(option, "--client") == 0)
		return explain_args_address(value, &out->client) ||
		       explain_complain(complaint, "--client: '%.60s' is no address",
					value);
	out->client.has_subnet = true;
	return explain_args_subnet(value, &out->client.subnet) ||
	       explain_complain(complaint, "--ecs: '%.60s' is no prefix, as 192.0.2.0/24",
				value);
}

bool
explain_args_parse(int arg_count, char *const *args, struct explain_question *out,
		   char complaint[EXPLAIN_COMPLAINT_MAX])
{
	const char *words[2] = { NULL, NULL };
	unsigned count = 0;

	memset(out, 0, sizeof *out);
	for (int i = 1; i < arg_count; i++) {
		const char *arg = args[i];

		if (strcmp(arg, "--client") == 0 || strcmp(arg, "--ecs") == 0) {
			if (!take_value(arg, i + 1 < arg_count ? args[i + 1] : NULL, out,
					complaint))
				return false;
			i++;
		} else if (strcmp(arg, "--tcp") == 0) {
			out->is_tcp = true;
		} else if (strcmp(arg, "--do") == 0) {
			out->dnssec = true;
		} else if (strncmp(arg, "--", 2) == 0) {
			return explain_complain(complaint, "explain knows no '%.60s'",
						arg);
		} else if (count == 2) {
			return explain_complain(complaint,
						"'%.60s' is one argument too many", arg);
		} else {
			words[count++] = arg;
		}
	}
	if (count < 2)
		return explain_complain(complaint,
					"usage: explain NAME TYPE [--client IP] "
					"[--ecs PREFIX] [--tcp] [--do]");
	return explain_args_question(words[0], words[1], out, complaint);
}
