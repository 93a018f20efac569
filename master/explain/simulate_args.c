/* From arguments and lines to what is simulated. */
#include "master/explain/simulate_args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/rrtype.h"
#include "shm/steered.h"

#define BLANKS " \t\r\f\v"
#define COUNT_MAX 1e12

static bool
parse_address(const char *text, size_t len, struct geo_address *out)
{
	char address[INET6_ADDRSTRLEN + 1];

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	memset(out, 0, sizeof *out);
	out->octets[10] = out->octets[11] = 0xff;
	if (inet_pton(AF_INET, address, out->octets + 12) == 1)
		return true;
	return inet_pton(AF_INET6, address, out->octets) == 1;
}

/* "192.0.2.1=5" */
static bool
parse_weight(const char *text, struct simulate_change *out)
{
	const char *equals = strchr(text, '=');
	unsigned long long weight;

	if (!equals || !parse_address(text, (size_t)(equals - text), &out->address))
		return false;
	equals++;
	if (*equals == '\0' || strspn(equals, "0123456789") != strlen(equals))
		return false;
	errno = 0;
	weight = strtoull(equals, NULL, 10);
	out->weight = (uint32_t)weight;
	return errno == 0 && weight <= STEERED_WEIGHT_MAX;
}

static bool
take_change(const char *option, const char *value, struct simulate_question *out,
	    char complaint[EXPLAIN_COMPLAINT_MAX])
{
	struct simulate_change *change = &out->changes[out->change_count];

	if (out->change_count == SIMULATE_CHANGES_MAX)
		return explain_complain(complaint, "more than %d changes",
					SIMULATE_CHANGES_MAX);
	out->change_count++;
	change->is_down = strcmp(option, "--down") == 0;
	if (change->is_down)
		return parse_address(value, strlen(value), &change->address) ||
		       explain_complain(complaint, "--down: '%.60s' is no address",
					value);
	return parse_weight(value, change) ||
	       explain_complain(complaint,
				"--weight: '%.60s' is not ADDRESS=N, N up to %lu", value,
				(unsigned long)STEERED_WEIGHT_MAX);
}

static bool
take_option(const char *option, const char *value, struct simulate_question *out,
	    char complaint[EXPLAIN_COMPLAINT_MAX])
{
	bool is_country = strcmp(option, "--country-db") == 0;

	if (!is_country && strcmp(option, "--asn-db") != 0 &&
	    strcmp(option, "--down") != 0 && strcmp(option, "--weight") != 0)
		return explain_complain(complaint, "simulate knows no '%.60s'", option);
	if (!value)
		return explain_complain(complaint, "%s needs a value", option);
	if (!is_country && strcmp(option, "--asn-db") != 0)
		return take_change(option, value, out, complaint);
	if (out->has_db[is_country ? GEO_COUNTRY : GEO_ASN])
		return explain_complain(complaint, "%s is given twice", option);
	out->has_db[is_country ? GEO_COUNTRY : GEO_ASN] = true;
	return true;
}

bool
simulate_args_parse(int arg_count, char *const *args, struct simulate_question *out,
		    char complaint[EXPLAIN_COMPLAINT_MAX])
{
	const char *words[2] = { NULL, NULL };
	unsigned count = 0;

	memset(out, 0, sizeof *out);
	for (int i = 1; i < arg_count; i++) {
		if (strncmp(args[i], "--", 2) == 0) {
			if (!take_option(args[i], i + 1 < arg_count ? args[i + 1] : NULL,
					 out, complaint))
				return false;
			i++;
		} else if (count == 2) {
			return explain_complain(
				complaint, "'%.60s' is one argument too many", args[i]);
		} else {
			words[count++] = args[i];
		}
	}
	if (count < 2)
		return explain_complain(complaint,
					"usage: simulate NAME TYPE FILE [OPTION...]");
	if (!explain_args_question(words[0], words[1], &out->question, complaint))
		return false;
	return out->question.type == RRTYPE_A || out->question.type == RRTYPE_AAAA ||
	       explain_complain(complaint, "only A and AAAA are steered");
}

/* ---- lines of a query log ---- */

/* The value behind `key` ("\"name\":"): in a line of JSON without blanks no text can hold it,
 * since quotes are escaped there.  NULL when there is none. */
static char *
find_value(char *line, const char *key)
{
	char *at = strstr(line, key);

	return at ? at + strlen(key) : NULL;
}

static char *
cut_text(char *text)
{
	text[strcspn(text, "\"")] = '\0';
	return text;
}

/* An address with two lengths behind it: what was asked with, and the scope. */
static char *
cut_subnet(char *text)
{
	char *scope = strrchr(cut_text(text), '/');

	if (scope)
		*scope = '\0';
	return text;
}

/* As simulate_args_client. */
static int
read_logged(char *line, struct explain_client *out, double *count)
{
	char *address = find_value(line, "\"source_ip\":\"");
	char *subnet = find_value(line, "\"client_subnet\":\"");
	const char *sample = find_value(line, "\"sample\":");

	*count = sample ? strtod(sample, NULL) : 1;
	if (!(*count >= 1 && *count <= COUNT_MAX))
		return -1;
	if (subnet && *subnet != '"') {
		out->has_subnet = explain_args_subnet(cut_subnet(subnet), &out->subnet);
		return out->has_subnet ? 1 : -1;
	}
	return address && explain_args_address(cut_text(address), out) ? 1 : -1;
}

int
simulate_args_client(char *line, struct explain_client *out, double *count)
{
	char *rest, *end, *word = line + strspn(line, BLANKS);
	bool is_good;

	if (*word == '\0' || *word == '#')
		return 0;
	memset(out, 0, sizeof *out);
	if (*word == '{')
		return read_logged(word, out, count);
	rest = word + strcspn(word, BLANKS);
	if (*rest != '\0')
		*rest++ = '\0';
	rest += strspn(rest, BLANKS);
	if (strchr(word, '/'))
		is_good = out->has_subnet = explain_args_subnet(word, &out->subnet);
	else
		is_good = explain_args_address(word, out);
	*count = 1;
	if (*rest != '\0' && *rest != '#') {
		*count = strtod(rest, &end);
		is_good &= end != rest && end[strspn(end, BLANKS)] == '\0';
		is_good &= isfinite(*count) && *count >= 0 && *count <= COUNT_MAX;
	}
	return is_good ? 1 : -1;
}
